// A gnuplot script with inline data, in one shared style, and its run: several SVGs by one process.
//
// The script is written through gnuplot-iostream into a file; gnuplot is then started by us,
// because the library takes a missing gnuplot for success. Labels are never in gnuplot's enhanced
// mode: its SVG output does not escape '&' there. Checked by: tests/unit/reports_plots.cpp,
// tests/golden/reports.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace gnuplotio {
class Gnuplot;
}

namespace joulesim::reports {

// Okabe and Ito's colours, distinguishable with any colour vision; grey stands in for black.
inline constexpr std::array kPalette = {"#0072B2", "#E69F00", "#009E73", "#CC79A7",
                                        "#56B4E9", "#D55E00", "#F0E442", "#999999"};
inline constexpr const char* kInk = "#404040";
inline constexpr const char* kOther = "#BBBBBB";

// The colour of a kind of spending, the same in every plot and page.
std::string spent_colour(const std::string& spent);
// Dark or white, whichever reads better on the colour.
std::string ink_on(const std::string& colour);

// A gnuplot string in single quotes, without control characters, cut to `most` characters.
std::string quoted(const std::string& text, std::size_t most = 60);
// The same for tic labels, where gnuplot also reads % as a format.
std::string quoted_tic(const std::string& text, std::size_t most = 28);
std::string number(double value);  // as gnuplot reads it

struct PlotFile {
  std::string name;   // "energy": plots/energy.svg
  std::string title;  // for the page
  std::string svg;
};

struct PlotSet {
  std::string script;  // makes the same files with `gnuplot plots.gp`
  std::vector<PlotFile> files;

  [[nodiscard]] const PlotFile* find(const std::string& name) const;
};

using Box =
    std::tuple<double, double, double, double, double, double>;  // x y xlow xhigh ylow yhigh
Box box(double x_low, double x_high, double y, double half_height);

struct Curve {
  std::string style;  // "with lines lc rgb '#0072B2'"
  std::string title;  // in the key; empty for none
  std::vector<std::pair<double, double>> points;
  std::vector<Box> boxes;  // instead of points: drawn with boxxyerror
};

class Script {
 public:
  Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  Script(Script&&) = delete;
  Script& operator=(Script&&) = delete;
  ~Script();

  // Starts a plot with the shared style; names must be unique.
  void begin(const std::string& name, const std::string& title, int height, int width = 720);
  void command(const std::string& text);
  void label(const std::string& text, double x, double y, const std::string& how);
  void draw(const std::vector<Curve>& curves);  // ends the plot

  [[nodiscard]] std::string text();  // what has been written
  [[nodiscard]] PlotSet run();       // throws InputError without a working gnuplot

 private:
  struct Folder;  // a temporary one, removed at the end
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<gnuplotio::Gnuplot> gnuplot_;
  std::vector<PlotFile> files_;
};

}  // namespace joulesim::reports

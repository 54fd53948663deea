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
inline constexpr int kWidth = 640;  // of every plot, pixels

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
  enum class Kind { boxes, line, points };
  Kind kind = Kind::line;
  std::string colour;
  std::string title;  // in the legend; empty for none
  std::vector<std::pair<double, double>> points;
  std::vector<Box> boxes;
  double width = 1.8;  // of a line
  int dash = 1;        // gnuplot's dash type: 1 solid
  int mark = 7;        // gnuplot's point type: 7 disc, 6 circle
  double size = 1;     // of a point

  using Points = std::vector<std::pair<double, double>>;
  static Curve of_boxes(const std::string& colour, const std::string& title);
  static Curve of_line(const std::string& colour, const std::string& title, Points points,
                       double width, int dash = 1);
  static Curve of_points(const std::string& colour, const std::string& title, Points points,
                         int mark, double size);
};

class Script {
 public:
  Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  Script(Script&&) = delete;
  Script& operator=(Script&&) = delete;
  ~Script();

  // Starts a plot with the shared style; names must be unique. The height is without the legend.
  void begin(const std::string& name, const std::string& title, int height);
  void command(const std::string& text);  // of this plot
  void label(const std::string& text, double x, double y, const std::string& how);
  void draw(const std::vector<Curve>& curves);  // ends the plot; empty box curves are left out

  [[nodiscard]] std::string text();  // what has been written
  [[nodiscard]] PlotSet run();       // throws InputError without a working gnuplot

 private:
  struct Folder;  // a temporary one, removed at the end
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<gnuplotio::Gnuplot> gnuplot_;
  std::vector<PlotFile> files_;
  std::string commands_;  // of the plot begun, until it is drawn
  int height_ = 0;
};

}  // namespace joulesim::reports

#include "reports/plots/script.hpp"

#include "reports/plots/run_gnuplot.hpp"
#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include <gnuplot-iostream.h>
#pragma GCC diagnostic pop

namespace joulesim::reports {
namespace {

constexpr std::size_t kLongestEntry = 46;  // characters of a legend entry
constexpr std::size_t kLargest = std::size_t{32} << 20U;

// Bytes that start a UTF-8 character.
bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::string cut(const std::string& text, std::size_t most) {
  std::string out;
  std::size_t count = 0;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      continue;
    }
    if (starts_character(c) && ++count > most) {
      return out + "…";
    }
    out += c;
  }
  return out;
}

std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' ? "''" : std::string(1, c);
  }
  return out + "'";
}

void erase_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    const auto end = text.find(to, at);
    if (end == std::string::npos) {
      return;
    }
    text.erase(at, end + to.size() - at);
  }
}

std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return out;
}

// The legend is laid out here: gnuplot's own lets long entries run over the plot or off its edge.
constexpr int kRow = 20;     // pixels between rows
constexpr int kSwatch = 22;  // the sample of colour, line or point

struct Entry {
  const Curve* curve;
  int left, top;
};

// Pixels of a text in DejaVu Sans at 12 px, near enough to lay out a legend.
int width_of(const std::string& text) {
  constexpr std::string_view kNarrow = "fijlrt.,:;'|!()[] ";
  constexpr std::string_view kWide = "mwMW@%";
  double width = 0;
  for (const char c : text) {
    const bool narrow = kNarrow.find(c) != std::string_view::npos;
    const bool wide = kWide.find(c) != std::string_view::npos || (c >= 'A' && c <= 'Z');
    width += starts_character(c) ? (narrow ? 4.4 : (wide ? 9.6 : 7.4)) : 0;
  }
  return static_cast<int>(std::ceil(width));
}

std::vector<Entry> lay_out(const std::vector<Curve>& curves) {
  constexpr int kGap = 18;
  constexpr int kMargin = 12;
  std::vector<Entry> out;
  int left = kMargin;
  int top = kMargin;
  for (const Curve& curve : curves) {
    if (curve.title.empty()) {
      continue;
    }
    const int width = kSwatch + 6 + width_of(cut(curve.title, kLongestEntry));
    if (left > kMargin && left + width > kWidth - kMargin) {
      left = kMargin;
      top += kRow;
    }
    out.push_back({&curve, left, top});
    left += width + kGap;
  }
  return out;
}

// gnuplot's own dashes are longer than a sample in the legend.
std::string dash_of(const Curve& c) {
  return c.dash == 1 ? "1" : (c.dash == 2 ? "(5,4)" : (c.dash == 3 ? "(2,3)" : "(7,3,2,3)"));
}

std::string legend_entry(const Entry& entry, int height) {
  const Curve& c = *entry.curve;
  const auto x = [](double pixel) { return number(pixel / kWidth); };
  const auto y = [&](double pixel) { return number(1 - pixel / height); };
  std::string sample;
  if (c.kind == Curve::Kind::boxes) {
    sample = fmt::format(
        "set object rectangle from screen {},screen {} to screen {},screen {} fillcolor rgb '{}' "
        "fillstyle solid 1 noborder",
        x(entry.left), y(entry.top + 5), x(entry.left + kSwatch), y(entry.top - 5), c.colour);
  } else if (c.kind == Curve::Kind::line) {
    // gnuplot draws arrows solid: a dashed sample is three short ones.
    const int pieces = c.dash == 1 ? 1 : 3;
    const double step = static_cast<double>(kSwatch) / pieces;
    for (int i = 0; i < pieces; ++i) {
      const double from = entry.left + step * i;
      sample += fmt::format(
          "{}set arrow from screen {},screen {} to screen {},screen {} nohead lw {} lc rgb '{}'",
          i == 0 ? "" : "\n", x(from), y(entry.top), x(from + step - (pieces > 1 ? 3 : 0)),
          y(entry.top), number(c.width), c.colour);
    }
  } else {
    constexpr double kLargestPoint = 1.6;  // that rows of a legend hold
    sample = fmt::format("set label '' at screen {},screen {} point pt {} ps {} lc rgb '{}'",
                         x(entry.left + kSwatch / 2), y(entry.top), c.mark,
                         number(std::min(c.size, kLargestPoint)), c.colour);
  }
  return fmt::format("{}\nset label {} at screen {},screen {} left textcolor rgb '{}'\n", sample,
                     quoted(c.title, kLongestEntry), x(entry.left + kSwatch + 6), y(entry.top),
                     kInk);
}

std::string style_of(const Curve& c) {
  switch (c.kind) {
    case Curve::Kind::boxes:
      return fmt::format("using 1:2:3:4:5:6 with boxxyerror lc rgb '{}'", c.colour);
    case Curve::Kind::line:
      return fmt::format("with lines lw {} dt {} lc rgb '{}'", number(c.width), dash_of(c),
                         c.colour);
    case Curve::Kind::points:
      break;
  }
  return fmt::format("with points pt {} ps {} lc rgb '{}'", c.mark, number(c.size), c.colour);
}

// gnuplot's own titles show as tooltips ("gnuplot_plot_1") and its description names its version.
std::string named(std::string svg, const std::string& title) {
  erase_all(svg, "<title>gnuplot_plot_", "</title>");
  erase_all(svg, "<desc>", "</desc>\n");
  const std::string theirs = "<title>Gnuplot</title>";
  const auto at = svg.find(theirs);
  return at == std::string::npos
             ? svg
             : svg.replace(at, theirs.size(), "<title>" + xml_text(cut(title, 200)) + "</title>");
}

}  // namespace

struct Script::Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "joulesim-plots-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw InputError("cannot make a temporary folder for plots in " +
                       std::filesystem::temp_directory_path().string());
    }
    path = name;
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  [[nodiscard]] std::string script() const { return (path / "plots.gp").string(); }
};

std::string spent_colour(const std::string& spent) {
  if (spent == "movement") {
    return kPalette[0];
  }
  if (spent == "arithmetic") {
    return kPalette[1];
  }
  if (spent == "control") {
    return kPalette[3];
  }
  if (spent == "static") {
    return kPalette[7];
  }
  return spent == "loss" ? kPalette[5] : kOther;
}

std::string ink_on(const std::string& colour) {
  return colour == kPalette[0] || colour == kPalette[5] || colour == kPalette[2] ? "#FFFFFF"
                                                                                 : "#1A1A1A";
}

std::string quoted(const std::string& text, std::size_t most) { return in_quotes(cut(text, most)); }

std::string quoted_tic(const std::string& text, std::size_t most) {
  std::string doubled;
  for (const char c : cut(text, most)) {
    doubled += c == '%' ? "%%" : std::string(1, c);
  }
  return in_quotes(doubled);
}

// (Adding zero turns -0 into 0.)
std::string number(double value) { return fmt::format("{:.9g}", value + 0.0); }

const PlotFile* PlotSet::find(const std::string& name) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const PlotFile& f) { return f.name == name; });
  return found == files.end() ? nullptr : &*found;
}

Curve Curve::of_boxes(const std::string& colour, const std::string& title) {
  Curve curve;
  curve.kind = Kind::boxes;
  curve.colour = colour;
  curve.title = title;
  return curve;
}

Curve Curve::of_line(const std::string& colour, const std::string& title, Points points,
                     double width, int dash) {
  Curve curve = of_boxes(colour, title);
  curve.kind = Kind::line;
  curve.points = std::move(points);
  curve.width = width;
  curve.dash = dash;
  return curve;
}

Curve Curve::of_points(const std::string& colour, const std::string& title, Points points, int mark,
                       double size) {
  Curve curve = of_boxes(colour, title);
  curve.kind = Kind::points;
  curve.points = std::move(points);
  curve.mark = mark;
  curve.size = size;
  return curve;
}

Box box(double x_low, double x_high, double y, double half_height) {
  y += 0.0;  // no -0 in the script
  return {(x_low + x_high) / 2, y, x_low, x_high, y - half_height, y + half_height};
}

Script::Script()
    : folder_(std::make_unique<Folder>()),
      gnuplot_(std::make_unique<gnuplotio::Gnuplot>(">" + folder_->script())) {
  gnuplot_->unsetf(std::ios::floatfield);
  gnuplot_->precision(9);
  *gnuplot_ << "set encoding utf8\n";
}

Script::~Script() = default;

void Script::begin(const std::string& name, const std::string& title, int height) {
  const bool taken =
      std::any_of(files_.begin(), files_.end(), [&](const PlotFile& f) { return f.name == name; });
  if (taken) {
    throw std::logic_error(fmt::format("two plots are called '{}'", name));
  }
  files_.push_back({name, title, {}});
  height_ = height;
  commands_.clear();
}

void Script::command(const std::string& text) { commands_ += text + "\n"; }

void Script::label(const std::string& text, double x, double y, const std::string& how) {
  const std::string colour = how.find("textcolor") == std::string::npos
                                 ? fmt::format(" textcolor rgb '{}'", kInk)
                                 : std::string();
  command(
      fmt::format("set label {} at {},{} {}{}", quoted(text), number(x), number(y), how, colour));
}

void Script::draw(const std::vector<Curve>& all) {
  std::vector<Curve> curves;
  std::copy_if(all.begin(), all.end(), std::back_inserter(curves), [](const Curve& c) {
    return c.kind == Curve::Kind::boxes ? !c.boxes.empty() : !c.points.empty();
  });
  const std::vector<Entry> entries = lay_out(curves);
  const int head = entries.empty() ? 14 : entries.back().top + kRow;
  const int height = height_ + head;
  *gnuplot_ << fmt::format(
      "\nreset\n"
      "set terminal svg size {},{} dynamic noenhanced font 'DejaVu Sans,12' background 'white'\n"
      "set output {}\n"
      "set border 0\n"
      "set tics nomirror scale 0 textcolor rgb '{}'\n"
      "set xlabel textcolor rgb '{}'\n"
      "set ylabel textcolor rgb '{}'\n"
      "set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'\n"
      "set style fill solid 1 border rgb '#FFFFFF'\n"
      "unset key\n"
      "set tmargin at screen {}\n",
      kWidth, height, quoted(files_.back().name + ".svg", 200), kInk, kInk, kInk,
      number(1 - static_cast<double>(head) / height));
  for (const Entry& entry : entries) {
    *gnuplot_ << legend_entry(entry, height);
  }
  *gnuplot_ << commands_;
  std::string what;
  for (const Curve& curve : curves) {
    what +=
        fmt::format("{}'-' {} notitle", what.empty() ? "plot " : ", \\\n     ", style_of(curve));
  }
  *gnuplot_ << what << "\n";
  for (const Curve& curve : curves) {
    if (curve.kind == Curve::Kind::boxes) {
      gnuplot_->send1d(curve.boxes);
    } else {
      gnuplot_->send1d(curve.points);
    }
  }
  *gnuplot_ << "set output\n";
}

std::string Script::text() {
  gnuplot_->flush();
  return read_text(folder_->script(), kLargest);
}

PlotSet Script::run() {
  PlotSet set;
  set.script = text();
  if (files_.empty()) {
    return set;
  }
  run_gnuplot(folder_->path.string(), "plots.gp");
  for (const PlotFile& file : files_) {
    const std::string svg = read_text((folder_->path / (file.name + ".svg")).string(), kLargest);
    if (svg.find("</svg>") == std::string::npos) {
      throw InputError(fmt::format("gnuplot wrote only a part of the plot '{}'", file.name));
    }
    set.files.push_back({file.name, file.title, named(svg, file.title)});
  }
  return set;
}

}  // namespace joulesim::reports

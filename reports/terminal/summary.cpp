#include "reports/terminal/summary.hpp"

#include "reports/result/display.hpp"
#include "reports/result/view.hpp"
#include "reports/terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace joulesim::reports {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kYellow = "\x1b[33m";
constexpr const char* kReset = "\x1b[0m";
constexpr std::size_t kIndent = 2;

class Writer {
 public:
  explicit Writer(const TerminalOptions& options) : options_(options) {}

  [[nodiscard]] std::string styled(const std::string& text, const char* style) const {
    return options_.colour ? style + text + kReset : text;
  }
  void heading(const std::string& text, const std::string& aside = {}) {
    out_ += "\n" + styled(text, kBold) + (aside.empty() ? "" : "  " + printable(aside)) + "\n";
  }
  void paragraph(const std::string& text, std::size_t indent = kIndent) {
    out_ += wrap(text, options_.width, indent);
  }
  void warning(const std::string& text) {
    std::string lines = wrap("warning: " + text, options_.width, kIndent);
    const std::string plain = "warning:";
    lines.replace(kIndent, plain.size(), styled(plain, kYellow));
    out_ += lines;
  }
  void table(const Table& table) { out_ += table.render(kIndent, options_.colour ? kDim : ""); }
  void add(const std::string& text) { out_ += text; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  TerminalOptions options_;
  std::string out_;
};

void metrics(Writer& w, const Result& r) {
  Table table({Align::left, Align::right, Align::left, Align::left, Align::left});
  for (const std::string& name : all_metric_names(r)) {
    if (name.starts_with("accuracy_per_")) {
      continue;  // says something beside other models only
    }
    const Metric* m = r.metric(name);
    const bool ranged = m->low && m->high && *m->low != *m->high;
    table.row({m->label, show_value(*m), ranged ? show_range(*m) : "",
               m->assumed_share > 0 ? rough_percent(m->assumed_share) + " assumed" : "",
               show_quantiles(*m)});
  }
  w.add("\n");
  w.table(table);
}

void bottleneck(Writer& w, const Result& r) {
  if (r.bottleneck.sentence.empty()) {
    return;
  }
  w.heading("Bottleneck");
  w.paragraph(r.bottleneck.sentence);
  Table table({Align::left, Align::right});
  for (const WhatIf& what_if : r.bottleneck.what_if) {
    table.row({what_if.change, significant(what_if.speedup) + " × the speed"});
  }
  w.table(table);
}

void energy(Writer& w, const Result& r) {
  if (r.energy.empty()) {
    return;
  }
  w.heading("Energy", show(any(Energy(r.energy_total))) + " per request");
  const auto groups = energy_by_component(r);
  const Scale scale = scale_for(kJoule, groups.front().joules);
  const double largest = groups.front().joules;
  Table table({Align::left, Align::right, Align::right, Align::left});
  constexpr std::size_t kBar = 32;
  for (const EnergyGroup& g : groups) {
    table.row({g.name, show_on(scale, g.joules) + " " + scale.unit,
               percent(r.energy_total > 0 ? g.joules / r.energy_total : 0),
               bar(largest > 0 ? g.joules / largest : 0, kBar)});
  }
  w.table(table);
  std::string spent;
  for (const EnergySegment& s : energy_by_spending(r)) {
    spent += fmt::format("{}{} {}", spent.empty() ? "" : " · ", s.spent,
                         percent(r.energy_total > 0 ? s.joules / r.energy_total : 0));
  }
  w.paragraph(spent);
}

void time(Writer& w, const Result& r) {
  if (!r.time.empty()) {
    w.heading("Time");
    Table table({Align::left, Align::left, Align::left, Align::right, Align::right});
    table.header({"phase", "component", "cause", "busy", "exposed"});
    for (const TimeRow& row : time_rows(r)) {
      table.row({row.phase, row.component, row.cause, show(any(Time(row.seconds))),
                 percent(row.exposed_share)});
    }
    w.table(table);
  }
  const std::string phase = main_phase(r);
  const auto rows = operators_of(r, phase);
  if (!rows.empty()) {
    constexpr std::size_t kMost = 8;
    const auto shown = std::min(kMost, rows.size());
    w.heading("Operators", fmt::format("one step of {}{}", phase,
                                       shown < rows.size() ? fmt::format(", the longest {} of {}",
                                                                         shown, rows.size())
                                                           : ""));
    Table table({Align::left, Align::left, Align::right, Align::right, Align::right, Align::left});
    table.header({"operator", "unit", "count", "time", "energy", "bound by"});
    for (std::size_t i = 0; i < shown; ++i) {
      const OperatorRow& o = rows[i];
      table.row({o.name, o.unit, fmt::format("{}", o.count), show(any(Time(o.seconds))),
                 show(any(Energy(o.joules))), o.bound});
    }
    w.table(table);
  }
}

void memory(Writer& w, const Result& r) {
  if (r.memory.empty()) {
    return;
  }
  w.heading("Memory");
  Table table({Align::left, Align::left, Align::right, Align::right, Align::right, Align::right,
               Align::right});
  table.header({"tier", "part", "used", "of", "read per token", "bandwidth", "of peak"});
  for (const MemoryRow& m : r.memory) {
    double used = 0;
    for (const Footprint& f : m.footprint) {
      used += f.bytes;
    }
    table.row({m.tier, m.part, show(any(Bytes(used))), show_capacity(Bytes(m.capacity)),
               show(any(Bytes(m.read))), show(any(Bandwidth(m.achieved))), percent(m.utilisation)});
  }
  w.table(table);
}

void trust(Writer& w, const Result& r) {
  w.heading("Fidelity", r.fidelity.level);
  const std::string deviation = deviation_sentence(r);
  w.paragraph(deviation.empty() ? "deviation from a finer level: not measured in this run"
                                : deviation);
  if (r.fidelity.blocks > 0) {
    w.paragraph(fmt::format("{} of {} blocks simulated, equal ones within {} in time",
                            r.fidelity.blocks_simulated, r.fidelity.blocks,
                            percent(r.fidelity.memo_spread_time)));
  }
  for (const std::string& warning : r.warnings) {
    w.warning(warning);
  }
}

std::string column_name(std::size_t i) { return fmt::format("[{}]", i + 1); }

// Metrics of the first result and of those in [begin, end) beside it.
Table block(const std::vector<Result>& results, std::size_t begin, std::size_t end) {
  std::vector<std::size_t> shown = {0};
  for (std::size_t i = begin; i < end; ++i) {
    shown.push_back(i);
  }
  std::vector<Align> alignment = {Align::left, Align::right};
  std::vector<std::string> header = {"", column_name(0)};
  for (std::size_t i = begin; i < end; ++i) {
    alignment.insert(alignment.end(), 2, Align::right);
    header.insert(header.end(), {column_name(i), ""});
  }
  constexpr std::size_t kLongestLabel = 26;
  Table table(alignment);
  table.header(header);
  for (const std::string& name : compared_metrics(results)) {
    std::vector<std::string> cells = {""};
    std::size_t there = 0;
    for (const std::size_t i : shown) {
      const Metric* m = results[i].metric(name);
      there += m != nullptr ? 1 : 0;
      cells.front() = m != nullptr ? shortened(m->label, kLongestLabel) : cells.front();
      cells.push_back(m == nullptr ? "–" : show_value(*m) + accuracy_mark(results[i], name));
      if (i > 0) {
        cells.push_back(ratio_text(results.front().metric(name), m));
      }
    }
    // Beside others, figures that only one has are left to that one's own summary.
    if (there > (results.size() > 2 ? 1 : 0)) {
      table.row(cells);
    }
  }
  return table;
}

// One row per result: what fits a screen however many there are.
Table at_a_glance(const std::vector<Result>& results, const HeadlineGroup& group,
                  std::size_t longest_name) {
  std::vector<Align> alignment = {Align::right, Align::left};
  std::vector<std::string> header = {"", ""};
  for (const HeadlineColumn& column : group.columns) {
    alignment.push_back(Align::right);
    header.push_back(column.head);
  }
  Table table(alignment);
  table.header(header);
  for (const std::size_t i : group.results) {
    std::vector<std::string> cells = {
        column_name(i), longest_name > 0 ? shortened(results[i].name, longest_name) : ""};
    for (const HeadlineColumn& column : group.columns) {
      const Metric* m = results[i].metric(column.name);
      cells.push_back(m == nullptr ? "–" : show_value(*m) + accuracy_mark(results[i], column.name));
    }
    table.row(cells);
  }
  return table;
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    widest = std::max(widest, columns(std::string_view(text).substr(at, end - at)));
    at = end + 1;
  }
  return widest;
}

}  // namespace

std::string terminal_summary(const Result& result, const TerminalOptions& options) {
  Writer w(options);
  w.add(w.styled(printable(result.title), kBold) + "\n");
  w.paragraph(result.question, 0);
  w.paragraph(subject(result), 0);
  metrics(w, result);
  bottleneck(w, result);
  energy(w, result);
  time(w, result);
  memory(w, result);
  trust(w, result);
  return w.take();
}

std::string terminal_comparison(const std::vector<Result>& results,
                                const TerminalOptions& options) {
  Writer w(options);
  Table key({Align::right, Align::left, Align::left});
  for (std::size_t i = 0; i < results.size(); ++i) {
    key.row({column_name(i), results[i].name, results[i].title});
  }
  w.table(key);
  for (const HeadlineGroup& group : headline_groups(results)) {
    w.heading(group.title);
    // Names are in the key above: here they give way when the figures need the room.
    std::size_t name = 28;
    while (name > 0 &&
           widest_line(at_a_glance(results, group, name).render(kIndent)) > options.width) {
      name -= name > 12 ? 4 : name;
    }
    w.table(at_a_glance(results, group, name));
    if (!group.note.empty()) {
      w.paragraph(group.note);
    }
  }
  // As many columns side by side as fit; every block repeats the first, which ratios refer to. Of
  // many results the page has all figures, the terminal only those above.
  constexpr std::size_t kMostInFull = 4;
  for (std::size_t begin = 1;
       results.size() <= kMostInFull && (begin == 1 || begin < results.size());) {
    std::size_t end = results.size();
    while (end > begin + 1 &&
           widest_line(block(results, begin, end).render(kIndent)) > options.width) {
      --end;
    }
    w.add("\n");
    w.table(block(results, begin, end));
    begin = std::max(end, begin + 1);
  }
  w.heading("Bottlenecks");
  for (std::size_t i = 0; i < results.size(); ++i) {
    w.paragraph(column_name(i) + " " + results[i].bottleneck.sentence);
  }
  return w.take();
}

}  // namespace joulesim::reports

#include "reports/terminal/summary.hpp"

#include "reports/result/display.hpp"
#include "reports/result/view.hpp"
#include "reports/terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>

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
  Table table({Align::left, Align::right, Align::left, Align::left});
  for (const std::string& name : all_metric_names({r})) {
    const Metric* m = r.metric(name);
    const bool ranged = m->low && m->high && *m->low != *m->high;
    table.row({m->label, show_value(*m), ranged ? show_range(*m) : "",
               m->assumed_share > 0 ? percent(m->assumed_share, 2) + " assumed" : ""});
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
    for (const TimeRow& row : r.time) {
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
    table.row({m.tier, m.part, show(any(Bytes(used))), show(any(Bytes(m.capacity))),
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
    key.row({fmt::format("[{}]", i + 1), results[i].name, results[i].title});
  }
  w.table(key);
  w.add("\n");
  std::vector<Align> alignment = {Align::left};
  std::vector<std::string> header = {""};
  for (std::size_t i = 0; i < results.size(); ++i) {
    alignment.insert(alignment.end(), i == 0 ? 1 : 2, Align::right);
    header.push_back(fmt::format("[{}]", i + 1));
    if (i > 0) {
      header.emplace_back("");
    }
  }
  Table table(alignment);
  table.header(header);
  for (const std::string& name : all_metric_names(results)) {
    std::vector<std::string> cells = {""};
    const Metric* first = results.front().metric(name);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Metric* m = results[i].metric(name);
      cells.front() = cells.front().empty() && m != nullptr ? m->label : cells.front();
      cells.push_back(m == nullptr ? "–" : show_value(*m));
      if (i > 0) {
        cells.push_back(ratio_text(first, m));
      }
    }
    table.row(cells);
  }
  w.table(table);
  w.heading("Bottlenecks");
  for (std::size_t i = 0; i < results.size(); ++i) {
    w.paragraph(fmt::format("[{}] {}", i + 1, results[i].bottleneck.sentence));
  }
  return w.take();
}

}  // namespace joulesim::reports

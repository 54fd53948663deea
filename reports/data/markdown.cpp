#include "reports/data/tables.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <string_view>

namespace joulesim::reports {
namespace {

// Text that stays text in a Markdown table or paragraph.
std::string plain(const std::string& text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>#|~^";
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += c == '\n' || c == '\t' ? " " : "";
    } else {
      out += kSpecial.find(c) == std::string_view::npos ? std::string(1, c) : std::string("\\") + c;
    }
  }
  return out;
}

std::string row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) {
    out += " " + cell + " |";
  }
  return out + "\n";
}

std::string heading(const std::string& text) { return "\n## " + text + "\n\n"; }

std::string metrics_table(const Result& r) {
  std::string out = row({"figure", "value", "range", "assumed"}) + "|---|--:|--:|--:|\n";
  for (const std::string& name : all_metric_names(r)) {
    const Metric& m = *r.metric(name);
    const bool ranged = m.low && m.high && *m.low != *m.high;
    out += row({plain(m.label), show_value(m), ranged ? show_range(m) : "",
                m.assumed_share > 0 ? rough_percent(m.assumed_share) : ""});
  }
  return out;
}

std::string energy_table(const Result& r) {
  std::string out = row({"component", "energy", "share"}) + "|---|--:|--:|\n";
  for (const EnergyGroup& g : energy_by_component(r)) {
    out += row({plain(g.name), show(any(Energy(g.joules))),
                percent(r.energy_total > 0 ? g.joules / r.energy_total : 0)});
  }
  return out + row({"**one request**", show(any(Energy(r.energy_total))), "100 %"});
}

std::string operator_table(const Result& r) {
  std::string out = row({"operator", "unit", "count", "time", "energy", "bound by"}) +
                    "|---|---|--:|--:|--:|---|\n";
  for (const OperatorRow& o : operators_of(r, main_phase(r))) {
    out += row({plain(o.name), plain(o.unit), fmt::format("{}", o.count),
                show(any(Time(o.seconds))), show(any(Energy(o.joules))), plain(o.bound)});
  }
  return out;
}

std::string memory_table(const Result& r) {
  std::string out =
      row({"tier", "part", "used", "capacity", "read per token", "bandwidth", "of peak"}) +
      "|---|---|--:|--:|--:|--:|--:|\n";
  for (const MemoryRow& m : r.memory) {
    double used = 0;
    for (const Footprint& f : m.footprint) {
      used += f.bytes;
    }
    out +=
        row({plain(m.tier), plain(m.part), show(any(Bytes(used))), show_capacity(Bytes(m.capacity)),
             show(any(Bytes(m.read))), show(any(Bandwidth(m.achieved))), percent(m.utilisation)});
  }
  return out;
}

std::string list(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& text : all) {
    out += "- " + plain(text) + "\n";
  }
  return out;
}

}  // namespace

std::string summary_markdown(const Result& r) {
  std::string out = fmt::format("# {}\n\n{}\n\n{}\n\n", plain(r.title.empty() ? r.name : r.title),
                                plain(r.question), plain(subject(r)));
  out += metrics_table(r);
  if (!r.bottleneck.sentence.empty()) {
    out += heading("Bottleneck") + plain(r.bottleneck.sentence) + "\n";
    for (const WhatIf& w : r.bottleneck.what_if) {
      out += fmt::format("{}- {}: × {}\n", &w == &r.bottleneck.what_if.front() ? "\n" : "",
                         plain(w.change), significant(w.speedup));
    }
  }
  if (!r.energy.empty()) {
    out += heading("Energy") + energy_table(r);
  }
  if (!r.operators.empty()) {
    out += heading("Operators, one step of " + plain(main_phase(r))) + operator_table(r);
  }
  if (!r.memory.empty()) {
    out += heading("Memory") + memory_table(r);
  }
  const std::string deviation = deviation_sentence(r);
  out += heading("Fidelity") + fmt::format("Level {}; {}.\n", plain(r.fidelity.level),
                                           deviation.empty()
                                               ? "its deviation from a finer level was not measured"
                                               : plain(deviation));
  if (!r.warnings.empty()) {
    out += heading("Warnings") + list(r.warnings);
  }
  if (!r.limits.empty()) {
    out += heading("Limits") + list(r.limits);
  }
  return out;
}

std::string comparison_markdown(const std::vector<Result>& results) {
  std::vector<std::string> header = {"figure"};
  std::string rule = "|---|";
  for (const Result& r : results) {
    header.push_back(plain(r.name));
    rule += "--:|";
  }
  std::string out = fmt::format("# {} scenarios compared\n\n", results.size());
  out += row(header) + rule + "\n";
  for (const std::string& name : compared_metrics(results)) {
    std::vector<std::string> cells = {""};
    for (const Result& r : results) {
      const Metric* m = r.metric(name);
      const std::string ratio =
          &r == &results.front() ? std::string() : ratio_text(results.front().metric(name), m);
      cells.front() = cells.front().empty() && m != nullptr ? plain(m->label) : cells.front();
      cells.push_back(m == nullptr ? "–"
                                   : show_value(*m) + accuracy_mark(r, name) +
                                         (ratio.empty() ? "" : " (" + ratio + ")"));
    }
    out += row(cells);
  }
  out += heading("Bottlenecks");
  for (const Result& r : results) {
    out += fmt::format("- **{}**: {}\n", plain(r.name), plain(r.bottleneck.sentence));
  }
  return out;
}

}  // namespace joulesim::reports

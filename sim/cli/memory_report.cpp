// The page that `memory --out DIR` writes: what the trace got, over time, and how long reads took.
#include "reports/html/sheet.hpp"
#include "reports/plots/script.hpp"
#include "sim/cli/memory_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace joulesim::cli {
namespace {

using reports::Curve;
using reports::kPalette;

constexpr int kHeight = 280;
constexpr std::size_t kMostPoints = 600;

// Bandwidth of reads and writes in each slot; slots are joined until a picture can show them.
void plot_bandwidth(reports::Script& script, const hw::DramPart& part,
                    const hw::TraceProfile& profile) {
  const std::size_t slots = std::max(profile.read.size(), profile.written.size());
  const std::size_t joined = std::max<std::size_t>(1, (slots + kMostPoints - 1) / kMostPoints);
  const double slot = static_cast<double>(profile.slot_clocks) *
                      static_cast<double>(part.timing.tCK_fs) * 1e-15 * static_cast<double>(joined);
  const auto rate = [&](const std::vector<std::uint64_t>& moved) {
    Curve::Points points;
    // The last slot is usually cut short by the end of the trace.
    for (std::size_t i = 0; i + joined < slots; i += joined) {
      std::uint64_t bursts = 0;
      for (std::size_t k = i; k < std::min(i + joined, moved.size()); ++k) {
        bursts += moved[k];
      }
      points.emplace_back(
          static_cast<double>(i / joined) * slot * 1e6,
          static_cast<double>(bursts) * part.organisation.burst_bytes / slot * 1e-9);
    }
    return points;
  };
  script.begin("bandwidth", "Bandwidth over time", kHeight);
  script.command("set xlabel 'time (µs)'");
  script.command("set ylabel 'GB/s'");
  script.command(fmt::format("set yrange [0:{}]", reports::number(part.peak.value.si() * 1.1e-9)));
  const double end = static_cast<double>(slots) * slot / static_cast<double>(joined) * 1e6;
  script.draw(
      {Curve::of_line(kPalette[0], "reads", rate(profile.read), 1.8),
       Curve::of_line(kPalette[5], "writes", rate(profile.written), 1.8),
       Curve::of_line(reports::kOther, "peak",
                      {{0, part.peak.value.si() * 1e-9}, {end, part.peak.value.si() * 1e-9}}, 1.4,
                      2)});
}

// The share of reads that took at most so long.
void plot_latency(reports::Script& script, const hw::DramPart& part,
                  const hw::TraceProfile& profile) {
  const auto all = static_cast<double>(
      std::accumulate(profile.latency.begin(), profile.latency.end(), std::uint64_t{0}));
  if (all == 0) {
    return;
  }
  Curve::Points points;
  std::uint64_t sum = 0;
  double shown = -1;
  for (std::size_t clocks = 0; clocks < profile.latency.size(); ++clocks) {
    sum += profile.latency[clocks];
    const double percent = 100 * static_cast<double>(sum) / all;
    if (profile.latency[clocks] > 0 &&
        (percent - shown > 0.1 || clocks + 1 == profile.latency.size())) {
      points.emplace_back(
          static_cast<double>(clocks) * static_cast<double>(part.timing.tCK_fs) * 1e-6, percent);
      shown = percent;
    }
  }
  script.begin("latency", "Reads that took at most so long", kHeight);
  script.command("set xlabel 'read latency (ns)'");
  script.command("set ylabel 'reads (%)'");
  script.command("set xrange [0:*]");
  script.command("set yrange [0:100]");
  script.draw({Curve::of_line(kPalette[0], "", points, 2)});
}

reports::SheetCell text(const std::string& value) { return {value, std::nullopt}; }
reports::SheetCell count(std::int64_t value) {
  return {std::to_string(value), static_cast<double>(value)};
}

reports::SheetCard card(const std::string& label, const std::string& quantity,
                        const std::string& note) {
  const auto space = std::min(quantity.find(' '), quantity.size());
  return {label, quantity.substr(0, space),
          space < quantity.size() ? quantity.substr(space + 1) : std::string(), note};
}

}  // namespace

void write_memory_report(const hw::DramPart& part, const MemoryArguments& arguments,
                         const MemoryRun& run) {
  reports::PlotSet plots;
  if (run.profile) {
    reports::Script script;
    plot_bandwidth(script, part, *run.profile);
    plot_latency(script, part, *run.profile);
    plots = script.run();
  }
  const hw::DramCounters& c = run.counters;
  reports::Sheet sheet;
  sheet.title = part.title;
  sheet.question = fmt::format("{}: {} requests of {} B, as fast as accepted", run.trace,
                               run.requests, hw::kRequestBytes);
  sheet.subject = fmt::format("level {}, mapping {}, scheduler {}, refresh {}, {} channel{}",
                              arguments.detail, run.mapping, arguments.policy, arguments.refresh,
                              arguments.channels, arguments.channels == 1 ? "" : "s");
  sheet.version = JOULESIM_VERSION;
  sheet.warnings = run.warnings;
  sheet.cards = {card("Bandwidth", format(run.bandwidth),
                      fmt::format("{:.1f} % of peak", 100 * run.share_of_peak)),
                 card("Time", format(run.time), fmt::format("{} clocks", run.cycles))};
  if (run.read_latency) {
    sheet.cards.push_back(card("Read latency", format(*run.read_latency),
                               "at most " + format(*run.read_latency_max)));
  }
  reports::SheetTable counts{"", {"Event", "Count"}, {}};
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::int64_t>>{
           {"reads", c.reads},
           {"writes", c.writes},
           {"activates", c.activates},
           {"row hits", c.row_hits},
           {"row misses", c.row_misses},
           {"row conflicts", c.row_conflicts},
           {"refreshes", c.refreshes},
           {"refreshes of one bank", c.bank_refreshes},
           {"turnarounds", c.turnarounds},
           {"reads forwarded", c.forwarded},
           {"writes coalesced", c.coalesced}}) {
    counts.rows.push_back({text(name), count(value)});
  }
  sheet.sections.push_back({"time", "Time", {}, {"bandwidth", "latency"}, {}});
  sheet.sections.push_back({"events", "Events", {}, {}, {counts}});
  reports::SheetSection energy{"energy", "Energy", {}, {}, {}};
  const bool known =
      part.energy && (run.activity.active_power_down <= Time(0) || part.energy->active_power_down);
  if (known) {
    const DeviceEnergy joules = energy_of(part, run);
    sheet.cards.push_back(
        card("Energy", format(joules.device),
             fmt::format("{:.2f} pJ/bit, devices alone",
                         joules.device.si() * 1e12 /
                             (8.0 * static_cast<double>(run.requests * hw::kRequestBytes)))));
    reports::SheetTable table{"", {"Cause", "Energy", "Share"}, {}};
    for (const hw::DramEnergyShare& share : joules.shares) {
      const double part_of = share.energy / joules.device;
      table.rows.push_back({text(share.cause),
                            {format(share.energy), share.energy.si()},
                            {fmt::format("{:.1f} %", 100 * part_of), part_of}});
    }
    energy.tables.push_back(std::move(table));
  } else {
    energy.words.push_back("The part has no energy figures, or none for a state that it was in.");
  }
  sheet.sections.push_back(std::move(energy));
  reports::write_sheet(sheet, plots, arguments.out);
}

}  // namespace joulesim::cli

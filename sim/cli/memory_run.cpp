#include "sim/cli/memory_run.hpp"

#include "hw/dram/interleave.hpp"
#include "hw/dram/trace_patterns.hpp"
#include "sim/engine/library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

// Addresses of each channel, dealt out block by block; every channel takes its own in order.
std::vector<std::vector<hw::TraceRequest>> deal(hw::Trace trace, const hw::Interleave& interleave) {
  const auto channels = static_cast<std::uint64_t>(interleave.channels);
  std::vector<std::vector<hw::TraceRequest>> out(channels);
  for (const hw::TraceRequest request : trace) {
    const std::uint64_t address = request.address();
    const std::uint64_t round = address / interleave.block / channels;
    out[static_cast<std::size_t>(interleave.channel_of(address))].emplace_back(
        round * interleave.block + address % interleave.block, request.write());
  }
  return out;
}

std::optional<Time> time_of(const std::string& option, const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  AnyQuantity time;
  try {
    time = parse_quantity(text);
  } catch (const std::invalid_argument&) {
    time.si = 0;
  }
  if (time.dim != Time::kDim || time.si <= 0) {
    throw InputError(
        fmt::format("found '{}' for {}; expected a time such as '200 ns'", text, option));
  }
  return Time(time.si);
}

template <class E, std::size_t kNames>
std::optional<E> named(const std::array<std::string_view, kNames>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? std::nullopt : std::optional(static_cast<E>(at - names.begin()));
}

hw::TraceOptions options_of(const MemoryArguments& arguments) {
  hw::TraceOptions options;
  options.detail = arguments.detail == "train"     ? hw::TraceDetail::train
                   : arguments.detail == "sampled" ? hw::TraceDetail::sampled
                                                   : hw::TraceDetail::burst;
  options.mapping = arguments.mapping;
  options.refresh = arguments.refresh == "on";
  options.serial = arguments.serial;
  options.scheduler =
      arguments.policy == "frfcfs_row_hit" ? hw::Scheduler::frfcfs_row_hit : hw::Scheduler::frfcfs;
  options.page = named<hw::PagePolicy>(hw::kPagePolicyNames, arguments.page_policy);
  options.page_timeout = time_of("--page-timeout", arguments.page_timeout);
  options.drain = named<hw::WriteDrain>(hw::kWriteDrainNames, arguments.write_drain);
  options.refresh_mode = named<hw::RefreshPolicy>(hw::kRefreshNames, arguments.refresh_mode);
  options.idle = named<hw::IdlePolicy>(hw::kIdleNames, arguments.idle);
  options.idle_after = time_of("--idle-after", arguments.idle_after);
  options.interval = time_of("--interval", arguments.interval);
  if (options.page == hw::PagePolicy::timeout && !options.page_timeout) {
    throw InputError("found --page-policy timeout alone; expected --page-timeout with it");
  }
  if (options.idle && options.idle != hw::IdlePolicy::none && !options.idle_after) {
    throw InputError(
        fmt::format("found --idle {} alone; expected --idle-after with it", arguments.idle));
  }
  options.profile = !arguments.out.empty() && arguments.channels == 1;
  return options;
}

// Sums counts, keeps the longest time, weighs latencies by reads.
void add(MemoryRun& sum, const hw::TraceResult& one) {
  const auto reads = static_cast<double>(sum.counters.reads + sum.counters.forwarded);
  hw::accumulate(sum.counters, one.counters);
  const auto all = static_cast<double>(sum.counters.reads + sum.counters.forwarded);
  if (one.read_latency) {
    const double before = sum.read_latency ? sum.read_latency->si() * reads : 0;
    sum.read_latency = Time((before + one.read_latency->si() * (all - reads)) / all);
    sum.read_latency_max = max(sum.read_latency_max.value_or(Time()), *one.read_latency_max);
  }
  sum.cycles = std::max(sum.cycles, one.cycles);
  sum.time = max(sum.time, one.time);
  sum.bursts += one.bursts;
  sum.simulated_bursts += one.simulated_bursts;
  if (one.sampled) {
    sum.half_width = std::max(sum.half_width.value_or(0), one.sampled->half_width);
  }
}

std::string bytes_text(std::uint64_t bytes) { return format(Bytes(static_cast<double>(bytes))); }

}  // namespace

hw::DramPart find_dram_part(const std::string& name) {
  const engine::Library library = engine::Library::open();
  std::string path = name;
  std::error_code none;
  if (!fs::is_regular_file(name, none)) {
    const engine::LibraryEntry* entry = library.part(name);
    if (entry == nullptr || entry->kind != hw::DramPart::kModel) {
      throw InputError(fmt::format("found {} '{}'; expected a DRAM part or its file{}",
                                   entry == nullptr ? "no part" : entry->kind + " part", name,
                                   did_you_mean(name, library.part_names(hw::DramPart::kModel))));
    }
    path = entry->path;
  }
  ConfigFile file = library.read(path);
  hw::DramPart part = hw::DramPart::from(file.root());
  file.require_ok();
  return part;
}

MemoryRun run_memory(const hw::DramPart& part, const MemoryArguments& arguments) {
  if (arguments.trace.empty() == arguments.generate.empty()) {
    throw InputError("expected a trace: either --trace FILE.bin or --generate NAME");
  }
  std::unique_ptr<hw::TraceFile> file;
  std::vector<hw::TraceRequest> made;
  hw::Trace trace;
  hw::TraceFacts facts;
  MemoryRun run;
  if (!arguments.trace.empty()) {
    file = std::make_unique<hw::TraceFile>(arguments.trace);
    trace = file->requests();
    facts = file->facts();
    run.trace = fs::path(arguments.trace).filename().string();
  } else {
    const double base = arguments.scale * static_cast<double>(1 << 20);
    made = hw::make_trace(arguments.generate, arguments.seed,
                          static_cast<std::uint64_t>(std::floor(base)));
    trace = made;
    facts = hw::facts_of(trace);
    run.trace =
        fmt::format("{} (seed {}, scale {})", arguments.generate, arguments.seed, arguments.scale);
    if (trace.empty()) {
      throw InputError(fmt::format("found no request in '{}' at scale {}; expected a larger scale",
                                   arguments.generate, arguments.scale));
    }
  }
  if (arguments.most > 0 && arguments.most < trace.size()) {
    trace = trace.first(arguments.most);
  }
  const double capacity = part.capacity.value.si() * arguments.channels;
  if (static_cast<double>(facts.end) > capacity) {
    run.warnings.push_back(fmt::format("addresses reach {}, but {} holds {}: rows wrap around",
                                       bytes_text(facts.end), part.name, format(Bytes(capacity))));
  }
  const hw::TraceOptions options = options_of(arguments);
  if (arguments.serial && arguments.detail != "burst") {
    throw InputError("one request at a time (--serial) is simulated at --detail burst only");
  }
  if (arguments.channels == 1) {
    hw::TraceResult one = hw::run_trace(part, trace, options);
    add(run, one);
    run.profile = std::move(one.profile);
  } else {
    const hw::Interleave interleave{arguments.channels, arguments.interleave,
                                    static_cast<std::uint64_t>(part.organisation.burst_bytes)};
    for (const auto& share : deal(trace, interleave)) {
      if (!share.empty()) {
        add(run, hw::run_trace(part, share, options));
      }
    }
  }
  run.mapping = options.mapping.empty() ? part.mapping_name : options.mapping;
  run.requests = trace.size();
  run.bandwidth = Bandwidth(static_cast<double>(run.requests * hw::kRequestBytes) /
                            std::max(run.time.si(), 1e-15));
  run.share_of_peak = run.bandwidth / (part.peak.value * static_cast<double>(arguments.channels));
  run.activity = hw::activity_of(run.counters, part, run.time);
  if (arguments.channels > 1) {
    // Channels that are done before the slowest stand by with closed banks.
    const Time all = run.time * static_cast<double>(arguments.channels * part.organisation.units);
    run.activity.standby = max(all - run.activity.active, Time(0));
  }
  return run;
}

DeviceEnergy energy_of(const hw::DramPart& part, const MemoryRun& run) {
  DeviceEnergy out;
  for (const hw::DramEnergyShare& share : hw::energy_of(run.activity, part)) {
    if (share.cause == "phy") {
      out.host += share.energy;
    } else {
      out.device += share.energy;
      out.shares.push_back(share);
    }
  }
  return out;
}

}  // namespace joulesim::cli

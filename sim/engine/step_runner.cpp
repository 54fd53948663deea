#include "sim/engine/step_runner.hpp"

#include "hw/component/tile_engine.hpp"
#include "hw/display/paced_client.hpp"
#include "hw/dram/controller.hpp"
#include "hw/flash/file_server.hpp"
#include "hw/sram/system_cache.hpp"
#include "sim/engine/booking.hpp"
#include "sim/engine/closed_form.hpp"
#include "sim/engine/partner_unit.hpp"
#include "sim/engine/replay.hpp"
#include "sim/engine/residency_pass.hpp"
#include "sim/engine/unhidden.hpp"

#include <fmt/format.h>
#include <systemc>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

namespace joulesim::engine {
namespace {

constexpr int kDramTier = 0;
constexpr int kFlashTier = 1;
constexpr int kChannelsPlayed = 4;  // by symmetry the others do the same

Time from_ps(std::int64_t value) { return Time(static_cast<double>(value) * 1e-12); }

// The machine as SystemC modules, and a driver that plays the schedule and reads the counters.
class Bench : public sc_core::sc_module {
 public:
  Bench(const sc_core::sc_module_name& name, const StepJob& job, Schedule& schedule)
      : sc_module(name),
        job_(job),
        schedule_(schedule),
        tiers_(job.file ? 2 : 1),
        memory_("dram", job.machine->dram, memory_config(job)),
        unit_("unit", *job.unit->unit, job.runtime, static_cast<std::size_t>(tiers_)) {
    const std::uint16_t client = memory_.add_client("unit");
    if (job.machine->cache) {
      cache_ = std::make_unique<hw::SystemCache>("cache", *job.machine->cache);
      const hw::CacheClient ways = job.machine->cache_client(job.unit->name);
      const std::uint16_t port = cache_->add_client(client, drawn_from_memory(job), false, ways);
      cache_->residency().use_as(ways);
      unit_.socket(kDramTier).bind(cache_->socket(port));
      cache_->memory_socket(port).bind(memory_.port);
    } else {
      unit_.socket(kDramTier).bind(memory_.port);
    }
    unit_.set_client(kDramTier, client);
    partner_ = partner_of(job, unit_, memory_, cache_.get());
    if (job.file) {
      pages_.emplace(make_page_cache(*job.machine->storage_system, *job.file));
      file_ = std::make_unique<hw::FileServer>("file", *job.machine->storage,
                                               *job.machine->storage_system,
                                               file_settings(job, client), missing_from(*pages_));
      unit_.socket(kFlashTier).bind(file_->socket);
      file_->memory.bind(memory_.port);
    }
    if (job.display_on && job.machine->display) {
      // The frame buffer lies at the top of the memory, out of the model's way.
      const hw::PacedTraffic traffic = job.machine->display->paced_traffic();
      const double top = job.machine->capacity.value.si() - traffic.span.si();
      const auto base = static_cast<std::uint64_t>(top) / 4096 * 4096;
      display_ = std::make_unique<hw::PacedClient>("display", traffic, base);
      display_->set_client(memory_.add_paced_client("display", traffic.period, true));
      display_->socket.bind(memory_.port);
    }
    SC_HAS_PROCESS(Bench);
    SC_THREAD(drive);
  }

  [[nodiscard]] BandwidthTrace trace() const {
    BandwidthTrace result;
    result.bin = memory_.trace_bin();
    for (const auto& client : memory_.trace()) {
      result.bytes.resize(std::max(result.bytes.size(), client.size()));
      for (std::size_t i = 0; i < client.size(); ++i) {
        result.bytes[i] += client[i];
      }
    }
    return result;
  }
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  static hw::DramConfig memory_config(const StepJob& job) {
    hw::DramConfig config;
    config.channels = static_cast<int>(job.machine->channels);
    config.simulated = config.channels > kChannelsPlayed ? kChannelsPlayed : 0;
    config.fidelity =
        job.fidelity == FidelityLevel::burst ? hw::DramFidelity::burst : hw::DramFidelity::train;
    config.interleave = Bytes(static_cast<double>(job.machine->interleave));
    config.quantum = Time(1e-6);
    // A client's turn lasts until the rows that its stream has open, one a bank group, are read:
    // two streams at once then draw what phones measure, 59.5 of the 61.9 GB/s that all together
    // can (HeteroInfer, arXiv 2501.14794).
    const hw::DramOrganisation& o = job.machine->dram.organisation;
    config.slice_bursts = static_cast<int>(o.columns()) * o.bank_groups;
    job.machine->dram.choose_policies(config.policy);
    config.trace_bin = Time(5e-6);
    return config;
  }

  hw::FileServerSettings file_settings(const StepJob& job, std::uint16_t unit_client) {
    hw::FileServerSettings settings;
    settings.path = job.file->path;
    settings.threads = job.file->threads;
    settings.file_end = job.file->file_bytes;
    // Near the top of the memory, below a frame buffer.
    constexpr std::uint64_t kFrameBuffers = 1U << 27U;
    const auto top = static_cast<std::uint64_t>(job.machine->capacity.value.si());
    settings.buffer_base = (top - kFrameBuffers - settings.buffer_bytes) / 4096 * 4096;
    settings.store_client = memory_.add_client("storage");
    settings.unit_client = unit_client;
    return settings;
  }

  // Counters since the start.
  struct Reading {
    Time at;
    hw::DramActivity dram;
    hw::SystemCache::Traffic cache;
    hw::FlashCounters flash;
    hw::FileCounters file;
    hw::PacedClient::Record display;
    std::vector<double> joules;
    std::int64_t computing_ps = 0;
  };

  Reading read() {
    Reading reading;
    reading.at = from_ps(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
    reading.dram = memory_.activity();
    if (cache_) {
      reading.cache = cache_->traffic();
    }
    if (file_) {
      reading.flash = file_->array().counters();
      reading.file = file_->counters();
    }
    if (display_) {
      reading.display = display_->record();
    }
    reading.joules = unit_.joules();
    if (partner_) {
      const std::vector<double>& beside = partner_->joules();
      reading.joules.resize(std::max(reading.joules.size(), beside.size()));
      for (std::size_t i = 0; i < beside.size(); ++i) {
        reading.joules[i] += beside[i];
      }
    }
    reading.computing_ps = unit_.compute_ps();
    return reading;
  }

  Activity difference(const Reading& a, const Reading& b) const {
    const auto bytes = [](std::uint64_t later, std::uint64_t earlier) {
      return Bytes(static_cast<double>(later - earlier));
    };
    Activity activity;
    activity.duration = b.at - a.at;
    activity.dram = b.dram - a.dram;
    activity.dram_bursts = (activity.dram.read + activity.dram.written) /
                           Bytes(job_.machine->dram.organisation.burst_bytes);
    activity.dram_row_hits = std::max(0.0, activity.dram_bursts - activity.dram.activates);
    activity.cache_hits = bytes(b.cache.hits, a.cache.hits);
    activity.cache_fills = bytes(b.cache.misses, a.cache.misses);
    activity.cache_written = bytes(b.cache.written, a.cache.written);
    activity.cache_written_back = bytes(b.cache.written_back, a.cache.written_back);
    add_file_activity(b.file - a.file, b.flash - a.flash, activity);
    activity.display_read = bytes(b.display.bytes, a.display.bytes);
    activity.display_missed = static_cast<double>(b.display.missed - a.display.missed);
    activity.display_latency = b.display.max_latency();
    activity.computing = from_ps(b.computing_ps - a.computing_ps);
    for (std::size_t i = 0; i < b.joules.size(); ++i) {
      activity.unit_joules.push_back(b.joules[i] - (i < a.joules.size() ? a.joules[i] : 0));
    }
    return activity;
  }

  void drive() {
    const mapping::StepPlan& plan = *job_.plan;
    if (cache_ && job_.warm) {
      (void)residency_by_segment(plan, cache_->residency(), kDramTier);
    }
    if (pages_ && job_.warm) {
      (void)pages_by_segment(plan, *pages_, kFlashTier);
    }
    std::size_t i = 0;
    while (i < plan.segments.size()) {
      if (!schedule_.segments[i].simulated) {
        skip(i++);
        continue;
      }
      std::size_t end = i;
      while (end < plan.segments.size() && schedule_.segments[end].simulated) {
        ++end;
      }
      play(i, end);
      i = end;
    }
    if (display_) {
      display_->stop();
    }
    finished_ = true;
    sc_core::sc_stop();
  }

  // Neighbouring segments in one go, so that loads run ahead across their borders.
  void play(std::size_t first, std::size_t end) {
    const mapping::StepPlan& plan = *job_.plan;
    std::vector<hw::TileProgram> programs;
    std::vector<std::size_t> last_program;  // of each segment
    for (std::size_t s = first; s < end; ++s) {
      const mapping::Segment& segment = plan.segments[s];
      programs.insert(
          programs.end(), plan.programs.begin() + static_cast<std::ptrdiff_t>(segment.first),
          plan.programs.begin() + static_cast<std::ptrdiff_t>(segment.first + segment.count));
      last_program.push_back(programs.size());
    }
    std::vector<Reading> readings{read()};
    std::size_t next = 0;
    unit_.on_program_done([&](std::size_t done) {
      // The last segment is read when its writes have landed.
      if (next + 1 < last_program.size() && done == last_program[next]) {
        readings.push_back(read());
        ++next;
      }
    });
    const std::size_t begin = plan.segments[first].first;
    if (partner_) {
      partner_->submit(plan, begin, begin + programs.size());
    }
    unit_.submit(plan.works, programs);
    wait(unit_.done());
    if (partner_) {
      partner_->wait_until_idle();
    }
    unit_.on_program_done({});
    readings.push_back(read());
    std::size_t program = 0;
    for (std::size_t s = first; s < end; ++s) {
      Activity activity = difference(readings[s - first], readings[s - first + 1]);
      for (; program < last_program[s - first]; ++program) {
        OperatorActivity op = operator_of(programs[program], unit_.traces()[program]);
        if (const auto beside = partner_ ? partner_->beside(begin + program) : std::nullopt) {
          join(op, unit_.traces()[program], operator_of(*beside->program, *beside->trace),
               *beside->trace);
        }
        activity.operators.push_back(std::move(op));
        activity.waiting += from_ps(programs[program].idle_ps);
      }
      Activity merged;
      merged.add(activity, 1);  // operators by label
      schedule_.segments[s].activity = std::move(merged);
    }
  }

  // Two parts of one operator: the one that ends last says where its time went.
  static void join(OperatorActivity& op, const hw::OperatorTrace& trace,
                   const OperatorActivity& beside, const hw::OperatorTrace& beside_trace) {
    if (beside_trace.end_ps > trace.own_end_ps) {
      op.computing = beside.computing;
      op.starved = beside.starved;
      op.starting = beside.starting;
      op.limit = beside.limit;
    }
    op.ops += beside.ops;
    op.moved += beside.moved;
    op.joules.resize(std::max(op.joules.size(), beside.joules.size()));
    for (std::size_t i = 0; i < beside.joules.size(); ++i) {
      op.joules[i] += beside.joules[i];
    }
  }

  [[nodiscard]] OperatorActivity operator_of(const hw::TileProgram& program,
                                             const hw::OperatorTrace& trace) const {
    const hw::Work& work = job_.plan->works[program.work];
    OperatorActivity op;
    op.label = work.label;
    op.limit = program.limit;
    op.exposed = from_ps(trace.end_ps - trace.begin_ps);
    op.computing = from_ps(trace.compute_ps);
    op.starved = from_ps(trace.starved_ps);
    op.starting = from_ps(program.start_ps);
    op.ops = work.ops();
    double moved = 0;
    for (const hw::TileRun& run : program.runs) {
      const auto count = static_cast<double>(run.count);
      for (const auto* moves : {&run.loads, &run.stores}) {
        for (const hw::TileMove& move : *moves) {
          moved += count * static_cast<double>(move.bytes);
        }
      }
      op.joules.resize(std::max(op.joules.size(), run.joules.size()));
      for (std::size_t i = 0; i < run.joules.size(); ++i) {
        op.joules[i] += count * run.joules[i];
      }
    }
    op.moved = Bytes(moved);
    return op;
  }

  // What a skipped segment leaves in the caches.
  void skip(std::size_t index) {
    const mapping::Segment& segment = job_.plan->segments[index];
    for (std::size_t i = segment.first; i < segment.first + segment.count; ++i) {
      if (cache_) {
        walk_streams(job_.plan->works[i], kDramTier,
                     [&](std::uint64_t base, std::uint64_t bytes, bool write) {
                       cache_->touch(base, bytes, write);
                     });
      }
      if (pages_) {
        walk_file(job_.plan->works[i], kFlashTier, [&](const hw::FileRange& range) {
          (void)pages_->access(range.begin, range.bytes(), false);
        });
      }
    }
  }

  const StepJob& job_;
  Schedule& schedule_;
  int tiers_;
  hw::MemController memory_;
  hw::TileEngine unit_;
  std::unique_ptr<hw::SystemCache> cache_;
  std::unique_ptr<PartnerUnit> partner_;  // null: no product is split
  std::optional<hw::ResidencyCache> pages_;
  std::unique_ptr<hw::FileServer> file_;
  std::unique_ptr<hw::PacedClient> display_;
  bool finished_ = false;
};

}  // namespace

StepActivity simulate_step(const StepJob& job) {
  Schedule schedule = schedule_of(job);
  StepActivity step;
  if (job.fidelity == FidelityLevel::analytic) {
    for (SegmentActivity& segment : schedule.segments) {
      segment.simulated = true;
    }
    closed_form(job, schedule.segments);
  } else {
    sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
    // A run that ends is no news.
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING);
    Bench bench("bench", job, schedule);
    sc_core::sc_start();
    if (!bench.finished()) {
      throw std::logic_error("the simulation of " + job.name + " came to a standstill");
    }
    step.trace = bench.trace();
  }
  step.segments = std::move(schedule.segments);
  step.blocks = schedule.blocks;
  step.blocks_simulated =
      job.fidelity == FidelityLevel::analytic ? schedule.blocks : schedule.played_blocks;
  for (const SegmentActivity& segment : step.segments) {
    step.total.add(step.segments[segment.stands_for].activity, 1);
  }
  add_unhidden(job, step);
  measure_spread(job, step);
  std::set<std::string> seen;
  for (const hw::TileProgram& program : job.plan->programs) {
    const std::string& label = job.plan->works[program.work].label;
    if (!program.mapping.empty() && seen.insert(label).second) {
      step.mappings.push_back(label + ": " + program.mapping);
    }
  }
  return step;
}

}  // namespace joulesim::engine

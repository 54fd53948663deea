#include "sim/engine/closed_form.hpp"

#include "hw/component/unit_group.hpp"
#include "hw/dram/analytic.hpp"
#include "sim/engine/residency_pass.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace joulesim::engine {
namespace {

constexpr int kDramTier = 0;
constexpr int kFlashTier = 1;

Time from_ps(std::int64_t value) { return Time(static_cast<double>(value) * 1e-12); }

// Closed form: every operator takes the longest of computing and moving; starts and drains add up.
class ClosedForm {
 public:
  ClosedForm(const StepJob& job, std::vector<SegmentActivity>& segments)
      : job_(job), segments_(segments), rates_(hw::rates_of(job.machine->dram)) {}

  void run() {
    std::optional<hw::ResidencyCache> cache;
    if (job_.machine->cache) {
      cache.emplace(job_.machine->cache->make_cache());
      cache->use_as(job_.machine->cache_client(job_.unit->name));
      if (job_.warm) {
        (void)residency_by_segment(*job_.plan, *cache, kDramTier);
      }
    }
    if (job_.file) {
      open_file();
    }
    for (std::size_t s = 0; s < job_.plan->segments.size(); ++s) {
      const mapping::Segment& segment = job_.plan->segments[s];
      Activity total;
      for (std::size_t i = segment.first; i < segment.first + segment.count; ++i) {
        total.add(operator_activity(i, cache), 1);
      }
      segments_[s].activity = std::move(total);
    }
  }

 private:
  // The very readers that the simulation runs, one operator after the other.
  void open_file() {
    pages_.emplace(make_page_cache(*job_.machine->storage_system, *job_.file));
    if (job_.warm) {
      (void)pages_by_segment(*job_.plan, *pages_, kFlashTier);
    }
    array_.emplace(*job_.machine->storage);
    reader_.emplace(*job_.machine->storage_system, job_.file->path, job_.file->threads, *array_,
                    job_.file->file_bytes, missing_from(*pages_));
  }

  // Time and counts of reading what an operator reads from the file.
  Time read_file(const hw::Work& work, const hw::TileProgram& program, Activity& a) {
    const hw::FileCounters file = reader_->counters();
    const hw::FlashCounters flash = array_->counters();
    const hw::Picoseconds begin = file_time_;
    std::vector<std::uint64_t> offsets(work.streams.size());
    for (const hw::TileRun& run : program.runs) {
      for (std::int64_t tile = 0; tile < run.count; ++tile) {
        for (const hw::TileMove& move : run.loads) {
          submit_tile(work.streams[move.stream], move.bytes, offsets[move.stream], begin);
        }
      }
    }
    file_time_ = reader_->finish();
    add_file_activity(reader_->counters() - file, array_->counters() - flash, a);
    return from_ps(file_time_ - begin);
  }

  // What one tile reads of a stream: a stretch of it, or the rows that begin there.
  void submit_tile(const hw::DataStream& stream, std::uint64_t bytes, std::uint64_t& offset,
                   hw::Picoseconds at) {
    if (stream.tier != kFlashTier || bytes == 0) {
      return;
    }
    const std::uint64_t begin = offset;
    offset += bytes;
    if (stream.count == 1) {
      const std::uint64_t from = begin % stream.chunk;
      reader_->submit(0, {stream.base + from, stream.base + std::min(stream.chunk, from + bytes)},
                      at);
      return;
    }
    const std::uint64_t first = (begin + stream.chunk - 1) / stream.chunk;
    const std::uint64_t end = (offset + stream.chunk - 1) / stream.chunk;
    for (std::uint64_t row = first; row < end; ++row) {
      reader_->submit(
          0, hw::scattered_chunk(stream.base, stream.stride, stream.chunk, row % stream.count), at);
    }
  }

  struct Moved {
    double read = 0, written = 0, flash = 0;  // bytes
  };
  // What a program moves; its joules go to the activity.
  Moved moved_by(const hw::TileProgram& program, Activity& a) const {
    const hw::Work& work = job_.plan->works[program.work];
    Moved moved;
    for (const hw::TileRun& run : program.runs) {
      const auto count = static_cast<double>(run.count);
      for (const auto* moves : {&run.loads, &run.stores}) {
        for (const hw::TileMove& move : *moves) {
          const double bytes = count * static_cast<double>(move.bytes);
          const hw::DataStream& stream = work.streams[move.stream];
          (stream.tier == kFlashTier ? moved.flash
           : stream.writes()         ? moved.written
                                     : moved.read) += bytes;
        }
      }
      a.unit_joules.resize(std::max(a.unit_joules.size(), run.joules.size()));
      for (std::size_t i = 0; i < run.joules.size(); ++i) {
        a.unit_joules[i] += count * run.joules[i];
      }
    }
    return moved;
  }

  // The part of a split product that a partner works on.
  [[nodiscard]] const hw::TileProgram* beside_of(std::size_t index) const {
    const auto& partner = job_.plan->partner;
    const auto found = std::lower_bound(
        partner.begin(), partner.end(), index,
        [](const mapping::PartnerProgram& p, std::size_t at) { return p.beside < at; });
    return found != partner.end() && found->beside == index ? &found->program : nullptr;
  }

  // The later of the two is waited for, and says where the time went.
  void join(const hw::TileProgram& program, const Moved& moved, double fresh, Time first,
            OperatorActivity& op) const {
    const auto& group = dynamic_cast<const hw::UnitGroup&>(*job_.unit->unit);
    const hw::ComputeUnit& unit = *group.partner().unit;
    const Time computing = from_ps(program.compute_ps());
    Time moving = max(Bytes(moved.read) / unit.port_bandwidth(),
                      Bytes(fresh * moved.read) / unit.memory_bandwidth());
    if (program.draw > Bandwidth(0)) {
      moving = max(moving, Bytes(moved.read) / program.draw);
    }
    const Time exposed =
        from_ps(program.start_ps + program.drain_ps) + max(computing, moving) + first;
    if (exposed > op.exposed) {
      op.exposed = exposed;
      op.starting = from_ps(program.start_ps);
      op.computing = computing;
      op.starved = max(Time(0), moving - computing);
      op.limit = program.limit;
    }
  }

  Activity operator_activity(std::size_t index, std::optional<hw::ResidencyCache>& cache) {
    const Machine& machine = *job_.machine;
    const hw::TileProgram& program = job_.plan->programs[index];
    const hw::Work& work = job_.plan->works[index];
    const hw::TileProgram* beside = beside_of(index);
    Activity a;
    OperatorActivity op;
    op.label = work.label;
    op.limit = program.limit;
    op.ops = work.ops();
    op.starting = from_ps(program.start_ps);
    op.computing = from_ps(program.compute_ps());
    const Moved own = moved_by(program, a);
    const Moved other = beside != nullptr ? moved_by(*beside, a) : Moved{};
    const double moved[2] = {own.read + other.read, own.written + other.written};
    const double flash = own.flash;
    double hits = 0;
    double asked = 0;
    if (cache) {
      walk_streams(work, kDramTier, [&](std::uint64_t base, std::uint64_t bytes, bool write) {
        const hw::ResidencyOutcome outcome = cache->access(base, bytes, write);
        if (!write) {
          hits += static_cast<double>(outcome.hit_bytes);
          asked += static_cast<double>(bytes);
        }
      });
      // Further passes over the same stream find what the first one left, if it fits at all.
      const double share = asked > 0 ? hits / asked : 0;
      a.cache_hits = Bytes(moved[0] * share);
      a.cache_fills = Bytes(moved[0] * (1 - share));
      a.cache_written = Bytes(moved[1]);
      a.cache_written_back = Bytes(moved[1]);
    } else {
      a.cache_fills = Bytes(moved[0]);
    }
    Bytes dram_read = a.cache_fills;
    Bytes dram_written(moved[1]);
    Time reading;
    if (flash > 0) {
      const hw::FileCounters before = reader_->counters();
      reading = read_file(work, program, a);
      dram_read += Bytes(flash) + a.file_copied;
      dram_written +=
          Bytes(static_cast<double>((reader_->counters() - before).fetched)) + a.file_copied;
    }
    const Bandwidth rate = rates_.stream * static_cast<double>(machine.channels);
    const Bytes total(moved[0] + moved[1]);
    const double fresh = moved[0] > 0 ? a.cache_fills.si() / moved[0] : 0;
    Time moving = max(
        max((dram_read + dram_written) / rate, Bytes(own.read) / job_.unit->unit->port_bandwidth()),
        Bytes(fresh * own.read) /
            (machine.cache ? drawn_from_memory(job_) : job_.unit->unit->memory_bandwidth()));
    if (program.draw > Bandwidth(0)) {
      moving = max(moving, Bytes(own.read) / program.draw);
    }
    moving = max(moving, reading);
    const Time first = total > Bytes(0) ? rates_.read_latency : Time(0);
    op.moved = total + Bytes(flash);
    op.exposed = op.starting + max(op.computing, moving) + first + from_ps(program.drain_ps);
    op.starved = max(Time(0), moving - op.computing);
    if (beside != nullptr) {
      join(*beside, other, fresh, first, op);
    }
    op.joules = a.unit_joules;
    a.duration = op.exposed;
    a.computing = op.computing;
    a.waiting = from_ps(program.idle_ps);
    a.dram.read = dram_read;
    a.dram.written = dram_written;
    a.dram_bursts = (dram_read + dram_written) / Bytes(machine.dram.organisation.burst_bytes);
    // Refresh closes every bank; each row is opened once per interval or per stretch of a row.
    a.dram.activates = (dram_read + dram_written) / Bytes(machine.dram.organisation.row_bytes);
    a.dram_row_hits = std::max(0.0, a.dram_bursts - a.dram.activates);
    const double units = static_cast<double>(machine.channels) * machine.dram.organisation.units;
    a.dram.active = units * op.exposed;
    if (machine.dram.timing.nREFI > 0) {
      const Time interval = from_ps(machine.dram.timing.to_ps(machine.dram.timing.nREFI));
      a.dram.refreshes = units * (op.exposed / interval);
    }
    a.operators.push_back(std::move(op));
    return a;
  }

  const StepJob& job_;
  std::vector<SegmentActivity>& segments_;
  hw::DramRates rates_;
  std::optional<hw::ResidencyCache> pages_;
  std::optional<hw::FlashArray> array_;
  std::optional<hw::FileReader> reader_;
  hw::Picoseconds file_time_ = 0;
};

}  // namespace

void closed_form(const StepJob& job, std::vector<SegmentActivity>& segments) {
  ClosedForm(job, segments).run();
}

}  // namespace joulesim::engine

#include "hw/component/split_work.hpp"

#include <algorithm>

namespace joulesim::hw {
namespace {

constexpr std::int64_t kColumns = 32;
// Two streams that take turns at the memory close each other's rows: a split that promises less
// than this share of the time may lose it.
constexpr double kWorthwhile = 0.97;
constexpr std::uint64_t kLine = 64;

Time from_ps(std::int64_t value) { return Time(static_cast<double>(value) * 1e-12); }

std::uint64_t part_of(std::uint64_t bytes, std::int64_t given, std::int64_t all) {
  const double share = static_cast<double>(given) / static_cast<double>(all);
  return static_cast<std::uint64_t>(share * static_cast<double>(bytes)) / kLine * kLine;
}

// The last `given` of `all` parts of a stream go to the other unit.
void cut(DataStream& own, DataStream& other, std::int64_t given, std::int64_t all) {
  other.chunk = part_of(own.chunk, given, all);
  own.chunk -= other.chunk;
  other.base += own.chunk;
  own.stride = own.chunk;
  other.stride = other.chunk;
}

void shrink(Work& work, double share) {
  work.elements *= share;
  work.rows = work.m;
}

}  // namespace

std::int64_t grain_of(SplitBy by) { return by == SplitBy::columns ? kColumns : 1; }

std::int64_t steps_of(const Work& work, SplitBy by) {
  if (work.kind != WorkKind::matmul || work.experts > 0) {
    return 0;
  }
  for (const DataStream& stream : work.streams) {
    if (stream.count != 1) {
      return 0;
    }
  }
  return (by == SplitBy::columns ? work.n : work.m) / grain_of(by);
}

DealtWork deal(const Work& work, SplitBy by, std::int64_t given) {
  DealtWork dealt{work, work};
  const std::int64_t all = by == SplitBy::columns ? work.n : work.m;
  const double share = static_cast<double>(given) / static_cast<double>(all);
  if (by == SplitBy::columns) {
    dealt.own.n -= given;
    dealt.other.n = given;
    dealt.own.weight_elements *= 1 - share;
    dealt.other.weight_elements *= share;
  } else {
    dealt.own.m -= given;
    dealt.other.m = given;
  }
  shrink(dealt.own, 1 - share);
  shrink(dealt.other, share);
  for (std::size_t i = 0; i < work.streams.size(); ++i) {
    const bool of_columns = work.streams[i].role == DataStream::Role::weight;
    const bool of_both = work.streams[i].writes();
    if (of_both || of_columns == (by == SplitBy::columns)) {
      cut(dealt.own.streams[i], dealt.other.streams[i], given, all);
    }
  }
  return dealt;
}

ProgramTime time_alone(const TileProgram& program, const Work& work, const ComputeUnit& unit,
                       const MemoryView& memory) {
  ProgramTime time;
  Bytes loaded;
  for (const TileRun& run : program.runs) {
    for (const auto* moves : {&run.loads, &run.stores}) {
      for (const TileMove& move : *moves) {
        if (work.streams[move.stream].tier >= 0) {
          const Bytes bytes(static_cast<double>(run.count) * static_cast<double>(move.bytes));
          time.moved += bytes;
          loaded += moves == &run.loads ? bytes : Bytes(0);
        }
      }
    }
  }
  Bandwidth rate = unit.memory_bandwidth();
  if (program.draw > Bandwidth(0)) {
    rate = min(rate, program.draw);
  }
  Time moving = loaded / rate;
  if (memory.stream > Bandwidth(0)) {
    moving = max(moving, time.moved / memory.stream);
  }
  time.busy = from_ps(program.start_ps) + max(from_ps(program.compute_ps()), moving) +
              from_ps(program.drain_ps);
  return time;
}

Time DealtTime::together(const MemoryView& memory) const {
  const Time longest = max(own.busy, other.busy);
  return memory.stream > Bandwidth(0) ? max(longest, (own.moved + other.moved) / memory.stream)
                                      : longest;
}

std::int64_t balanced_steps(std::int64_t steps, const MemoryView& memory, Time alone,
                            const std::function<DealtTime(std::int64_t)>& at) {
  std::int64_t low = 1;
  std::int64_t high = steps - 1;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    const DealtTime time = at(middle);
    if (time.other.busy < time.own.busy) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  std::int64_t best = 0;
  Time shortest = kWorthwhile * alone;
  for (const std::int64_t given : {low - 1, low}) {
    if (given >= 1 && given < steps) {
      const Time time = at(given).together(memory);
      if (time < shortest) {
        shortest = time;
        best = given;
      }
    }
  }
  return best;
}

}  // namespace joulesim::hw

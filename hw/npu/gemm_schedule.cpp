#include "hw/npu/gemm_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <queue>
#include <tuple>
#include <vector>

namespace joulesim::hw {
namespace {

constexpr double kSumBytes = 4;  // of a partial sum
constexpr double kNever = std::numeric_limits<double>::infinity();

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
double real(std::int64_t v) { return static_cast<double>(v); }

struct Tile {
  std::int64_t m = 0, n = 0, k = 0;
  bool complete = false;  // its sums are: they go to memory
};

enum class What : std::uint8_t { landed, store, tile_end };

struct Event {
  double at = 0;
  std::int64_t order = 0;
  What what = What::landed;
  std::size_t core = 0;
  std::size_t tile = 0, index = 0;  // which load, or which block
  bool last = false;
};
struct Later {
  bool operator()(const Event& a, const Event& b) const {
    return std::tie(a.at, a.order) > std::tie(b.at, b.order);
  }
};

struct Transfer {
  double left = 0, floor = 0;  // bytes; clocks that unpacking takes at least
  std::size_t tile = 0, index = 0;
  bool store = false;
};

struct Active {
  std::vector<bool> loaded;   // by load
  std::vector<double> ended;  // by block: when its last sum is there
  std::size_t next = 0;       // block to issue
};

struct Core {
  std::vector<Tile> tiles;
  std::vector<Active> active;  // by tile
  std::deque<Transfer> queue;
  std::size_t admitted = 0, issuing = 0, ended = 0;
  bool any = false;  // something was started
  double last_start = 0, last_interval = 0, last_end = 0, unpacked = 0;
  double busy = 0;
};

class Run {
 public:
  Run(const GemmCores& machine, const GemmShapeOnCores& shape)
      : machine_(machine), shape_(shape), cores_(static_cast<std::size_t>(machine.cores)) {
    trace_.tiling = hw::tile(machine, shape.m, shape.n, shape.k);
    deal();
  }

  GemmTrace go() {
    for (std::size_t c = 0; c < cores_.size(); ++c) {
      admit(c);
      admit(c);
    }
    while (true) {
      const double arrival = next_arrival();
      const double event = events_.empty() ? kNever : events_.top().at;
      const double until = std::min(arrival, event);
      if (until == kNever) {
        break;
      }
      move(until - now_);
      now_ = until;
      retire();
      while (!events_.empty() && events_.top().at <= now_) {
        const Event e = events_.top();
        events_.pop();
        handle(e);
      }
    }
    trace_.clocks = std::max(now_, end_);
    for (const Core& core : cores_) {
      trace_.array_busy = std::max(trace_.array_busy, core.busy);
    }
    return trace_;
  }

 private:
  void deal() {
    const NpuTiling& t = trace_.tiling;
    std::size_t turn = 0;
    for (std::int64_t i = 0; i < t.tiles_m; ++i) {
      for (std::int64_t j = 0; j < t.tiles_n; ++j) {
        Core& core = cores_[turn++ % cores_.size()];
        for (std::int64_t l = 0; l < t.tiles_k; ++l) {
          core.tiles.push_back({std::min(t.m, shape_.m - i * t.m),
                                std::min(t.n, shape_.n - j * t.n),
                                std::min(t.k, shape_.k - l * t.k), l + 1 == t.tiles_k});
        }
      }
    }
    for (Core& core : cores_) {
      core.active.resize(core.tiles.size());
    }
  }

  [[nodiscard]] std::int64_t rows_of_block() const { return machine_.array.rows; }
  [[nodiscard]] std::int64_t blocks_m(const Tile& t) const {
    return ceil_div(t.m, rows_of_block());
  }
  [[nodiscard]] std::int64_t blocks_n(const Tile& t) const {
    return ceil_div(t.n, machine_.array.columns);
  }
  [[nodiscard]] std::int64_t block_m(const Tile& t, std::int64_t i) const {
    return std::min(rows_of_block(), t.m - i * rows_of_block());
  }
  [[nodiscard]] std::int64_t block_n(const Tile& t, std::int64_t j) const {
    return std::min(machine_.array.columns, t.n - j * machine_.array.columns);
  }
  // Loads in order: weights of column block 0, all activations, weights of the others.
  [[nodiscard]] std::size_t weight_load(const Tile& t, std::int64_t j) const {
    return static_cast<std::size_t>(j == 0 ? 0 : blocks_m(t) + j);
  }

  void admit(std::size_t c) {
    Core& core = cores_[c];
    if (core.admitted == core.tiles.size()) {
      return;
    }
    const std::size_t index = core.admitted++;
    const Tile& t = core.tiles[index];
    Active& active = core.active[index];
    active.loaded.assign(static_cast<std::size_t>(blocks_m(t) + blocks_n(t)), false);
    active.ended.assign(static_cast<std::size_t>(blocks_m(t) * blocks_n(t)), 0);
    const auto load = [&](std::size_t number, double bytes, double floor) {
      core.queue.push_back({bytes, floor, index, number, false});
      trace_.loaded += bytes;
    };
    const auto weights = [&](std::int64_t j) {
      const double elements = real(block_n(t, j) * t.k);
      load(weight_load(t, j), elements * shape_.weight_bytes,
           machine_.unpack_rate > 0 ? elements * machine_.operand_bytes / machine_.unpack_rate : 0);
    };
    weights(0);
    for (std::int64_t i = 0; i < blocks_m(t); ++i) {
      load(static_cast<std::size_t>(1 + i), real(block_m(t, i) * t.k) * shape_.activation_bytes, 0);
    }
    for (std::int64_t j = 1; j < blocks_n(t); ++j) {
      weights(j);
    }
  }

  [[nodiscard]] double rate() const {
    const auto busy = std::count_if(cores_.begin(), cores_.end(),
                                    [](const Core& core) { return !core.queue.empty(); });
    return busy == 0
               ? 0
               : std::min(machine_.port_rate, machine_.memory_rate / static_cast<double>(busy));
  }

  [[nodiscard]] double next_arrival() const {
    const double each = rate();
    double first = kNever;
    for (const Core& core : cores_) {
      if (!core.queue.empty()) {
        first = std::min(first, now_ + core.queue.front().left / each);
      }
    }
    return first;
  }

  void move(double clocks) {
    const double each = rate();
    for (Core& core : cores_) {
      if (!core.queue.empty()) {
        core.queue.front().left -= clocks * each;
      }
    }
    trace_.memory_busy += each > 0 ? clocks : 0;
  }

  void retire() {
    // What takes no time that a double can tell from now.
    const double nothing = rate() * (1e-9 + now_ * 1e-12);
    for (std::size_t c = 0; c < cores_.size(); ++c) {
      Core& core = cores_[c];
      while (!core.queue.empty() && core.queue.front().left <= nothing) {
        const Transfer done = core.queue.front();
        core.queue.pop_front();
        const double there = now_ + machine_.latency;
        end_ = std::max(end_, there);
        if (!done.store) {
          double ready = there;
          if (done.floor > 0) {
            core.unpacked = std::max(core.unpacked, now_ - done.floor) + done.floor;
            ready = std::max(there, core.unpacked);
          }
          push({ready, 0, What::landed, c, done.tile, done.index, false});
        }
      }
    }
  }

  void push(Event e) {
    e.order = order_++;
    events_.push(e);
  }

  void handle(const Event& e) {
    Core& core = cores_[e.core];
    switch (e.what) {
      case What::landed:
        core.active[e.tile].loaded[e.index] = true;
        issue(e.core);
        break;
      case What::store: {
        const Tile& t = core.tiles[e.tile];
        const auto block = static_cast<std::int64_t>(e.index);
        const double bytes =
            real(block_n(t, block / blocks_m(t)) * block_m(t, block % blocks_m(t))) *
            shape_.output_bytes;
        trace_.stored += bytes;
        core.queue.push_back({bytes, 0, e.tile, e.index, true});
        if (e.last) {
          end_tile(e.core);
        }
        break;
      }
      case What::tile_end:
        end_tile(e.core);
        break;
    }
  }

  void end_tile(std::size_t c) {
    ++cores_[c].ended;
    end_ = std::max(end_, now_);
    admit(c);
    issue(c);
  }

  // Everything whose operands are there.
  void issue(std::size_t c) {
    Core& core = cores_[c];
    while (core.issuing < core.admitted) {
      const Tile& t = core.tiles[core.issuing];
      Active& active = core.active[core.issuing];
      const auto blocks = static_cast<std::size_t>(blocks_m(t) * blocks_n(t));
      while (active.next < blocks) {
        const auto block = static_cast<std::int64_t>(active.next);
        const std::int64_t i = block % blocks_m(t);
        if (!active.loaded[weight_load(t, block / blocks_m(t))] ||
            !active.loaded[static_cast<std::size_t>(1 + i)]) {
          return;
        }
        active.ended[active.next++] = compute(core, block_m(t, i), t.k);
      }
      hand_over(c, core.issuing++);
    }
  }

  double compute(Core& core, std::int64_t m, std::int64_t k) {
    const ArrayTiming& array = machine_.array;
    const double passes = array.passes(m, k);
    const double interval = array.interval(m, k);
    double start = now_ + array.fill();
    if (core.any && core.last_end > now_) {
      start = std::max(now_, core.last_start + std::max(core.last_interval, array.preload()));
    }
    core.any = true;
    core.last_start = start + (passes - 1) * interval;
    core.last_interval = interval;
    core.last_end = core.last_start + array.latency(m, k);
    core.busy += passes * interval;
    return core.last_end;
  }

  // All of a tile is issued: its results follow in order.
  void hand_over(std::size_t c, std::size_t index) {
    Core& core = cores_[c];
    const Active& active = core.active[index];
    if (!core.tiles[index].complete) {
      push({active.ended.back(), 0, What::tile_end, c, index, 0, true});
      return;
    }
    double at = now_;
    for (std::size_t block = 0; block < active.ended.size(); ++block) {
      at = std::max(at, active.ended[block]);
      push({at, 0, What::store, c, index, block, block + 1 == active.ended.size()});
    }
  }

  const GemmCores& machine_;
  const GemmShapeOnCores& shape_;
  std::vector<Core> cores_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::int64_t order_ = 0;
  double now_ = 0, end_ = 0;
  GemmTrace trace_;
};

}  // namespace

NpuTiling tile(const GemmCores& cores, std::int64_t m, std::int64_t n, std::int64_t k) {
  const std::int64_t rows = cores.array.rows;
  const std::int64_t columns = cores.array.columns;
  // Two tiles' sums, and two tiles' operands of each kind, lie on chip at a time.
  const double block_sums = real(rows * columns) * kSumBytes;
  const auto whole_root = [](double area) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::sqrt(area)));
  };
  const double blocks = std::max(1.0, std::floor(cores.accumulator / 2 / block_sums));
  // As square as whole blocks allow.
  const auto most = static_cast<std::int64_t>(blocks);
  const std::int64_t across = std::min(most, whole_root(blocks * real(rows) / real(columns)));
  const std::int64_t down =
      std::min(most / across, whole_root(blocks * real(columns) / real(rows)));
  const double wider = real(std::max(down * rows, across * columns));
  const auto depth = std::max<std::int64_t>(
      1,
      static_cast<std::int64_t>(cores.scratchpad / 4 / (wider * real(rows) * cores.operand_bytes)));
  NpuTiling t;
  t.tiles_m = ceil_div(m, down * rows);
  t.tiles_n = ceil_div(n, across * columns);
  t.tiles_k = ceil_div(k, depth * rows);
  const auto more = [&](bool times, std::int64_t by) {
    if (n > m && n > cores.cores) {
      t.tiles_n = times ? t.tiles_n * by : t.tiles_n + by;
    } else if (m > n && m > cores.cores) {
      t.tiles_m = times ? t.tiles_m * by : t.tiles_m + by;
    }
  };
  if (cores.split == TileSplit::longer_side) {
    if (t.tiles_m * t.tiles_n < cores.cores) {
      more(true, ceil_div(cores.cores, t.tiles_m * t.tiles_n));
    }
    if (t.tiles_m * t.tiles_n % cores.cores != 0) {
      more(false, t.tiles_m * t.tiles_n % cores.cores);
    }
  } else {
    while (t.tiles_m * t.tiles_n < cores.cores) {
      const std::int64_t blocks_m = ceil_div(ceil_div(m, t.tiles_m), rows);
      const std::int64_t blocks_n = ceil_div(ceil_div(n, t.tiles_n), columns);
      if (blocks_m == 1 && blocks_n == 1) {
        break;
      }
      (blocks_n >= blocks_m ? t.tiles_n : t.tiles_m) *= 2;
    }
  }
  // Whole blocks, rounded down: there may be more tiles than asked for.
  const auto whole = [](std::int64_t size, std::int64_t tiles, std::int64_t block) {
    const std::int64_t padded = ceil_div(size, block) * block;
    return std::max(block, ceil_div(padded, tiles) / block * block);
  };
  t.m = whole(m, t.tiles_m, rows);
  t.n = whole(n, t.tiles_n, columns);
  t.k = whole(k, t.tiles_k, rows);
  t.tiles_m = ceil_div(m, t.m);
  t.tiles_n = ceil_div(n, t.n);
  t.tiles_k = ceil_div(k, t.k);
  return t;
}

GemmTrace schedule(const GemmCores& cores, const GemmShapeOnCores& shape) {
  return Run(cores, shape).go();
}

}  // namespace joulesim::hw

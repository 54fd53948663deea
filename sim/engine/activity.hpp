// What a machine did during a stretch of time: counters, no joules. Energy follows from it in
// booking.hpp, so a replayed or interpolated stretch costs nothing but arithmetic.
#pragma once

#include "hw/dram/energy.hpp"
#include "hw/flash/file_reader.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::engine {

struct OperatorActivity {
  std::string label;  // reports group by it
  std::string limit;  // what paces its computing
  std::int64_t count = 1;
  Time exposed;  // from the end of the operator before to its own end
  Time computing, starved, starting;
  double ops = 0;
  Bytes moved;                 // from or to memories
  std::vector<double> joules;  // by cause of the unit
};

struct Activity {
  Time duration;
  hw::DramActivity dram;
  double dram_bursts = 0, dram_row_hits = 0;
  Bytes cache_hits, cache_fills, cache_written, cache_written_back;
  Bytes flash_read, flash_channel;  // to the host, and on the channels
  double flash_pages = 0;
  Time flash_active;
  double file_calls = 0, file_faults = 0, file_commands = 0;
  Bytes file_copied;    // from the page cache to the program
  Time file_processor;  // spent by the operating system on reading weights
  Bytes link_moved;     // to other devices of the node
  Bytes display_read;
  double display_missed = 0;
  Time display_latency;  // longest
  Time computing;
  Time waiting;  // the unit had nothing to run: its host was late, or devices exchanged
  std::vector<double> unit_joules;  // by cause of the unit
  std::vector<OperatorActivity> operators;

  // Sums; operators are merged by label.
  void add(const Activity& other, double times);
  // (1 - share) * a + share * b, for contexts between two that were simulated.
  static Activity between(const Activity& a, const Activity& b, double share);
  [[nodiscard]] const OperatorActivity* find(const std::string& label) const;
};

// Bytes per second of the DRAM over a simulated stretch.
struct BandwidthTrace {
  Time bin;
  std::vector<double> bytes;  // per bin
};

struct SegmentActivity {
  std::string name;
  int block = -1;
  std::string key;  // equal keys: replayed from each other
  bool simulated = true;
  std::size_t stands_for = 0;  // index of the simulated segment that was replayed
  Activity activity;
};

struct StepActivity {
  std::vector<SegmentActivity> segments;  // all of the step, replays included
  Activity total;
  BandwidthTrace trace;                       // of the simulated stretch
  double spread_time = 0, spread_energy = 0;  // between simulated segments of one key, relative
  std::int64_t blocks = 0, blocks_simulated = 0;
  std::vector<std::string> mappings;  // "ffn.down: 128x64 tiles, …", once per label
};

// What a reader and its store counted, as activity.
void add_file_activity(const hw::FileCounters& file, const hw::FlashCounters& flash,
                       Activity& activity);

std::string to_json(const StepActivity& step);
StepActivity step_from_json(const std::string& text);

}  // namespace joulesim::engine

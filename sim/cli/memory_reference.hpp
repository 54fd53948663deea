// Reference simulators' answers, row by row against ours.
#pragma once

#include "sim/cli/memory_run.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace joulesim::cli {

// A row of the reference file that we model, and the arguments that repeat it.
struct ReferenceRow {
  std::string simulator, config, trace, mode;
  MemoryArguments arguments;
  std::uint64_t requests = 0;
  double cycles = 0;
  double latency_ns = 0;                // mean of reads; 0 when the row has none
  double energy_j = 0;                  // 0 when the row has none
  double activates = 0, refreshes = 0;  // of rows with energy
  double percent_peak = 0;
  bool same_controller = false;  // cycles can be compared clock for clock
};

struct ReferenceAnswer {
  double cycles = 0, latency_ns = 0, energy_j = 0, percent_peak = 0;
  double energy_at_theirs_j = 0;  // our joules per event and per second, their counts and time
  bool merges_writes = false;     // some write was coalesced or read back from the buffer
};

// Rows of DIR/memory_reference.json or DIR/reference/memory_reference.json, in file order; what
// cannot be repeated is told in `skipped`, with the reason. Throws InputError without such a file.
std::vector<ReferenceRow> read_reference(const std::string& dir, std::vector<std::string>& skipped);

ReferenceAnswer answer(const ReferenceRow& row);

// Deviations in per cent of the reference, and what may not be exceeded.
struct ReferenceVerdict {
  std::optional<double> cycles, latency, energy, energy_at_theirs;
  std::vector<std::string> broken;  // bounds that do not hold, as sentences
};
ReferenceVerdict judge(const ReferenceRow& row, const ReferenceAnswer& answer);

}  // namespace joulesim::cli

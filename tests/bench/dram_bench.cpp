// How many requests a second does the exact memory channel simulate? CPU seconds of one thread.
//
//   dram_bench [PART] [TRACE] [REPEATS] [portable]      without arguments: five parts, all traces,
//   best of 3; `portable`: as on a machine without wide instructions
#include "hw/dram/bank_scan.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void measure(const DramPart& part, const std::string& trace_name, int repeats, bool portable) {
  const std::vector<TraceRequest> trace = make_trace(trace_name);
  double best = 1e30;
  TraceResult r;
  for (int i = 0; i < repeats; ++i) {
    const double begin = cpu_seconds();
    TraceOptions options;
    options.portable = portable;
    r = run_trace(part, trace, options);
    best = std::min(best, cpu_seconds() - begin);
  }
  std::printf("%-14s %-13s %8.2f M requests/s %8.2f M bursts/s  %10lld clocks\n", part.name.c_str(),
              trace_name.c_str(), static_cast<double>(trace.size()) / best * 1e-6,
              static_cast<double>(r.bursts) / best * 1e-6, static_cast<long long>(r.cycles));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> parts =
      argc > 1 ? std::vector<std::string>{argv[1]}
               : std::vector<std::string>{"ddr4_3200", "ddr5_4800", "lpddr5_6400", "hbm2_2000",
                                          "hbm3_6400"};
  const std::vector<std::string> traces =
      argc > 2 ? std::vector<std::string>{argv[2]}
               : std::vector<std::string>{"seq_read", "seq_rw20", "seq_rw20_sep", "two_stream",
                                          "stride4k", "rand64",   "rand4k"};
  for (const std::string& part : parts) {
    for (const std::string& trace : traces) {
      measure(load_part(part), trace, argc > 3 ? std::atoi(argv[3]) : 3, argc > 4);
    }
  }
}

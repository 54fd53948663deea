// libFuzzer's entry: the target is named by the environment variable JOULESIM_FUZZ_TARGET. With
// JOULESIM_FUZZ_CORPUS set to a folder, the target's own corpus is written there first.
#include "tests/fuzz/targets.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace joulesim::fuzz;

namespace {

const Target& chosen() {
  static const Target target = [] {
    const char* name = std::getenv("JOULESIM_FUZZ_TARGET");
    for (const Target& candidate : all_targets()) {
      if (name != nullptr && candidate.name == name) {
        return candidate;
      }
    }
    std::fprintf(stderr, "JOULESIM_FUZZ_TARGET must be one of:\n");
    for (const Target& candidate : all_targets()) {
      std::fprintf(stderr, "%s\n", candidate.name.c_str());
    }
    std::exit(1);
  }();
  return target;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* folder = std::getenv("JOULESIM_FUZZ_CORPUS");
  int number = 0;
  for (const Bytes& input : folder != nullptr ? chosen().corpus() : std::vector<Bytes>()) {
    std::ofstream out(std::string(folder) + "/made-" + std::to_string(number++), std::ios::binary);
    out.write(reinterpret_cast<const char*>(input.data()),
              static_cast<std::streamsize>(input.size()));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(chosen(), std::as_bytes(std::span(data, size)));
  return 0;
}

// The SystemC library asks every program for one; parsers never start a simulation.
extern "C" int sc_main(int argc, char* argv[]);
int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

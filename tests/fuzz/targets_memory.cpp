// Parsers of the memory model, and the list of all that need no machine.
#include "hw/dram/part.hpp"
#include "hw/dram/trace_file.hpp"
#include "sim/base/config.hpp"
#include "tests/fuzz/targets.hpp"

#include <array>
#include <fstream>
#include <iterator>

namespace joulesim::fuzz {
namespace {

void parse_trace(std::span<const std::byte> input) {
  (void)hw::TraceFile(as_file("trace.bin", input)).facts();
}

void parse_dram_part(std::span<const std::byte> input) {
  ConfigFile file = ConfigFile::parse(text_of(input), "fuzz.toml");
  (void)file.root().text("model");
  (void)hw::DramPart::from(file.root());
  file.require_ok();
}

std::vector<Bytes> trace_corpus() {
  constexpr std::array<std::uint64_t, 4> kWords = {0, 64, (std::uint64_t{1} << 63) | 128, 1 << 20};
  const auto bytes = std::as_bytes(std::span(kWords));
  return {{bytes.begin(), bytes.end()}};
}

std::vector<Bytes> dram_part_corpus() {
  std::ifstream in(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/lpddr5_6400.toml",
                   std::ios::binary);
  return {bytes_of(std::string(std::istreambuf_iterator<char>(in), {}))};
}

}  // namespace

std::vector<Target> memory_targets() {
  return {{"trace", parse_trace, trace_corpus}, {"dram_part", parse_dram_part, dram_part_corpus}};
}

std::vector<Target> all_targets() {
  std::vector<Target> targets;
  for (std::vector<Target> more :
       {model_targets(), text_targets(), graph_targets(), memory_targets()}) {
    targets.insert(targets.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  }
  return targets;
}

}  // namespace joulesim::fuzz

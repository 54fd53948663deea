// Parsers of what machines and runs are described by: parts, devices, scenarios, address traces.
// The corpus of each is one of the product's own files.
#include "hw/dram/trace_file.hpp"
#include "sim/base/config.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/scenario.hpp"
#include "tests/fuzz/targets.hpp"

#include <fstream>
#include <iterator>

namespace joulesim::fuzz {
namespace {

const engine::Library& library() {
  static const engine::Library opened = engine::Library::open();
  return opened;
}

void parse_part(std::span<const std::byte> input) {
  ConfigFile file = library().read(as_file("part.toml", input));
  engine::check_part(library(), file);
}

void parse_device(std::span<const std::byte> input) {
  (void)engine::load_machine_file(library(), as_file("device.toml", input));
}

void parse_scenario(std::span<const std::byte> input) {
  (void)engine::read_scenario(as_file("scenario.toml", input), {});
}

Bytes file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return bytes_of(std::string(std::istreambuf_iterator<char>(in), {}));
}

// The first part of every kind.
std::vector<Bytes> part_corpus() {
  std::vector<Bytes> files;
  std::string kinds;
  for (const engine::LibraryEntry& part : library().parts()) {
    if (kinds.find("," + part.kind + ",") == std::string::npos) {
      kinds += "," + part.kind + ",";
      files.push_back(file_bytes(part.path));
    }
  }
  return files;
}

std::vector<Bytes> device_corpus() { return {file_bytes(library().device("iphone_13")->path)}; }

std::vector<Bytes> scenario_corpus() {
  std::vector<Bytes> files;
  for (const char* name : {"mobilellm_350m_int8", "search_fleet_h100", "opt_6_7b_neuron_window"}) {
    files.push_back(file_bytes(library().scenario(name)->path));
  }
  return files;
}

}  // namespace

std::vector<Target> all_targets() {
  return {{"part", parse_part, part_corpus},
          {"device", parse_device, device_corpus},
          {"scenario", parse_scenario, scenario_corpus}};
}

}  // namespace joulesim::fuzz

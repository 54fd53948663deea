// Files that `new` writes: everything open is asked for by place, and what is filled in from a data
// sheet runs. Slips in the figures are caught by the cross-checks.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::small_scenario;
using joulesim::cli::Workplace;

std::size_t count(const std::string& text, const std::string& piece) {
  std::size_t found = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) {
    ++found;
  }
  return found;
}

// The text with the "?" of one key replaced, in a section.
std::string filled(const std::string& text, const std::string& section, const std::string& key,
                   const std::string& value) {
  const std::size_t begin = section.empty() ? 0 : text.find("\n[" + section + "]");
  INFO("[" << section << "] " << key << " in\n" << text);
  REQUIRE(begin != std::string::npos);
  std::size_t at = begin;
  do {
    at = text.find("\n" + key, at + 1);
    REQUIRE(at != std::string::npos);
  } while (text[at + 1 + key.size()] != ' ');
  const std::size_t open = text.find("\"?\"", at);
  REQUIRE(open < text.find('\n', at + 1));
  return text.substr(0, open) + value + text.substr(open + 3);
}

// The n-th [[unit]] block filled in, or taken out when no part is named.
std::string with_unit(const std::string& text, const std::string& name, const std::string& part) {
  const std::size_t at = text.find("name    = \"" + name + "\"");
  REQUIRE(at != std::string::npos);
  const std::size_t begin = text.rfind("[[unit]]", at);
  const std::size_t end = std::min(text.find("\n[", at), text.size());
  std::string block = text.substr(begin, end - begin);
  block = part.empty() ? "" : exchanged(block, "\"?\"", "\"" + part + "\"");
  return text.substr(0, begin) + block + text.substr(end);
}

// A board with a Rockchip RK3568: four Cortex-A55 at 2 GHz, an NPU of 1 TOPS, 32 bit of LPDDR4.
std::string board(const std::string& text, const std::string& peak = "\"12.8 GB/s\"") {
  std::string out = filled(text, "", "title", "\"ROCK 3A\"");
  out = filled(out, "sources", "sheet", "\"RK3568 Brief Datasheet\"");
  out = filled(out, "memory", "part", "\"lpddr4x_3200\"");
  out = filled(out, "memory", "channels", "2");
  out = filled(out, "memory", "capacity", "\"8 GB\"");
  out = filled(out, "memory", "peak", peak);
  out = filled(out, "storage", "part", "\"emmc_5_1\"");
  out = with_unit(out, "cpu", "cpu_rk3562");
  out = with_unit(out, "gpu", "");
  return with_unit(out, "npu", "rk3568_npu");
}

std::string npu(const std::string& text, const std::string& macs = "512") {
  std::string out = filled(text, "", "title", "\"RK3568 NPU\"");
  out = filled(out, "sources", "sheet", "\"RK3568 Brief Datasheet\"");
  out = filled(out, "array", "arrays", "1");
  out = filled(out, "array", "rows", "16");
  out = filled(out, "array", "columns", "32");
  out = filled(out, "array", "clock", "\"1 GHz\"");
  out = filled(out, "array", "peak", "\"1.02 Top/s\"");
  out = filled(out, "arithmetic.int8", "macs_per_cycle", macs);
  out = filled(out, "arithmetic.int4", "macs_per_cycle", macs);
  return filled(out, "arithmetic.fp16", "macs_per_cycle", "256");
}

Outcome works(const Workplace& place, const std::string& arguments) {
  Outcome outcome = place.run(arguments);
  INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  REQUIRE(outcome.status == 0);
  return outcome;
}

}  // namespace

TEST_CASE("a new device file says everything that is open, once and at its place") {
  for (const std::string kind : {"phone", "tablet", "laptop", "desktop", "board", "server",
                                 "desktop_gpu", "server_gpu", "server_npu"}) {
    const Workplace place;
    works(place, "new device mine --kind " + kind);
    const std::string text = place.read("mine.toml");
    INFO(kind << "\n" << text);
    const Outcome outcome = place.run("check mine.toml");
    CHECK(outcome.status == 1);
    // One in the head speaks of them.
    CHECK(count(outcome.err, "still to be filled in") == count(text, "\"?\"") - 1);
    CHECK(count(outcome.err, "error:") == count(text, "\"?\"") - 1);
  }
}

TEST_CASE("a device and its part filled in from a data sheet are checked, shown and run") {
  const Workplace place;
  works(place, "new device rock_3a --kind board --out mine/rock_3a.toml");
  works(place, "new part rk3568_npu --like rk3588_npu --out mine/rk3568_npu.toml");
  place.write("mine/rock_3a.toml", board(place.read("mine/rock_3a.toml")));
  place.write("mine/rk3568_npu.toml", npu(place.read("mine/rk3568_npu.toml")));
  const Outcome checked = works(place, "check mine/rock_3a.toml");
  INFO(checked.out);
  CHECK(checked.out.find("8.00 GB at 12.8 GB/s") != std::string::npos);
  CHECK(checked.out.find("1.02 Top/s in int8") != std::string::npos);
  CHECK(checked.out.find("no fault") != std::string::npos);
  CHECK(works(place, "show mine/rock_3a.toml").out.find("RK3568 Brief Datasheet") !=
        std::string::npos);
  // A scenario names the file, from where the scenario lies.
  place.write("s.toml", exchanged(small_scenario(), "iphone_13", "mine/rock_3a.toml"));
  works(place, "check s.toml");
  CHECK(works(place, "run s.toml --no-plots").out.find("tokens/s") != std::string::npos);
}

TEST_CASE("slips in a new device's figures are caught") {
  const Workplace place;
  works(place, "new device rock_3a --kind board");
  works(place, "new part rk3568_npu --like rk3588_npu");
  const std::string device = place.read("rock_3a.toml");
  const std::string part = place.read("rk3568_npu.toml");
  const auto fault = [&](const std::string& device_text, const std::string& part_text) {
    place.write("rock_3a.toml", device_text);
    place.write("rk3568_npu.toml", part_text);
    const Outcome outcome = place.run("check rock_3a.toml");
    CHECK(outcome.status == 1);
    return outcome.err;
  };
  CHECK(
      fault(board(device, "\"25.6 GB/s\""), npu(part)).find("2 channels of 'lpddr4x_3200' give") !=
      std::string::npos);
  CHECK(fault(board(device), npu(part, "1024")).find("'peak' is 1.02 Top/s, but 1 arrays at") !=
        std::string::npos);
  CHECK(fault(board(device), part).find("still to be filled in") != std::string::npos);
  place.write("rock_3a.toml", exchanged(board(device), "\"8 GB\"", "\"8 TB\""));
  place.write("rk3568_npu.toml", npu(part));
  CHECK(works(place, "check rock_3a.toml").err.find("is it right?") != std::string::npos);
}

TEST_CASE("new parts of every kind ask for what is open") {
  const std::vector<std::pair<std::string, std::string>> bases = {
      {"rk3588_npu", "[array]"},       {"mali_g610_4", "lane_rate"},
      {"h100_sxm", "tensor_rate"},     {"cpu_rk3588", "[core.performance]"},
      {"lpddr5_5500", "data_rate"},    {"ufs_4_0", "[link]"},
      {"system_cache_8m", "capacity"}, {"galaxy_s24_battery", "capacity"},
      {"pcie_4_0_x16", "lanes"},       {"iphone_13_display", "width"},
  };
  for (const auto& [base, piece] : bases) {
    const Workplace place;
    works(place, "new part mine --like " + base);
    const std::string text = place.read("mine.toml");
    INFO(base << "\n" << text);
    CHECK(text.find(piece) != std::string::npos);
    const Outcome outcome = place.run("check mine.toml");
    INFO(outcome.err);
    CHECK(outcome.status == 1);
    CHECK(count(outcome.err, "still to be filled in") == count(text, "\"?\"") - 1);
    CHECK(count(outcome.err, "error:") == count(text, "\"?\"") - 1);
  }
}

TEST_CASE("new refuses names that are taken, files that are there, kinds and parts that are not") {
  const Workplace place;
  const auto refuses = [&](const std::string& arguments, const std::string& said) {
    const auto before = place.files();
    const Outcome outcome = place.run(arguments);
    INFO(arguments << "\n" << outcome.err);
    CHECK(outcome.status == 1);
    CHECK(outcome.err.find(said) != std::string::npos);
    CHECK(place.files() == before);
  };
  place.write("there.toml", "mine");
  refuses("new device rk3588 --kind board", "in the catalogue already");
  refuses("new device mine --kind bord", "did you mean 'board'?");
  refuses("new device mine", "--kind");
  refuses("new device mine --like rk3589", "did you mean");
  refuses("new device there --kind phone", "is there already");
  refuses("new device ../mine --kind phone", "small letters");
  refuses("new part mine", "--like");
  refuses("new part mine --like rk3588_npi", "did you mean 'rk3588_npu'?");
}

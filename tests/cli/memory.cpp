// memory and validate memory: what they print, refuse and end with.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::source_file;
using joulesim::cli::Workplace;
using Json = nlohmann::json;

std::string stream(std::uint64_t requests) {
  std::string out;
  for (std::uint64_t i = 0; i < requests; ++i) {
    const std::uint64_t address = i * 64;
    for (int shift = 0; shift < 64; shift += 8) {
      out.push_back(static_cast<char>(static_cast<unsigned char>(address >> shift)));
    }
  }
  return out;
}

Json answer(const Workplace& place, const std::string& arguments) {
  const Outcome outcome = place.run("memory " + arguments);
  INFO("joulesim memory " << arguments << "\n" << outcome.err);
  REQUIRE(outcome.status == 0);
  return Json::parse(outcome.out);
}

void refuses(const Workplace& place, const std::string& arguments, const std::string& named) {
  const Outcome outcome = place.run("memory " + arguments);
  INFO("joulesim memory " << arguments << "\n" << outcome.out << outcome.err);
  CHECK(outcome.status == 1);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find(named) != std::string::npos);
}

}  // namespace

TEST_CASE("memory answers a trace file in JSON, the same as the pattern that it holds") {
  const Workplace place;
  place.write("t.bin", stream(4096));
  const Json file = answer(place, "--part ddr4_3200 --trace t.bin");
  const Json made = answer(place, "--part ddr4_3200 --generate seq_read --scale 0.00390625 --json");
  for (const char* key : {"cycles", "time_ns", "gbps", "pct_peak", "avg_read_latency_ns",
                          "row_hits", "activates", "refreshes", "energy"}) {
    INFO(key);
    REQUIRE(file.contains(key));
    CHECK(file.at(key) == made.at(key));
    CHECK(file.at(key).is_number());
  }
  CHECK(file.at("requests") == 4096);
  CHECK(file.at("reads") == 4096);
  const double time = file.at("time_ns");
  CHECK(time == Approx(file.at("cycles").get<double>() * 0.625));
  CHECK(file.at("gbps").get<double>() == Approx(4096 * 64 / time));
  CHECK(file.at("pct_peak").get<double>() == Approx(100 * 4096 * 64 / time / 25.6));
  const Json without = answer(place, "--part ddr4_3200 --trace t.bin --refresh off");
  CHECK(without.at("refreshes") == 0);
  CHECK(without.at("cycles") < file.at("cycles"));
  const Json single = answer(place, "--part ddr4_3200 --trace t.bin --serial");
  CHECK(single.at("cycles").get<double>() > 4 * file.at("cycles").get<double>());
  const Json two = answer(place, "--part ddr4_3200 --trace t.bin --channels 2");
  CHECK(two.at("gbps").get<double>() > 1.8 * file.at("gbps").get<double>());
  CHECK(two.at("reads") == 4096);
}

TEST_CASE("memory says where a trace leaves the part and that a part has no energy") {
  const Workplace place;
  const Outcome wraps =
      place.run("memory --part gddr6_14000 --generate rand64 --scale 0.01 --summary");
  CHECK(wraps.status == 0);
  CHECK(wraps.err.find("wrap") != std::string::npos);
  CHECK(wraps.out.find("bandwidth") != std::string::npos);
  // The part without its currents and their source.
  std::string bare = source_file("hw/dram/ddr4_3200.toml");
  bare.erase(bare.find("[currents]"));
  const auto source = bare.find("idd = {");
  bare.erase(source, bare.find('\n', source) - source);
  place.write("bare.toml", exchanged(bare, "\"ddr4_3200\"", "\"bare\""));
  const Json unknown = answer(place, "--part bare.toml --generate seq_read --scale 0.01");
  CHECK(unknown.at("energy").is_null());
  CHECK(unknown.at("energy_reason").get<std::string>().find("bare") != std::string::npos);
}

TEST_CASE("memory plays the controller's policies, from the command line or from the part") {
  const Workplace place;
  const std::string trace = "--generate rand64 --scale 0.002 ";
  const Json open = answer(place, "--part ddr4_3200 " + trace);
  const Json closed = answer(place, "--part ddr4_3200 " + trace + "--page-policy closed");
  CHECK(open.at("row_conflicts") > 0);
  CHECK(open.at("auto_precharges") == 0);
  CHECK(closed.at("row_conflicts") == 0);
  CHECK(closed.at("auto_precharges") == closed.at("precharges"));
  place.write("closing.toml",
              exchanged(source_file("hw/dram/ddr4_3200.toml"), "\"ddr4_3200\"", "\"closing\"") +
                  "\n[controller]\npage = \"closed\"\n");
  CHECK(answer(place, "--part closing.toml " + trace).at("cycles") == closed.at("cycles"));
  const std::string paced = trace + "--interval '2 us' ";
  const Json awake = answer(place, "--part ddr4_3200 " + paced);
  const Json asleep = answer(
      place, "--part ddr4_3200 " + paced + "--idle precharge_power_down --idle-after '100 ns'");
  CHECK(awake.at("power_downs") == 0);
  CHECK(asleep.at("power_downs") > 100);
  CHECK(asleep.at("power_down_ns").get<double>() > 0.8 * asleep.at("time_ns").get<double>());
  CHECK(asleep.at("energy").get<double>() < 0.8 * awake.at("energy").get<double>());
}

TEST_CASE("memory refuses what is no trace, no part and no mapping") {
  const Workplace place;
  place.write("t.bin", stream(64));
  place.write("cut.bin", stream(64) + "x");
  place.write("empty.bin", "");
  refuses(place, "--part ddr4_3200 --trace nowhere.bin", "nowhere.bin");
  refuses(place, "--part ddr4_3200 --trace cut.bin", "513 B");
  refuses(place, "--part ddr4_3200 --trace empty.bin", "empty");
  refuses(place, "--part ddr4_3300 --trace t.bin", "did you mean 'ddr4_3200'");
  refuses(place, "--part iphone_13_battery --trace t.bin", "battery part");
  refuses(place, "--part ddr4_3200 --trace t.bin --mapping ba_ro", "ba_ro");
  refuses(place, "--part ddr4_3200", "--trace");
  refuses(place, "--part ddr4_3200 --generate seq", "rand4k");
  refuses(place, "--part ddr4_3200 --trace t.bin --detail exact", "--detail");
  refuses(place, "--part ddr4_3200 --trace t.bin --serial --detail train", "--serial");
  refuses(place, "--part ddr4_3200 --trace t.bin --refresh-mode per_bank", "tRFCpb");
  refuses(place, "--part gddr6_14000 --trace t.bin --idle power_down --idle-after '1 us'", "tXP");
  refuses(place, "--part ddr4_3200 --trace t.bin --idle power_down", "--idle-after");
  refuses(place, "--part ddr4_3200 --trace t.bin --interval 5", "200 ns");
}

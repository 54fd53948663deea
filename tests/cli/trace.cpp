// The timeline of a run, as `run --trace` writes it, against the result beside it.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::small_scenario;
using joulesim::cli::Workplace;

struct Change {
  double time = 0, value = 0;  // seconds
};

// Values by name, from the value change dump.
std::map<std::string, std::vector<Change>> read_vcd(const std::string& text, double& end) {
  std::map<std::string, std::string> names;
  std::map<std::string, std::vector<Change>> values;
  std::istringstream words(text);
  bool declared = false;
  for (std::string word; words >> word;) {
    if (word == "$var") {
      std::string type, width, code, name;
      words >> type >> width >> code >> name;
      names[code] = name;
    } else if (word == "$enddefinitions") {
      declared = true;
    } else if (declared && word[0] == '#') {
      end = std::stod(word.substr(1)) * 1e-12;
    } else if (declared && (word[0] == '0' || word[0] == '1')) {
      values[names.at(word.substr(1))].push_back({end, word[0] == '1' ? 1.0 : 0.0});
    } else if (declared && word[0] == 'r') {
      std::string code;
      words >> code;
      values[names.at(code)].push_back({end, std::stod(word.substr(1))});
    }
  }
  return values;
}

double integral(const std::vector<Change>& changes, double end) {
  double sum = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const double until = i + 1 < changes.size() ? changes[i + 1].time : end;
    sum += changes[i].value * (until - changes[i].time);
  }
  return sum;
}

}  // namespace

TEST_CASE("a run's trace has the energy, the time and the traffic of its result") {
  for (const std::string level : {"train", "analytic"}) {
    const Workplace place;
    place.write("s.toml", small_scenario());
    const Outcome outcome = place.run("run s.toml --no-plots --trace --fidelity " + level);
    INFO(level << outcome.err);
    REQUIRE(outcome.status == 0);
    const auto result = nlohmann::json::parse(place.read("out/small/result.json"));
    double end = 0;
    const auto values = read_vcd(place.read("out/small/trace.vcd"), end);
    const auto metric = [&](const char* name) {
      return result.at("metrics").at(name).at("value").get<double>();
    };
    const double prefill = metric("prefill.time_to_first_token");
    const double step = metric("decode.time_per_token");
    CHECK(end == Approx(prefill + 4 * step).epsilon(0.02));
    CHECK(integral(values.at("power_W"), end) ==
          Approx(result.at("energy_total").get<double>()).epsilon(0.001));
    CHECK(integral(values.at("request_busy"), end) == Approx(end));
    // Two simulated contexts and what lies between them: weights are read once a token and prompt.
    const double moved = integral(values.at("lpddr4x_4266_bandwidth_GB_s"), end) * 1e9;
    const auto& memory = result.at("memory").at(0);
    const double decode =
        4 * (memory.at("read").get<double>() + memory.at("written").get<double>());
    CHECK(moved > decode);
    CHECK(moved < 2 * decode);
    const std::string perfetto = place.read("out/small/trace.perfetto-trace");
    CHECK(perfetto.find("simulated") != std::string::npos);
    CHECK(perfetto.find("neural") == std::string::npos);  // units go by their names in the device
    CHECK(perfetto.find("attention") != std::string::npos);
  }
}

TEST_CASE("traces are the same bytes each time, and are not written unless asked for") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  REQUIRE(place.run("run s.toml --no-plots --trace --out a -j1").status == 0);
  REQUIRE(place.run("run s.toml --no-plots --trace --out b -j2").status == 0);
  REQUIRE(place.run("run s.toml --no-plots --out c").status == 0);
  for (const std::string name : {"trace.perfetto-trace", "trace.vcd"}) {
    CHECK(place.read("a/small/" + name) == place.read("b/small/" + name));
    CHECK_FALSE(place.read("a/small/" + name).empty());
    CHECK(place.files().count("c/small/" + name) == 0);
  }
  CHECK(place.read("a/small/result.json") == place.read("c/small/result.json"));
}

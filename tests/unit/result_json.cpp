#include "reports/result/result_json.hpp"

#include "sim/base/diagnostics.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace joulesim;
using namespace joulesim::reports;
using Catch::Contains;

namespace {

std::string fault_of(const std::string& text) {
  try {
    from_json(text, "r.json");
  } catch (const InputError& e) {
    return e.diagnostics().render() + e.what();
  }
  return {};
}

nlohmann::ordered_json sample() { return nlohmann::ordered_json::parse(to_json(phone_result())); }

}  // namespace

TEST_CASE("a result survives JSON unchanged") {
  for (const Result& r : {phone_result(), fleet_result(), odd_result()}) {
    const std::string text = to_json(r);
    const Result back = from_json(text, "r.json");
    CHECK(to_json(back) == text);
    CHECK(back.metrics.size() == r.metrics.size());
    CHECK(back.metrics.front().name == r.metrics.front().name);
    CHECK(back.metrics.front().value.dim == r.metrics.front().value.dim);
    CHECK(back.timeline.front().y == r.timeline.front().y);
    CHECK(back.title == r.title);
  }
}

TEST_CASE("doubles read back to the same bits") {
  Result r = fleet_result();
  r.energy.clear();
  for (const double value : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.123456789}) {
    r.energy.push_back({"p", "c", "e", "loss", value, 0});
  }
  const Result back = from_json(to_json(r), "r.json");
  for (std::size_t i = 0; i < r.energy.size(); ++i) {
    CHECK(back.energy[i].joules == r.energy[i].joules);
  }
}

TEST_CASE("every unit that a result can hold reads back") {
  Result r = fleet_result();
  r.metrics.clear();
  const std::vector<Dim> dims = {Dim{},           kSecond,          inverse(kSecond),
                                 kJoule,          kJoule / kToken,  kJoule / kByte,
                                 kGram / kToken,  kDollar,          kByte / kToken,
                                 inverse(kToken), kToken / kSecond, kKelvin,
                                 kJoule / kOp,    kDollar / kJoule, kOp / kSecond,
                                 kFlop,           kByte / kSecond,  kJoule * kSecond / kToken};
  for (std::size_t i = 0; i < dims.size(); ++i) {
    Metric m;
    m.name = "m" + std::to_string(i);
    m.value = {1.5, dims[i]};
    r.metrics.push_back(m);
  }
  const Result back = from_json(to_json(r), "r.json");
  for (std::size_t i = 0; i < dims.size(); ++i) {
    INFO(si_unit(dims[i]));
    CHECK(back.metrics[i].value.dim == dims[i]);
  }
}

TEST_CASE("a number that is not finite is a bug and is not written") {
  Result r = phone_result();
  r.energy.front().joules = std::nan("");
  CHECK_THROWS_AS(to_json(r), std::logic_error);
  r = phone_result();
  r.metrics.front().high = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(to_json(r), std::logic_error);
}

TEST_CASE("two metrics of one name are a bug and are not written") {
  Result r = phone_result();
  r.metrics.push_back(r.metrics.front());
  CHECK_THROWS_AS(to_json(r), std::logic_error);
}

TEST_CASE("text that is no JSON is refused with line and column") {
  CHECK_THAT(fault_of("{\n \"schema\": 1,\n x }"), Contains("r.json:3:2"));
  CHECK_THAT(fault_of(""), Contains("r.json:1:1"));
  CHECK_THAT(fault_of("\xff\xfe"), Contains("r.json:1:1"));
  CHECK_THAT(fault_of("{\"schema\": 1e999}"), Contains("out of range"));
}

TEST_CASE("JSON that is no result is refused") {
  CHECK_THAT(fault_of("[]"), Contains("found no \"schema\""));
  CHECK_THAT(fault_of("{}"), Contains("found no \"schema\""));
  CHECK_THAT(fault_of("{\"schema\": 99}"), Contains("found schema 99; expected schema 1"));
  CHECK_THAT(fault_of("{\"schema\": \"1\"}"), Contains("expected schema 1"));
  CHECK_THAT(fault_of("{\"schema\": 1}"), Contains("\"joulesim\" is missing"));
}

TEST_CASE("a wrong value is refused with its place, and all of them at once") {
  auto json = sample();
  json["energy"][3]["joules"] = "many";
  json["metrics"]["energy.per_token"]["unit"] = "parsec";
  json["time"][0]["seconds"] = -1;
  json["timeline"][0]["x"].push_back(1);
  json["memory"] = 7;
  const std::string fault = fault_of(json.dump());
  CHECK_THAT(fault, Contains("at /energy/3/joules: found a string; expected a number"));
  CHECK_THAT(fault, Contains("at /metrics/energy.per_token/unit: found the unit \"parsec\""));
  CHECK_THAT(fault, Contains("at /time/0/seconds: found -1; expected zero or more"));
  CHECK_THAT(fault, Contains("at /timeline/0: found 302 x and 301 y values"));
  CHECK_THAT(fault, Contains("at /memory: found a number; expected a list"));
}

TEST_CASE("hostile files are refused quickly") {
  CHECK_THAT(fault_of(std::string(100000, '[')), Contains("levels"));
  std::string wide = "{\"schema\": 1";
  for (int i = 0; i < 5000; ++i) {
    wide += ",\"k" + std::to_string(i) + "\":0";
  }
  CHECK_THAT(fault_of(wide + "}"), Contains("more than 1000 names"));
}

TEST_CASE("a missing result file is named") {
  CHECK_THROWS_WITH(read_result("/nonexistent/result.json"), Contains("/nonexistent/result.json"));
}

// How far are predicted kernels from public measurements? Bounds with room above what was reached;
// skipped where the measurements are not present.
#include "sim/engine/measured.hpp"
#include "sim/engine/measured_serving.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <utility>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

std::string folder() { return std::string(JOULESIM_DATA_DIR) + "/measured"; }
bool present() { return std::filesystem::exists(folder() + "/gemm.csv"); }

reports::ErrorStatistics errors_of(const std::string& kind) {
  const Library library = Library::open();
  MeasuredSetting setting(library);
  const MeasuredTable table = read_measured(folder() + "/" + kind + ".csv", kind);
  reports::Validation validation;
  add_errors(table, predict(setting, table), validation);
  for (const reports::ValidationGroup& group : reports::groups_of(validation)) {
    if (group.device == "all") {
      CHECK(group.model.count == table.rows.size());
      CHECK(group.model.median < group.roofline.median);
      return group.model;
    }
  }
  return {};
}

void stays_below(const std::string& kind, double median, double p90) {
  if (!present()) {
    WARN("no measured kernels at " << folder());
    return;
  }
  const reports::ErrorStatistics errors = errors_of(kind);
  CAPTURE(kind, errors.median, errors.p90);
  CHECK(errors.count > 0);
  CHECK(errors.median < median);
  CHECK(errors.p90 < p90);
}

}  // namespace

TEST_CASE("products are within ten per cent at the median") { stays_below("gemm", 0.10, 0.30); }
TEST_CASE("prefill attention") { stays_below("attention_prefill", 0.07, 0.22); }
TEST_CASE("decode attention") { stays_below("attention_decode", 0.12, 0.30); }
TEST_CASE("vector kernels") { stays_below("elementwise_norm", 0.12, 0.38); }
TEST_CASE("mixtures of experts") { stays_below("moe", 0.19, 0.42); }
TEST_CASE("all-reduces") { stays_below("allreduce", 0.18, 0.60); }

TEST_CASE("serving steps, their power and their joules a token") {
  const std::string path = folder() + "/e2e_serving.csv";
  if (!std::filesystem::exists(path)) {
    WARN("no measured runs at " << path);
    return;
  }
  const Library library = Library::open();
  MeasuredSetting setting(library);
  const MeasuredTable table = read_measured(path, "e2e_serving");
  reports::Validation validation;
  add_serving_errors(table, predict_serving(library, setting, table), validation);
  const std::map<std::string, std::pair<double, double>> bounds = {
      {"serving_itl_ms", {0.07, 0.13}},
      {"serving_power_w", {0.07, 0.13}},
      {"serving_joule_per_token", {0.09, 0.16}}};
  std::size_t judged = 0;
  for (const reports::ValidationGroup& group : reports::groups_of(validation)) {
    const auto bound = bounds.find(group.kind);
    if (group.device == "all" && bound != bounds.end()) {
      CAPTURE(group.kind, group.model.median, group.model.p90);
      CHECK(group.model.median < bound->second.first);
      CHECK(group.model.p90 < bound->second.second);
      ++judged;
    }
  }
  CHECK(judged == bounds.size());
}

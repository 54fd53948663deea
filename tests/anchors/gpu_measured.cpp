// How far are predicted kernels from public measurements? Bounds with room above what was reached;
// skipped where the measurements are not present.
#include "sim/engine/measured.hpp"
#include "sim/engine/measured_serving.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

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
TEST_CASE("prefill attention") { stays_below("attention_prefill", 0.12, 0.35); }
TEST_CASE("decode attention") { stays_below("attention_decode", 0.12, 0.30); }
TEST_CASE("vector kernels") { stays_below("elementwise_norm", 0.18, 0.50); }
TEST_CASE("mixtures of experts") { stays_below("moe", 0.24, 0.55); }
TEST_CASE("all-reduces") { stays_below("allreduce", 0.18, 0.60); }

// How far are predictions from published end-to-end figures? Bounds with room above what was
// reached; skipped where the figures are not present.
#include "sim/base/diagnostics.hpp"
#include "sim/engine/published_metrics.hpp"
#include "sim/engine/published_model.hpp"
#include "sim/engine/published_report.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

std::string published() { return std::string(JOULESIM_DATA_DIR) + "/measured/published.json"; }

std::string written(const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() / "joulesim_published_rows.json";
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

const std::string kRow =
    R"([{"device_id": "apple-m1", "unit_used": "gpu", "model_id": "Llama-2-7B", "precision": "q4_0",
"weight_bits": 4.5, "runtime": "llama.cpp-metal", "batch": 1, "prompt_len": 0, "gen_len": 128,
"n_devices": 1, "metric": "decode_throughput", "unit": "tok/s", "kind": "measured", "value": )";

}  // namespace

TEST_CASE("published figures are predicted within bounds") {
  if (!std::filesystem::exists(published())) {
    WARN("no published figures at " << published());
    return;
  }
  const PublishedTable table = read_published(published());
  const auto predictions = predict_published(Library::open(), table.rows);
  const PublishedCoverage coverage = coverage_of(table, predictions);
  CHECK(static_cast<double>(coverage.predicted) >= 0.95 * static_cast<double>(coverage.known));
  std::size_t seen = 0;
  for (const PublishedErrors& e : published_errors(table, predictions)) {
    if (e.by == "all" && (e.group == "decode" || e.group == "prefill" || e.group == "energy")) {
      INFO(e.group);
      CHECK(e.errors.median < (e.group == "decode" ? 0.16 : 0.25));
      CHECK(e.errors.p90 < (e.group == "decode" ? 0.5 : 0.7));
      ++seen;
    }
  }
  CHECK(seen == 3);
}

TEST_CASE("vendors' own tables of small boards are met") {
  // Decode and first tokens on four Rockchip chips, decode on a Jetson at two clocks: the data that
  // the assumed figures of these two stacks rest on.
  const PublishedTable table =
      read_published(std::string(JOULESIM_SOURCE_DIR) + "/tests/anchors/vendor_tables.json");
  const auto predictions = predict_published(Library::open(), table.rows);
  std::vector<double> decode;
  std::vector<double> first;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    INFO(table.rows[i].id << ": " << predictions[i].skipped);
    REQUIRE(predictions[i].skipped.empty());
    const bool token = table.rows[i].metric == "time_to_first_token";
    const double ratio = predictions[i].value / table.values[i];
    (token ? first : decode).push_back(std::abs(ratio - 1));
    CHECK(ratio > (token ? 0.3 : 0.65));
    CHECK(ratio < (token ? 2.0 : 1.55));
  }
  const auto median = [](std::vector<double> errors) {
    std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
    return errors[errors.size() / 2];
  };
  REQUIRE(decode.size() > 30);
  CHECK(median(decode) < 0.16);
  CHECK(median(first) < 0.4);
}

TEST_CASE("a prediction does not know the value it is compared with") {
  const Library library = Library::open();
  const auto once = predict_published(library, read_published(written(kRow + "14.2}]")).rows);
  const auto again = predict_published(library, read_published(written(kRow + "99}]")).rows);
  REQUIRE(once.front().skipped.empty());
  CHECK(once.front().value == again.front().value);
  CHECK(once.front().stack == "llama_cpp_metal");
}

TEST_CASE("rows that cannot be predicted say why, wrong files are refused") {
  const Library library = Library::open();
  std::string row = kRow;
  row.replace(row.find("apple-m1"), 8, "apple-m0");
  const auto p = predict_published(library, read_published(written(row + "1}]")).rows);
  CHECK(p.front().skipped.find("apple-m0") != std::string::npos);
  CHECK_THROWS_AS(read_published(written("{}")), InputError);
  CHECK_THROWS_AS(read_published(written("[1, {\"batch\": \"many\"}]")), InputError);
  CHECK_THROWS_AS(read_published(written("[")), InputError);
}

TEST_CASE("precisions are formats by name, group or bits") {
  const auto bits = [](const std::string& precision, std::optional<double> given) {
    const auto format = published_format(precision, given);
    REQUIRE(format);
    return format->bits_per_element(4096, 4096);
  };
  CHECK(bits("q4_0", 4.5) == Approx(4.5));
  CHECK(bits("q4_k_m", 4.85) == Approx(4.85).epsilon(0.01));
  CHECK(bits("w4a8-g32 (SpinQuant)", 4) == Approx(4.5));
  CHECK(bits("bf16", 16) == Approx(16));
  CHECK(bits("fp8", std::nullopt) == Approx(8));
  CHECK(bits("w1.58a8", 2.0) == Approx(2).epsilon(0.01));
  CHECK(bits("", 3.4) == Approx(3.4).epsilon(0.02));
  CHECK_FALSE(published_format("", std::nullopt));
  const Library library = Library::open();
  CHECK(published_model(library, "LLaMA 1.3B")->id == "llama_1_3b");
  CHECK(published_model(library, "LLaMA-13B")->id == "llama_13b");
  CHECK(published_model(library, "Llama-3.1-8B-Instruct")->id == "llama_3_1_8b");
}

TEST_CASE("what was run is read from the note where no field says it") {
  const Library library = Library::open();
  const auto value = [&](const std::string& note, const std::string& metric, int batch) {
    std::string row = kRow + "1, \"note\": \"" + note + "\"}]";
    const auto put = [&](const std::string& from, const std::string& to) {
      row.replace(row.find(from), from.size(), to);
    };
    put("apple-m1", "a100-80");
    put("q4_0", "fp16");
    put("4.5", "16");
    put("llama.cpp-metal", "tensorrt-llm");
    put("decode_throughput", metric);
    put("\"batch\": 1", "\"batch\": " + std::to_string(batch));
    put("\"n_devices\": 1", "\"n_devices\": 2");
    const auto p = predict_published(library, read_published(written(row)).rows);
    INFO(p.front().skipped);
    REQUIRE(p.front().skipped.empty());
    return p.front().value;
  };
  // Four candidates of one answer run for every token that counts; their prompt runs once.
  const double greedy = value("", "output_throughput_max_load", 64);
  const double beams = value("beam search width 4", "output_throughput_max_load", 16);
  CHECK(beams < 0.5 * greedy);
  CHECK(beams > 0.2 * greedy);
  // Two stages of a pipeline work on a batch each; alone, a token visits them in turn.
  const double full = value("pipeline parallel", "throughput", 8);
  const double in_turn = value("pipeline parallel", "decode_throughput", 8);
  CHECK(full > 1.5 * in_turn);
}

TEST_CASE("a battery's charge for a token is the device's energy over the cell's voltage") {
  const Library library = Library::open();
  const auto value = [&](const std::string& metric, const std::string& unit) {
    std::string row = kRow + "1}]";
    const auto put = [&](const std::string& from, const std::string& to) {
      row.replace(row.find(from), from.size(), to);
    };
    put("apple-m1", "oneplus12");
    put("llama.cpp-metal", "mlc-llm");
    put("decode_throughput", metric);
    put("tok/s", unit);
    const auto p = predict_published(library, read_published(written(row)).rows);
    INFO(p.front().skipped);
    REQUIRE(p.front().skipped.empty());
    CHECK(p.front().group == "energy of the device");
    return p.front().value;
  };
  const double joules = value("energy_per_token_whole_device", "J/token");
  const double charge = value("battery_charge_per_token", "mAh/token");
  CHECK(joules / (charge * 3.6) > 3.6);
  CHECK(joules / (charge * 3.6) < 4.0);
}

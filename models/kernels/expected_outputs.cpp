#include "models/kernels/expected_outputs.hpp"

#include "models/arch/build_graph.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/generate.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

namespace joulesim::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr double kExactTolerance = 1e-3;
constexpr double kIntegerTolerance = 0.02;

Json read_json(const fs::path& path) {
  std::ifstream file(path);
  Json json = Json::parse(file, nullptr, false);
  if (!json.is_object()) {
    throw InputError(fmt::format("{}: found no JSON object; expected one", path.string()));
  }
  return json;
}

std::string text(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

std::vector<std::int32_t> ids(const Json& json, const char* key) {
  std::vector<std::int32_t> found;
  if (json.contains(key) && json[key].is_array()) {
    for (const Json& id : json[key]) {
      found.push_back(id.is_number_integer() ? id.get<std::int32_t>() : -1);
    }
  }
  return found;
}

// The file that a case names, with or without its folder and ending.
std::optional<std::string> find_model(const fs::path& folder, const std::string& name) {
  for (const std::string& guess : {name, "gguf/" + name, "llama2c/" + name, "hf/" + name,
                                   "gguf/" + name + "-F32.gguf", "llama2c/" + name + ".bin"}) {
    if (!name.empty() && fs::exists(folder / guess)) {
      return (folder / guess).string();
    }
  }
  return std::nullopt;
}

void measure(const FloatArray& expected, const FloatArray& found, ExpectedRow& row) {
  double squares = 0.0;
  const std::size_t count = std::min(expected.values.size(), found.values.size());
  for (std::size_t i = 0; i < count; ++i) {
    const double error = std::fabs(static_cast<double>(expected.values[i]) - found.values[i]);
    row.max_abs_error = std::isfinite(error) ? std::max(row.max_abs_error, error) : error;
    squares += error * error;
  }
  row.rms_error = count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0.0;
  row.positions = expected.rows;
}

// What the case may differ by, from what it says of its engine.
void set_tolerance(const Json& json, ExpectedRow& row) {
  const std::string engine = text(json, "engine");
  row.datapath = "fp32";
  row.judged_by = "max";
  row.tolerance = kExactTolerance;
  if (engine.find("runq") != std::string::npos) {
    row.datapath = "int8_group";
    row.judged_by = "rms";
    row.tolerance = kIntegerTolerance;
  } else if (json.contains("vs_fp32_original_prompt_rows")) {
    const char* key = json.contains("vs_dequant_fp32_prompt_rows") ? "vs_dequant_fp32_prompt_rows"
                                                                   : "vs_fp32_original_prompt_rows";
    row.judged_by = "rms";
    row.other_rms = json[key].value("rms", 0.0);
    row.tolerance = std::max(kExactTolerance, 1.1 * row.other_rms);
    row.greedy_counts = false;
  }
}

ExpectedRow check_case(const fs::path& folder, const fs::path& path) {
  ExpectedRow row;
  row.name = path.stem().string();
  const Json json = read_json(path);
  set_tolerance(json, row);
  row.model = text(json, "model");
  const auto file = find_model(folder, row.model);
  if (!file) {
    row.skipped = true;
    row.fault = fmt::format("skipped: found no model '{}'", row.model);
    return row;
  }
  const FloatArray expected = read_npy((path.parent_path() / text(json, "logits")).string());
  const std::vector<std::int32_t> greedy = ids(json, "greedy_ids");
  const EvalResult result =
      evaluate(load_model(*file), ids(json, "prompt_ids"), static_cast<std::int64_t>(greedy.size()),
               {row.datapath, true});
  if (result.logits.columns != expected.columns || result.logits.rows < expected.rows) {
    row.fault = fmt::format("found logits of {}x{}; expected {}x{}", result.logits.rows,
                            result.logits.columns, expected.rows, expected.columns);
    return row;
  }
  row.greedy_equal = result.greedy_ids == greedy;
  FloatArray same = result.logits;
  if (!row.greedy_counts && !row.greedy_equal) {
    // After another choice the texts differ; the prompt's rows can still be compared.
    same.rows = std::min(same.rows, ids(json, "prompt_ids").size());
    same.values.resize(same.rows * same.columns);
  }
  measure(expected, same, row);
  const double judged = row.judged_by == "max" ? row.max_abs_error : row.rms_error;
  row.passed = judged <= row.tolerance && (row.greedy_equal || !row.greedy_counts);
  return row;
}

std::vector<ModelSpec> generated_specs() {
  std::vector<ModelSpec> specs{small_llama()};
  const auto variant = [&](const char* id, Mixer mixer) -> ModelSpec& {
    specs.push_back(small_llama());
    specs.back().id = id;
    for (LayerShape& layer : specs.back().stack) {
      layer.mixer = mixer;
    }
    return specs.back();
  };
  variant("mixture of experts", Mixer::kAttention).experts = {.experts = 4, .active = 2};
  ModelSpec& window = variant("sliding window", Mixer::kAttention);
  window.window = 4;
  window.global_every = 2;
  ModelSpec& mamba = variant("mamba", Mixer::kMamba);
  mamba.scan = {.inner = 128, .state = 8, .taps = 4, .dt_rank = 4};
  ModelSpec& mamba2 = variant("mamba2", Mixer::kMamba2);
  mamba2.scan = {.inner = 128, .state = 8, .taps = 4, .head_dim = 32, .groups = 2};
  variant("rwkv4", Mixer::kRwkv4);
  variant("rwkv5", Mixer::kRwkv5);
  variant("rwkv6", Mixer::kRwkv6).rwkv = {.mix_rank = 8, .decay_rank = 8};
  return specs;
}

}  // namespace

std::vector<ExpectedRow> check_expected_outputs(const std::string& folder) {
  const fs::path cases = fs::path(folder) / "expected";
  if (!fs::is_directory(cases)) {
    throw InputError(
        fmt::format("{}: found no folder 'expected'; expected one with a .json "
                    "file for each case",
                    folder));
  }
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(cases)) {
    if (entry.path().extension() == ".json") {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<ExpectedRow> rows;
  for (const fs::path& path : paths) {
    try {
      rows.push_back(check_case(folder, path));
    } catch (const InputError& fault) {
      ExpectedRow row;
      row.name = path.stem().string();
      row.fault = fault.diagnostics().render();
      rows.push_back(row);
    }
  }
  return rows;
}

std::vector<ExpectedRow> check_generated_models() {
  const std::vector<std::int32_t> tokens = {1, 17, 99, 4, 4, 63, 120, 0, 35};
  std::vector<ExpectedRow> rows;
  for (const ModelSpec& spec : generated_specs()) {
    const Model model = random_model(spec, 11);
    ExpectedRow row;
    row.name = row.model = spec.id;
    row.datapath = "fp32";
    row.judged_by = "max";
    row.tolerance = 1e-5;
    row.greedy_equal = true;
    const FloatArray at_once = evaluate(model, tokens, 0, {"fp32", true}).logits;
    const auto unit = make_datapath("fp32");
    Executor executor(model, *unit);
    FloatArray by_token{0, at_once.columns, {}};
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Phase phase = Phase::decode(static_cast<std::int64_t>(i));
      const FloatArray logits =
          executor.run(build_graph(spec, phase), std::span(tokens).subspan(i, 1));
      by_token.values.insert(by_token.values.end(), logits.values.begin(), logits.values.end());
      ++by_token.rows;
    }
    measure(at_once, by_token, row);
    row.passed = row.max_abs_error <= row.tolerance;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace joulesim::models

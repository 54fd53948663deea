// Every case of the folder of expected outputs, and the models that need none.
#include "models/arch/build_graph.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/expected_outputs.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>

using namespace joulesim::models;

namespace {
const std::string kModels = std::string(JOULESIM_DATA_DIR) + "/models";
}

TEST_CASE("every case with expected outputs is within its tolerance") {
  if (!std::filesystem::exists(kModels + "/expected")) {
    WARN("skipped: no " << kModels << "/expected");
    return;
  }
  const std::vector<ExpectedRow> rows = check_expected_outputs(kModels);
  CHECK(rows.size() >= 30);
  int skipped = 0;
  for (const ExpectedRow& row : rows) {
    INFO(row.name << ": max " << row.max_abs_error << ", rms " << row.rms_error << ", tolerance "
                  << row.tolerance << ", greedy " << row.greedy_equal << " " << row.fault);
    CHECK((row.passed || row.skipped));
    skipped += row.skipped ? 1 : 0;
  }
  CHECK(skipped <= 1);  // one case's model is told by its formats alone
}

TEST_CASE("generated models compute the same in every division of their tokens") {
  for (const ExpectedRow& row : check_generated_models()) {
    INFO(row.name << ": " << row.max_abs_error);
    CHECK(row.passed);
  }
}

TEST_CASE("a trained encoder without a table gives the rows that another engine gave") {
  const std::string folder = kModels + "/hf/bert_tiny_sst2";
  const std::string expected = kModels + "/expected/onnx/bert_tiny_sst2.";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const Model model = load_model(folder);
  Executor::Inputs inputs;
  FloatArray rows = read_npy(expected + "in.inputs_embeds.npy");
  const std::int64_t columns = model.spec.hidden;
  const auto tokens = static_cast<std::int64_t>(rows.values.size()) / columns;
  inputs.rows["inputs_embeds"] = rows;
  const auto unit = make_datapath("fp32");
  Executor executor(model, *unit);
  const auto outputs = executor.run(build_graph(model.spec, Phase::prefill(tokens)), inputs);
  for (const auto& [ours, theirs] :
       {std::pair{"last_hidden_state", "last_hidden_state.npy"},
        std::pair{"pooler_output", "pooler_output.npy"}, std::pair{"classifier", "logits.npy"}}) {
    INFO(ours);
    const FloatArray reference = read_npy(expected + theirs);
    const FloatArray& found = outputs.at(ours);
    REQUIRE(found.values.size() == reference.values.size());
    for (std::size_t i = 0; i < found.values.size(); ++i) {
      REQUIRE(found.values[i] == Approx(reference.values[i]).margin(1e-4));
    }
  }
}

TEST_CASE("an encoder with a decoder runs from its files") {
  const std::string folder = kModels + "/hf/tiny_t5";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const Model model = load_model(folder);
  Executor::Inputs inputs;
  inputs.ids["source_tokens"] = {5, 9, 400, 1};
  inputs.ids["tokens"] = {0};
  const auto unit = make_datapath("fp32");
  Executor executor(model, *unit);
  const auto outputs = executor.run(build_graph(model.spec, prefill_phase(model.spec, 4)), inputs);
  const FloatArray& logits = outputs.begin()->second;
  CHECK(logits.rows == 1);
  CHECK(logits.columns == 1024);
  for (const float value : logits.values) {
    REQUIRE(std::isfinite(value));
  }
}

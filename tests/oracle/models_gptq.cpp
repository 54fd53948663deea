// On a trained model: transforms keep its logits, and GPTQ keeps more of them than rounding does.
#include "models/arch/build_graph.hpp"
#include "models/graph/passes.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/quality.hpp"
#include "models/transform/prune.hpp"
#include "models/transform/quantise.hpp"
#include "models/transform/sample.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <optional>

using namespace joulesim::models;

namespace {

std::optional<Model> stories() {
  const std::filesystem::path path =
      std::filesystem::path(JOULESIM_DATA_DIR) / "models/gguf/stories260K-F32.gguf";
  if (!std::filesystem::exists(path)) {
    WARN("no trained model at " << path << ": nothing compared");
    return std::nullopt;
  }
  return load_model(path.string());
}

}  // namespace

TEST_CASE("fused and tied graphs of a trained model give its logits, bit for bit") {
  const auto model = stories();
  if (!model) {
    return;
  }
  const auto text = sample(*model, 1, 64, 1);
  Phase phase = Phase::prefill(64);
  phase.all_logits = true;
  const OperatorGraph graph = build_graph(model->spec, phase);
  const auto unit = make_datapath("fp32");
  const auto run = [&](const OperatorGraph& g) {
    Executor executor(*model, *unit);
    return executor.run(g, text[0]).values;
  };
  const std::vector<float> plain = run(graph);
  CHECK(run(fuse_all(graph)) == plain);
  CHECK(run(fuse_residual_norm(graph)) == plain);
  CHECK(run(tie_embeddings(graph)) == plain);  // the file holds the same table twice
}

TEST_CASE("pruning a trained model and masking it are the same") {
  const auto model = stories();
  if (!model) {
    return;
  }
  const auto text = sample(*model, 2, 64, 1);
  const auto unit = make_datapath("fp32");
  for (const PruneOptions& options :
       {PruneOptions{1, 0, 0, {}}, PruneOptions{0, 43, 0, {}}, PruneOptions{0, 0, 8, {}}}) {
    const Pruned pruned = prune(*model, options, text);
    const auto small = logits_of(pruned.small, *unit, text);
    const auto masked = logits_of(pruned.masked, *unit, text);
    for (std::size_t w = 0; w < text.size(); ++w) {
      for (std::size_t i = 0; i < small[w].values.size(); ++i) {
        REQUIRE(std::fabs(small[w].values[i] - masked[w].values[i]) < 1e-3);
      }
    }
  }
}

TEST_CASE("GPTQ keeps more of a trained model than rounding to nearest at 2, 3 and 4 bits") {
  const auto model = stories();
  if (!model) {
    return;
  }
  const auto unit = make_datapath("fp32");
  const auto text = sample(*model, 12, 96, 100);
  const auto reference = logits_of(*model, *unit, text);
  for (const std::uint64_t seed : {1U, 2U}) {
    const auto calibration = sample(*model, 16, 96, seed);
    for (const std::int64_t group : {0, 32}) {
      for (const int bits : {4, 3, 2}) {
        QuantiseOptions options;
        options.bits = bits;
        options.group = group;
        options.in_turn = bits != 4;
        const auto judged = [&](Method method) {
          options.method = method;
          const Model small = quantise(*model, options, calibration);
          return judge(text, reference, logits_of(small, *unit, text));
        };
        const Judgement nearest = judged(Method::kNearest);
        const Judgement gptq = judged(Method::kGptq);
        INFO(bits << " bits, groups of " << group << ", seed " << seed);
        CHECK(gptq.kl_divergence < nearest.kl_divergence);
        CHECK(gptq.perplexity < nearest.perplexity);
      }
    }
  }
}

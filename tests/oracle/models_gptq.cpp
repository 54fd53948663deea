// On a trained model: transforms keep its logits, and GPTQ keeps more of them than rounding does.
#include "models/arch/build_graph.hpp"
#include "models/graph/passes.hpp"
#include "models/import/tokenizer.hpp"
#include "models/kernels/evaluate.hpp"
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
  const auto unit = make_unit({});
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
  const auto unit = make_unit({});
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

TEST_CASE("GPTQ keeps more at 3 and 4 bits on a text that the model did not write") {
  const auto model = stories();
  if (!model) {
    return;
  }
  const std::string story =
      "Once upon a time, there was a little cat named Sam. Sam liked to play in the garden with "
      "his friend, a small bird. One day, the bird was sad. \"Why are you sad?\" asked Sam. \"I "
      "lost my red ball,\" said the bird. Sam wanted to help. They looked under the big tree. They "
      "looked in the box. They looked near the water, but the ball was not there. Then Sam saw a "
      "dog. The dog had the red ball in his mouth. \"Can we have the ball, please?\" Sam asked. "
      "The dog was nice and gave the ball back. The bird was very happy. They all played together "
      "until the sun went down. When it was time to go home, the bird said, \"Thank you, Sam. You "
      "are a good friend.\" Sam smiled and went to sleep. The next day, a girl named Lily came to "
      "the garden. She had a big cake. \"Do you want some cake?\" she asked. Sam and the bird said "
      "yes. They ate the cake and laughed. Lily told them a story about a boy who lived in a house "
      "on a hill. The boy had a toy car, and he liked to go fast. One day he went too fast and "
      "fell. "
      "His mom came and gave him a hug. \"Be careful,\" she said. The boy learned to be careful. "
      "Sam liked the story. He wanted to hear it again and again. Lily said she would come back "
      "soon. And they were all happy.";
  const Tokenizer tokenizer(model->tokens);
  const std::vector<std::int32_t> tokens = tokenizer.encode(story);
  const auto text = windows_of(tokens, 128, model->tokens.begin_id);
  REQUIRE(text.size() >= 3);
  const auto unit = make_unit({});
  const auto reference = logits_of(*model, *unit, text);
  const auto calibration = sample(*model, 24, 128, 5);
  for (const std::int64_t group : {0, 32}) {
    for (const int bits : {4, 3}) {
      QuantiseOptions options;
      options.bits = bits;
      options.group = group;
      const auto judged = [&](Method method) {
        options.method = method;
        return judge(text, reference,
                     logits_of(quantise(*model, options, calibration), *unit, text));
      };
      const Judgement nearest = judged(Method::kNearest);
      const Judgement gptq = judged(Method::kGptq);
      INFO(bits << " bits, groups of " << group);
      CHECK(gptq.kl_divergence < nearest.kl_divergence);
      CHECK(gptq.perplexity < nearest.perplexity);
    }
  }
}

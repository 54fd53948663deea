// Perplexity and distances of logits on a text, against sums made the long way round.
#include "models/kernels/generate.hpp"
#include "models/kernels/quality.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace joulesim::models;

namespace {

// -log of the probability that each position gives the next token, from whole-window logits.
double nats_of_window(const Model& model, const std::vector<std::int32_t>& window) {
  const FloatArray logits = evaluate(model, window).logits;
  double nats = 0.0;
  for (std::size_t i = 0; i + 1 < window.size(); ++i) {
    double sum = 0.0;
    for (std::size_t k = 0; k < logits.columns; ++k) {
      sum += std::exp(static_cast<double>(logits.values[i * logits.columns + k]));
    }
    const auto next = static_cast<std::size_t>(window[i + 1]);
    nats += std::log(sum) - logits.values[i * logits.columns + next];
  }
  return nats;
}

std::vector<std::int32_t> text(std::size_t count) {
  std::vector<std::int32_t> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<std::int32_t>((i * i * 31 + 7 * i + 5) % 128));
  }
  return tokens;
}

}  // namespace

TEST_CASE("perplexity is exp of the mean surprise, window by window") {
  const Model model = random_model(small_llama(), 41);
  const std::vector<std::int32_t> tokens = text(100);
  const std::vector<std::int32_t> first(tokens.begin(), tokens.begin() + 40);
  const std::vector<std::int32_t> second(tokens.begin() + 40, tokens.begin() + 80);
  const std::vector<std::int32_t> third(tokens.begin() + 80, tokens.end());
  const double nats =
      nats_of_window(model, first) + nats_of_window(model, second) + nats_of_window(model, third);
  CHECK(perplexity_of(model, tokens, {}, 40) == Approx(std::exp(nats / 97.0)).epsilon(1e-9));
}

TEST_CASE("every window starts with the begin token of the text") {
  Model model = random_model(small_llama(), 42);
  model.tokens.begin_id = 1;
  std::vector<std::int32_t> tokens = text(9);
  tokens.insert(tokens.begin(), 1);
  const std::vector<std::int32_t> first(tokens.begin(), tokens.begin() + 5);
  std::vector<std::int32_t> second(tokens.begin() + 5, tokens.begin() + 9);
  second.insert(second.begin(), 1);
  const std::vector<std::int32_t> third = {1, tokens.back()};
  const double nats =
      nats_of_window(model, first) + nats_of_window(model, second) + nats_of_window(model, third);
  const TextQuality quality = judge_text(model, model, tokens, {}, 5);
  CHECK(quality.scored == 9);
  CHECK(quality.perplexity == Approx(std::exp(nats / 9.0)).epsilon(1e-9));
}

TEST_CASE("a window longer than one piece gives what the whole window gives") {
  ModelSpec spec = small_llama();
  spec.max_context = 256;
  const Model model = random_model(spec, 43);
  const std::vector<std::int32_t> tokens = text(150);
  CHECK(perplexity_of(model, tokens) ==
        Approx(std::exp(nats_of_window(model, tokens) / 149.0)).epsilon(1e-9));
}

TEST_CASE("a model judged against itself is perfect, on a coarse datapath it is not") {
  const Model model = random_model(small_llama(), 44);
  const std::vector<std::int32_t> tokens = text(30);
  const TextQuality same = judge_text(model, model, tokens);
  CHECK(same.comparison.max_abs_error == 0.0);
  CHECK(same.comparison.top1_agreement == 1.0);
  CHECK(same.perplexity == same.reference_perplexity);
  const TextQuality coarse = judge_text(model, model, tokens, {"ternary"});
  CHECK(coarse.comparison.kl_divergence > 0.01);
  CHECK(coarse.reference_perplexity == same.perplexity);
  CHECK(coarse.perplexity != same.perplexity);
  CHECK(perplexity_of(model, tokens, {"ternary"}) == coarse.perplexity);
}

TEST_CASE("texts and windows that cannot be scored are refused") {
  const Model model = random_model(small_llama(), 45);
  CHECK_THROWS_AS(perplexity_of(model, text(1)), joulesim::InputError);
  CHECK_THROWS_AS(perplexity_of(model, text(9), {}, 1), joulesim::InputError);
  CHECK_THROWS_AS(perplexity_of(model, text(9), {"int9"}), joulesim::InputError);
  ModelSpec other = small_llama();
  other.vocab = 64;
  CHECK_THROWS_AS(judge_text(model, random_model(other, 46), text(9)), joulesim::InputError);
}

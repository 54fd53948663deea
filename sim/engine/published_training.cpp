#include "sim/engine/published_training.hpp"

#include "models/arch/build_graph.hpp"
#include "models/graph/training.hpp"

#include <algorithm>
#include <cstdlib>

namespace joulesim::engine {
namespace {

// Assumed: what exchanges between replicas, optimiser steps, checkpoints, stragglers and restarts
// leave of the time. Reports of large runs give 0.6 to 0.9.
constexpr double kShare = 0.75;
// Assumed: gCO2 of a kWh where the boards of large runs stand (United States, mean of 2023: 369.5
// by CodeCarbon's table).
constexpr double kGramsPerJoule = 369.5 / 3.6e6;
constexpr std::int64_t kSequence = 2048;  // where a row does not say
constexpr std::int64_t kShards = 8;       // of one box

// "1T" of "training_time_1T_tokens", or the number before "tokens" in the note.
double tokens_of(const PublishedRow& row) {
  const std::string prefix = "training_time_";
  if (row.metric.starts_with(prefix)) {
    constexpr double kTrillion = 1e12;
    return std::atof(row.metric.c_str() + prefix.size()) * kTrillion;
  }
  const std::size_t word = row.note.find(" tokens");
  if (word == std::string::npos) {
    return 0;
  }
  const std::size_t begin = row.note.find_last_of(" ;,", word - 1);
  return std::atof(row.note.c_str() + (begin == std::string::npos ? 0 : begin + 1));
}

}  // namespace

TrainingAnswer answer_training(PublishedRunner& runner, const PublishedRow& row,
                               PublishedRequest request, std::optional<Power> limit) {
  TrainingAnswer answer;
  const double tokens = tokens_of(row);
  if (!(tokens > 0)) {
    answer.refusal = "the row does not say how many tokens were trained on";
    return answer;
  }
  const auto all = static_cast<double>(std::max<std::int64_t>(1, row.devices));
  request.batch = request.answer = 1;
  request.prompt = row.prompt > 0 ? row.prompt : kSequence;
  request.layers_in_turn = request.has_run = false;
  request.devices = 1;
  PublishedAnswer forward = runner.answer(request);
  if (!forward.refusal.empty()) {
    request.devices = kShards;
    request.has_run = true;
    forward = runner.answer(request);
  }
  if (!forward.refusal.empty()) {
    answer.refusal = forward.refusal;
    return answer;
  }
  const models::TrainingCost cost = models::training_cost(models::build_graph(
      request.model, {.batch = 1, .new_tokens = request.prompt, .past = 0, .all_logits = true}));
  const double times = static_cast<double>(cost.flops()) / static_cast<double>(cost.forward_flops);
  // Device seconds of one token, exchanges and restarts included.
  const double token = forward.prefill.si() * times * static_cast<double>(request.devices) /
                       static_cast<double>(request.prompt) / kShare;
  answer.bound = forward.bound;
  const double device_seconds = token * tokens;
  if (row.metric == "training_gpu_hours") {
    answer.si = device_seconds;
  } else if (row.metric == "training_co2eq_location_based") {
    if (!limit) {
      answer.refusal = "the device states no power limit";
      return answer;
    }
    answer.si = device_seconds * limit->si() * kGramsPerJoule;
  } else {
    answer.si = device_seconds / all;
  }
  return answer;
}

}  // namespace joulesim::engine

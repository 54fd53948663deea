// One step of a serving engine under steady load, composed from its kernels: every running request
// gets a token, and the prompts of those that replace finished ones are mixed in.
//
// Models:      products, attention over the mean context, prefill attention for the share of new
//              prompts, norms, rotary embedding, activations, experts, head, all-reduces under
//              tensor parallelism, gaps between kernels, the host's gap between steps; energy by
//              kernel and standing power in the gaps.
// Leaves out:  the spread of steps around the mean, scheduling limits, preemption.
// Checked by:  tests/anchors/gpu_measured.cpp.
#pragma once

#include "models/arch/model_spec.hpp"
#include "sim/engine/machine.hpp"

#include <optional>
#include <string>

namespace joulesim::engine {

struct ServingLoad {
  double batch = 1;          // running requests, mean
  double prompt = 0;         // tokens, mean
  double prompt_spread = 0;  // standard deviation of the prompts' lengths over their mean
  double answer = 1;         // tokens
  std::int64_t shards = 1;   // tensor parallelism
  double beams = 1;          // running requests that search one answer together, from one prompt
};

// Prompts of so many tokens, all alike; without a number a chat's, which is assumed.
void set_prompt(ServingLoad& load, std::optional<double> tokens);
// Tokens of a chat's prompt, mean, where a source does not give them; assumed.
inline constexpr double kChatPrompt = 600;

struct ServingStep {
  std::string refusal;
  Time time;          // mean
  Time usual;         // median over requests of the mean gap between their tokens
  Power power;        // of one GPU's board, mean
  std::string bound;  // of the longest part
};

ServingStep serving_step(const Machine& machine, const models::ModelSpec& model,
                         const ServingLoad& load, const hw::RuntimeSpec& runtime);

}  // namespace joulesim::engine

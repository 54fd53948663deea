// Tensor parallelism over equal devices of one node: what each of them keeps and what they
// exchange.
//
// Models:      matrices cut by heads, by feed-forward columns and by vocabulary; key heads that are
//              fewer than devices kept by several; two all-reduces of the activations in every
//              block, through the link and the collectives that single all-reduces are asked for.
// Leaves out:  overlap of all-reduces with products; gathering of the logits; pipelines of layers.
// Checked by:  tests/unit/shards.cpp, tests/laws/devices.cpp, tests/anchors/published.cpp.
#pragma once

#include "models/arch/model_spec.hpp"
#include "sim/engine/kernel_query.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::engine {

// Why the model cannot be cut into so many equal parts, every reason; empty when it can.
std::vector<std::string> shard_faults(const models::ModelSpec& model, std::int64_t shards);

// One of `shards` equal parts of every layer and of the vocabulary; what does not divide is rounded
// up.
void keep_shard(models::ModelSpec& model, std::int64_t shards);

// The all-reduces of a step.
struct StepReduces {
  std::int64_t devices = 1;
  std::int64_t count = 0;
  Bytes bytes;  // of the buffer on one device, each time
};
StepReduces step_reduces(const models::ModelSpec& model, std::int64_t devices, double tokens);

struct ReduceCost {
  std::string refusal;    // the devices have no link
  Time time;              // of all of them, launches included
  Bytes moved;            // that one device sends
  std::string algorithm;  // of the collective
};
ReduceCost cost_of(const StepReduces& reduces, const Machine& machine,
                   const hw::RuntimeSpec& runtime);

// The operator of a step that stands for them.
inline constexpr const char* kAllReduce = "all reduce";

}  // namespace joulesim::engine

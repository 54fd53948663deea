// One request on one or several devices, answered by the engine's analytic level, and remembered.
//
// Models:     a prefill of the whole batch, decode steps over the answer's contexts, their costs by
//             component; shards of every layer with two all-reduces a block; layers in turn on
//             several devices (by two runs of fewer layers and a straight line through them).
// Leaves out: overlap of all-reduces with products; prompts in pieces.
// Checked by: tests/anchors/published.cpp.
#pragma once

#include "models/arch/model_spec.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/prepare.hpp"

#include <map>
#include <string>

namespace joulesim::engine {

struct PublishedRequest {
  const Machine* machine = nullptr;
  std::string device, unit;
  models::ModelSpec model;  // as stored, whole
  std::string model_key;    // what tells it from other models and formats
  const hw::RuntimeSpec* stack = nullptr;
  std::int64_t batch = 1, prompt = 1, answer = 1, devices = 1;
  bool layers_in_turn = false;
  bool pipelined = false;  // the stages work on a batch each
  bool has_run = false;    // so the memory held it, up to twice what a description leaves
};

struct PublishedAnswer {
  std::string refusal;
  Time prefill, step;  // of the whole batch; the mean decode step
  // Of one device, over a prefill and over a mean step: boards (units, memory, regulators), the
  // whole device, and at the wall.
  Energy prefill_board, prefill_device, prefill_wall, step_board, step_device, step_wall;
  Bytes weights, cache;  // of one device
  std::string bound, mapping;
};

class PublishedRunner {
 public:
  explicit PublishedRunner(const Library& library) : library_(library) {}
  const PublishedAnswer& answer(const PublishedRequest& request);

 private:
  PublishedAnswer run(const PublishedRequest& request) const;
  PublishedAnswer run_part(const PublishedRequest& request) const;
  const Library& library_;
  std::map<std::string, PublishedAnswer> answers_;
};

}  // namespace joulesim::engine

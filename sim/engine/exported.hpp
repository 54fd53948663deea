// A scenario's model that comes as an exported graph (.onnx): what runs is what the file says.
//
// Models:     every step is lifted for its own sizes (models/kernels/onnx_lift.hpp); formats that
//             the scenario names replace the file's; symbols that the step does not decide come
//             from [model.dims] or --dim.
// Leaves out: sharing of layers and quantised inputs of linear layers, which only a description
//             can be given; both are refused.
// Checked by: tests/oracle/engine_exported.cpp
#pragma once

#include "models/arch/build_graph.hpp"
#include "models/graph/graph.hpp"
#include "models/kernels/onnx_lift.hpp"
#include "sim/engine/scenario.hpp"

#include <memory>
#include <string>

namespace joulesim::engine {

struct ExportedModel {
  models::onnx::Model model;
  models::onnx::LiftSettings settings;
};

bool is_exported(const std::string& path);

// Throws InputError with what the scenario asks of the file that only a description can do.
std::shared_ptr<const ExportedModel> load_exported(const Scenario& scenario,
                                                   const std::string& path);

// Dimensions as the graph shows them at the scenario's longest step.
models::ModelSpec described(const ExportedModel& exported, const Scenario& scenario);

}  // namespace joulesim::engine

// The order in which a graph's nodes run, and bodies of functions bound to their callers.
//
// Checked by: tests/kernels/models_onnx_session.cpp
#pragma once

#include "models/import/onnx_model.hpp"

#include <string>
#include <vector>

namespace joulesim::models::onnx {

// Nodes in an order in which every input is written before it is read (among ready ones the first
// written first), and per position the names that nobody reads afterwards.
struct Schedule {
  std::vector<const Node*> order;
  std::vector<std::vector<std::string>> dead;
};

// `results` stay alive. Throws ArrayFault for a cycle.
Schedule schedule_of(const std::vector<Node>& nodes, const std::vector<std::string>& results);

std::vector<std::string> names_of(const std::vector<ValueInfo>& infos);

// The function that a node calls; null when it is an operator.
const Function* function_of(const Model& model, const Node& node);

// A node of a function with attributes that refer to the caller's resolved, in subgraphs too.
Node bound(const Node& node, const Node& caller, const Function& function);

}  // namespace joulesim::models::onnx

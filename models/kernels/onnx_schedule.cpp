#include "models/kernels/onnx_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>

namespace joulesim::models::onnx {
namespace {

// Names that a node reads: its inputs and what its subgraphs read from outside.
void collect_reads(const Node& node, std::vector<std::string>& reads) {
  for (const std::string& input : node.inputs) {
    if (!input.empty()) {
      reads.push_back(input);
    }
  }
  for (const Attribute& attribute : node.attributes) {
    for (const auto& graph : attribute.graphs) {
      for (const Node& inner : graph->nodes) {
        collect_reads(inner, reads);
      }
      for (const ValueInfo& output : graph->outputs) {
        reads.push_back(output.name);
      }
    }
  }
}

Graph bound(const Graph& graph, const Node& caller, const Function& function) {
  Graph copy = graph;
  for (Node& node : copy.nodes) {
    node = bound(node, caller, function);
  }
  return copy;
}

}  // namespace

Schedule schedule_of(const std::vector<Node>& nodes, const std::vector<std::string>& results) {
  std::map<std::string, std::size_t> writer;
  std::vector<bool> replaced(nodes.size(), false);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& output : nodes[i].outputs) {
      const auto [slot, is_new] = writer.emplace(output, i);
      if (!is_new && !output.empty()) {  // constants alone may be written twice; the last counts
        replaced[slot->second] = true;
        slot->second = i;
      }
    }
  }
  std::vector<std::vector<std::string>> reads(nodes.size());
  std::vector<std::vector<std::size_t>> readers(nodes.size());
  std::vector<std::size_t> waiting(nodes.size(), 0);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    collect_reads(nodes[i], reads[i]);
    std::set<std::size_t> writers;
    for (const std::string& name : reads[i]) {
      if (const auto found = writer.find(name); found != writer.end() && !name.empty()) {
        writers.insert(found->second);
      }
    }
    for (const std::size_t w : writers) {
      readers[w].push_back(i);
    }
    waiting[i] = writers.size();
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (waiting[i] == 0) {
      ready.push(i);
    }
  }
  Schedule schedule;
  std::size_t visited = 0;
  std::map<std::string, std::size_t> last;  // position of the last reader
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    for (const std::string& name : reads[i]) {
      last[name] = schedule.order.size();
    }
    for (const std::string& name : nodes[i].outputs) {
      last.emplace(name, schedule.order.size());
    }
    ++visited;
    if (!replaced[i]) {
      schedule.order.push_back(&nodes[i]);
    }
    for (const std::size_t r : readers[i]) {
      if (--waiting[r] == 0) {
        ready.push(r);
      }
    }
  }
  if (visited != nodes.size()) {
    const auto stuck = static_cast<std::size_t>(
        std::find_if(waiting.begin(), waiting.end(), [](std::size_t n) { return n > 0; }) -
        waiting.begin());
    throw ArrayFault(fmt::format("{}: found a cycle; expected none", nodes[stuck].shown()));
  }
  for (const std::string& name : results) {
    last.erase(name);
  }
  schedule.dead.resize(schedule.order.size());
  for (const auto& [name, position] : last) {
    if (writer.contains(name)) {
      schedule.dead[position].push_back(name);
    }
  }
  return schedule;
}

std::vector<std::string> names_of(const std::vector<ValueInfo>& infos) {
  std::vector<std::string> names;
  for (const ValueInfo& info : infos) {
    names.push_back(info.name);
  }
  return names;
}

const Function* function_of(const Model& model, const Node& node) {
  for (const Function& function : model.functions) {
    if (function.name == node.op_type && function.domain == node.domain) {
      return &function;
    }
  }
  return nullptr;
}

Node bound(const Node& node, const Node& caller, const Function& function) {
  Node copy = node;
  copy.attributes.clear();
  for (const Attribute& attribute : node.attributes) {
    const Attribute* source = &attribute;
    if (!attribute.reference.empty()) {
      source = caller.attribute(attribute.reference);
      if (source == nullptr) {
        const auto fallback =
            std::find_if(function.defaults.begin(), function.defaults.end(),
                         [&](const Attribute& a) { return a.name == attribute.reference; });
        if (fallback == function.defaults.end()) {
          continue;  // left out by the caller: left out here
        }
        source = &*fallback;
      }
    }
    Attribute resolved = *source;
    resolved.name = attribute.name;
    for (auto& graph : resolved.graphs) {
      graph = std::make_shared<const Graph>(bound(*graph, caller, function));
    }
    copy.attributes.push_back(std::move(resolved));
  }
  return copy;
}

}  // namespace joulesim::models::onnx

#include "models/kernels/onnx_registry.hpp"

#include "models/kernels/onnx_elements.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace joulesim::models::onnx {
namespace {

std::vector<KernelRow> collect() {
  std::vector<KernelRow> rows;
  for (const auto table :
       {arithmetic_kernels(), comparison_kernels(), function_kernels(),     activation_kernels(),
        cast_kernels(),       reduction_kernels(),  softmax_kernels(),      order_kernels(),
        matrix_kernels(),     einsum_kernels(),     convolution_kernels(),  pooling_kernels(),
        norm_kernels(),       shape_kernels(),      slice_kernels(),        gather_kernels(),
        scatter_kernels(),    creation_kernels(),   quantisation_kernels(), recurrent_kernels(),
        resize_kernels(),     control_kernels(),    sequence_kernels(),     attention_kernels(),
        microsoft_kernels(),  fused_kernels(),      quantised_kernels(),    signal_kernels(),
        vision_kernels(),     text_kernels(),       loss_kernels()}) {
    rows.insert(rows.end(), table.begin(), table.end());
  }
  return rows;
}

using Key = std::pair<std::string, std::string>;
using Index = std::map<Key, std::vector<const KernelRow*>>;

const Index& index() {
  static const Index table = [] {
    Index made;
    for (const KernelRow& row : all_kernels()) {
      made[{std::string(row.domain), std::string(row.op)}].push_back(&row);
    }
    return made;
  }();
  return table;
}

}  // namespace

std::span<const KernelRow> all_kernels() {
  static const std::vector<KernelRow> rows = collect();
  return rows;
}

const KernelRow* find_kernel(const std::string& domain, const std::string& op, std::int64_t opset) {
  const auto found = index().find({domain, op});
  if (found == index().end()) {
    return nullptr;
  }
  const auto row = std::find_if(
      found->second.begin(), found->second.end(),
      [&](const KernelRow* each) { return each->since <= opset && opset <= each->until; });
  return row == found->second.end() ? nullptr : *row;
}

std::vector<Value> run_kernel(const KernelRow& row, const Node& node, std::int64_t opset,
                              std::vector<Value> inputs, const Model& model, RunGraph run) {
  DType narrow = DType::kUndefined;
  if (row.narrow != Narrow::kKeep) {
    for (Value& value : inputs) {
      if (value.kind == Value::Kind::kArray && is_narrow_float(value.array.type())) {
        narrow = narrow == DType::kUndefined ? value.array.type() : narrow;
        value.array = cast(value.array, DType::kFloat);
      }
    }
  }
  Call call(node, opset, std::move(inputs), model, std::move(run));
  row.kernel(call);
  if (narrow != DType::kUndefined) {
    const std::size_t rounded = row.narrow == Narrow::kWidenFirst ? 1 : call.outputs().size();
    for (std::size_t i = 0; i < std::min(rounded, call.outputs().size()); ++i) {
      Array& array = call.outputs()[i].array;
      if (array.type() == DType::kFloat) {
        array = cast(array, narrow);
      }
    }
  }
  return std::move(call.outputs());
}

bool knows_operator(const std::string& domain, const std::string& op) {
  return index().contains({domain, op});
}

}  // namespace joulesim::models::onnx

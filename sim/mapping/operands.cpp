#include "sim/mapping/operands.hpp"

#include <algorithm>

namespace joulesim::mapping {

using hw::DataType;
using models::Element;
using models::OpKind;

std::optional<DataType> plain_type(Element element) {
  switch (element) {
    case Element::kFp32:
      return DataType::fp32;
    case Element::kFp16:
      return DataType::fp16;
    case Element::kBf16:
      return DataType::bf16;
    case Element::kFp8:
      return DataType::fp8;
    case Element::kInt8:
      return DataType::int8;
    case Element::kInt4:
      return DataType::int4;
    default:
      return std::nullopt;
  }
}

DataType multiplier(Element weight, Element activation, const hw::ComputeUnit& unit) {
  const DataType type = plain_type(activation).value_or(DataType::fp16);
  const auto types = unit.types();
  const bool adder = std::find(types.begin(), types.end(), DataType::ternary) != types.end();
  if (weight == Element::kTernary && type == DataType::int8 && adder) {
    return DataType::ternary;
  }
  return type;
}

// Products that share their input run as one: their columns stand side by side. The arithmetic
// around them happens on the way in and out.
void describe_fused(const models::OperatorGraph& graph, const models::Op& op,
                    const models::OpCost& cost, const hw::ComputeUnit& unit,
                    const hw::RuntimeSpec& runtime, hw::Work& work) {
  const models::Op* product = nullptr;
  double weight_bits = 0;
  for (const models::Op& inner : op.body) {
    if (inner.kind == OpKind::kMatmul) {
      product = product == nullptr ? &inner : product;
      const models::Tensor& weight = graph.tensor(inner.inputs[1]);
      work.n += weight.shape.rows;
      weight_bits += 8.0 * static_cast<double>(weight.bytes());
    }
  }
  if (product == nullptr) {
    work.kind = hw::WorkKind::vector;
    work.elements = static_cast<double>(graph.tensor(op.outputs.front()).shape.elements());
    work.ops_per_element = static_cast<double>(cost.vector_flops) / work.elements;
    work.fused = runtime.fuse_vector_work;
    return;
  }
  const models::Tensor& input = graph.tensor(product->inputs[0]);
  const models::Tensor& weight = graph.tensor(product->inputs[1]);
  work.kind = hw::WorkKind::matmul;
  work.m = input.shape.rows;
  work.k = weight.shape.columns;
  work.type = multiplier(weight.format.element, input.format.element, unit);
  work.activation_bits = input.format.bits_per_element(input.shape.rows, input.shape.columns);
  work.weight_elements = static_cast<double>(work.n) * static_cast<double>(work.k);
  work.weight_bits = weight_bits / work.weight_elements;
  work.weights_unpacked =
      plain_type(weight.format.element) != work.type && work.type != DataType::ternary;
  work.elements = static_cast<double>(work.m) * static_cast<double>(work.n);
  work.ops_per_element = static_cast<double>(cost.vector_flops) / work.elements;
}

void add_activation_streams(const models::OpCost& cost, const Placement& placement,
                            const hw::ComputeUnit& unit, hw::Work& work) {
  const auto in = static_cast<std::uint64_t>(cost.activation_in_bytes);
  const auto out = static_cast<std::uint64_t>(cost.activation_out_bytes);
  // Half of the unit's own memory is for activations; what does not fit goes to memory.
  if (static_cast<double>(in + out) <= unit.local_memory().si() / 2) {
    return;
  }
  const auto add = [&](hw::DataStream::Role role, std::uint64_t bytes, std::uint64_t offset) {
    if (bytes > 0) {
      work.streams.push_back(
          {role, placement.activations.tier, placement.activations.base + offset, bytes, bytes, 1});
    }
  };
  add(hw::DataStream::Role::activation_in, in, 0);
  add(hw::DataStream::Role::activation_out, out,
      std::min(in, placement.activations.bytes - std::min(placement.activations.bytes, out)));
}

void add_image_streams(const models::OperatorGraph& graph, const models::Op& op,
                       const models::OpCost& cost, const Placement& placement,
                       const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime,
                       hw::Work& work) {
  models::OpCost held = cost;
  const std::int64_t side = op.attributes.image;
  if (runtime.fuse_vector_work && side > 0) {
    const std::int64_t rows = std::min(side, op.attributes.kernel + op.attributes.stride - 1);
    held.activation_in_bytes = cost.activation_in_bytes * rows / side;
    held.activation_out_bytes = cost.activation_out_bytes * op.attributes.stride / side;
  }
  const std::size_t streams = work.streams.size();
  if (static_cast<double>(held.activation_in_bytes + held.activation_out_bytes) >
      unit.local_memory().si() / 2) {
    add_activation_streams(cost, placement, unit, work);
  }
  const bool given = graph.tensor(op.inputs.front()).kind == models::TensorKind::kInput;
  if (given && work.streams.size() == streams) {
    const auto in = static_cast<std::uint64_t>(cost.activation_in_bytes);
    work.streams.push_back({hw::DataStream::Role::activation_in, placement.activations.tier,
                            placement.activations.base, in, in, 1});
  }
}

}  // namespace joulesim::mapping

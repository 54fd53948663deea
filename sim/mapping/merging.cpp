#include "sim/mapping/merging.hpp"

#include <algorithm>

namespace joulesim::mapping {

using models::OpKind;

bool Merger::joins(const models::Op& op, hw::Work& work, std::vector<hw::Work>& planned) {
  if (runtime_.merges_products && joins_product(op, work, planned)) {
    return true;
  }
  if (runtime_.merges_vector_work && !work.fused) {
    ride(op, work, planned);
  }
  return false;
}

bool Merger::joins_product(const models::Op& op, const hw::Work& work,
                           std::vector<hw::Work>& planned) {
  const bool product = op.kind == OpKind::kMatmul || op.kind == OpKind::kExpertMatmul;
  if (!product || placement_.window || op.block < 0) {
    return false;
  }
  const std::tuple key(op.block, op.inputs.front().value, op.kind);
  const auto found = products_.find(key);
  if (found == products_.end()) {
    products_[key] = planned.size();
    return false;
  }
  hw::Work& first = planned[found->second];
  const bool alike = first.k == work.k && first.m == work.m && first.type == work.type &&
                     first.weight_bits == work.weight_bits && first.experts == work.experts &&
                     first.weights_unpacked == work.weights_unpacked;
  if (!alike) {
    return false;
  }
  const double ops = first.elements * first.ops_per_element + work.elements * work.ops_per_element;
  first.n += work.n;
  first.weight_elements += work.weight_elements;
  first.elements += work.elements;
  first.ops_per_element = first.elements > 0 ? ops / first.elements : 0;
  first.label += "+" + work.label;
  for (const hw::DataStream& stream : work.streams) {
    if (stream.role != hw::DataStream::Role::activation_in) {
      first.streams.push_back(stream);
    }
  }
  return true;
}

void Merger::ride(const models::Op& op, hw::Work& work, std::vector<hw::Work>& planned) {
  const auto rides = [&] {
    work.fused = true;
    std::erase_if(work.streams, [](const hw::DataStream& stream) {
      return stream.role == hw::DataStream::Role::activation_in ||
             stream.role == hw::DataStream::Role::activation_out;
    });
  };
  switch (op.kind) {
    case OpKind::kAdd:
      if (op.role == models::Role::kResidual) {
        residual_ = true;
        rides();
      }
      break;
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
      if (op.role == models::Role::kNorm && residual_) {
        work.adds_residual = true;
        residual_ = false;
      }
      break;
    case OpKind::kRope: {
      const auto found = rotations_.find(op.block);
      if (found == rotations_.end()) {
        rotations_[op.block] = planned.size();
      } else if (planned[found->second].rows == work.rows) {
        planned[found->second].width += work.width;
        rides();
      }
      break;
    }
    case OpKind::kSlice:
    case OpKind::kScale:
      rides();
      break;
    default:
      break;
  }
}

}  // namespace joulesim::mapping

#include "models/kernels/onnx_elements.hpp"

namespace joulesim::models::onnx {

Dims broadcast_shape(const std::vector<Dims>& shapes) {
  std::size_t rank = 0;
  for (const Dims& shape : shapes) {
    rank = std::max(rank, shape.size());
  }
  Dims result(rank, 1);
  for (const Dims& shape : shapes) {
    const std::size_t skipped = rank - shape.size();
    for (std::size_t d = 0; d < shape.size(); ++d) {
      std::int64_t& out = result[skipped + d];
      if (out == 1) {
        out = shape[d];
      } else if (shape[d] != 1 && shape[d] != out) {
        std::string found;
        for (const Dims& each : shapes) {
          found += (found.empty() ? "" : " and ") + to_string(each);
        }
        refuse("shapes " + found, "ones that broadcast");
      }
    }
  }
  return result;
}

Dims strides_of(const Dims& shape) {
  Dims strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) {
    strides[d - 1] = strides[d] * std::max<std::int64_t>(1, shape[d]);
  }
  return strides;
}

Broadcast::Broadcast(const std::vector<Dims>& shapes)
    : shape_(broadcast_shape(shapes)), inputs_(shapes.size()), total_(elements_of(shape_)) {
  std::vector<Dims> strides;
  for (const Dims& shape : shapes) {
    strides.push_back(strides_of(shape));
  }
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    if (shape_[d] == 1) {
      continue;
    }
    Dims each;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const std::size_t skipped = shape_.size() - shapes[i].size();
      const bool stays = d < skipped || shapes[i][d - skipped] == 1;
      each.push_back(stays ? 0 : strides[i][d - skipped]);
    }
    bool joins = !extent_.empty();
    for (std::size_t i = 0; joins && i < shapes.size(); ++i) {
      joins = stride_.back()[i] == each[i] * shape_[d];
    }
    if (joins) {
      extent_.back() *= shape_[d];
      stride_.back() = std::move(each);
    } else {
      extent_.push_back(shape_[d]);
      stride_.push_back(std::move(each));
    }
  }
}

}  // namespace joulesim::models::onnx

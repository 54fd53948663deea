// Moving elements about, whatever they are: used by several operator families.
//
// Checked by: tests/kernels/models_onnx_ops.cpp
#pragma once

#include "models/import/array.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::models::onnx {

Array transposed(const Array& array, const std::vector<std::int64_t>& axes);
Array concatenated(const std::vector<Array>& arrays, std::int64_t axis);
// Elements first, first + step … along an axis; count of them.
Array sliced(const Array& array, std::int64_t axis, std::int64_t first, std::int64_t step,
             std::int64_t count);
Array broadcast_to(const Array& array, const Dims& shape);  // shape is what it broadcasts to
// Rows of an axis in the order of `indices`, which lie within it.
Array taken(const Array& array, std::int64_t axis, const std::vector<std::int64_t>& indices);
Array squeezed(const Array& array, std::int64_t axis);
Array unsqueezed(const Array& array, std::int64_t axis);

}  // namespace joulesim::models::onnx

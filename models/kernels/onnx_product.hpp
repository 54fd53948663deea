// Dense matrix products for ONNX kernels, by Eigen on one thread.
//
// Models:     float and double products; blocking is fixed, so that sums run in the same order on
//             every machine of one vector width.
// Error bound: n * 2^-24 (float) or n * 2^-53 (double) of the sum of magnitudes, n the inner size.
// Checked by: tests/kernels/models_onnx_ops.cpp
#pragma once

#include "models/import/array.hpp"

#include <cstdint>

namespace joulesim::models::onnx {

// A matrix of `rows` by `columns` in memory; when transposed, it enters the product turned over.
template <class T>
struct MatrixView {
  const T* data;
  std::int64_t rows;  // as it enters the product
  std::int64_t columns;
  std::int64_t stride;  // elements between stored rows
  bool transposed = false;
};

// c = a b, or c += a b; c has `stride` elements between rows.
template <class T>
void multiply(const MatrixView<T>& a, const MatrixView<T>& b, T* c, std::int64_t stride,
              bool accumulate = false);

// Products of the last two axes with broadcasting before them, as NumPy's matmul; any numbers.
Array matmul(const Array& a, const Array& b);

}  // namespace joulesim::models::onnx

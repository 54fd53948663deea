// Sliding windows: the geometry that convolutions and pools share.
//
// Checked by: tests/kernels/models_onnx_ops.cpp
#pragma once

#include "models/kernels/onnx_call.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::models::onnx {

// Per spatial axis.
struct Window {
  Dims in;
  Dims kernel;
  Dims stride;
  Dims dilation;
  Dims before;  // padding
  Dims after;
  Dims out;

  [[nodiscard]] std::size_t rank() const { return kernel.size(); }
  [[nodiscard]] std::int64_t kernel_size() const { return elements_of(kernel); }
  [[nodiscard]] std::int64_t in_size() const { return elements_of(in); }
  [[nodiscard]] std::int64_t out_size() const { return elements_of(out); }
};

// Reads strides, dilations, pads, auto_pad and ceil_mode of a node that slides over `in`.
Window window_of(const Call& call, Dims in, Dims kernel);

// Counts an index up in row-major order; false once it is back at zeros.
bool advance(Dims& index, const Dims& shape);

// The spatial sizes of [n, c, …].
Dims spatial(const Array& x);

}  // namespace joulesim::models::onnx

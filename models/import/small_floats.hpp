// Floats of eight bits: of the Open Compute Project (OFP8 1.0), and what ONNX adds to them.
//
// Models:     E4M3FN, E4M3FNUZ, E5M2 and E5M2FNUZ as ONNX defines them: to nearest, ties to even;
//             what is too large becomes the largest number when saturating, else infinity or NaN.
// Leaves out: other rounding modes.
// Checked by: tests/unit/models_array.cpp (every code, and the midpoints between codes),
//             tests/kernels/models_float_datapaths.cpp
#pragma once

#include "models/graph/format.hpp"
#include "models/import/array.hpp"

#include <cstdint>

namespace joulesim::models {

// Of a weight format of 8-bit floats: "fp8_e5m2", else E4M3FN.
DType float8_type(const Format& format);

float float8_to_float(DType type, std::uint8_t bits);
std::uint8_t float_to_float8(DType type, float value, bool saturate);

}  // namespace joulesim::models

// Floats of eight bits, and one name for the conversion of every narrow float.
//
// Models:     E4M3FN, E4M3FNUZ, E5M2 and E5M2FNUZ as ONNX defines them: to nearest, ties to even;
//             what is too large becomes the largest number when saturating, else infinity or NaN.
// Leaves out: other rounding modes.
// Checked by: tests/unit/models_array.cpp (every code, and the midpoints between codes)
#pragma once

#include "models/import/array.hpp"

#include <cstdint>

namespace joulesim::models {

float float8_to_float(DType type, std::uint8_t bits);
std::uint8_t float_to_float8(DType type, float value, bool saturate);

}  // namespace joulesim::models

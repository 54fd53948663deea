// The 8-bit floats of the Open Compute Project (OFP8 1.0).
//
// Models:     E4M3 has no infinity and one NaN per sign (S.1111.111), largest value 448; E5M2 is
//             IEEE-like, largest value 57344. To nearest, ties to even; what is too large, infinity
//             too, becomes the largest value (the saturating conversion).
// Leaves out: the conversion that overflows to NaN or infinity.
// Checked by: tests/kernels/models_float_datapaths.cpp (every code, every midpoint)
#pragma once

#include <cstdint>

namespace joulesim::models {

float fp8_e4m3_to_float(std::uint8_t bits);
std::uint8_t float_to_fp8_e4m3(float value);
float fp8_e5m2_to_float(std::uint8_t bits);
std::uint8_t float_to_fp8_e5m2(float value);

}  // namespace joulesim::models

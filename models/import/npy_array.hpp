// NumPy array files of any rank and of every element type that NumPy has in common with ONNX.
//
// Models:     formats 1.0 to 3.0, C and Fortran order, little and big endian.
// Leaves out: structured types, objects; bfloat16 and 8-bit floats are written as the float32 of
//             the same value, 4-bit integers as 8-bit ones, because NumPy has no such types.
// Checked by: tests/unit/models_array.cpp
#pragma once

#include "models/import/array.hpp"

#include <string>

namespace joulesim::models {

// Both throw InputError about the file.
Array read_npy_array(const std::string& path);
void write_npy_array(const std::string& path, const Array& array);

}  // namespace joulesim::models

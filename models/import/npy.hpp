// NumPy array files, format 1.0: float32, C order. All dimensions but the last are read as
// rows.
//
// Checked by: tests/unit/models_codec.cpp
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace joulesim::models {

struct FloatArray {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;  // row-major
};

// Throws InputError when the file cannot be written.
void write_npy(const std::string& path, const FloatArray& array);

// Throws InputError when the file is not of this kind.
FloatArray read_npy(const std::string& path);

}  // namespace joulesim::models

// A Result as JSON: the seam between simulation and everything that shows an answer.
//
// Identical results give identical bytes, doubles read back to the same bits, and a file that is
// no result (wrong, hostile, of another schema) is an InputError that names file and place.
// Checked by: tests/unit/result_json.cpp.
#pragma once

#include "reports/result/result.hpp"

#include <string>

namespace joulesim::reports {

// A number that is not finite or a name used twice is a bug in the caller (std::logic_error).
std::string to_json(const Result& result);

// `path` is named in messages only.
Result from_json(const std::string& text, const std::string& path);

// Reads PATH, or PATH/result.json when it is a folder.
Result read_result(const std::string& path);

}  // namespace joulesim::reports

// Damages an input the same way on every machine: bits, bytes, whole numbers at their limits, cuts,
// copies and pieces of another input.
#pragma once

#include "tests/fuzz/targets.hpp"

#include <random>

namespace joulesim::fuzz {

// One to four changes to `input`; `other` lends pieces. At most twice as long as the longer of
// both.
Bytes mutated(const Bytes& input, const Bytes& other, std::mt19937_64& random);

}  // namespace joulesim::fuzz

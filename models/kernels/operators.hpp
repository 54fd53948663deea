// Reference kernels, one row at a time: obvious, and accurate enough to judge others by.
//
// Models:     every element-wise operator, norm and rotation of the graph. Sums run in double,
// results
//             are rounded once to float.
// Leaves out: speed.
// Error bound of every function here, for finite inputs of n elements: half a unit in the last
// place of each float result, plus n * 2^-51 of the sum of magnitudes that enter it. Checked by:
// tests/kernels/models_operators.cpp (against long double)
#pragma once

#include "models/graph/op.hpp"

#include <cstdint>
#include <span>

namespace joulesim::models {

// Over every `group` elements of x. Gain and bias have as many elements as a group or as x, or
// none.
void rms_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
              std::size_t group, double epsilon, std::span<float> y);
void layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                std::size_t group, double epsilon, std::span<float> y);

double activate(Activation activation, double x);

// Turns every head of one row by the angles of `position`; factors may be empty.
void rotate_row(std::span<float> row, const Attributes& attributes, std::int64_t position,
                std::span<const float> factors);

void softmax(std::span<double> scores);

double soft_capped(double x, double cap);  // cap 0 = none

// Which experts a token goes to: their ids, best first, then their weights. The bias may be empty.
void route(std::span<const float> logits, std::span<const float> bias, const Attributes& attributes,
           std::span<float> routing);

// Index of the largest element, the first of equals.
std::size_t argmax(std::span<const float> row);

}  // namespace joulesim::models

// Weight matrices rounded to small integers: to nearest, or by GPTQ.
//
// Models:     round-to-nearest with one scale per row or group, found from the extremes or by a
//             search over clipping; GPTQ (Frantar et al., arXiv 2210.17323): columns are rounded
//             one after another, and what each loses is made up for by those that follow, as far
//             as the inputs seen in calibration tell.
// Leaves out: codebooks, vector quantisation, learned rotations.
// Checked by: tests/kernels/models_quantise.cpp
#pragma once

#include "models/import/integer_codec.hpp"
#include "models/import/model.hpp"
#include "models/transform/input_statistics.hpp"

#include <span>
#include <vector>

namespace joulesim::models {

// Codes of a matrix, row-major, and the scales of its groups, row by row.
struct RoundedMatrix {
  Shape shape;
  std::vector<int> codes;
  std::vector<GroupScale> scales;
};

struct RoundingOptions {
  bool clip = false;  // search for the range of each group that loses least
  bool act_order =
      false;              // GPTQ: columns with large inputs first; scales from the original weights
  double damping = 0.01;  // GPTQ: added to the diagonal, relative to its mean
};

// The scale of one group from its extremes or, with `clip`, the one of a search that loses least.
GroupScale best_scale(const IntegerFormat& format, std::span<const float> group, bool clip);

RoundedMatrix round_to_nearest(const IntegerFormat& format, Shape shape,
                               std::span<const float> weights, const RoundingOptions& options);
RoundedMatrix round_by_gptq(const IntegerFormat& format, Shape shape,
                            std::span<const float> weights, const InputStatistics& inputs,
                            const RoundingOptions& options);

// As stored: Q4_0 or Q8_0 where the codes are theirs (groups of 32 without zero point that fill
// the rows), else the integer format `name`.
WeightMatrix pack(const Format& name, const RoundedMatrix& rounded);

// Mean over rows of inputs of |(W - W') x|^2, the loss that GPTQ makes small.
double output_error(Shape shape, std::span<const float> weights, std::span<const float> rounded,
                    const InputStatistics& inputs);

}  // namespace joulesim::models

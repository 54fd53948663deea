#include "models/transform/rounding.hpp"

#include "models/import/codec.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

void put_half(std::vector<std::byte>& out, float value) {
  const std::uint16_t bits = float_to_fp16(value);
  out.push_back(static_cast<std::byte>(bits & 0xffU));
  out.push_back(static_cast<std::byte>(bits >> 8U));
}

// A block of 32 as GGUF has it.
void pack_gguf_block(int bits, GroupScale scale, std::span<const int> codes,
                     std::vector<std::byte>& out) {
  put_half(out, scale.scale);
  if (bits == 8) {
    for (const int code : codes) {
      out.push_back(static_cast<std::byte>(static_cast<std::int8_t>(code)));
    }
    return;
  }
  const std::size_t half = codes.size() / 2;
  for (std::size_t i = 0; i < half; ++i) {
    const auto low = static_cast<unsigned>(codes[i] + 8);
    const auto high = static_cast<unsigned>(codes[i + half] + 8);
    out.push_back(static_cast<std::byte>(low | (high << 4U)));
  }
}

}  // namespace

GroupScale best_scale(const IntegerFormat& format, std::span<const float> group, bool clip) {
  GroupScale best = scale_of(format, group);
  if (!clip) {
    return best;
  }
  constexpr int kSteps = 20;
  constexpr float kNarrowest = 0.6F;
  double least = -1.0;
  for (int step = 0; step <= kSteps; ++step) {
    const float shrink =
        1.0F - (1.0F - kNarrowest) * static_cast<float>(step) / static_cast<float>(kSteps);
    const GroupScale tried = scale_of(format, group, shrink);
    double loss = 0.0;
    for (const float value : group) {
      const double error = value - value_of(tried, code_of(format, tried, value));
      loss += error * error;
    }
    if (least < 0.0 || loss < least) {
      least = loss;
      best = tried;
    }
  }
  return best;
}

RoundedMatrix round_to_nearest(const IntegerFormat& format, Shape shape,
                               std::span<const float> weights, const RoundingOptions& options) {
  RoundedMatrix rounded{shape, {}, {}};
  rounded.codes.reserve(weights.size());
  const auto columns = size(shape.columns);
  const std::size_t group = format.group > 0 ? size(format.group) : columns;
  for (std::size_t row = 0; row < weights.size(); row += columns) {
    for (std::size_t start = 0; start < columns; start += group) {
      const auto part = weights.subspan(row + start, std::min(group, columns - start));
      const GroupScale scale = best_scale(format, part, options.clip);
      rounded.scales.push_back(scale);
      for (const float value : part) {
        rounded.codes.push_back(code_of(format, scale, value));
      }
    }
  }
  return rounded;
}

WeightMatrix pack(const Format& name, const RoundedMatrix& rounded) {
  const IntegerFormat format = integer_format_of(name).value();
  const auto columns = size(rounded.shape.columns);
  const std::size_t group = format.group > 0 ? size(format.group) : columns;
  const bool gguf = format.group == 32 && columns % 32 == 0 && !format.zero_point &&
                    !format.wide_scale && (format.bits == 4 || format.bits == 8);
  const Format stored = gguf ? known_format(format.bits == 4 ? "q4_0" : "q8_0") : name;
  auto bytes = std::make_shared<std::vector<std::byte>>();
  std::size_t scale = 0;
  for (std::size_t row = 0; row < rounded.codes.size(); row += columns) {
    const std::size_t row_start = bytes->size();
    for (std::size_t start = 0; start < columns; start += group) {
      const std::size_t length = std::min(group, columns - start);
      const auto codes = std::span(rounded.codes).subspan(row + start, length);
      if (gguf) {
        pack_gguf_block(format.bits, rounded.scales[scale], codes, *bytes);
      } else {
        pack_group(format, rounded.scales[scale], codes, format.group > 0 ? group : length, *bytes);
      }
      ++scale;
    }
    bytes->resize(row_start + size(stored.bytes_of_row(rounded.shape.columns)));
  }
  const std::span<const std::byte> data(*bytes);
  return {stored, rounded.shape, data, std::move(bytes)};
}

double output_error(Shape shape, std::span<const float> weights, std::span<const float> rounded,
                    const InputStatistics& inputs) {
  const auto columns = size(shape.columns);
  double sum = 0.0;
  std::vector<double> error(columns);
  for (std::size_t row = 0; row < weights.size(); row += columns) {
    for (std::size_t i = 0; i < columns; ++i) {
      error[i] = static_cast<double>(weights[row + i]) - rounded[row + i];
    }
    for (std::size_t i = 0; i < columns; ++i) {
      double inner = 0.0;
      for (std::size_t k = 0; k < columns; ++k) {
        inner += inputs.products[i * columns + k] * error[k];
      }
      sum += error[i] * inner;
    }
  }
  return sum / static_cast<double>(inputs.rows);
}

}  // namespace joulesim::models

#include "models/transform/lora.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

WeightMatrix drawn(Shape shape, std::mt19937_64& bits) {
  const double width = std::sqrt(3.0 / static_cast<double>(shape.columns));
  std::vector<float> values(size(shape.elements()));
  for (float& value : values) {
    const double u = static_cast<double>(bits() >> 11U) * 0x1.0p-53;
    value = static_cast<float>((2.0 * u - 1.0) * width);
  }
  return WeightMatrix::encode(known_format("fp32"), shape, values);
}

}  // namespace

Model with_random_adapters(const Model& model, std::int64_t rank,
                           const std::vector<std::string>& layers, std::uint64_t seed) {
  Model result = model;
  std::mt19937_64 bits(seed);
  for (const auto& [name, weight] : model.weights) {
    const bool wanted = std::any_of(layers.begin(), layers.end(), [&](const std::string& layer) {
      return name.starts_with("block.") && name.ends_with("." + layer);
    });
    if (wanted) {
      result.weights.emplace(name + ".lora_a", drawn({rank, weight.shape.columns}, bits));
      result.weights.emplace(name + ".lora_b", drawn({weight.shape.rows, rank}, bits));
    }
  }
  return result;
}

Model merge_adapters(const Model& model, double scale) {
  Model result = model;
  const Format fp32 = known_format("fp32");
  for (const auto& [name, a] : model.weights) {
    if (!name.ends_with(".lora_a")) {
      continue;
    }
    const std::string base = name.substr(0, name.size() - std::string(".lora_a").size());
    const auto b = model.weights.find(base + ".lora_b");
    const auto weight = model.weights.find(base);
    if (b == model.weights.end() || weight == model.weights.end()) {
      throw InputError(fmt::format("found '{}' without '{}' and '{}.lora_b'; expected all three",
                                   name, base, base));
    }
    std::vector<float> values = weight->second.all();
    const std::vector<float> down = a.all();
    const std::vector<float> up = b->second.all();
    const auto columns = size(weight->second.shape.columns);
    const auto rank = size(a.shape.rows);
    for (std::size_t i = 0; i < values.size(); ++i) {
      double sum = 0.0;
      for (std::size_t r = 0; r < rank; ++r) {
        sum += static_cast<double>(up[i / columns * rank + r]) * down[r * columns + i % columns];
      }
      values[i] = static_cast<float>(values[i] + scale * sum);
    }
    result.weights[base] = WeightMatrix::encode(fp32, weight->second.shape, values);
    result.spec.format_of[base] = fp32;
    result.weights.erase(name);
    result.weights.erase(base + ".lora_b");
  }
  return result;
}

}  // namespace joulesim::models

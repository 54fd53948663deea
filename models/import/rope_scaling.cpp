#include "models/import/rope_scaling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace joulesim::models {
namespace {

// The frequency of pair i, in turns per token times 2 pi.
double frequency(const ModelSpec& spec, std::int64_t i) {
  return std::pow(spec.rope_base, -2.0 * static_cast<double>(i) / static_cast<double>(spec.rotary));
}

// None for waves that are short against the original context, `factor` for long ones, a blend
// between (Llama 3.1's keys low_freq_factor and high_freq_factor).
std::vector<float> llama3(const ConfigJson& keys, const ModelSpec& spec) {
  const double factor = keys.positive({"factor"});
  const double low = keys.positive({"low_freq_factor"});
  const double high = keys.positive({"high_freq_factor"});
  const double context = keys.positive({"original_max_position_embeddings"});
  if (!(high > low)) {
    keys.fault("found 'high_freq_factor' not above 'low_freq_factor'; expected it to be");
  }
  std::vector<float> divisors;
  for (std::int64_t i = 0; i < spec.rotary / 2; ++i) {
    const double waves = context * frequency(spec, i) / (2.0 * std::numbers::pi);
    double divisor = 1.0;
    if (waves < low) {
      divisor = factor;
    } else if (waves < high) {
      const double smooth = (waves - low) / (high - low);
      divisor = 1.0 / ((1.0 - smooth) / factor + smooth);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

double yarn_magnitude(double factor, double weight) {
  return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

// Peng et al., arXiv 2309.00071, section 3.2 and eq. 22.
std::vector<float> yarn(const ConfigJson& keys, ModelSpec& spec) {
  const double factor = keys.positive({"factor"});
  const double context = keys.positive({"original_max_position_embeddings"},
                                       static_cast<double>(spec.max_context) / factor);
  const auto width = static_cast<double>(spec.rotary);
  // The pair that turns `turns` times within the original context.
  const auto pair_of = [&](double turns) {
    return width * std::log(context / (turns * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(spec.rope_base));
  };
  double low = pair_of(keys.positive({"beta_fast"}, 32.0));
  double high = pair_of(keys.positive({"beta_slow"}, 1.0));
  if (keys.flag("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1.0);
  high += high == low ? 0.001 : 0.0;
  std::vector<float> divisors;
  for (std::int64_t i = 0; i < spec.rotary / 2; ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    divisors.push_back(static_cast<float>(1.0 / (ramp / factor + 1.0 - ramp)));
  }
  const double all = keys.positive({"mscale_all_dim"}, 0.0);
  if (keys.has("attention_factor")) {
    spec.rope_magnitude = keys.positive({"attention_factor"});
  } else if (keys.has("mscale") && all > 0.0) {
    spec.rope_magnitude =
        yarn_magnitude(factor, keys.positive({"mscale"})) / yarn_magnitude(factor, all);
  } else {
    spec.rope_magnitude = yarn_magnitude(factor, 1.0);
  }
  if (spec.latent.kv_rank > 0 && all > 0.0) {
    const double magnitude = yarn_magnitude(factor, all);
    spec.attention_scale = magnitude * magnitude / std::sqrt(static_cast<double>(spec.head_dim));
  }
  return divisors;
}

std::vector<float> longrope(const ConfigJson& keys, const ConfigJson& config, ModelSpec& spec) {
  std::vector<float> divisors;
  if (keys.json().contains("short_factor") && keys.json()["short_factor"].is_array()) {
    for (const auto& item : keys.json()["short_factor"]) {
      divisors.push_back(item.is_number() ? item.get<float>() : 0.0F);
    }
  }
  const bool fits = divisors.size() == static_cast<std::size_t>(spec.rotary / 2) &&
                    std::all_of(divisors.begin(), divisors.end(), [](float f) { return f > 0.0F; });
  if (!fits) {
    keys.fault(fmt::format("found {} numbers of 'short_factor'; expected {}, all positive",
                           divisors.size(), spec.rotary / 2));
    return {};
  }
  const double original = config.positive(
      {"original_max_position_embeddings"},
      keys.positive({"original_max_position_embeddings"}, static_cast<double>(spec.max_context)));
  const double factor = static_cast<double>(spec.max_context) / original;
  spec.rope_magnitude = keys.has("attention_factor") ? keys.positive({"attention_factor"})
                        : factor <= 1.0              ? 1.0
                                        : std::sqrt(1.0 + std::log(factor) / std::log(original));
  return divisors;
}

}  // namespace

std::vector<float> scale_rope(const ConfigJson& config, ModelSpec& spec) {
  if (!spec.rope_factors) {
    return {};
  }
  const auto keys = config.inside(config.has("rope_scaling") ? "rope_scaling" : "rope_parameters");
  if (!keys) {
    return {};
  }
  const std::string type = keys->text({"rope_type", "type"});
  if (type == "llama3") {
    return llama3(*keys, spec);
  }
  if (type == "yarn") {
    return yarn(*keys, spec);
  }
  if (type == "longrope" || type == "su") {
    return longrope(*keys, config, spec);
  }
  return std::vector<float>(static_cast<std::size_t>(spec.rotary / 2),
                            static_cast<float>(keys->positive({"factor"})));
}

}  // namespace joulesim::models

#include "models/kernels/recurrent.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

void convolve_token(std::span<const float> x, std::span<const float> weight,
                    std::span<const float> bias, std::span<double> state, std::span<float> y) {
  const std::size_t channels = x.size();
  const std::size_t before = state.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const auto taps = weight.subspan(c * (before + 1), before + 1);
    double sum = bias.empty() ? 0.0 : bias[c];
    for (std::size_t t = 0; t < before; ++t) {
      sum += taps[t] * state[t * channels + c];
    }
    y[c] = static_cast<float>(sum + static_cast<double>(taps[before]) * x[c]);
  }
  if (before > 0) {
    std::copy(state.begin() + static_cast<std::ptrdiff_t>(channels), state.end(), state.begin());
    std::copy(x.begin(), x.end(), state.end() - static_cast<std::ptrdiff_t>(channels));
  }
}

void scan_token(const ScanInputs& inputs, const Attributes& a, std::span<double> state,
                std::span<float> y) {
  const std::size_t channels = inputs.x.size();
  const std::size_t n = size(a.state);
  const bool by_head = a.heads > 0;
  const std::size_t steps = by_head ? size(a.heads) : channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t unit = by_head ? c / (channels / steps) : c;  // the head or the channel
    const std::size_t group = unit / (steps / size(a.groups));
    const double step = inputs.step[unit];
    const double x = inputs.x[c];
    double sum = inputs.skip[unit] * x;
    for (std::size_t i = 0; i < n; ++i) {
      const double decay = by_head ? inputs.decay[unit] : inputs.decay[c * n + i];
      double& h = state[c * n + i];
      h = std::exp(step * decay) * h + step * inputs.in[group * n + i] * x;
      sum += h * inputs.out[group * n + i];
    }
    y[c] = static_cast<float>(sum);
  }
}

void wkv_token(std::span<const float> key, std::span<const float> value,
               std::span<const float> decay, std::span<const float> bonus, bool first,
               std::span<double> state, std::span<float> y) {
  const std::size_t channels = key.size();
  for (std::size_t c = 0; c < channels; ++c) {
    double& numerator = state[c];
    double& denominator = state[channels + c];
    double& largest = state[2 * channels + c];
    if (first) {
      largest = -1e300;  // smaller than any exponent; the sums it scales are zero
    }
    const double k = key[c];
    const double v = value[c];
    const double now = bonus[c] + k;
    double top = std::max(largest, now);
    const double old_weight = std::exp(largest - top);
    const double new_weight = std::exp(now - top);
    y[c] = static_cast<float>((old_weight * numerator + new_weight * v) /
                              (old_weight * denominator + new_weight));
    const double faded = largest - std::exp(static_cast<double>(decay[c]));
    top = std::max(faded, k);
    const double kept = std::exp(faded - top);
    const double added = std::exp(k - top);
    numerator = kept * numerator + added * v;
    denominator = kept * denominator + added;
    largest = top;
  }
}

void linear_attention_token(const LinearInputs& inputs, const Attributes& a,
                            std::span<double> state, std::span<float> y) {
  const std::size_t keys = size(a.head_dim);
  const std::size_t values = size(a.value_dim);
  std::vector<double> sum(values);
  for (std::size_t head = 0; head < size(a.heads); ++head) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t i = 0; i < keys; ++i) {
      const std::size_t at = head * keys + i;
      const double r = inputs.receptance[at];
      const double k = inputs.key[at];
      for (std::size_t j = 0; j < values; ++j) {
        double& s = state[at * values + j];
        const double fresh = k * inputs.value[head * values + j];
        sum[j] += r * (s + inputs.bonus[at] * fresh);
        s = inputs.decay[at] * s + fresh;
      }
    }
    for (std::size_t j = 0; j < values; ++j) {
      y[head * values + j] = static_cast<float>(sum[j]);
    }
  }
}

}  // namespace joulesim::models

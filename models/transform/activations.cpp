#include "models/transform/activations.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::models {

void RoundedInputs::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                             std::span<float> y) {
  if (role == Role::kRouter || role == Role::kHead) {
    inner_.multiply(key, weights, x, role, y);
    return;
  }
  const auto most = static_cast<float>((1 << (bits_ - 1)) - 1);
  const auto known = fixed_.find(key);
  std::vector<float> rounded(x.values.begin(), x.values.end());
  const auto columns = static_cast<std::size_t>(x.columns);
  for (std::size_t at = 0; at < rounded.size(); at += columns) {
    const auto row = std::span(rounded).subspan(at, columns);
    float largest = 0.0F;
    if (known != fixed_.end()) {
      largest = known->second.largest;
    } else {
      for (const float value : row) {
        largest = std::max(largest, std::fabs(value));
      }
    }
    const float scale = largest / most;
    for (float& value : row) {
      value = scale > 0.0F ? scale * std::clamp(std::nearbyint(value / scale), -most, most) : 0.0F;
    }
  }
  inner_.multiply(key, weights, {rounded, x.columns}, role, y);
}

}  // namespace joulesim::models

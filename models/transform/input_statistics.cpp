#include "models/transform/input_statistics.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace joulesim::models {

void InputRecorder::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                             std::span<float> y) {
  if (keys_.empty() || keys_.contains(key)) {
    InputStatistics& seen = seen_[key];
    const auto columns = static_cast<std::size_t>(x.columns);
    if (seen.columns == 0) {
      seen.columns = x.columns;
      seen.magnitudes.assign(columns, 0.0);
      seen.products.assign(products_ ? columns * columns : 0, 0.0);
    }
    seen.rows += x.count();
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      const float magnitude = std::fabs(x.values[i]);
      seen.largest = std::max(seen.largest, magnitude);
      seen.magnitudes[i % columns] += magnitude;
    }
    if (products_) {
      using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      const Eigen::Map<const RowMajor> rows(x.values.data(), x.count(), x.columns);
      Eigen::Map<Eigen::MatrixXd> products(seen.products.data(), x.columns, x.columns);
      const Eigen::MatrixXd wide = rows.cast<double>();
      products.noalias() += wide.transpose() * wide;
    }
  }
  if (open_) {
    open_->erase(key);
  }
  if (!is_done()) {
    inner_.multiply(key, weights, x, role, y);
  }
}

std::string input_of(const std::string& key) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kShared = {
      {{"attn.key", "attn.query"}, {"attn.value", "attn.query"}, {"ffn.up", "ffn.gate"}}};
  for (const auto& [mine, theirs] : kShared) {
    if (key.ends_with(mine)) {
      return key.substr(0, key.size() - std::string(mine).size()) + theirs;
    }
  }
  return key;
}

}  // namespace joulesim::models

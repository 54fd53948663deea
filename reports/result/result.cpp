#include "reports/result/result.hpp"

#include <algorithm>

namespace joulesim::reports {

const Metric* Result::metric(const std::string& metric_name) const {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const Metric& m) { return m.name == metric_name; });
  return found == metrics.end() ? nullptr : &*found;
}

}  // namespace joulesim::reports

#include "reports/result/validation.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace joulesim::reports {

ErrorStatistics statistics_of(std::vector<double> errors) {
  ErrorStatistics result;
  result.count = errors.size();
  if (errors.empty()) {
    return result;
  }
  for (double& error : errors) {
    result.bias += error;
    error = std::fabs(error);
    result.mean += error;
  }
  const auto count = static_cast<double>(errors.size());
  result.bias /= count;
  result.mean /= count;
  std::sort(errors.begin(), errors.end());
  // Between the neighbours, as usual for quantiles of few values.
  const auto quantile = [&](double share) {
    const double at = share * (count - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, errors.size() - 1);
    return errors[below] + (at - static_cast<double>(below)) * (errors[above] - errors[below]);
  };
  result.median = quantile(0.5);
  result.p90 = quantile(0.9);
  return result;
}

std::vector<ValidationGroup> groups_of(const Validation& validation) {
  std::map<std::pair<std::string, std::string>, std::pair<std::vector<double>, std::vector<double>>>
      errors;
  for (const ValidationPoint& point : validation.points) {
    for (const std::string& device : {point.device, std::string("all")}) {
      auto& group = errors[{point.kind, device}];
      group.first.push_back(point.error());
      if (point.roofline > 0) {
        group.second.push_back(point.roofline / point.measured - 1);
      }
    }
  }
  std::vector<ValidationGroup> groups;
  for (auto& [name, values] : errors) {
    groups.push_back({name.second, name.first, statistics_of(std::move(values.first)),
                      statistics_of(std::move(values.second))});
  }
  return groups;
}

}  // namespace joulesim::reports

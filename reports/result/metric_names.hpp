// The metrics that results may carry: name, unit and one line each.
#pragma once

#include <string>
#include <vector>

namespace joulesim::reports {

struct MetricName {
  std::string name, unit, description;
};

const std::vector<MetricName>& metric_names();

}  // namespace joulesim::reports

#include "sim/serving/fleet.hpp"

#include <cmath>

namespace joulesim::serving {

FleetAnswer size_fleet(const FleetInput& input) {
  constexpr Time kYear(365.25 * 86400);
  FleetAnswer answer;
  // Device-seconds of work per second: how many devices would be busy all the time.
  const double busy = input.requests * input.device_time;
  answer.devices = std::max(1.0, std::ceil(busy * input.peak_to_mean / input.utilisation));
  answer.busy_share = busy / answer.devices;
  answer.power = input.pue * (busy * input.busy + (answer.devices - busy) * input.idle);
  answer.per_request = answer.power / input.requests;
  answer.per_year = answer.power * kYear;
  answer.co2_per_year = answer.per_year * input.grid;
  answer.per_year_cost = answer.per_year * input.price;
  constexpr double kMillion = 1e6;
  answer.per_million_tokens = (kMillion / input.tokens) * (answer.per_request * input.price);
  return answer;
}

}  // namespace joulesim::serving

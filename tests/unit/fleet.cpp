// Do fleets come out as worked by hand?
#include "sim/serving/fleet.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::serving;

namespace {

// 1000 requests a second that take 50 ms of a device each: 50 devices busy all the time.
FleetInput thousand_a_second() {
  FleetInput input;
  input.requests = Frequency(1000);
  input.device_time = Time(0.05);
  input.utilisation = 0.5;
  input.peak_to_mean = 2;
  input.pue = 1.25;
  input.busy = Power(600);
  input.idle = Power(100);
  input.grid = CarbonIntensity(400 / 3.6e6);
  input.price = EnergyPrice(0.1 / 3.6e6);
  input.tokens = 200;
  return input;
}

}  // namespace

TEST_CASE("a fleet is sized for its peak at its utilisation") {
  const FleetAnswer answer = size_fleet(thousand_a_second());
  CHECK(answer.devices == 200);  // 50 * 2 / 0.5
  CHECK(answer.busy_share == Approx(0.25));
}

TEST_CASE("busy and idle devices draw their power behind the facility's losses") {
  const FleetAnswer answer = size_fleet(thousand_a_second());
  // 50 busy at 600 W and 150 idle at 100 W: 45 kW, 56.25 kW at the meter.
  CHECK(answer.power.si() == Approx(56250));
  CHECK(answer.per_request.si() == Approx(56.25));
  // 56.25 kW for 8766 hours: 493.0875 MWh; at 400 g/kWh 197.2 t; at 0.1 USD/kWh 49 308.75 USD.
  CHECK(answer.per_year.si() / 3.6e9 == Approx(493.0875));
  CHECK(answer.co2_per_year.si() / 1e6 == Approx(197.235));
  CHECK(answer.per_year_cost.si() == Approx(49308.75));
  // A million tokens are 5000 requests: 281.25 kJ, 78.125 Wh.
  CHECK(answer.per_million_tokens.si() == Approx(0.0078125));
}

TEST_CASE("devices are whole, and there is at least one") {
  FleetInput input = thousand_a_second();
  input.requests = Frequency(1001);
  CHECK(size_fleet(input).devices == 201);  // 200.2
  input.requests = Frequency(0.001);
  const FleetAnswer one = size_fleet(input);
  CHECK(one.devices == 1);
  CHECK(one.busy_share == Approx(0.00005));
  CHECK(one.power.si() == Approx(1.25 * (0.00005 * 600 + 0.99995 * 100)));
}

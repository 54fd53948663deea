// How many devices a stream of requests needs, and what they draw in a year.
//
// Models:      devices sized for the peak rate at a stated utilisation; busy and idle power; PUE;
// grid carbon
//              intensity and electricity price.
// Leaves out:  queueing and latency limits, failures, embodied carbon, capital cost.
// Checked by:  tests/unit/fleet.cpp (worked out by hand).
#pragma once

#include "sim/base/quantity.hpp"

namespace joulesim::serving {

struct FleetInput {
  Frequency requests;      // mean
  double utilisation = 1;  // of the devices that are switched on, at the peak
  double peak_to_mean = 1;
  double pue = 1;
  CarbonIntensity grid;
  EnergyPrice price;
  Time device_time;   // that one request keeps a device busy
  Power busy, idle;   // of one device with its share of the host
  double tokens = 0;  // generated per request
};

struct FleetAnswer {
  double devices = 0;
  Power power;         // at the facility's meter, mean over the day
  Energy per_request;  // likewise
  Energy per_year;
  Mass co2_per_year;
  Money per_year_cost;       // electricity
  Money per_million_tokens;  // electricity
  double busy_share = 0;     // of a device's time, mean
};

FleetAnswer size_fleet(const FleetInput& input);

}  // namespace joulesim::serving

// The steps from simulated activity to a result, each filling one part of it.
#pragma once

#include "reports/result/result.hpp"
#include "sim/base/ledger.hpp"
#include "sim/engine/booking.hpp"
#include "sim/engine/run.hpp"

namespace joulesim::engine {

// One phase of a request: everything that happens in it, and what it costs.
struct Phase {
  std::string name;   // "prefill", "decode"
  Activity activity;  // of the whole phase
  std::vector<Cost> costs;
  Time begin;  // within the request
};

struct Request {
  Phase prefill, decode;
  Ledger ledger;      // of one request: a prefill and its share of the batch's decode steps
  Time step;          // mean decode step
  double tokens = 0;  // generated per request
  double batch = 1;
  std::vector<Cost> idle;  // one second of waiting
};

Request request_of(const Prepared& prepared, const Simulated& simulated);

void describe_inputs(const Prepared& prepared, reports::Result& result);
void describe_sources(const Prepared& prepared, reports::Result& result);
void fill_energy(const Prepared& prepared, const Request& request, reports::Result& result);
void fill_operators(const Prepared& prepared, const Simulated& simulated, const Request& request,
                    reports::Result& result);
void fill_memory(const Prepared& prepared, const Request& request, reports::Result& result);
void fill_bottleneck(const Prepared& prepared, const Simulated& simulated, const Request& request,
                     reports::Result& result);
void fill_timeline(const Prepared& prepared, const Simulated& simulated, const Request& request,
                   reports::Result& result);
void fill_metrics(const Prepared& prepared, const Simulated& simulated, const Request& request,
                  reports::Result& result);

// To be called when the metrics and limits are there.
void fill_accuracy(const Prepared& prepared, const Request& request, reports::Result& result);
void fill_samples(const Prepared& prepared, const Simulated& simulated, const Request& request,
                  reports::Result& result);

// To be called when the metrics are there.
void fill_sensitivity(const Simulated& simulated, const Request& request, reports::Result& result);

// The parts of a phase that add up to its time, by what the unit was doing.
struct Exposure {
  Time computing, starved, starting, reducing, other;
};
Exposure exposure_of(const Activity& activity);

// Mean power of the whole device and where its range ends.
struct RangedPower {
  Power value, low, high;
  double assumed_share = 0;
};
RangedPower mean_power(const std::vector<Cost>& costs, Time duration);

}  // namespace joulesim::engine

#include "hw/link/collective.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {

// Assumed for all links and stacks; set on all-reduces of two to sixteen A100 (NVLink 3,
// InfiniBand).
constexpr double kKernel = 6e-6;          // seconds: start, first flags, end
constexpr double kStepLatencies = 1.8;    // link latencies of one step: data there, flag seen
constexpr double kNetworkLatencies = 12;  // port latencies of one step: proxies at both ends
constexpr double kRingShare = 0.87;       // of the payload rate, for flags and reduction
constexpr double kFlowShare = 0.26;       // of a box's network port that one GPU's flow fills

// Steps of a pipeline: latency, transfer, and the chunking that balances them.
double pipelined(double latency, double transfer) {
  return latency + transfer + 2 * std::sqrt(latency * transfer);
}

}  // namespace

CollectiveTime all_reduce_time(const LinkSpec& inside, const LinkSpec* network,
                               const AllReduce& what) {
  const double bytes = what.bytes.si();
  const double rate = inside.payload_bandwidth().si();
  const double latency = inside.latency.value.si();
  const int here = std::max(1, what.gpus / std::max(1, what.boxes));
  const double gpus = what.gpus;
  const double share = 2 * (gpus - 1) / gpus;  // of the buffer that every link carries in a ring
  CollectiveTime result;
  result.algorithm = "ring";
  double seconds = kKernel;
  double roofline = share * bytes / inside.bandwidth.value.si();
  const double ring_rate = rate * kRingShare;
  if (what.boxes <= 1 || network == nullptr) {
    seconds += pipelined(2 * (gpus - 1) * kStepLatencies * latency, share * bytes / ring_rate);
    if (what.direct) {
      // Everybody reads everybody's buffer; or a part each, and then the results.
      const double one = kKernel / 2 + 2 * kStepLatencies * latency + (gpus - 1) * bytes / rate;
      const double two = kKernel / 2 + 4 * kStepLatencies * latency + share * bytes / rate;
      if (std::min(one, two) < seconds) {
        seconds = std::min(one, two);
        result.algorithm = one <= two ? "one-shot" : "two-shot";
      }
    }
  } else {
    // One ring through all boxes: its slowest link is the port, which the box's flows share.
    const double port = network->payload_bandwidth().si() * std::min(1.0, kFlowShare * here);
    const double inner = 2.0 * (here - 1) * what.boxes * kStepLatencies * latency;
    const double steps = 2.0 * (what.boxes - 1) * kNetworkLatencies * network->latency.value.si();
    seconds += inner + pipelined(steps, share * bytes / std::min(ring_rate, port));
    roofline = share * bytes / std::min(inside.bandwidth.value.si(), network->bandwidth.value.si());
    result.algorithm = "ring through boxes";
  }
  result.time = Time(seconds);
  result.roofline = Time(roofline);
  return result;
}

}  // namespace joulesim::hw

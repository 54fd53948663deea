#include "hw/link/collective.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {

// Assumed for all links and stacks; set on all-reduces of two to sixteen A100 (NVLink 3).
constexpr double kKernel = 5e-6;         // seconds: start, first flags, end
constexpr double kStepLatencies = 2.0;   // link latencies of one step: data there, flag seen
constexpr double kRingShare = 0.92;      // of the payload rate, for flags and reduction
constexpr double kFlowShare = 0.25;      // of a network port that one GPU's flow fills
constexpr double kNetworkStart = 20e-6;  // seconds: proxies, registration

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
  CollectiveTime result;
  result.algorithm = "ring";
  double seconds = kKernel;
  double roofline = 0;
  if (here > 1) {
    const double others = here - 1;
    const double share = 2 * others / here;
    const double ring =
        pipelined(2 * others * kStepLatencies * latency, share * bytes / (rate * kRingShare));
    seconds += ring;
    roofline = share * bytes / inside.bandwidth.value.si();
    if (what.direct && what.boxes == 1) {
      // Everybody reads everybody's buffer; or a part each, and then the results.
      const double one = kKernel / 2 + 2 * kStepLatencies * latency + others * bytes / rate;
      const double two = kKernel / 2 + 4 * kStepLatencies * latency + share * bytes / rate;
      if (std::min(one, two) < seconds) {
        seconds = std::min(one, two);
        result.algorithm = one <= two ? "one-shot" : "two-shot";
      }
    }
  }
  if (what.boxes > 1 && network != nullptr) {
    const double others = what.boxes - 1;
    const double share = 2 * others / what.boxes;
    const double port = network->payload_bandwidth().si() * std::min(1.0, kFlowShare * here);
    const double between =
        pipelined(2 * others * kStepLatencies * network->latency.value.si(), share * bytes / port);
    seconds += kNetworkStart + between;
    roofline = std::max(roofline, share * bytes / network->bandwidth.value.si());
    result.algorithm = here > 1 ? "ring in boxes, ring between them" : "ring between boxes";
  }
  result.time = Time(seconds);
  result.roofline = Time(roofline);
  return result;
}

}  // namespace joulesim::hw

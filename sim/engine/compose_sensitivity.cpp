// Which inputs a figure's range comes from: each at the ends of its own, all others at their
// values.
#include "sim/engine/compose.hpp"

#include <algorithm>

namespace joulesim::engine {
namespace {

// Inputs that move a figure by less than this share of it are left out.
constexpr double kNoticeable = 0.001;

class Widest {
 public:
  Widest(reports::Result& result, const std::string& metric) : result_(result) {
    const reports::Metric* found = result.metric(metric);
    value_ = found == nullptr ? 0 : found->value.si;
    metric_ = metric;
  }
  void add(const std::string& input, double at_one_end, double at_the_other) {
    const auto [low, high] = std::minmax(at_one_end, at_the_other);
    if (high - low > kNoticeable * value_) {
      rows_.push_back({metric_, input, low, high});
    }
  }
  void finish() {
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const reports::SensitivityRow& a, const reports::SensitivityRow& b) {
                       return a.high - a.low > b.high - b.low;
                     });
    result_.sensitivity.insert(result_.sensitivity.end(), rows_.begin(), rows_.end());
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  reports::Result& result_;
  std::string metric_;
  double value_ = 0;
  std::vector<reports::SensitivityRow> rows_;
};

}  // namespace

void fill_sensitivity(const Simulated& simulated, const Request& request, reports::Result& result) {
  Widest speed(result, "decode.tokens_per_second");
  for (const CornerRun& run : simulated.corners) {
    speed.add(run.part, speed.value() * (simulated.decode_closed_form / run.slowest),
              speed.value() * (simulated.decode_closed_form / run.fastest));
  }
  speed.finish();
  // Energies are sums of coefficients times amounts; times stay as they are, and what a regulator
  // loses of a larger draw is left out.
  Widest energy(result, "energy.per_token");
  for (const Cost& cost : request.decode.costs) {
    const auto with = [&](Energy end) {
      return energy.value() + (end - cost.energy).si() / request.tokens;
    };
    energy.add(cost.component + ", " + cost.cause, with(cost.alone_low), with(cost.alone_high));
  }
  energy.finish();
}

}  // namespace joulesim::engine

// Draws from the ranges of all inputs at once: between which ends a figure lies in nine cases of
// ten, where ranges that add up at their worst ends say only what can be at most.
//
// Models:     every input has a draw of its own, half of them below its value and half above,
//             denser near it; a part's rates move a step's time between the closed-form times at
//             their ends, and parts add; standing power lasts as long as the step; a regulator
//             loses of the energy that was drawn for what it feeds.
// Leaves out: inputs of one source that are wrong together, the time of prefill, fleets.
// Checked by: tests/unit/engine_samples.cpp.
#include "sim/engine/compose.hpp"
#include "sim/engine/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string_view>
#include <tuple>

namespace joulesim::engine {
namespace {

double uniform(std::mt19937_64& bits) { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }

// From -1, the low end of a range, over 0, the value, to 1, the high end: a triangle.
double position(std::mt19937_64& bits) {
  const double u = uniform(bits);
  return u < 0.5 ? std::sqrt(2 * u) - 1 : 1 - std::sqrt(2 * (1 - u));
}

double at(double p, double low, double value, double high) {
  return p < 0 ? value + p * (value - low) : value + p * (high - value);
}

// One draw of all inputs, by name: an input that prefill, decode and waiting share is drawn once.
class Draw {
 public:
  Draw(std::uint64_t seed, std::size_t index) : bits_(seed * 0x9e3779b97f4a7c15ULL + index) {}
  double of(const std::string& input) {
    const auto [found, fresh] = positions_.try_emplace(input, 0);
    if (fresh) {
      found->second = position(bits_);
    }
    return found->second;
  }

 private:
  std::mt19937_64 bits_;
  std::map<std::string, double> positions_;
};

// Joules of a phase whose times are `stretched`.
double joules_of(const std::vector<Cost>& costs, Draw& draw, double stretched) {
  std::map<std::string, std::pair<double, double>> passed;  // by rail: as drawn, at the values
  double all = 0;
  double all_at_values = 0;
  for (const Cost& cost : costs) {
    const double value = cost.energy.si();
    double drawn = at(draw.of(cost.component + ", " + cost.cause), cost.alone_low.si(), value,
                      cost.alone_high.si());
    if (cost.spent == Spent::loss) {
      constexpr std::string_view kBefore = "loss, ";
      constexpr std::string_view kAfter = " rail";
      double feeds = all;
      double feeds_at_values = all_at_values;
      if (cost.cause.starts_with(kBefore) && cost.cause.ends_with(kAfter)) {
        const std::string rail =
            cost.cause.substr(kBefore.size(), cost.cause.size() - kBefore.size() - kAfter.size());
        std::tie(feeds, feeds_at_values) = passed[rail];
      }
      drawn *= feeds_at_values > 0 ? feeds / feeds_at_values : 1;
    } else if (cost.spent == Spent::standing) {
      drawn *= stretched;
    }
    passed[cost.rail].first += drawn;
    passed[cost.rail].second += value;
    all += drawn;
    all_at_values += value;
  }
  return all;
}

struct Drawn {
  std::vector<double> values;
  // The nearest rank.
  [[nodiscard]] double quantile(double share) const {
    const auto last = static_cast<double>(values.size() - 1);
    return values[static_cast<std::size_t>(std::lround(share * last))];
  }
};

}  // namespace

void fill_samples(const Prepared& prepared, const Simulated& simulated, const Request& request,
                  reports::Result& result) {
  const Scenario& scenario = prepared.scenario;
  if (scenario.samples == 0) {
    return;
  }
  const double closed = simulated.decode_closed_form.si();
  const double prefill_time = request.prefill.activity.duration.si();
  const double decode_time = request.decode.activity.duration.si();
  std::map<std::string, Drawn> drawn;
  for (std::int64_t i = 0; i < scenario.samples; ++i) {
    Draw draw(scenario.seed, static_cast<std::size_t>(i));
    double stretched = 1;
    for (const CornerRun& run : simulated.corners) {
      stretched +=
          (at(draw.of(run.part), run.fastest.si(), closed, run.slowest.si()) - closed) / closed;
    }
    const double prefill = joules_of(request.prefill.costs, draw, 1);
    const double decode = joules_of(request.decode.costs, draw, stretched);
    const double step = request.step.si() * stretched;
    const double power = (prefill + decode) / (prefill_time + decode_time * stretched);
    drawn["decode.time_per_token"].values.push_back(step);
    drawn["decode.tokens_per_second"].values.push_back(request.batch / step);
    drawn["energy.per_token"].values.push_back(decode / request.tokens);
    drawn["energy.per_request"].values.push_back(prefill + decode);
    drawn["power.average"].values.push_back(power);
    if (prepared.machine.battery && scenario.battery) {
      const double rate = request.batch / step;
      const auto& asked = scenario.battery->tokens_per_second;
      const double share = asked ? std::min(1.0, asked->si() / rate) : 1;
      const double busy = decode / (decode_time * stretched);
      const double idle = joules_of(request.idle, draw, 1);
      drawn["battery.hours"].values.push_back(
          hw::lifetime(*prepared.machine.battery, Power(share * busy + (1 - share) * idle)).si());
    }
  }
  constexpr double kLow = 0.05;
  constexpr double kHigh = 0.95;
  for (reports::Metric& metric : result.metrics) {
    const auto found = drawn.find(metric.name);
    if (found != drawn.end() && metric.low && metric.high) {
      std::sort(found->second.values.begin(), found->second.values.end());
      metric.p5 = found->second.quantile(kLow);
      metric.p95 = found->second.quantile(kHigh);
    }
  }
  result.samples = scenario.samples;
  result.limits.push_back(
      fmt::format("P5 and P95 are of {} draws, every input on its own; inputs that are wrong "
                  "together would widen them.",
                  scenario.samples));
}

}  // namespace joulesim::engine

#include "reports/result/display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace joulesim::reports {
namespace {

constexpr Dim kNone{};

// A unit that reads well from `from` (SI) on. `prefixes`: which SI prefixes it takes.
enum class Prefixes { none, up, all };
struct Step {
  Dim dim;
  double from;
  double si;
  const char* unit;
  Prefixes prefixes;
};

constexpr double kHour = 3600;
constexpr double kDay = 24 * kHour;
constexpr double kYear = 365.25 * kDay;

// For each dimension the last step whose `from` is not above the magnitude holds.
constexpr std::array kSteps = {
    Step{kNone, 0, 1, "", Prefixes::none},
    Step{kSecond, 0, 1, "s", Prefixes::all},
    Step{kSecond, 120, 60, "min", Prefixes::none},
    Step{kSecond, 2 * kHour, kHour, "h", Prefixes::none},
    Step{kSecond, 4 * kDay, kDay, "days", Prefixes::none},
    Step{kSecond, 2 * kYear, kYear, "years", Prefixes::none},
    Step{inverse(kSecond), 0, 1, "Hz", Prefixes::all},
    Step{kJoule, 0, 1, "J", Prefixes::all},
    Step{kJoule, 3600, 3600, "Wh", Prefixes::up},
    Step{kJoule / kSecond, 0, 1, "W", Prefixes::all},
    Step{kByte, 0, 1, "B", Prefixes::up},
    Step{kByte / kSecond, 0, 1, "B/s", Prefixes::up},
    Step{kByte / kToken, 0, 1, "B/token", Prefixes::up},
    Step{kJoule / kByte, 0, 8, "J/bit", Prefixes::all},
    Step{kJoule / kSecond / kByte, 0, 1, "W/B", Prefixes::all},
    Step{kOp, 0, 1, "op", Prefixes::up},
    Step{kOp / kSecond, 0, 1, "op/s", Prefixes::up},
    Step{kOp / kByte, 0, 1, "op/B", Prefixes::none},
    Step{kJoule / kOp, 0, 1, "J/op", Prefixes::all},
    Step{kFlop, 0, 1, "FLOP", Prefixes::up},
    Step{kFlop / kSecond, 0, 1, "FLOP/s", Prefixes::up},
    Step{kAmpere, 0, 1, "A", Prefixes::all},
    Step{kJoule / kSecond / kAmpere, 0, 1, "V", Prefixes::all},
    Step{kGram, 0, 1, "g", Prefixes::all},
    Step{kGram, 1e6, 1e6, "t", Prefixes::up},
    Step{kGram / kJoule, 0, 1 / 3.6e6, "g/kWh", Prefixes::none},
    Step{kGram / kToken, 0, 1, "g/token", Prefixes::all},
    Step{kDollar, 0, 1, "USD", Prefixes::none},
    Step{kDollar, 1e6, 1e6, "million USD", Prefixes::none},
    Step{kDollar / kJoule, 0, 1 / 3.6e6, "USD/kWh", Prefixes::none},
    Step{kDollar / kToken, 0, 1e-6, "USD/Mtoken", Prefixes::none},
    Step{kToken, 0, 1, "tokens", Prefixes::none},
    Step{kToken, 1e6, 1, "tokens", Prefixes::up},
    Step{kToken / kSecond, 0, 1, "tokens/s", Prefixes::none},
    Step{kToken / kSecond, 1e6, 1, "tokens/s", Prefixes::up},
    Step{kJoule / kToken, 0, 1, "J/token", Prefixes::all},
    Step{kToken / kJoule, 0, 1, "tokens/J", Prefixes::none},
    Step{kToken / kByte, 0, 1e-9, "tokens/GB", Prefixes::none},
    Step{kToken / kDollar, 0, 1e6, "Mtokens/USD", Prefixes::none},
    Step{kSecond / kToken, 0, 1, "s/token", Prefixes::all},
    Step{kKelvin, 0, 1, "K", Prefixes::none},
};

struct Prefix {
  double factor;
  const char* name;
};
constexpr std::array kPrefixes = {Prefix{1e18, "E"}, Prefix{1e15, "P"},  Prefix{1e12, "T"},
                                  Prefix{1e9, "G"},  Prefix{1e6, "M"},   Prefix{1e3, "k"},
                                  Prefix{1, ""},     Prefix{1e-3, "m"},  Prefix{1e-6, "µ"},
                                  Prefix{1e-9, "n"}, Prefix{1e-12, "p"}, Prefix{1e-15, "f"}};

// Half a unit in the fourth digit: 999.96 mW is 1.00 W, not 1000 mW.
constexpr double kRoundUp = 1.0005;

std::string grouped(double whole) {
  std::string digits = fmt::format("{:.0f}", std::fabs(whole));
  if (digits.size() > 4) {
    for (std::size_t at = digits.size(); at > 3; at -= 3) {
      digits.insert(at - 3, "\u00a0");
    }
  }
  return (whole < 0 ? "−" : "") + digits;
}

bool is_count(Dim dim, const std::string& unit, double shown) {
  return (dim == kNone || unit == "tokens") && shown == std::round(shown) && std::fabs(shown) < 1e9;
}

}  // namespace

Scale scale_for(Dim dim, double magnitude) {
  const double size = std::fabs(magnitude) * kRoundUp;
  const Step* step = nullptr;
  for (const Step& candidate : kSteps) {
    if (candidate.dim == dim && (step == nullptr || size >= candidate.from)) {
      step = &candidate;
    }
  }
  if (step == nullptr) {
    return {1, si_unit(dim)};
  }
  if (step->prefixes == Prefixes::none || magnitude == 0 || !std::isfinite(magnitude)) {
    return {step->si, step->unit};
  }
  const double lowest = step->prefixes == Prefixes::up ? 1 : kPrefixes.back().factor;
  for (const Prefix& prefix : kPrefixes) {
    if (size >= prefix.factor * step->si || prefix.factor <= lowest) {
      return {prefix.factor * step->si, std::string(prefix.name) + step->unit};
    }
  }
  return {step->si, step->unit};
}

std::string significant(double value, int digits) {
  if (value == 0) {
    return "0";
  }
  if (!std::isfinite(value)) {
    return std::isnan(value) ? "not a number" : (value < 0 ? "−∞" : "∞");
  }
  const std::string minus = value < 0 ? "−" : "";
  // The exponent after rounding, so that 9.996 has three digits as 10.0.
  const std::string scientific = fmt::format("{:.{}e}", std::fabs(value), digits - 1);
  const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  if (exponent < -4 || exponent > 8) {
    return minus + scientific;
  }
  const double rounded = std::stod(scientific);
  const int decimals = std::max(0, digits - 1 - exponent);
  if (decimals == 0 && exponent >= 4) {
    return grouped(value < 0 ? -rounded : rounded);
  }
  return minus + fmt::format("{:.{}f}", rounded, decimals);
}

std::string show_on(const Scale& scale, double si, int digits) {
  return significant(si / scale.factor, digits);
}

std::string show(AnyQuantity q, int digits) {
  const Scale scale = scale_for(q.dim, q.si);
  const double shown = q.si / scale.factor;
  const std::string number =
      is_count(q.dim, scale.unit, shown) ? grouped(shown) : significant(shown, digits);
  return scale.unit.empty() ? number : number + " " + scale.unit;
}

std::string percent(double share) {
  const double shown = share * 100;
  if (!std::isfinite(shown)) {
    return significant(shown) + " %";
  }
  // Below a thousandth a share says no more than that it is small.
  if (shown > 0 && shown < 0.1) {
    return "< 0.1 %";
  }
  const std::string text = fmt::format("{:.1f}", std::fabs(shown));
  const std::string number =
      shown == 0 || std::fabs(shown) >= 99.95 ? grouped(std::round(shown)) : text;
  return (shown < 0 && number == text ? "−" : "") + number + " %";
}

std::string rough_percent(double share) {
  return share > 0 && share < 0.005 ? "< 1 %" : grouped(std::round(share * 100)) + " %";
}

std::string signed_percent(double share) {
  if (std::fabs(share) < 0.0005) {
    return "0.0 %";
  }
  return (share > 0 ? "+" : "") + percent(share);
}

namespace {

bool is_share(const std::string& name, AnyQuantity value) {
  constexpr std::array<std::string_view, 4> kEnds = {"_utilisation", "_share", "_rate",
                                                     "_agreement"};
  return value.dim == kNone &&
         (name.starts_with("accuracy") ||
          std::any_of(kEnds.begin(), kEnds.end(), [&](auto end) { return name.ends_with(end); }));
}

}  // namespace

bool is_share(const Metric& metric) { return is_share(metric.name, metric.value); }

std::string show_value(const Metric& metric) {
  return is_share(metric) ? percent(metric.value.si) : show(metric.value);
}

std::string show_range(const Metric& metric) {
  if (!metric.low || !metric.high) {
    return {};
  }
  if (is_share(metric)) {
    return fmt::format("{} – {}", percent(*metric.low), percent(*metric.high));
  }
  const Scale scale = scale_for(metric.value.dim, metric.value.si);
  const std::string unit = scale.unit.empty() ? "" : " " + scale.unit;
  return fmt::format("{} – {}{}", show_on(scale, *metric.low), show_on(scale, *metric.high), unit);
}

std::string show_quantiles(const Metric& metric) {
  if (!metric.p5 || !metric.p95) {
    return {};
  }
  Metric between = metric;
  between.low = metric.p5;
  between.high = metric.p95;
  return "P5–P95 " + show_range(between);
}

std::string show_capacity(Bytes bytes) {
  constexpr double kGibi = 1073741824;
  const double whole = bytes.si() / kGibi;
  return whole >= 1 && whole == std::floor(whole) ? fmt::format("{:.0f} GiB", whole)
                                                  : show(any(bytes));
}

std::string show(const Fact& fact) {
  if (!fact.text.empty()) {
    return fact.text;
  }
  return is_share(fact.name, fact.value) ? percent(fact.value.si) : show(fact.value);
}

std::optional<AnyQuantity> one_of_unit(const std::string& unit) {
  if (unit.empty() || unit == "1") {
    return AnyQuantity{1, kNone};
  }
  // "1/token" is written for an inverse; the grammar of quantities has counts for that.
  const std::string text = unit.starts_with("1/") ? "request" + unit.substr(1) : unit;
  try {
    return parse_quantity("1 " + text);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

std::optional<Dim> dim_of_unit(const std::string& unit) {
  const auto one = one_of_unit(unit);
  return one && one->si == 1 ? std::optional<Dim>(one->dim) : std::nullopt;
}

}  // namespace joulesim::reports

#include "sim/base/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace joulesim {
namespace {

struct Unit {
  std::string_view name;
  Dim dim;
  double si;
  bool prefixed;  // takes SI prefixes
};

constexpr Dim kNone{};
constexpr Dim kVolt = kJoule / kSecond / kAmpere;

// Order matters only for equal names. Prefixes are decimal; KiB, MiB, GiB, TiB are units of their
// own.
constexpr std::array kUnits = {
    Unit{"s", kSecond, 1, true},
    Unit{"min", kSecond, 60, false},
    Unit{"h", kSecond, 3600, false},
    Unit{"day", kSecond, 86400, false},
    Unit{"days", kSecond, 86400, false},
    Unit{"year", kSecond, 365.25 * 86400, false},
    Unit{"years", kSecond, 365.25 * 86400, false},
    Unit{"yr", kSecond, 365.25 * 86400, false},
    Unit{"Hz", inverse(kSecond), 1, true},
    Unit{"T/s", inverse(kSecond), 1, true},
    Unit{"J", kJoule, 1, true},
    Unit{"Wh", kJoule, 3600, true},
    Unit{"W", kJoule / kSecond, 1, true},
    Unit{"B", kByte, 1, true},
    Unit{"KiB", kByte, 1024, false},
    Unit{"MiB", kByte, 1048576, false},
    Unit{"GiB", kByte, 1073741824, false},
    Unit{"TiB", kByte, 1099511627776, false},
    Unit{"bit", kByte, 0.125, true},
    Unit{"b", kByte, 0.125, true},
    Unit{"op", kOp, 1, true},
    Unit{"OP", kOp, 1, true},
    Unit{"MAC", kOp, 2, true},
    Unit{"FLOP", kFlop, 1, true},
    Unit{"A", kAmpere, 1, true},
    Unit{"V", kVolt, 1, true},
    Unit{"g", kGram, 1, true},
    Unit{"t", kGram, 1e6, true},
    Unit{"USD", kDollar, 1, true},
    Unit{"token", kToken, 1, true},
    Unit{"tokens", kToken, 1, true},
    Unit{"K", kKelvin, 1, false},
    Unit{"T", kNone, 1, true},
    Unit{"cycle", kNone, 1, false},
    Unit{"cycles", kNone, 1, false},
    Unit{"clk", kNone, 1, false},
    Unit{"request", kNone, 1, false},
    Unit{"requests", kNone, 1, false},
    Unit{"%", kNone, 0.01, false},
};

struct Prefix {
  std::string_view name;
  double factor;
};
constexpr std::array kPrefixes = {
    Prefix{"f", 1e-15}, Prefix{"p", 1e-12}, Prefix{"n", 1e-9}, Prefix{"u", 1e-6},
    Prefix{"µ", 1e-6},  Prefix{"m", 1e-3},  Prefix{"k", 1e3},  Prefix{"M", 1e6},
    Prefix{"G", 1e9},   Prefix{"T", 1e12},  Prefix{"P", 1e15}, Prefix{"E", 1e18},
};

std::optional<AnyQuantity> one_unit(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text == unit.name) {
      return AnyQuantity{unit.si, unit.dim};
    }
  }
  for (const Prefix& prefix : kPrefixes) {
    if (!text.starts_with(prefix.name)) {
      continue;
    }
    for (const Unit& unit : kUnits) {
      if (unit.prefixed && text.substr(prefix.name.size()) == unit.name) {
        return AnyQuantity{prefix.factor * unit.si, unit.dim};
      }
    }
  }
  return std::nullopt;
}

// unit { ('/' | '*') unit }, read from the left.
std::optional<AnyQuantity> compound_unit(std::string_view text) {
  AnyQuantity result{1, {}};
  bool divide = false;
  while (true) {
    const auto end = text.find_first_of("/*");
    const auto part = one_unit(text.substr(0, end));
    if (!part) {
      return std::nullopt;
    }
    result.si = divide ? result.si / part->si : result.si * part->si;
    result.dim = divide ? result.dim / part->dim : result.dim * part->dim;
    if (end == std::string_view::npos) {
      return result;
    }
    divide = text[end] == '/';
    text.remove_prefix(end + 1);
  }
}

struct Named {
  Dim dim;
  std::string_view name, example, unit;
  double unit_si;  // how many SI base units one display unit is
  bool prefixed;
};
constexpr std::array kNamed = {
    Named{kNone, "a pure number", "0.5", "", 1, false},
    Named{kSecond, "a time", "18 ns", "s", 1, true},
    Named{inverse(kSecond), "a frequency", "1.3 GHz", "Hz", 1, true},
    Named{kJoule, "an energy", "1.2 nJ", "J", 1, true},
    Named{kJoule / kSecond, "a power", "60 mW", "W", 1, true},
    Named{kByte, "a size", "8 GiB", "B", 1, true},
    Named{kByte / kSecond, "a bandwidth", "34.1 GB/s", "B/s", 1, true},
    Named{kJoule / kByte, "an energy per byte or bit", "4.0 pJ/bit", "J/bit", 8, true},
    Named{kJoule / kSecond / kByte, "a power per byte", "12 mW/MiB", "W/B", 1, true},
    Named{kOp, "a number of operations", "3 GMAC", "op", 1, true},
    Named{kOp / kSecond, "an operation rate", "15.8 Top/s", "op/s", 1, true},
    Named{kJoule / kOp, "an energy per operation", "0.1 pJ/MAC", "J/op", 1, true},
    Named{kFlop, "a number of floating-point operations", "3 GFLOP", "FLOP", 1, true},
    Named{kFlop / kSecond, "a floating-point rate", "989 TFLOP/s", "FLOP/s", 1, true},
    Named{kAmpere, "a current", "57 mA", "A", 1, true},
    Named{kVolt, "a voltage", "1.1 V", "V", 1, true},
    Named{kGram, "a mass", "3 kg", "g", 1, true},
    Named{kGram / kJoule, "a carbon intensity", "400 g/kWh", "g/kWh", 1.0 / 3.6e6, false},
    Named{kDollar, "a price", "3 USD", "USD", 1, true},
    Named{kDollar / kJoule, "an energy price", "0.12 USD/kWh", "USD/kWh", 1.0 / 3.6e6, false},
    Named{kToken, "a number of tokens", "128 tokens", "tokens", 1, true},
    Named{kToken / kSecond, "a token rate", "10 tokens/s", "tokens/s", 1, false},
    Named{kJoule / kToken, "an energy per token", "35 mJ/token", "J/token", 1, true},
    Named{kSecond / kToken, "a time per token", "100 ms/token", "s/token", 1, true},
    Named{kKelvin, "a temperature", "298 K", "K", 1, false},
};

const Named* find_named(Dim dim) {
  for (const Named& named : kNamed) {
    if (named.dim == dim) {
      return &named;
    }
  }
  return nullptr;
}

// Digits after rounding to `digits` significant ones, without an exponent for everyday sizes.
std::string significant(double value, int digits) {
  if (value == 0) {
    return "0";
  }
  double magnitude = std::floor(std::log10(std::fabs(value)));
  // Rounding may carry into another digit: 9.996 has the digits of 10.0.
  if (std::round(std::fabs(value) * std::pow(10.0, digits - 1 - magnitude)) >=
      std::pow(10.0, digits)) {
    ++magnitude;
  }
  if (magnitude < -4 || magnitude > 8) {
    return fmt::format("{:.{}g}", value, digits);
  }
  const int decimals = std::max(0, digits - 1 - static_cast<int>(magnitude));
  const double scale = std::pow(10.0, digits - 1 - magnitude);
  const double rounded = decimals > 0 ? value : std::round(value * scale) / scale;
  return fmt::format("{:.{}f}", rounded, decimals);
}

}  // namespace

AnyQuantity parse_quantity(const std::string& text) {
  const std::string wanted = "expected a number, one space and a unit, such as \"34.1 GB/s\"";
  std::size_t end = 0;
  double number = 0;
  try {
    number = std::stod(text, &end);
  } catch (const std::exception&) {
    throw std::invalid_argument(fmt::format("found \"{}\"; {}", text, wanted));
  }
  const bool plain = !text.empty() && text.find_first_of("xXnN") >= end &&
                     (text[0] == '-' || text[0] == '+' || (text[0] >= '0' && text[0] <= '9'));
  if (!plain || !std::isfinite(number)) {
    throw std::invalid_argument(fmt::format("found \"{}\"; {}", text, wanted));
  }
  if (end == text.size()) {
    return {number, {}};
  }
  const std::string unit = text[end] == ' ' ? text.substr(end + 1) : text.substr(end);
  if (unit.ends_with("Ah")) {
    throw std::invalid_argument(
        fmt::format("found the charge \"{}\"; expected an energy: multiply by the cell voltage and "
                    "give Wh",
                    text));
  }
  const auto parsed = compound_unit(unit);
  if (!parsed) {
    throw std::invalid_argument(
        fmt::format("found \"{}\" with unknown unit '{}'; {}", text, unit, wanted));
  }
  if (text[end] != ' ') {
    throw std::invalid_argument(
        fmt::format("found \"{}\"; expected one space between number and unit", text));
  }
  return {number * parsed->si, parsed->dim};
}

std::string dimension_name(Dim dim) {
  const Named* named = find_named(dim);
  return named != nullptr ? std::string(named->name) : "a quantity in " + si_unit(dim);
}

std::string example_of(Dim dim) {
  const Named* named = find_named(dim);
  return named != nullptr ? std::string(named->example) : "1 " + si_unit(dim);
}

std::string si_unit(Dim dim) {
  const Named* named = find_named(dim);
  if (named != nullptr && named->unit_si == 1) {
    return std::string(named->unit);
  }
  const std::array<std::pair<std::int8_t, const char*>, 10> parts = {{{dim.joule, "J"},
                                                                      {dim.byte, "B"},
                                                                      {dim.op, "op"},
                                                                      {dim.flop, "FLOP"},
                                                                      {dim.ampere, "A"},
                                                                      {dim.gram, "g"},
                                                                      {dim.dollar, "USD"},
                                                                      {dim.token, "token"},
                                                                      {dim.kelvin, "K"},
                                                                      {dim.second, "s"}}};
  std::string above;
  std::string below;
  for (const auto& [exponent, name] : parts) {
    for (int i = 0; i < std::abs(exponent); ++i) {
      if (exponent > 0) {
        above += (above.empty() ? "" : "*") + std::string(name);
      } else {
        below += "/" + std::string(name);
      }
    }
  }
  return (above.empty() ? "1" : above) + below;
}

std::string format(AnyQuantity q, int digits) {
  const Named* named = find_named(q.dim);
  if (named == nullptr) {
    return significant(q.si, digits) + " " + si_unit(q.dim);
  }
  const double value = q.si / named->unit_si;
  const std::string unit(named->unit);
  if (unit.empty()) {
    return significant(value, digits);
  }
  if (!named->prefixed || value == 0) {
    return significant(value, digits) + " " + unit;
  }
  // Round first, so that 999.96 mW prints as 1.00 W and not as 1000 mW.
  constexpr std::array<std::pair<double, const char*>, 12> steps = {{{1e18, "E"},
                                                                     {1e15, "P"},
                                                                     {1e12, "T"},
                                                                     {1e9, "G"},
                                                                     {1e6, "M"},
                                                                     {1e3, "k"},
                                                                     {1, ""},
                                                                     {1e-3, "m"},
                                                                     {1e-6, "µ"},
                                                                     {1e-9, "n"},
                                                                     {1e-12, "p"},
                                                                     {1e-15, "f"}}};
  const bool counted = q.dim == kByte || q.dim == kOp || q.dim == kFlop || q.dim == kToken;
  const double magnitude = std::fabs(value) * (1 + 0.5 * std::pow(10.0, -digits));
  for (const auto& [factor, prefix] : steps) {
    const bool last = factor == 1e-15 || (counted && factor == 1);
    if (magnitude >= factor || last) {
      return significant(value / factor, digits) + " " + prefix + unit;
    }
  }
  return significant(value, digits) + " " + unit;
}

}  // namespace joulesim

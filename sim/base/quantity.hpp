// Physical quantities as types: a value in SI base units whose dimension the compiler checks.
//
// Dimensions: second, joule, byte, op, flop, ampere, gram (of CO2 equivalent), dollar, token,
// kelvin. Bits are eighths of a byte. `op` counts integer or unspecified arithmetic (a MAC is two),
// `flop` floating point; they do not mix without `flops_as_ops`. Requests, cycles and transfers are
// counts without a dimension, so 4266 MT/s times 64 bit is a bandwidth.
//
// Checked by: tests/unit/base_quantity.cpp.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <string>

namespace joulesim {

struct Dim {
  std::int8_t second = 0, joule = 0, byte = 0, op = 0, flop = 0, ampere = 0, gram = 0, dollar = 0,
              token = 0, kelvin = 0;
  constexpr bool operator==(const Dim&) const = default;
};

constexpr Dim operator*(Dim a, Dim b) {
  auto add = [](std::int8_t x, std::int8_t y) { return static_cast<std::int8_t>(x + y); };
  return {add(a.second, b.second), add(a.joule, b.joule),   add(a.byte, b.byte),
          add(a.op, b.op),         add(a.flop, b.flop),     add(a.ampere, b.ampere),
          add(a.gram, b.gram),     add(a.dollar, b.dollar), add(a.token, b.token),
          add(a.kelvin, b.kelvin)};
}
constexpr Dim inverse(Dim a) {
  auto neg = [](std::int8_t x) { return static_cast<std::int8_t>(-x); };
  return {neg(a.second), neg(a.joule), neg(a.byte),   neg(a.op),    neg(a.flop),
          neg(a.ampere), neg(a.gram),  neg(a.dollar), neg(a.token), neg(a.kelvin)};
}
constexpr Dim operator/(Dim a, Dim b) { return a * inverse(b); }

template <Dim D>
class Quantity {
 public:
  static constexpr Dim kDim = D;

  constexpr Quantity() = default;
  constexpr explicit Quantity(double si) : si_(si) {}

  // The number in SI base units (seconds, joules, bytes, …).
  [[nodiscard]] constexpr double si() const { return si_; }

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator-() const { return Quantity(-si_); }
  constexpr Quantity& operator+=(Quantity o) { return si_ += o.si_, *this; }
  constexpr Quantity& operator-=(Quantity o) { return si_ -= o.si_, *this; }
  constexpr Quantity& operator*=(double f) { return si_ *= f, *this; }
  constexpr Quantity& operator/=(double f) { return si_ /= f, *this; }

 private:
  double si_ = 0;
};

template <Dim D>
constexpr Quantity<D> operator+(Quantity<D> a, Quantity<D> b) {
  return Quantity<D>(a.si() + b.si());
}
template <Dim D>
constexpr Quantity<D> operator-(Quantity<D> a, Quantity<D> b) {
  return Quantity<D>(a.si() - b.si());
}
template <Dim D>
constexpr Quantity<D> operator*(Quantity<D> a, double f) {
  return Quantity<D>(a.si() * f);
}
template <Dim D>
constexpr Quantity<D> operator*(double f, Quantity<D> a) {
  return Quantity<D>(f * a.si());
}
template <Dim D>
constexpr Quantity<D> operator/(Quantity<D> a, double f) {
  return Quantity<D>(a.si() / f);
}

// Products and ratios carry the product and ratio of the dimensions; a pure number is a double.
template <Dim A, Dim B>
constexpr auto operator*(Quantity<A> a, Quantity<B> b) {
  if constexpr (A * B == Dim{}) {
    return a.si() * b.si();
  } else {
    return Quantity<A * B>(a.si() * b.si());
  }
}
template <Dim A, Dim B>
constexpr auto operator/(Quantity<A> a, Quantity<B> b) {
  if constexpr (A == B) {
    return a.si() / b.si();
  } else {
    return Quantity<A / B>(a.si() / b.si());
  }
}
template <Dim D>
constexpr auto operator/(double f, Quantity<D> a) {
  return Quantity<inverse(D)>(f / a.si());
}

template <Dim D>
constexpr Quantity<D> max(Quantity<D> a, Quantity<D> b) {
  return a < b ? b : a;
}
template <Dim D>
constexpr Quantity<D> min(Quantity<D> a, Quantity<D> b) {
  return b < a ? b : a;
}
template <Dim D>
Quantity<D> abs(Quantity<D> a) {
  return Quantity<D>(std::fabs(a.si()));
}

inline constexpr Dim kSecond{.second = 1};
inline constexpr Dim kJoule{.joule = 1};
inline constexpr Dim kByte{.byte = 1};
inline constexpr Dim kOp{.op = 1};
inline constexpr Dim kFlop{.flop = 1};
inline constexpr Dim kAmpere{.ampere = 1};
inline constexpr Dim kGram{.gram = 1};
inline constexpr Dim kDollar{.dollar = 1};
inline constexpr Dim kToken{.token = 1};
inline constexpr Dim kKelvin{.kelvin = 1};

using Time = Quantity<kSecond>;
using Frequency = Quantity<inverse(kSecond)>;  // also requests or transfers per second
using Energy = Quantity<kJoule>;
using Power = Quantity<kJoule / kSecond>;
using Bytes = Quantity<kByte>;
using Bandwidth = Quantity<kByte / kSecond>;
using EnergyPerByte = Quantity<kJoule / kByte>;
using PowerPerByte = Quantity<kJoule / kSecond / kByte>;
using Ops = Quantity<kOp>;
using OpRate = Quantity<kOp / kSecond>;
using EnergyPerOp = Quantity<kJoule / kOp>;
using Flops = Quantity<kFlop>;
using FlopRate = Quantity<kFlop / kSecond>;
using Current = Quantity<kAmpere>;
using Voltage = Quantity<kJoule / kSecond / kAmpere>;
using Mass = Quantity<kGram>;
using CarbonIntensity = Quantity<kGram / kJoule>;
using Money = Quantity<kDollar>;
using EnergyPrice = Quantity<kDollar / kJoule>;
using Tokens = Quantity<kToken>;
using TokenRate = Quantity<kToken / kSecond>;
using EnergyPerToken = Quantity<kJoule / kToken>;
using TimePerToken = Quantity<kSecond / kToken>;
using Temperature = Quantity<kKelvin>;

constexpr Ops flops_as_ops(Flops f) { return Ops(f.si()); }
constexpr Ops macs(double n) { return Ops(2 * n); }

namespace literals {
constexpr Time operator""_s(long double v) { return Time(static_cast<double>(v)); }
constexpr Time operator""_ms(long double v) { return Time(static_cast<double>(v) * 1e-3); }
constexpr Time operator""_us(long double v) { return Time(static_cast<double>(v) * 1e-6); }
constexpr Time operator""_ns(long double v) { return Time(static_cast<double>(v) * 1e-9); }
constexpr Energy operator""_J(long double v) { return Energy(static_cast<double>(v)); }
constexpr Power operator""_W(long double v) { return Power(static_cast<double>(v)); }
constexpr Bytes operator""_B(long double v) { return Bytes(static_cast<double>(v)); }
constexpr Bytes operator""_B(unsigned long long v) { return Bytes(static_cast<double>(v)); }
constexpr Bytes operator""_KiB(unsigned long long v) {
  return Bytes(static_cast<double>(v) * 1024);
}
constexpr Bytes operator""_MiB(unsigned long long v) {
  return Bytes(static_cast<double>(v) * 1048576);
}
}  // namespace literals

// A value whose dimension is known only at run time: what a file or a report holds.
struct AnyQuantity {
  double si = 0;
  Dim dim;
};

template <Dim D>
constexpr AnyQuantity any(Quantity<D> q) {
  return {q.si(), D};
}

// "34.1 GB/s": number, one space, unit. Throws std::invalid_argument with a message of the form
// "found …; expected …" when the text is no quantity. A bare number is a dimensionless value.
AnyQuantity parse_quantity(const std::string& text);

// The usual unit of a dimension ("J", "B/s", "pJ/bit"), for messages: "a bandwidth, such as "34.1
// GB/s"".
std::string dimension_name(Dim dim);
std::string example_of(Dim dim);

// Text with an SI prefix and the given number of significant digits: "34.1 GB/s".
std::string format(AnyQuantity q, int digits = 3);
template <Dim D>
std::string format(Quantity<D> q, int digits = 3) {
  return format(any(q), digits);
}

// The SI unit without prefix, as written into result files: "J", "B/s", "tokens/s".
std::string si_unit(Dim dim);

}  // namespace joulesim

// Quantities as a person reads them: the unit of everyday use, an SI prefix, significant digits.
//
// Result files keep SI base units; these rules choose hours for a battery, GWh for a fleet, tonnes
// for its carbon. Checked by: tests/unit/reports_display.cpp.
#pragma once

#include "reports/result/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace joulesim::reports {

// Shown value = SI value / factor; the unit may be empty.
struct Scale {
  double factor = 1;
  std::string unit;
};

// The scale on which `magnitude` (SI) reads best; use one scale for all values of a column or axis.
Scale scale_for(Dim dim, double magnitude);

// Significant digits without an exponent at everyday sizes; whole numbers keep all their digits up
// to `digits` and are never padded with decimals beyond them.
std::string significant(double value, int digits = 3);

std::string show(AnyQuantity q, int digits = 3);  // "11.5 h", "4.21 GWh", "27.3 mJ/token"
std::string show_on(const Scale& scale, double si, int digits = 3);  // number without the unit
std::string percent(double share);                                   // 0.432 → "43.2 %"
std::string rough_percent(double share);                             // 0.432 → "43 %"
std::string signed_percent(double share);                            // 0.004 → "+0.4 %"

// A pure number whose name ends in _utilisation, _share, _rate or _agreement is a share and reads
// as per cent.
bool is_share(const Metric& metric);
std::string show_value(const Metric& metric);      // with unit
std::string show_range(const Metric& metric);      // "9.8 – 10.9 tokens/s", empty without a range
std::string show_quantiles(const Metric& metric);  // "P5–P95 9.8 – 10.9 tokens/s", or empty
std::string show(const Fact& fact);
// What a memory holds: as its makers count, "16 GiB", where it is a whole number of those.
std::string show_capacity(Bytes bytes);

// One of a unit that the grammar of quantities knows, prefixed or not; none when unknown.
std::optional<AnyQuantity> one_of_unit(const std::string& unit);

// The dimension of a unit as result files write it ("J/token", "B/s", ""); none when unknown.
std::optional<Dim> dim_of_unit(const std::string& unit);

}  // namespace joulesim::reports

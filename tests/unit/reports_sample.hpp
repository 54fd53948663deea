// Results made by hand that exercise every field: a phone, and a fleet of accelerators.
#pragma once

#include "reports/result/result.hpp"

namespace joulesim::reports {

Result phone_result();
Result fleet_result();

// Text that breaks HTML, gnuplot's enhanced text, Markdown and terminals alike.
inline constexpr const char* kOddText = "a<b & \"c\" _{x}^2 @y |z| 'q' \\n %d \x1b[31m";
Result odd_result();

}  // namespace joulesim::reports

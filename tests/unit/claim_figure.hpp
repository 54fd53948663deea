// A figure of a claim to judge, for the tests of verdicts and of the ledger.
#pragma once

#include "reports/result/claim.hpp"

#include <optional>

namespace joulesim::reports::testing {

inline AnyQuantity joules(double si) { return {si, kJoule}; }

inline ClaimFigure figure_of(double value, std::optional<double> said, double within = 1.25) {
  ClaimFigure figure;
  figure.id = "energy";
  figure.label = "Energy";
  figure.formula = "base.energy.per_request";
  figure.value = joules(value);
  if (said) {
    Expectation expected;
    expected.figure = joules(*said);
    expected.within = within;
    figure.readings.push_back(expected);
  }
  return figure;
}

}  // namespace joulesim::reports::testing

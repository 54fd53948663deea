#include "sim/engine/claim_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace joulesim::engine {

using reports::Claim;
using reports::ClaimFigure;
using reports::Expectation;
using reports::Judged;
using reports::Verdict;

namespace {

// How far apart two positive values are, as a factor of at least one.
double apart(double a, double b) {
  if (!(a > 0) || !(b > 0)) {
    return a == b ? 1 : std::numeric_limits<double>::infinity();
  }
  return std::max(a / b, b / a);
}

// Worse verdicts are larger.
double badness(const Judged& judged) {
  switch (judged.verdict) {
    case Verdict::contradicted:
      return std::numeric_limits<double>::infinity();
    case Verdict::off_by:
      return 2 + judged.factor;
    case Verdict::holds:
      return 1;
    default:
      return 0;
  }
}

Judged judge(const ClaimFigure& figure, const Expectation& expected) {
  const double value = figure.value.si;
  const double low = figure.low ? figure.low->si : value;
  const double high = figure.high ? figure.high->si : value;
  Judged judged;
  if (expected.figure) {
    const double said = expected.figure->si;
    judged.factor = apart(value, said);
    judged.verdict = judged.factor <= expected.within ? Verdict::holds : Verdict::off_by;
    if (judged.verdict == Verdict::off_by && low <= said * expected.within &&
        high >= said / expected.within) {
      judged.verdict = Verdict::holds;
      judged.by_range = true;
    }
    return judged;
  }
  if (expected.at_least || expected.at_most) {
    const bool least = expected.at_least.has_value();
    const double bound = least ? expected.at_least->si : expected.at_most->si;
    const auto meets = [&](double v) { return least ? v >= bound : v <= bound; };
    judged.factor = meets(value) ? 1 : apart(value, bound);
    judged.by_range = !meets(value) && meets(least ? high : low);
    judged.verdict = meets(value) || judged.by_range ? Verdict::holds : Verdict::contradicted;
  }
  return judged;
}

// The figure that says most about the claim: the worst judged one, else the first.
std::size_t leading_of(const Claim& claim) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < claim.figures.size(); ++i) {
    best = badness(claim.figures[i].judged) > badness(claim.figures[best].judged) ? i : best;
  }
  return best;
}

std::string reason_of(const Claim& claim) {
  if (claim.fixed != Verdict::shown) {
    return claim.reason;
  }
  const ClaimFigure* figure = reports::headline(claim);
  if (figure == nullptr || figure->readings.empty()) {
    return claim.reason.empty() ? "the statement gives no figure to compare with" : claim.reason;
  }
  const Judged& judged = figure->judged;
  const Expectation& said = figure->readings.front();
  std::string text = fmt::format("{}: simulated {}", figure->label, shown(*figure, figure->value));
  if (figure->low && figure->high) {
    text += fmt::format(" ({} to {})", shown(*figure, *figure->low), shown(*figure, *figure->high));
  }
  text += fmt::format(", stated {}", reports::stated(*figure, said));
  if (said.figure) {
    text += fmt::format(", tolerance ×{:.3g}", said.within);
  }
  if (judged.supported > 0) {
    const Expectation& other = figure->readings[judged.supported];
    text += fmt::format("; the simulation supports the other reading, {} ({})",
                        reports::stated(*figure, other), other.says);
  }
  return text;
}

}  // namespace

void judge(ClaimFigure& figure) {
  figure.judged = {};
  if (figure.readings.empty()) {
    return;
  }
  for (Expectation& reading : figure.readings) {
    reading.judged = judge(figure, reading);
  }
  figure.judged = figure.readings.front().judged;
  const auto farness = [](const Judged& judged) { return badness(judged) + judged.factor; };
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < figure.readings.size(); ++i) {
    nearest =
        farness(figure.readings[i].judged) < farness(figure.readings[nearest].judged) ? i : nearest;
  }
  figure.judged.supported = nearest;
}

void judge(Claim& claim) {
  for (ClaimFigure& figure : claim.figures) {
    judge(figure);
  }
  claim.leading = leading_of(claim);
  claim.judged = {};
  if (claim.fixed != Verdict::shown) {
    claim.judged.verdict = claim.fixed;
  } else {
    if (const ClaimFigure* figure = reports::headline(claim); figure != nullptr) {
      claim.judged = figure->judged;
    }
    if (claim.judged.verdict == Verdict::shown) {
      claim.judged.verdict = Verdict::not_decidable;
    }
    claim.reason = reason_of(claim);
  }
}

}  // namespace joulesim::engine

// Public statements beside what was simulated for them: values of the claims ledger.
//
// Numbers are in SI base units beside the dimension. Verdicts are values here; they are computed by
// sim/engine/claim_verdict.hpp.
// Checked by: tests/unit/reports_claims.cpp.
#pragma once

#include "sim/base/quantity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::reports {

enum class Verdict : std::uint8_t {
  shown,          // a figure beside the judged ones, nothing to compare with
  holds,          // within the stated tolerance, or only at the ends of its range
  off_by,         // off by a factor
  contradicted,   // a comparison goes the other way
  not_decidable,  // by simulation
  not_yet,        // simulated
};
const char* name_of(Verdict verdict);

struct Judged {
  Verdict verdict = Verdict::shown;
  double factor = 1;          // off by
  bool by_range = false;      // holds at an end of the range only
  std::size_t supported = 0;  // the reading that the value is nearest to
};

// What is to be compared with: at most one kind is set.
struct Expectation {
  std::optional<AnyQuantity> figure;  // the statement's own number
  double within = 1.25;               // a factor that still holds
  std::optional<AnyQuantity> at_least, at_most;
  std::string says;  // which reading of the statement this is
  Judged judged;
};

struct ClaimFigure {
  std::string id, label, formula;
  std::string unit;  // that it is shown in; empty: a prefix as it fits
  AnyQuantity value;
  std::optional<AnyQuantity> low, high;  // where the inputs' ranges lead to
  Judged judged;                         // as the first reading has it
  std::vector<Expectation> readings;     // the first is the statement's; more where it disagrees
                                         // with itself
};

struct ClaimInput {
  std::string name, label, source;
  AnyQuantity value;
  std::optional<AnyQuantity> low, high;
};

struct ClaimRun {
  std::string name, title;            // "flash"
  std::string level;                  // of fidelity
  std::vector<std::string> settings;  // beside the scenario's own
};

// A figure over an open input.
struct ClaimCurve {
  std::string label, x_label, y_label;
  std::string y_unit;  // empty: SI
  Dim x_dim, y_dim;
  bool log_x = false, log_y = false;
  std::vector<double> x, y;              // SI
  std::optional<double> mark_x, mark_y;  // the statement's point
  std::optional<double> own_x, own_y;    // the point that the verdict rests on
  std::string mark;
};

struct Claim {
  std::string id, statement, source, path;
  std::string sentence;            // what explains it
  std::string reason;              // what the verdict was computed from, or why there is none
  Verdict fixed = Verdict::shown;  // not_decidable or not_yet, where the file says so
  std::vector<ClaimInput> inputs;
  std::vector<ClaimRun> runs;
  std::vector<ClaimFigure> figures;
  std::vector<ClaimCurve> curves;
  Judged judged;
  std::size_t leading = 0;        // figure, the headline
  std::vector<std::string> open;  // parts that are not simulated yet, with the reason
};

// The figure that stands for the claim in the ledger's table; none where it has no figures.
const ClaimFigure* headline(const Claim& claim);

// "17.1 TWh": in the figure's unit. Large pure numbers are said in words: "30.2 million".
std::string shown(const ClaimFigure& figure, AnyQuantity value);
std::string said(AnyQuantity value);

// "off by ×3.1", "holds, at the end of its range"
std::string words_of(const Judged& judged);

// "at least 9 Wh": what the statement says, in the figure's unit.
std::string stated(const ClaimFigure& figure, const Expectation& expected);

// The list of `validate claims --json`.
std::string claims_json(const std::vector<Claim>& claims);

}  // namespace joulesim::reports

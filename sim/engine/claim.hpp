// The [claim] section of a scenario: a public statement, what to simulate for it beside the
// scenario itself, and how its figures follow. Its verdict is computed, never written.
//
//   [claim]
//   id = "A7"  statement = "…"  source = "…"  sentence = "From flash {slow}, from memory {fast}."
//   [claim.inputs.people]          value = "8.1e9", source = "UN World Population Prospects 2024"
//   [claim.runs.flash]             set = ['machine.weights_in="flash"'], or use = "other_scenario"
//   [claim.figures.slow]           value = "flash.decode.time_per_token", expected = "2 s/token"
//   [claim.curves.batch]           over = "workload.batch", values = ["1", "8"], figure = "slow"
//
// Formulas know: inputs and earlier figures by name; RUN.METRIC of every run (`base` is the
// scenario itself); RUN.energy.SPENT per request (movement, arithmetic, control, static, loss);
// RUN.operators.PHASE.NAME.{ops,bytes,seconds,joules}, of the whole phase without NAME;
// RUN.footprint.WHAT; RUN.memory.TIER.{read,written,achieved,utilisation,capacity,peak}, bytes per
// decoded token; RUN.model.FACT, RUN.machine.FACT.
// Models:     ranges: an input's ends move singly, what runs share (one metric of all runs)
//             together; each is put at the end that lowers, then that raises, the figure.
// Leaves out: ranges of products of two metrics whose common causes cancel.
// Checked by: tests/unit/engine_claim.cpp, tests/cli/claims.cpp.
#pragma once

#include "reports/result/claim.hpp"
#include "reports/result/result.hpp"
#include "sim/base/config.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct ClaimRunWish {
  std::string name, title;
  std::string use;  // another scenario; empty: this one
  std::vector<std::string> settings;
  Region place;
};

struct ClaimCurveWish {
  std::string id, label, over, of, figure, unit, mark;
  std::string x_label;
  std::vector<std::string> values;
  std::optional<AnyQuantity> mark_x, mark_y;
  bool log_x = false, log_y = false;
  Region place;
};

struct ClaimFigureWish {
  reports::ClaimFigure figure;  // without a value
  Region place;
};

struct ClaimWish {
  reports::Claim claim;            // what the file says
  std::vector<ClaimRunWish> runs;  // besides "base"
  std::vector<ClaimFigureWish> figures;
  std::vector<ClaimCurveWish> curves;
};

// Faults are noted in the file; the value is good only if there was none.
ClaimWish read_claim(const ConfigNode& node);

// Evaluates figures from results by run name. Throws InputError for names that are not there and
// for dimensions that do not fit.
reports::Claim evaluate_claim(const ClaimWish& wish,
                              const std::map<std::string, reports::Result>& results);

// One figure with everything as in `claim`, but `results` and one input changed; for curves.
AnyQuantity evaluate_figure(const ClaimWish& wish, const std::string& id,
                            const std::map<std::string, reports::Result>& results,
                            const std::map<std::string, AnyQuantity>& inputs);

}  // namespace joulesim::engine

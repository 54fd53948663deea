// The groupings that several reports show: sums and orders over a result's rows, no new figures.
//
// Checked by: tests/unit/reports_view.cpp.
#pragma once

#include "reports/result/result.hpp"

#include <string>
#include <vector>

namespace joulesim::reports {

struct EnergySegment {
  std::string cause, spent;
  double joules = 0;
};

struct EnergyGroup {  // one component, or one phase
  std::string name;
  double joules = 0;
  double assumed_share = 0;  // weighted by joules
  std::vector<EnergySegment> segments;
};

// Phases in the order in which rows first name them.
std::vector<std::string> phases(const Result& result);

// The phase a reader asks about first: "decode" when there is one.
std::string main_phase(const Result& result);

// Components by falling energy, segments by kind of spending, then falling energy. An empty phase
// means all phases.
std::vector<EnergyGroup> energy_by_component(const Result& result, const std::string& phase = {});

// One group per phase, segments summed over components for each kind of spending.
std::vector<EnergyGroup> energy_by_phase(const Result& result);

// Joules by kind of spending over the whole request, in the order of spent_kinds().
std::vector<EnergySegment> energy_by_spending(const Result& result);

// "movement", "arithmetic", "control", "static", "loss": the order of every stack and legend.
const std::vector<std::string>& spent_kinds();

// Operators of a phase by falling time.
std::vector<OperatorRow> operators_of(const Result& result, const std::string& phase);

// The metrics that answer the question, best first: fleet and training figures before one device's,
// speed and energy before the rest.
std::vector<const Metric*> headline(const Result& result, std::size_t most);

// Metric names known to any of the results, in headline order and then in order of appearance.
std::vector<std::string> all_metric_names(const std::vector<Result>& results);

std::vector<std::string> all_metric_names(const Result& result);

// Curves that belong in one plot: same first word of the name ("power.npu" → "power"), same units.
struct Chart {
  std::string name;
  std::vector<const Series*> curves;
};
std::vector<Chart> charts(const Result& result);

// The last measured deviation of the level used, as a sentence; empty when none was measured.
std::string deviation_sentence(const Result& result);

// Busy times without those that are rounding only (below 1e-9 of the longest).
std::vector<TimeRow> time_rows(const Result& result);

// Benchmarks whose published accuracy at least two results carry, those of most results first. Each
// ends the names of metrics: "accuracy.mmlu_5_shot".
std::vector<std::string> shared_benchmarks(const std::vector<Result>& results);

// What a reader calls it: "MMLU, 5-shot".
std::string benchmark_title(const std::vector<Result>& results, const std::string& benchmark);

// "†" behind an accuracy, or a figure made of it, that was published for other weights than those
// that run; else nothing. The note says what the mark means.
std::string accuracy_mark(const Result& result, const std::string& metric_name);
std::string accuracy_note();

// Metrics that at least two results have, then the others, each in reading order; of accuracies
// only shared ones.
std::vector<std::string> compared_metrics(const std::vector<Result>& results);

// "× 1.71", or "÷ 115" below a tenth, against the same metric of the first result; empty where
// there is none.
// The few figures that set several results beside each other at a glance, with short column heads,
// in groups: what all kinds of machine have, then fleets, then accuracy per cost where models are
// judged by the same benchmark. A group holds the results that have any of its figures.
struct HeadlineColumn {
  std::string name, head;
};
struct HeadlineGroup {
  std::string title;
  std::vector<HeadlineColumn> columns;
  std::vector<std::size_t> results;
  std::string note;
};
std::vector<HeadlineGroup> headline_groups(const std::vector<Result>& results);

std::string ratio_text(const Metric* first, const Metric* other);

// What was run, in one line: "MobileLLM-350M · A phone of 2023 · Prompt 64 tokens".
std::string subject(const Result& result);

}  // namespace joulesim::reports

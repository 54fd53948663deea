#include "sim/engine/claim.hpp"

#include "sim/base/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace joulesim::engine {
namespace {

// A quantity of any dimension, written as text: "50 tokens/s", "0.05".
std::optional<AnyQuantity> quantity_of(const ConfigNode& node, const std::string& key,
                                       const std::optional<std::string>& text) {
  if (!text) {
    return std::nullopt;
  }
  try {
    return parse_quantity(*text);
  } catch (const std::invalid_argument& fault) {
    node.error(key, fmt::format("'{}': {}", key, fault.what()));
    return std::nullopt;
  }
}

reports::ClaimInput read_input(const std::string& name, const ConfigNode& node) {
  reports::ClaimInput input;
  input.name = name;
  input.label = node.text_if("label").value_or(name);
  input.value = quantity_of(node, "value", node.text("value")).value_or(AnyQuantity{});
  input.source = node.text("source");
  const std::vector<std::string> range = node.texts("range");
  if (!range.empty() && range.size() != 2) {
    node.error("range",
               fmt::format("found {} values; expected a low and a high one", range.size()));
  } else if (!range.empty()) {
    input.low = quantity_of(node, "range", range[0]);
    input.high = quantity_of(node, "range", range[1]);
    if (input.low && input.high &&
        !(input.low->dim == input.value.dim && input.high->dim == input.value.dim &&
          input.low->si <= input.value.si && input.value.si <= input.high->si)) {
      node.error("range", "found a range that does not hold the value; expected low, then high");
    }
  }
  return input;
}

reports::Expectation read_expectation(const ConfigNode& node) {
  reports::Expectation expected;
  expected.figure = quantity_of(node, "expected", node.text_if("expected"));
  expected.at_least = quantity_of(node, "at_least", node.text_if("at_least"));
  expected.at_most = quantity_of(node, "at_most", node.text_if("at_most"));
  expected.within = node.number_if("within", 1, 1000).value_or(expected.within);
  expected.says = node.text_if("says").value_or("");
  const int given =
      (expected.figure ? 1 : 0) + (expected.at_least ? 1 : 0) + (expected.at_most ? 1 : 0);
  if (given > 1) {
    node.error("", "found more than one of 'expected', 'at_least' and 'at_most'; expected one");
  }
  return expected;
}

bool says_something(const reports::Expectation& e) { return e.figure || e.at_least || e.at_most; }

ClaimFigureWish read_figure(const std::string& id, const ConfigNode& node) {
  ClaimFigureWish wish;
  wish.place = node.region("value");
  wish.figure.id = id;
  wish.figure.label = node.text("label");
  wish.figure.formula = node.text("value");
  wish.figure.unit = node.text_if("unit").value_or("");
  if (!wish.figure.unit.empty()) {
    quantity_of(node, "unit", "1 " + wish.figure.unit);
  }
  const reports::Expectation first = read_expectation(node);
  if (says_something(first)) {
    wish.figure.readings.push_back(first);
  }
  for (const ConfigNode& other : node.tables("also")) {
    const reports::Expectation reading = read_expectation(other);
    if (!says_something(reading) || !says_something(first)) {
      other.error("", "another reading needs a figure, beside one of the statement itself");
    }
    wish.figure.readings.push_back(reading);
  }
  return wish;
}

ClaimCurveWish read_curve(const std::string& id, const ConfigNode& node) {
  ClaimCurveWish wish;
  wish.place = node.region("over");
  wish.id = id;
  wish.label = node.text("label");
  wish.over = node.text("over");
  wish.of = node.text_if("of").value_or("base");
  wish.x_label = node.text_if("x_label").value_or(wish.over);
  wish.values = node.texts("values");
  wish.figure = node.text("figure");
  wish.mark = node.text_if("mark").value_or("the statement");
  wish.mark_x = quantity_of(node, "mark_x", node.text_if("mark_x"));
  wish.mark_y = quantity_of(node, "mark_y", node.text_if("mark_y"));
  wish.log_x = node.flag_if("log_x").value_or(false);
  wish.log_y = node.flag_if("log_y").value_or(false);
  if (node.ok() && wish.values.size() < 2) {
    node.error("values", "found less than two values; expected a curve");
  }
  for (const std::string& value : wish.values) {
    quantity_of(node, "values", value);
  }
  return wish;
}

std::string underscored(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '_');
  return text;
}

// Joules of one request by what they were spent on: "movement", or "decode.movement".
std::optional<AnyQuantity> energy_of(const reports::Result& result, const std::string& name) {
  double sum = 0;
  bool found = false;
  for (const reports::EnergyRow& row : result.energy) {
    if (name == row.spent || name == row.phase + "." + row.spent ||
        name == underscored(row.component) ||
        name == row.phase + "." + underscored(row.component)) {
      sum += row.joules;
      found = true;
    }
  }
  return found ? std::optional(AnyQuantity{sum, kJoule}) : std::nullopt;
}

// "prefill.attention.ops": summed over the executions of that operator; without a name, over all.
std::optional<AnyQuantity> operators_of(const reports::Result& result, const std::string& name) {
  const auto first = name.find('.');
  const auto last = name.rfind('.');
  if (first == std::string::npos) {
    return std::nullopt;
  }
  const std::string phase = name.substr(0, first);
  const std::string begin = last > first ? name.substr(first + 1, last - first - 1) : "";
  const std::string what = name.substr(last + 1);
  AnyQuantity sum;
  bool found = false;
  for (const reports::OperatorRow& row : result.operators) {
    if (row.phase != phase || (!begin.empty() && underscored(row.name) != begin)) {
      continue;
    }
    found = true;
    if (what == "ops") {
      sum = {sum.si + row.ops, kOp};
    } else if (what == "bytes") {
      sum = {sum.si + row.bytes, kByte};
    } else if (what == "seconds") {
      sum = {sum.si + row.seconds, kSecond};
    } else if (what == "joules") {
      sum = {sum.si + row.joules, kJoule};
    } else {
      return std::nullopt;
    }
  }
  return found ? std::optional(sum) : std::nullopt;
}

std::optional<AnyQuantity> fact_of(const std::vector<reports::Fact>& facts,
                                   const std::string& name) {
  for (const reports::Fact& fact : facts) {
    if (fact.name == name && fact.text.empty()) {
      return fact.value;
    }
  }
  return std::nullopt;
}

std::optional<AnyQuantity> footprint_of(const reports::Result& result, const std::string& name) {
  AnyQuantity sum{0, kByte};
  bool found = false;
  for (const reports::MemoryRow& tier : result.memory) {
    for (const reports::Footprint& use : tier.footprint) {
      if (underscored(use.what) == name) {
        sum.si += use.bytes;
        found = true;
      }
    }
  }
  return found ? std::optional(sum) : std::nullopt;
}

// "dram.read": of a memory tier, during decode.
std::optional<AnyQuantity> memory_of(const reports::Result& result, const std::string& name) {
  const Dim rate = kByte / kSecond;
  for (const reports::MemoryRow& tier : result.memory) {
    const std::string begin = underscored(tier.tier) + ".";
    for (const auto& [what, value] :
         {std::pair("read", AnyQuantity{tier.read, kByte}),
          std::pair("written", AnyQuantity{tier.written, kByte}),
          std::pair("capacity", AnyQuantity{tier.capacity, kByte}),
          std::pair("peak", AnyQuantity{tier.peak, rate}),
          std::pair("achieved", AnyQuantity{tier.achieved, rate}),
          std::pair("utilisation", AnyQuantity{tier.utilisation, {}})}) {
      if (name == begin + what) {
        return value;
      }
    }
  }
  return std::nullopt;
}

std::optional<AnyQuantity> plain_of(const reports::Result& result, const std::string& name) {
  const auto after = [&](const char* prefix) -> std::optional<std::string> {
    return name.starts_with(prefix) ? std::optional(name.substr(std::string(prefix).size()))
                                    : std::nullopt;
  };
  if (const auto rest = after("energy.")) {
    return energy_of(result, *rest);
  }
  if (const auto rest = after("operators.")) {
    return operators_of(result, *rest);
  }
  if (const auto rest = after("footprint.")) {
    return footprint_of(result, *rest);
  }
  if (const auto rest = after("memory.")) {
    return memory_of(result, *rest);
  }
  if (const auto rest = after("model.")) {
    return fact_of(result.model, *rest);
  }
  if (const auto rest = after("machine.")) {
    return fact_of(result.machine, *rest);
  }
  return std::nullopt;
}

using Results = std::map<std::string, reports::Result>;
using Inputs = std::map<std::string, AnyQuantity>;
using Ends = std::map<std::string, int>;  // of a group: -1 low, +1 high; absent: the value

class Evaluator {
 public:
  Evaluator(const ClaimWish& wish, const Results& results, Inputs inputs)
      : wish_(wish), results_(results), inputs_(std::move(inputs)) {}

  AnyQuantity figure(const std::string& id, const Ends& ends) {
    for (std::size_t i = 0; i < wish_.figures.size(); ++i) {
      if (wish_.figures[i].figure.id == id) {
        return figure_at(i, ends);
      }
    }
    throw InputError(fmt::format("the claim has no figure '{}'", id));
  }

  AnyQuantity figure_at(std::size_t index, const Ends& ends) {
    const ClaimFigureWish& wish = wish_.figures[index];
    const Evaluated found = evaluate_expression(
        wish.figure.formula, [&](const std::string& name) { return lookup(name, index, ends); });
    if (!found.value) {
      Diagnostics faults;
      faults.error(wish.place, found.fault);
      throw InputError(std::move(faults));
    }
    return *found.value;
  }

  [[nodiscard]] const std::set<std::string>& groups() const { return groups_; }

 private:
  AnyQuantity at_end(const std::string& group, AnyQuantity value, std::optional<double> low,
                     std::optional<double> high, const Ends& ends) {
    if (!low || !high) {
      return value;
    }
    groups_.insert(group);
    const auto end = ends.find(group);
    if (end != ends.end()) {
      value.si = end->second < 0 ? *low : *high;
    }
    return value;
  }

  std::optional<AnyQuantity> lookup(const std::string& name, std::size_t before, const Ends& ends) {
    const auto bound = [](const std::optional<AnyQuantity>& q) {
      return q ? std::optional(q->si) : std::nullopt;
    };
    if (const auto given = inputs_.find(name); given != inputs_.end()) {
      return given->second;
    }
    for (const reports::ClaimInput& input : wish_.claim.inputs) {
      if (input.name == name) {
        return at_end("input " + name, input.value, bound(input.low), bound(input.high), ends);
      }
    }
    for (std::size_t i = 0; i < before; ++i) {
      if (wish_.figures[i].figure.id == name) {
        return figure_at(i, ends);
      }
    }
    const auto dot = name.find('.');
    const auto run = results_.find(name.substr(0, dot));
    if (dot == std::string::npos || run == results_.end()) {
      return std::nullopt;
    }
    const std::string what = name.substr(dot + 1);
    if (const reports::Metric* metric = run->second.metric(what); metric != nullptr) {
      return at_end("metric " + what, metric->value, metric->low, metric->high, ends);
    }
    return plain_of(run->second, what);
  }

  const ClaimWish& wish_;
  const Results& results_;
  Inputs inputs_;
  std::set<std::string> groups_;
};

// The value where every group stands at the end that lowers (or raises) it when moved alone.
AnyQuantity extreme(Evaluator& evaluator, std::size_t index, AnyQuantity value, bool lowest) {
  Ends worst;
  const std::set<std::string> groups = evaluator.groups();
  for (const std::string& group : groups) {
    double best = value.si;
    for (const int end : {-1, 1}) {
      const double moved = evaluator.figure_at(index, {{group, end}}).si;
      if (lowest ? moved < best : moved > best) {
        best = moved;
        worst[group] = end;
      }
    }
  }
  return evaluator.figure_at(index, worst);
}

// "{id}" in the sentence becomes the figure or input of that name.
std::string filled(const std::string& sentence, const reports::Claim& claim) {
  std::string text;
  std::size_t at = 0;
  while (at < sentence.size()) {
    const auto open = sentence.find('{', at);
    const auto close = open == std::string::npos ? open : sentence.find('}', open);
    if (close == std::string::npos) {
      break;
    }
    text += sentence.substr(at, open - at);
    const std::string name = sentence.substr(open + 1, close - open - 1);
    std::optional<std::string> value;
    for (const reports::ClaimFigure& figure : claim.figures) {
      value = figure.id == name ? shown(figure, figure.value) : value;
    }
    for (const reports::ClaimInput& input : claim.inputs) {
      value = input.name == name ? format(input.value) : value;
    }
    if (!value) {
      throw InputError(fmt::format("{}: the sentence names '{}', which is no figure and no input",
                                   claim.id, name));
    }
    text += *value;
    at = close + 1;
  }
  return text + sentence.substr(at);
}

void require_dimension(const ClaimFigureWish& wish, AnyQuantity value) {
  Diagnostics faults;
  const auto check = [&](const std::optional<AnyQuantity>& said) {
    if (said && said->dim != value.dim) {
      faults.error(wish.place, fmt::format("\"{}\" gives {}, and the figure is compared with {}",
                                           wish.figure.formula, dimension_name(value.dim),
                                           dimension_name(said->dim)));
    }
  };
  for (const reports::Expectation& reading : wish.figure.readings) {
    check(reading.figure);
    check(reading.at_least);
    check(reading.at_most);
  }
  if (!wish.figure.unit.empty()) {
    check(parse_quantity("1 " + wish.figure.unit));
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
}

}  // namespace

ClaimWish read_claim(const ConfigNode& node) {
  ClaimWish wish;
  reports::Claim& claim = wish.claim;
  claim.id = node.text("id");
  claim.statement = node.text("statement");
  claim.source = node.text("source");
  claim.sentence = node.text("sentence");
  claim.reason = node.text_if("reason").value_or("");
  claim.open = node.texts("not_yet_simulated");
  if (const auto verdict = node.choice_if("verdict", {"not_decidable", "not_yet"})) {
    claim.fixed =
        *verdict == "not_yet" ? reports::Verdict::not_yet : reports::Verdict::not_decidable;
    if (claim.reason.empty()) {
      node.error("verdict", "a verdict that is not computed needs a 'reason'");
    }
  }
  if (const auto inputs = node.table_if("inputs")) {
    for (const auto& [name, input] : inputs->children()) {
      claim.inputs.push_back(read_input(name, input));
    }
  }
  if (const auto runs = node.table_if("runs")) {
    for (const auto& [name, run] : runs->children()) {
      if (name == "base") {
        run.error("", "'base' is the scenario itself; expected another name");
      }
      wish.runs.push_back({name, run.text_if("title").value_or(""), run.text_if("use").value_or(""),
                           run.texts("set"), run.region()});
    }
  }
  if (const auto figures = node.table_if("figures")) {
    for (const auto& [id, figure] : figures->children()) {
      wish.figures.push_back(read_figure(id, figure));
    }
  }
  if (const auto curves = node.table_if("curves")) {
    for (const auto& [id, curve] : curves->children()) {
      wish.curves.push_back(read_curve(id, curve));
    }
  }
  const auto known = [&](const std::string& id) {
    return std::any_of(wish.figures.begin(), wish.figures.end(),
                       [&](const ClaimFigureWish& f) { return f.figure.id == id; });
  };
  for (const ClaimCurveWish& curve : wish.curves) {
    if (node.ok() && !known(curve.figure)) {
      node.error("curves", fmt::format("the curve '{}' draws '{}'; expected the name of a figure",
                                       curve.id, curve.figure));
    }
  }
  return wish;
}

reports::Claim evaluate_claim(const ClaimWish& wish, const Results& results) {
  reports::Claim claim = wish.claim;
  for (std::size_t i = 0; i < wish.figures.size(); ++i) {
    Evaluator evaluator(wish, results, {});
    reports::ClaimFigure figure = wish.figures[i].figure;
    figure.value = evaluator.figure_at(i, {});
    require_dimension(wish.figures[i], figure.value);
    if (!evaluator.groups().empty()) {
      figure.low = extreme(evaluator, i, figure.value, true);
      figure.high = extreme(evaluator, i, figure.value, false);
    }
    claim.figures.push_back(std::move(figure));
  }
  claim.sentence = filled(claim.sentence, claim);
  return claim;
}

AnyQuantity evaluate_figure(const ClaimWish& wish, const std::string& id, const Results& results,
                            const Inputs& inputs) {
  return Evaluator(wish, results, inputs).figure(id, {});
}

}  // namespace joulesim::engine

// The [claim] section of a scenario as it stands in the file.
#include "sim/engine/claim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

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

}  // namespace joulesim::engine

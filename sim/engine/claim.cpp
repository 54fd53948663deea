#include "sim/engine/claim.hpp"

#include "sim/base/expression.hpp"
#include "sim/engine/claim_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace joulesim::engine {
namespace {

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
      value = input.name == name ? reports::said(input.value) : value;
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
  judge(claim);
  return claim;
}

AnyQuantity evaluate_figure(const ClaimWish& wish, const std::string& id, const Results& results,
                            const Inputs& inputs) {
  return Evaluator(wish, results, inputs).figure(id, {});
}

}  // namespace joulesim::engine

// What was published of the model's answers, beside what they cost here: accuracy per joule, per
// byte moved and per dollar of a token.
//
// Models:     a share of right answers, carried from the model's file. Where the scenario stores
//             the weights otherwise than the judged model did, the figure is carried over and
//             counts as assumed; where it runs other layers, there is none.
// Leaves out: how much accuracy rounding costs; runs with `quality` compute that.
// Checked by: tests/unit/engine_accuracy.cpp.
#include "models/graph/format.hpp"
#include "sim/engine/compose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace joulesim::engine {
namespace {

using models::PublishedAccuracy;
using reports::Metric;

// "MMLU", 5 shots: mmlu_5_shot, as a metric's name ends.
std::string key_of(const PublishedAccuracy& a) {
  std::string key;
  for (const char c : a.benchmark) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80 && std::isalnum(u) != 0) {
      key += static_cast<char>(std::tolower(u));
    } else if (!key.empty() && key.back() != '_') {
      key += '_';
    }
  }
  while (!key.empty() && key.back() == '_') {
    key.pop_back();
  }
  return fmt::format("{}_{}_shot", key, a.shots);
}

std::string title_of(const PublishedAccuracy& a) {
  return fmt::format("{}, {}-shot", a.benchmark, a.shots);
}

// Floats of 16 bits and more answer alike.
bool same_weights(const models::Format& judged, const models::Format& run) {
  constexpr models::Element kLast = models::Element::kBf16;
  return judged == run || (judged.element <= kLast && run.element <= kLast);
}

// The judged format that is not the one that runs; empty when they are alike.
std::string judged_otherwise(const Prepared& prepared, const PublishedAccuracy& a) {
  const models::ModelFormats& run = prepared.model.formats;
  const models::ModelFormats& file = prepared.file_formats;
  if (!a.weights.empty()) {
    return same_weights(*models::find_format(a.weights), run.linear) ? "" : a.weights;
  }
  const bool alike = same_weights(file.linear, run.linear) &&
                     same_weights(file.embedding, run.embedding) &&
                     same_weights(file.linear_input, run.linear_input);
  return alike ? "" : file.linear.name;
}

// One figure of each benchmark: the one judged in the format that runs, else the first.
std::vector<const PublishedAccuracy*> chosen(const Prepared& prepared) {
  std::vector<const PublishedAccuracy*> out;
  for (const PublishedAccuracy& a : prepared.accuracy) {
    const auto same = std::find_if(out.begin(), out.end(), [&](const PublishedAccuracy* other) {
      return key_of(*other) == key_of(a);
    });
    if (same == out.end()) {
      out.push_back(&a);
    } else if (!judged_otherwise(prepared, **same).empty() &&
               judged_otherwise(prepared, a).empty()) {
      *same = &a;
    }
  }
  return out;
}

// Accuracy over a cost of a token, with the cost's range and what it rests on.
Metric per_cost(const std::string& name, const std::string& label, double accuracy,
                const Metric& cost, bool carried) {
  Metric m;
  m.name = name;
  m.label = label;
  m.value = {accuracy / cost.value.si, inverse(cost.value.dim)};
  if (cost.low && cost.high && *cost.low > 0) {
    m.low = accuracy / *cost.high;
    m.high = accuracy / *cost.low;
  }
  m.assumed_share = carried ? 1 : cost.assumed_share;
  m.mechanism =
      fmt::format("published accuracy over {}: right answers count, guesses too", cost.name);
  return m;
}

}  // namespace

void fill_accuracy(const Prepared& prepared, const Request& request, reports::Result& result) {
  if (prepared.reshaped) {
    if (!prepared.accuracy.empty()) {
      result.limits.push_back(
          "The accuracy published for the model is not that of the layers that run here, and is "
          "left out.");
    }
    return;
  }
  Metric traffic;
  traffic.name = "bytes moved for a token";
  const Bytes moved = request.decode.activity.dram.read + request.decode.activity.dram.written;
  traffic.value = any(moved / Tokens(request.tokens));
  for (const PublishedAccuracy* a : chosen(prepared)) {
    const std::string key = key_of(*a);
    const std::string title = title_of(*a);
    const std::string judged = judged_otherwise(prepared, *a);
    const bool carried = !judged.empty();
    Metric m;
    m.name = "accuracy." + key;
    m.label = "Accuracy, " + title;
    m.value = {a->value, Dim{}};
    m.assumed_share = carried ? 1 : 0;
    m.mechanism = a->source;
    if (carried) {
      m.mechanism += fmt::format("; judged with {} weights, not with {} as here", judged,
                                 prepared.model.formats.linear.name);
      result.limits.push_back(
          fmt::format("{}: the accuracy was published for {} weights; that of the {} form that "
                      "runs here is not known.",
                      title, judged, prepared.model.formats.linear.name));
    }
    reports::Fact fact;
    fact.name = "accuracy_" + key;
    fact.label = carried ? fmt::format("{} (published for {})", title, judged) : title;
    fact.value = m.value;
    result.model.push_back(std::move(fact));
    result.metrics.push_back(std::move(m));
    if (const Metric* joules = result.metric("energy.per_token")) {
      result.metrics.push_back(per_cost("accuracy_per_joule." + key,
                                        "Accuracy per J/token, " + title, a->value, *joules,
                                        carried));
    }
    if (moved > Bytes(0)) {
      result.metrics.push_back(per_cost("accuracy_per_byte." + key,
                                        "Accuracy per GB/token, " + title, a->value, traffic,
                                        carried));
    }
    if (const Metric* dollars = result.metric("fleet.cost_per_million_tokens")) {
      result.metrics.push_back(per_cost("accuracy_per_dollar." + key,
                                        "Accuracy per USD of electricity, " + title, a->value,
                                        *dollars, carried));
    }
  }
}

}  // namespace joulesim::engine

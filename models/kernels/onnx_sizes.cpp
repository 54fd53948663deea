// What the symbols of a model's inputs mean: batch, new tokens, past.
#include "models/kernels/onnx_infer.hpp"
#include "models/kernels/onnx_lift.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace joulesim::models::onnx {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

bool holds(const std::string& name, const char* part) {
  return lower(name).find(part) != std::string::npos;
}

// Whether every shape of the graph follows for a step.
bool fits(const Model& model, const Phase& phase,
          const std::map<std::string, std::int64_t>& given) {
  try {
    (void)infer(model, sizes_of(model, phase, given));
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

std::map<std::string, std::int64_t> sizes_of(const Model& model, const Phase& phase,
                                             const std::map<std::string, std::int64_t>& given) {
  std::map<std::string, std::int64_t> sizes = given;
  Diagnostics faults;
  std::set<std::string> constants;
  for (const Tensor& tensor : model.graph.initializers) {
    constants.insert(tensor.name);
  }
  const auto set = [&](const ValueInfo& input, std::size_t axis, std::int64_t size) {
    const Dimension& dimension = input.shape[axis];
    if (dimension.value) {
      if (*dimension.value != size) {
        faults.error(model.path,
                     fmt::format("input '{}': found a fixed size of {} on axis {}; expected {} for "
                                 "this step",
                                 input.name, *dimension.value, axis, size));
      }
    } else if (!dimension.symbol.empty()) {
      sizes.try_emplace(dimension.symbol, size);
    }
  };
  const std::int64_t total = phase.past + phase.new_tokens;
  bool has_past = false;
  for (const ValueInfo& input : model.graph.inputs) {
    if (!input.has_shape || constants.contains(input.name)) {
      continue;
    }
    const std::size_t rank = input.shape.size();
    if (holds(input.name, "past") && rank >= 4) {
      // [batch, heads, past, size], with keys and values stacked in front or not.
      set(input, rank - 4, phase.batch);
      set(input, rank - 2, phase.past);
      has_past = true;
    }
  }
  for (const ValueInfo& input : model.graph.inputs) {
    if (!input.has_shape || constants.contains(input.name) || input.shape.empty()) {
      continue;
    }
    const std::size_t rank = input.shape.size();
    const bool ids =
        holds(input.name, "ids") || holds(input.name, "tokens") || holds(input.name, "embed");
    if (ids && (rank == 2 || rank == 3)) {
      set(input, 0, phase.batch);
      set(input, 1, phase.new_tokens);
    } else if (holds(input.name, "mask") && rank == 2) {
      set(input, 0, phase.batch);
      set(input, 1, has_past ? total : phase.new_tokens);
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return sizes;
}

Phase natural_phase(const Model& model, const std::map<std::string, std::int64_t>& given) {
  constexpr std::int64_t kUsual = 128;
  std::set<std::string> constants;
  for (const Tensor& tensor : model.graph.initializers) {
    constants.insert(tensor.name);
  }
  Phase phase;
  phase.new_tokens = kUsual;
  phase.all_logits = true;
  // Whether the file or the caller decides a size.
  const auto take = [&](const Dimension& dimension, std::int64_t& size) {
    const auto found = given.find(dimension.symbol);
    if (dimension.value) {
      size = *dimension.value;
    } else if (found != given.end()) {
      size = found->second;
    }
    return dimension.value || found != given.end();
  };
  bool past_decided = true;
  bool tokens_decided = true;
  for (const ValueInfo& input : model.graph.inputs) {
    if (input.shape.size() >= 4 && holds(input.name, "past")) {
      phase.new_tokens = 1;
      phase.past = kUsual;
      past_decided = false;
    }
  }
  for (const ValueInfo& input : model.graph.inputs) {
    const std::size_t rank = input.shape.size();
    if (constants.contains(input.name) || rank < 2) {
      continue;
    }
    if (rank >= 4 && holds(input.name, "past")) {
      past_decided = take(input.shape[rank - 2], phase.past);
    } else if ((rank == 2 || rank == 3) &&
               (holds(input.name, "ids") || holds(input.name, "tokens") ||
                holds(input.name, "embed"))) {
      take(input.shape[0], phase.batch);
      tokens_decided = take(input.shape[1], phase.new_tokens);
    }
  }
  // Tables of masks or positions inside the graph may hold fewer: the most that they allow.
  if ((past_decided && tokens_decided) || fits(model, phase, given)) {
    return phase;
  }
  std::int64_t& open = past_decided ? phase.new_tokens : phase.past;
  std::int64_t low = 0;  // the most that is known to fit; 0: none
  std::int64_t high = open;
  while (high - low > 1) {
    open = low + (high - low) / 2;
    (fits(model, phase, given) ? low : high) = open;
  }
  open = low > 0 ? low : kUsual;
  return phase;
}

}  // namespace joulesim::models::onnx

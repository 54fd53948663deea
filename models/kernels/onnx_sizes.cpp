// What the symbols of a model's inputs mean: batch, new tokens, past.
#include "models/kernels/onnx_infer.hpp"
#include "models/kernels/onnx_lift.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
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

// Sizes of what no input has are slips of the pen.
void require_known(const Model& model, const std::map<std::string, std::int64_t>& given,
                   Diagnostics& faults) {
  std::set<std::string> names;
  for (const ValueInfo& input : model.graph.inputs) {
    for (std::size_t axis = 0; axis < input.shape.size(); ++axis) {
      if (!input.shape[axis].value) {
        names.insert(name_of(input, axis));
      }
    }
  }
  for (const auto& [name, size] : given) {
    if (!names.contains(name)) {
      const std::vector<std::string> known(names.begin(), names.end());
      faults.error(model.path,
                   fmt::format("found a size of '{}', which no input has; expected {}{}", name,
                               known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")),
                               did_you_mean(name, known)));
    }
  }
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

// Reads a symbol that is an expression of others.
class SizeReader {
 public:
  SizeReader(const std::string& text, const std::map<std::string, std::int64_t>& given)
      : text_(text), given_(given) {}

  std::optional<std::int64_t> run() {
    const auto value = sum();
    skip();
    return at_ == text_.size() ? value : std::nullopt;
  }

 private:
  using Size = std::optional<std::int64_t>;

  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
  }
  bool take(const char* sign) {
    skip();
    const std::string wanted(sign);
    if (text_.compare(at_, wanted.size(), wanted) != 0) {
      return false;
    }
    at_ += wanted.size();
    return true;
  }

  Size sum() {
    Size value = product();
    while (value) {
      const bool plus = take("+");
      if (!plus && !take("-")) {
        break;
      }
      const Size other = product();
      value = other ? Size(plus ? *value + *other : *value - *other) : std::nullopt;
    }
    return value && std::abs(*value) <= kMost ? value : std::nullopt;
  }

  Size product() {
    Size value = factor();
    while (value) {
      const bool divides = take("//") || take("/");
      if (!divides && !take("*")) {
        break;
      }
      const Size other = factor();
      if (!other || (divides && *other == 0) || std::abs(*value) > kMost ||
          std::abs(*other) > kMost) {
        return std::nullopt;
      }
      value = divides ? *value / *other : *value * *other;
    }
    return value;
  }

  Size factor() {
    if (take("(")) {
      if (++depth_ > kDeepest) {
        return std::nullopt;
      }
      const Size inner = sum();
      return take(")") ? inner : std::nullopt;
    }
    skip();
    const std::size_t from = at_;
    while (at_ < text_.size() && std::string(" +-*/()").find(text_[at_]) == std::string::npos) {
      ++at_;
    }
    const std::string word = text_.substr(from, at_ - from);
    constexpr std::size_t kMostDigits = 9;
    if (!word.empty() && word.size() <= kMostDigits &&
        word.find_first_not_of("0123456789") == std::string::npos) {
      return std::stoll(word);
    }
    const auto known = given_.find(word);
    return known != given_.end() ? Size(known->second) : std::nullopt;
  }

  static constexpr std::int64_t kMost = std::int64_t{1} << 30;
  static constexpr int kDeepest = 64;
  const std::string& text_;
  const std::map<std::string, std::int64_t>& given_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string name_of(const ValueInfo& input, std::size_t axis) {
  const std::string& symbol = input.shape[axis].symbol;
  return symbol.empty() ? fmt::format("{}[{}]", input.name, axis) : symbol;
}

std::optional<std::int64_t> size_of(const std::string& symbol,
                                    const std::map<std::string, std::int64_t>& given) {
  const auto known = given.find(symbol);
  return known != given.end() ? std::optional(known->second) : SizeReader(symbol, given).run();
}

bool has_past(const Model& model) {
  return std::any_of(
      model.graph.inputs.begin(), model.graph.inputs.end(),
      [](const ValueInfo& input) { return input.shape.size() >= 4 && holds(input.name, "past"); });
}

std::map<std::string, std::int64_t> sizes_of(const Model& model, const Phase& phase,
                                             const std::map<std::string, std::int64_t>& given) {
  std::map<std::string, std::int64_t> sizes = given;
  Diagnostics faults;
  require_known(model, given, faults);
  std::set<std::string> constants;
  for (const Tensor& tensor : model.graph.initializers) {
    constants.insert(tensor.name);
  }
  std::set<std::string> refused;  // names, each told once
  const auto set = [&](const ValueInfo& input, std::size_t axis, std::int64_t size) {
    const Dimension& dimension = input.shape[axis];
    if (dimension.value) {
      if (*dimension.value != size) {
        faults.error(model.path,
                     fmt::format("input '{}': found a fixed size of {} on axis {}; expected {} for "
                                 "this step",
                                 input.name, *dimension.value, axis, size));
      }
      return;
    }
    const std::string name = name_of(input, axis);
    const auto known = given.find(name);
    if (known != given.end() && known->second != size && refused.insert(name).second) {
      faults.error(model.path,
                   fmt::format("input '{}': found '{}' of {}; expected {}, as this step has",
                               input.name, name, known->second, size));
    }
    sizes.try_emplace(name, size);
  };
  const std::int64_t total = phase.past + phase.new_tokens;
  for (const ValueInfo& input : model.graph.inputs) {
    if (!input.has_shape || constants.contains(input.name)) {
      continue;
    }
    const std::size_t rank = input.shape.size();
    if (holds(input.name, "past") && rank >= 4) {
      // [batch, heads, past, size], with keys and values stacked in front or not.
      set(input, rank - 4, phase.batch);
      set(input, rank - 2, phase.past);
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
      set(input, 1, has_past(model) ? total : phase.new_tokens);
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
  const auto take = [&](const ValueInfo& input, std::size_t axis, std::int64_t& size) {
    const auto found = given.find(name_of(input, axis));
    if (input.shape[axis].value) {
      size = *input.shape[axis].value;
    } else if (found != given.end()) {
      size = found->second;
    }
    return input.shape[axis].value || found != given.end();
  };
  bool past_decided = true;
  bool tokens_decided = true;
  if (has_past(model)) {
    phase.new_tokens = 1;
    phase.past = kUsual;
    past_decided = false;
  }
  for (const ValueInfo& input : model.graph.inputs) {
    const std::size_t rank = input.shape.size();
    if (constants.contains(input.name) || rank < 2) {
      continue;
    }
    if (rank >= 4 && holds(input.name, "past")) {
      past_decided = take(input, rank - 2, phase.past);
    } else if ((rank == 2 || rank == 3) &&
               (holds(input.name, "ids") || holds(input.name, "tokens") ||
                holds(input.name, "embed"))) {
      take(input, 0, phase.batch);
      tokens_decided = take(input, 1, phase.new_tokens);
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

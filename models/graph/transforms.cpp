#include "models/graph/passes.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace joulesim::models {
namespace {

std::int64_t whole(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Low-rank updates are scaled by alpha / rank; alpha = 2 rank is what adapters are published with.
constexpr double kAdapterScale = 2.0;

enum class Argument : std::uint8_t { kNone, kWhole, kFormat };

struct Pass {
  const char* name;
  Argument argument;
  const char* example;
  OperatorGraph (*apply)(const OperatorGraph& graph, const std::string& argument);
};

template <OperatorGraph (*kPass)(const OperatorGraph&)>
OperatorGraph without(const OperatorGraph& graph, const std::string& /*argument*/) {
  return kPass(graph);
}

const std::array kPasses = {
    Pass{"fuse_qkv", Argument::kNone, "", without<fuse_qkv>},
    Pass{"fuse_gate_up", Argument::kNone, "", without<fuse_gate_up>},
    Pass{"fuse_rope", Argument::kNone, "", without<fuse_rope>},
    Pass{"fuse_norm", Argument::kNone, "", without<fuse_norm>},
    Pass{"fuse_residual", Argument::kNone, "", without<fuse_residual>},
    Pass{"fuse_residual_norm", Argument::kNone, "", without<fuse_residual_norm>},
    Pass{"fuse_all", Argument::kNone, "", without<fuse_all>},
    Pass{"tie_embeddings", Argument::kNone, "", without<tie_embeddings>},
    Pass{"reversible", Argument::kNone, "", without<make_reversible>},
    Pass{"share_blocks", Argument::kWhole, "2",
         [](const OperatorGraph& graph, const std::string& times) {
           return share_blocks(graph, whole(times));
         }},
    Pass{"kv_cache", Argument::kFormat, "int8_head", quantise_kv_cache},
    Pass{"lora", Argument::kWhole, "16",
         [](const OperatorGraph& graph, const std::string& rank) {
           return attach_lora(graph, whole(rank), kAdapterScale);
         }},
    Pass{"lora_all", Argument::kWhole, "16",
         [](const OperatorGraph& graph, const std::string& rank) {
           return attach_lora(graph, whole(rank), kAdapterScale, true);
         }},
};

}  // namespace

std::vector<std::string> transform_names() {
  std::vector<std::string> names;
  for (const Pass& pass : kPasses) {
    names.push_back(pass.argument == Argument::kNone
                        ? std::string(pass.name)
                        : fmt::format("{}:{}", pass.name, pass.example));
  }
  return names;
}

Transform parse_transform(const std::string& text) {
  const std::size_t colon = text.find(':');
  Transform transform{text.substr(0, colon),
                      colon == std::string::npos ? std::string() : text.substr(colon + 1)};
  std::vector<std::string> names;
  for (const Pass& pass : kPasses) {
    names.emplace_back(pass.name);
    if (transform.name != pass.name) {
      continue;
    }
    if (pass.argument == Argument::kNone && colon != std::string::npos) {
      throw InputError(fmt::format("found transform '{}'; expected '{}' alone", text, pass.name));
    }
    if (pass.argument == Argument::kWhole &&
        (transform.argument.empty() || whole(transform.argument) < 1 ||
         std::to_string(whole(transform.argument)) != transform.argument)) {
      throw InputError(fmt::format("found transform '{}'; expected a whole number as in '{}:{}'",
                                   text, pass.name, pass.example));
    }
    if (pass.argument == Argument::kFormat && transform.argument.empty()) {
      throw InputError(fmt::format("found transform '{}'; expected a number format as in '{}:{}'",
                                   text, pass.name, pass.example));
    }
    return transform;
  }
  throw InputError(fmt::format("found transform '{}'; expected one of {}{}", transform.name,
                               fmt::join(transform_names(), ", "),
                               did_you_mean(transform.name, names)));
}

OperatorGraph apply(const OperatorGraph& graph, std::span<const Transform> transforms) {
  OperatorGraph result = graph;
  for (const Transform& transform : transforms) {
    for (const Pass& pass : kPasses) {
      if (transform.name == pass.name) {
        result = pass.apply(result, transform.argument);
      }
    }
  }
  return result;
}

}  // namespace joulesim::models

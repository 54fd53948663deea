#include "models/transform/quantise.hpp"

#include "models/arch/build_graph.hpp"
#include "models/import/codec.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <memory>
#include <set>
#include <utility>

namespace joulesim::models {
namespace {

constexpr std::array<std::pair<const char*, Method>, 3> kMethods = {
    {{"rtn", Method::kNearest}, {"gptq", Method::kGptq}, {"ternary", Method::kTernary}}};

void put(Model& model, const std::string& name, WeightMatrix weight) {
  model.spec.format_of[name] = weight.format;
  model.weights[name] = std::move(weight);
}

// Layers of a block in the order in which they run; those of one stage share their input.
const std::array<std::vector<std::string>, 4> kStages = {{
    {"attn.query", "attn.key", "attn.value"},
    {"attn.out"},
    {"ffn.gate", "ffn.up"},
    {"ffn.down"},
}};

class GptqRun {
 public:
  GptqRun(Model& model, const QuantiseOptions& options, const Sequences& calibration)
      : model_(model),
        options_(options),
        calibration_(calibration),
        unit_(make_unit({})),
        borders_(calibration.size()) {}

  void block(std::int64_t index) {
    const std::string prefix = fmt::format("block.{}.", index);
    std::set<std::string> done;
    if (options_.in_turn) {
      for (const auto& stage : kStages) {
        std::vector<std::string> names;
        for (const std::string& layer : stage) {
          names.push_back(prefix + layer);
        }
        layers(index, names);
        done.insert(names.begin(), names.end());
      }
    }
    std::vector<std::string> rest;
    for (const auto& [name, weight] : model_.weights) {
      if (name.starts_with(prefix) && is_linear_weight(name, weight.shape) &&
          !done.contains(name)) {
        rest.push_back(name);
      }
    }
    layers(index, rest);
    // What the rounded block gives is what the next one is calibrated on.
    for (std::size_t i = 0; i < calibration_.size(); ++i) {
      run(index, i, *unit_, borders_[i]);
    }
  }

 private:
  void layers(std::int64_t block, const std::vector<std::string>& names) {
    std::set<std::string> inputs;
    for (const std::string& name : names) {
      if (model_.weights.contains(name)) {
        inputs.insert(input_of(name));
      }
    }
    if (inputs.empty()) {
      return;
    }
    // Where there is no gate, up has an input of its own.
    for (const std::string& name : names) {
      if (!model_.weights.contains(input_of(name))) {
        inputs.insert(name);
      }
    }
    const auto seen = inputs_of(block, inputs);
    for (const std::string& name : names) {
      const auto weight = model_.weights.find(name);
      if (weight == model_.weights.end()) {
        continue;
      }
      const std::string source = model_.weights.contains(input_of(name)) ? input_of(name) : name;
      const Format format = format_of(options_);
      const std::vector<float> values = weight->second.all();
      const RoundedMatrix rounded =
          round_by_gptq(integer_format_of(format).value(), weight->second.shape, values,
                        seen.at(source), options_.rounding);
      put(model_, name, pack(format, rounded));
    }
  }

  // Runs a block on all of the calibration text, as far as the layers need it.
  std::map<std::string, InputStatistics> inputs_of(std::int64_t block,
                                                   const std::set<std::string>& keys) {
    InputRecorder recorder(*unit_, keys, true);
    for (std::size_t i = 0; i < calibration_.size(); ++i) {
      // A layer that runs several times is read in all of them.
      if (model_.spec.layer_repeat == 1) {
        recorder.begin_partial_run();
      }
      Executor::Border border = borders_[i];
      run(block, i, recorder, border);
    }
    return recorder.statistics();
  }

  void run(std::int64_t stored, std::size_t sequence, Datapath& unit, Executor::Border& border) {
    const std::vector<std::int32_t>& tokens = calibration_[sequence];
    const OperatorGraph graph =
        build_graph(model_.spec, Phase::prefill(static_cast<std::int64_t>(tokens.size())));
    for (std::int64_t turn = 0; turn < model_.spec.layer_repeat; ++turn) {
      Executor executor(model_, unit);
      executor.run_block(graph, tokens, static_cast<int>(stored * model_.spec.layer_repeat + turn),
                         border);
    }
  }

  Model& model_;
  const QuantiseOptions& options_;
  const Sequences& calibration_;
  std::unique_ptr<Datapath> unit_;
  std::vector<Executor::Border> borders_;  // what the block in hand reads, by sequence
};

void round_simply(Model& model, const QuantiseOptions& options) {
  for (auto& [name, weight] : model.weights) {
    if (!is_linear_weight(name, weight.shape)) {
      continue;
    }
    if (options.method == Method::kTernary) {
      put(model, name, WeightMatrix::encode(known_format("ternary"), weight.shape, weight.all()));
    } else {
      const Format format = format_of(options);
      put(model, name,
          pack(format, round_to_nearest(integer_format_of(format).value(), weight.shape,
                                        weight.all(), options.rounding)));
    }
  }
}

}  // namespace

std::string_view name_of(Method method) {
  return kMethods.at(static_cast<std::size_t>(method)).first;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const auto& [name, unused] : kMethods) {
    names.emplace_back(name);
  }
  return names;
}

Method find_method(const std::string& name) {
  for (const auto& [known, method] : kMethods) {
    if (name == known) {
      return method;
    }
  }
  throw InputError(fmt::format("found method '{}'; expected {}{}", name,
                               fmt::join(method_names(), ", "),
                               did_you_mean(name, method_names())));
}

Format format_of(const QuantiseOptions& options) {
  if (options.method == Method::kTernary) {
    return known_format("ternary");
  }
  std::string name = fmt::format("int{}", options.bits);
  if (options.group > 0) {
    name += fmt::format("_g{}", options.group);
  }
  if (options.zero_point) {
    name += "_zp";
  }
  const auto format = find_format(name);
  if (!format) {
    throw InputError(fmt::format(
        "found {} bits in groups of {}; expected 2, 3, 4, 5, 6 or 8 bits and groups of 1 to {}",
        options.bits, options.group, 1 << 20));
  }
  return *format;
}

bool is_linear_weight(const std::string& name, Shape shape) {
  return name.starts_with("block.") && shape.rows > 1 && !name.ends_with(".router") &&
         !name.ends_with("_factors");
}

Model quantise(const Model& model, const QuantiseOptions& options, const Sequences& calibration,
               const std::function<void(std::int64_t, std::int64_t)>& progress) {
  Model result = model;
  const std::int64_t blocks = model.spec.stored_layers();
  if (options.method == Method::kGptq) {
    if (model.spec.experts.experts > 0) {
      throw InputError(fmt::format("found a mixture of {} experts; expected a dense model for gptq",
                                   model.spec.experts.experts));
    }
    if (calibration.empty()) {
      throw InputError("found no calibration text; expected one for gptq");
    }
    (void)format_of(options);
    GptqRun run(result, options, calibration);
    for (std::int64_t i = 0; i < blocks; ++i) {
      run.block(i);
      if (progress) {
        progress(i + 1, blocks);
      }
    }
  } else {
    round_simply(result, options);
    if (progress) {
      progress(blocks, blocks);
    }
  }
  if (options.embedding) {
    for (const char* name : {"embedding", "head"}) {
      const auto weight = result.weights.find(name);
      if (weight == result.weights.end()) {
        continue;
      }
      if (!can_encode(*options.embedding) ||
          (!integer_format_of(*options.embedding) &&
           weight->second.shape.columns % options.embedding->block_elements != 0)) {
        throw InputError(
            fmt::format("found format '{}' for '{}' of {}; expected one that can be "
                        "written",
                        options.embedding->name, name, to_string(weight->second.shape)));
      }
      put(result, name,
          WeightMatrix::encode(*options.embedding, weight->second.shape, weight->second.all()));
    }
  }
  return result;
}

}  // namespace joulesim::models

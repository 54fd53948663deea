#include "models/transform/prune.hpp"

#include "models/arch/build_graph.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

using Statistics = std::map<std::string, InputStatistics>;

Statistics statistics_of(const Model& model,
                         std::span<const std::vector<std::int32_t>> calibration) {
  const auto unit = make_unit({});
  InputRecorder recorder(*unit, {}, false);
  for (const std::vector<std::int32_t>& sequence : calibration) {
    Executor executor(model, recorder);
    executor.run(
        build_graph(model.spec, Phase::prefill(static_cast<std::int64_t>(sequence.size()))),
        sequence);
  }
  return recorder.statistics();
}

// Of every column of a matrix: its norm, times the mean magnitude of what it is multiplied with.
std::vector<double> column_scores(const WeightMatrix& weight, const InputStatistics* inputs) {
  const std::vector<float> values = weight.all();
  const auto columns = size(weight.shape.columns);
  std::vector<double> scores(columns, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    scores[i % columns] += static_cast<double>(values[i]) * values[i];
  }
  for (std::size_t i = 0; i < columns; ++i) {
    scores[i] = std::sqrt(scores[i]);
    if (inputs != nullptr) {
      scores[i] *= inputs->magnitudes[i] / static_cast<double>(inputs->rows);
    }
  }
  return scores;
}

// The best of `groups` runs of equal length, all but `gone`, as indices.
std::vector<std::int64_t> best_groups(const std::vector<double>& scores, std::int64_t groups,
                                      std::int64_t gone) {
  const std::int64_t length = static_cast<std::int64_t>(scores.size()) / groups;
  std::vector<double> sums(size(groups), 0.0);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    sums[i / size(length)] += scores[i];
  }
  std::vector<std::int64_t> order(size(groups));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return sums[size(a)] > sums[size(b)]; });
  order.resize(size(groups - gone));
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<std::int64_t> expanded(const std::vector<std::int64_t>& groups, std::int64_t length) {
  std::vector<std::int64_t> indices;
  for (const std::int64_t group : groups) {
    for (std::int64_t i = 0; i < length; ++i) {
      indices.push_back(group * length + i);
    }
  }
  return indices;
}

class Pruner {
 public:
  Pruner(const Model& model, const PruneOptions& options, Statistics seen)
      : model_(model),
        options_(options),
        seen_(std::move(seen)),
        graph_(build_graph(model.spec, Phase::decode(0))),
        axes_(graph_) {}

  Pruned run() {
    check();
    Pruned result{model_, model_};
    std::vector<Cut> cuts;
    for (std::int64_t layer = 0; layer < model_.spec.stored_layers(); ++layer) {
      const std::string prefix = fmt::format("block.{}.", layer);
      LayerShape& shape = result.small.spec.stack[size(layer)];
      if (options_.heads > 0) {
        cut_heads(prefix, shape, cuts);
      }
      if (options_.neurons > 0) {
        const std::string down = prefix + "ffn.down";
        cuts.push_back({columns_axis(down), shape.ffn,
                        best_groups(scores(down), shape.ffn, options_.neurons)});
        shape.ffn -= options_.neurons;
      }
    }
    if (options_.channels > 0) {
      cut_channels(result.small, cuts);
    }
    (void)cut(graph_, axes_, cuts);  // refuses what cannot be cut
    for (const auto& [name, what] : weight_cuts(graph_, axes_, cuts)) {
      apply_cut(name, what, result);
    }
    if (options_.channels > 0) {
      rescale_norms(result.small);
    }
    drop_layers(result.small);
    return result;
  }

 private:
  void check() const {
    const ModelSpec& spec = model_.spec;
    const auto refuse = [](const std::string& found, const std::string& expected) {
      throw InputError(fmt::format("found {}; expected {}", found, expected));
    };
    for (const LayerShape& layer : spec.stack) {
      if (options_.heads < 0 || options_.heads >= layer.kv_heads) {
        refuse(fmt::format("{} groups of heads to take out", options_.heads),
               fmt::format("0 to {}", layer.kv_heads - 1));
      }
      if (options_.neurons < 0 || options_.neurons >= layer.ffn) {
        refuse(fmt::format("{} neurons to take out", options_.neurons),
               fmt::format("0 to {}", layer.ffn - 1));
      }
    }
    if (options_.neurons > 0 && spec.experts.experts > 0) {
      refuse("a mixture of experts", "a dense model for pruning neurons");
    }
    if (options_.channels < 0 || options_.channels >= spec.hidden) {
      refuse(fmt::format("{} channels to take out", options_.channels),
             fmt::format("0 to {}", spec.hidden - 1));
    }
    if (options_.channels > 0 && (spec.norm != NormKind::kRms || spec.qk_norm ||
                                  spec.qk_norm_whole || spec.sub_norm || spec.scaled_embedding)) {
      refuse("a model with other norms than RMS norms of the stream, or a scaled embedding",
             "a plain one for pruning channels");
    }
    for (const int layer : options_.layers) {
      if (layer < 0 || layer >= spec.stored_layers()) {
        refuse(fmt::format("layer {} to take out", layer),
               fmt::format("0 to {}", spec.stored_layers() - 1));
      }
    }
    if (static_cast<std::int64_t>(options_.layers.size()) >= spec.stored_layers()) {
      refuse(fmt::format("{} layers to take out", options_.layers.size()),
             fmt::format("fewer than {}", spec.stored_layers()));
    }
  }

  [[nodiscard]] const Tensor& weight_tensor(const std::string& name) const {
    for (const Tensor& tensor : graph_.tensors()) {
      if (tensor.kind == TensorKind::kWeight && graph_.storage(tensor.storage).name == name) {
        return tensor;
      }
    }
    throw InputError(fmt::format("found no weight '{}'; expected one to prune by", name));
  }
  [[nodiscard]] int columns_axis(const std::string& name) const {
    return axes_.columns_of(weight_tensor(name).id);
  }
  [[nodiscard]] int rows_axis(const std::string& name) const {
    return axes_.rows_of(weight_tensor(name).id);
  }
  [[nodiscard]] std::vector<double> scores(const std::string& name) const {
    const auto found = seen_.find(name);
    return column_scores(model_.weights.at(name), found != seen_.end() ? &found->second : nullptr);
  }

  void cut_heads(const std::string& prefix, LayerShape& shape, std::vector<Cut>& cuts) const {
    const std::string out = prefix + "attn.out";
    const std::vector<std::int64_t> groups =
        best_groups(scores(out), shape.kv_heads, options_.heads);
    const std::int64_t head = model_.spec.head_dim;
    const std::int64_t per_group = shape.heads / shape.kv_heads;
    cuts.push_back({columns_axis(out), shape.heads * head, expanded(groups, per_group * head)});
    cuts.push_back({rows_axis(prefix + "attn.key"), shape.kv_heads * head, expanded(groups, head)});
    shape.kv_heads -= options_.heads;
    shape.heads = shape.kv_heads * per_group;
  }

  // Channels that the layers' first matrices hear least of.
  void cut_channels(Model& small, std::vector<Cut>& cuts) const {
    std::vector<double> sums(size(model_.spec.hidden), 0.0);
    for (std::int64_t layer = 0; layer < model_.spec.stored_layers(); ++layer) {
      for (const char* name : {"attn.query", "ffn.up"}) {
        const std::vector<double> more = scores(fmt::format("block.{}.{}", layer, name));
        std::transform(sums.begin(), sums.end(), more.begin(), sums.begin(), std::plus<>());
      }
    }
    cuts.push_back({columns_axis("embedding"), model_.spec.hidden,
                    best_groups(sums, model_.spec.hidden, options_.channels)});
    small.spec.hidden -= options_.channels;
  }

  void apply_cut(const std::string& name, const WeightCut& what, Pruned& result) const {
    const WeightMatrix& weight = model_.weights.at(name);
    const std::vector<float> values = weight.all();
    const auto all = [](std::int64_t n) {
      std::vector<std::int64_t> indices(size(n));
      std::iota(indices.begin(), indices.end(), 0);
      return indices;
    };
    const auto rows = what.rows.value_or(all(weight.shape.rows));
    const auto columns = what.columns.value_or(all(weight.shape.columns));
    std::vector<float> small;
    std::vector<float> masked(values.size(), 0.0F);
    for (const std::int64_t r : rows) {
      for (const std::int64_t c : columns) {
        const std::size_t at = size(r * weight.shape.columns + c);
        small.push_back(values[at]);
        masked[at] = values[at];
      }
    }
    const Format fp32 = known_format("fp32");
    result.small.weights[name] = WeightMatrix::encode(
        fp32, {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns.size())},
        small);
    result.masked.weights[name] = WeightMatrix::encode(fp32, weight.shape, masked);
    result.small.spec.format_of[name] = fp32;
    result.masked.spec.format_of[name] = fp32;
  }

  // A mean over d' channels in place of d, of which the others are zero: x g / sqrt(S/d + e) is
  // x g' / sqrt(S/d' + e') for e' = e d/d' and g' = g sqrt(d/d').
  void rescale_norms(Model& small) const {
    const double ratio =
        static_cast<double>(model_.spec.hidden) / static_cast<double>(small.spec.hidden);
    small.spec.norm_epsilon *= ratio;
    for (auto& [name, weight] : small.weights) {
      if (weight.shape != Shape{1, small.spec.hidden} || !name.ends_with("norm")) {
        continue;
      }
      std::vector<float> gains = weight.all();
      for (float& gain : gains) {
        gain = static_cast<float>(gain * std::sqrt(ratio));
      }
      weight = WeightMatrix::encode(known_format("fp32"), weight.shape, gains);
    }
  }

  void drop_layers(Model& small) const {
    std::map<std::string, WeightMatrix> kept;
    std::map<std::string, Format> formats;
    std::vector<LayerShape> stack;
    std::vector<std::int64_t> place(small.spec.stack.size(), -1);
    for (std::size_t i = 0; i < small.spec.stack.size(); ++i) {
      if (std::find(options_.layers.begin(), options_.layers.end(), static_cast<int>(i)) ==
          options_.layers.end()) {
        place[i] = static_cast<std::int64_t>(stack.size());
        stack.push_back(small.spec.stack[i]);
      }
    }
    for (const auto& [name, weight] : small.weights) {
      std::string new_name = name;
      if (name.starts_with("block.")) {
        const std::size_t dot = name.find('.', 6);
        const std::int64_t to = place[std::stoul(name.substr(6, dot - 6))];
        if (to < 0) {
          continue;
        }
        new_name = fmt::format("block.{}{}", to, name.substr(dot));
      }
      const auto format = small.spec.format_of.find(name);
      if (format != small.spec.format_of.end()) {
        formats.emplace(new_name, format->second);
      }
      kept.emplace(new_name, weight);
    }
    small.weights = std::move(kept);
    small.spec.format_of = std::move(formats);
    small.spec.stack = std::move(stack);
  }

  const Model& model_;
  const PruneOptions& options_;
  Statistics seen_;
  OperatorGraph graph_;
  Axes axes_;
};

}  // namespace

Pruned prune(const Model& model, const PruneOptions& options,
             std::span<const std::vector<std::int32_t>> calibration) {
  Statistics seen;
  if (!calibration.empty()) {
    seen = statistics_of(model, calibration);
  }
  return Pruner(model, options, std::move(seen)).run();
}

}  // namespace joulesim::models

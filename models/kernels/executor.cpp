#include "models/kernels/executor.hpp"

#include "models/kernels/attention.hpp"
#include "models/kernels/operators.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

std::span<float> row_of(std::vector<float>& values, std::int64_t row, std::int64_t columns) {
  return std::span(values).subspan(size(row * columns), size(columns));
}
std::span<const float> row_of(const std::vector<float>& values, std::int64_t row,
                              std::int64_t columns) {
  return std::span(values).subspan(size(row * columns), size(columns));
}

}  // namespace

struct Executor::Step {
  const OperatorGraph& graph;
  std::span<const std::int32_t> tokens;
  std::vector<Values> values;        // by tensor
  std::vector<std::size_t> readers;  // of each tensor, still to come

  const Values& in(const Op& op, std::size_t i) const { return values[size(op.inputs[i].value)]; }
  [[nodiscard]] Shape shape(TensorId id) const { return graph.tensor(id).shape; }
  Values& out(const Op& op) {
    Values& made = values[size(op.outputs.front().value)];
    made.resize(size(shape(op.outputs.front()).elements()));
    return made;
  }
};

const WeightMatrix& Executor::weight(const OperatorGraph& graph, TensorId id) const {
  const std::string& name = graph.storage(graph.tensor(id).storage).name;
  const auto found = model_.weights.find(name);
  if (found == model_.weights.end() || found->second.shape != graph.tensor(id).shape) {
    throw InputError(fmt::format("found no weight '{}' of {}; expected the model to have it", name,
                                 to_string(graph.tensor(id).shape)));
  }
  return found->second;
}

const Executor::Values& Executor::vector_weight(const OperatorGraph& graph, TensorId id) {
  const std::string& name = graph.storage(graph.tensor(id).storage).name;
  const auto found = vectors_.find(name);
  return found != vectors_.end() ? found->second
                                 : vectors_.emplace(name, weight(graph, id).all()).first->second;
}

FloatArray Executor::run(const OperatorGraph& graph, std::span<const std::int32_t> tokens) {
  Step step{graph, tokens, {}, {}};
  step.values.resize(graph.tensors().size());
  step.readers.resize(graph.tensors().size());
  for (const Op& op : graph.ops()) {
    for (const TensorId id : op.inputs) {
      ++step.readers[size(id.value)];
    }
  }
  for (const OpId id : graph.order()) {
    const Op& op = graph.op(id);
    execute(op, step);
    for (const TensorId read : op.inputs) {
      if (--step.readers[size(read.value)] == 0) {
        Values().swap(step.values[size(read.value)]);
      }
    }
  }
  const std::vector<TensorId> outputs = graph.tensors_of(TensorKind::kOutput);
  const TensorId output = outputs.front();
  const Shape shape = step.shape(output);
  return {size(shape.rows), size(shape.columns), std::move(step.values[size(output.value)])};
}

void Executor::execute(const Op& op, Step& step) {
  switch (op.kind) {
    case OpKind::kEmbedding:
      return embed(op, step);
    case OpKind::kPositionEmbedding:
      return add_positions(op, step);
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
      return normalise(op, step);
    case OpKind::kMatmul:
      return multiply(op, step);
    case OpKind::kRope:
      return rotate(op, step);
    case OpKind::kKvAppend:
      return append(op, step);
    case OpKind::kAttention:
      return attention(op, step);
    case OpKind::kAdd:
    case OpKind::kActivation:
    case OpKind::kGatedActivation:
    case OpKind::kScale:
    case OpKind::kSoftmax:
      return elementwise(op, step);
    case OpKind::kTopK:
      return choose_experts(op, step);
    case OpKind::kExpertMatmul:
      return expert_multiply(op, step);
    case OpKind::kExpertSum:
      return sum_experts(op, step);
    case OpKind::kSelectLast:
      return select_last(op, step);
  }
}

void Executor::embed(const Op& op, Step& step) {
  const WeightMatrix& table = weight(step.graph, op.inputs[1]);
  const std::int64_t rows = step.shape(op.inputs[0]).rows;
  if (static_cast<std::int64_t>(step.tokens.size()) != rows) {
    throw InputError(fmt::format("found {} tokens; expected {}", step.tokens.size(), rows));
  }
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < rows; ++t) {
    const std::int32_t id = step.tokens[size(t)];
    if (id < 0 || id >= table.shape.rows) {
      throw InputError(fmt::format("found token {}; expected 0 to {}, the vocabulary", id,
                                   table.shape.rows - 1));
    }
    table.row(id, row_of(y, t, table.shape.columns));
  }
  if (op.attributes.scale != 1.0) {
    for (float& value : y) {
      value = static_cast<float>(value * op.attributes.scale);
    }
  }
}

void Executor::add_positions(const Op& op, Step& step) {
  const WeightMatrix& table = weight(step.graph, op.inputs[1]);
  const std::int64_t columns = table.shape.columns;
  Values& y = step.out(op);
  y = step.in(op, 0);
  Values position(size(columns));
  const Attributes& a = op.attributes;
  for (std::int64_t t = 0; t < a.batch * a.new_tokens; ++t) {
    table.row(a.past + t % a.new_tokens, position);
    const auto row = row_of(y, t, columns);
    std::transform(row.begin(), row.end(), position.begin(), row.begin(), std::plus<>());
  }
}

void Executor::normalise(const Op& op, Step& step) {
  const Values& x = step.in(op, 0);
  const Values& gain = vector_weight(step.graph, op.inputs[1]);
  Values& y = step.out(op);
  if (op.kind == OpKind::kRmsNorm) {
    rms_norm(x, gain, op.attributes.epsilon, y);
  } else {
    static const Values kNone;
    const Values& bias = op.inputs.size() > 2 ? vector_weight(step.graph, op.inputs[2]) : kNone;
    layer_norm(x, gain, bias, op.attributes.epsilon, y);
  }
}

void Executor::multiply(const Op& op, Step& step) {
  const WeightMatrix& w = weight(step.graph, op.inputs[1]);
  const std::string& key = step.graph.storage(step.graph.tensor(op.inputs[1]).storage).name;
  Values& y = step.out(op);
  datapath_.multiply(key, w, {step.in(op, 0), w.shape.columns}, op.role, y);
  if (op.inputs.size() > 2) {
    const Values& bias = vector_weight(step.graph, op.inputs[2]);
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] += bias[i % bias.size()];
    }
  }
}

void Executor::rotate(const Op& op, Step& step) {
  static const Values kNone;
  const Values& factors = op.inputs.size() > 1 ? vector_weight(step.graph, op.inputs[1]) : kNone;
  Values& y = step.out(op);
  y = step.in(op, 0);
  const Attributes& a = op.attributes;
  const Shape shape = step.shape(op.inputs[0]);
  for (std::int64_t t = 0; t < shape.rows; ++t) {
    rotate_row(row_of(y, t, shape.columns), a, a.past + t % a.new_tokens, factors);
  }
}

void Executor::append(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  for (std::size_t i = 0; i < op.outputs.size(); ++i) {
    const std::string& name = step.graph.storage(step.graph.tensor(op.outputs[i]).storage).name;
    std::vector<Values>& cache = caches_[name];
    cache.resize(size(a.batch));
    for (std::int64_t b = 0; b < a.batch; ++b) {
      Values& sequence = cache[size(b)];
      if (static_cast<std::int64_t>(sequence.size()) != a.past * columns) {
        throw InputError(fmt::format("{}: found {} cached positions; expected {}", op.name,
                                     static_cast<std::int64_t>(sequence.size()) / columns, a.past));
      }
      const Values& fresh = step.in(op, i);
      const auto from = fresh.begin() + b * a.new_tokens * columns;
      sequence.insert(sequence.end(), from, from + a.new_tokens * columns);
    }
  }
}

void Executor::attention(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const auto cache = [&](std::size_t input) -> const std::vector<Values>& {
    return caches_.at(step.graph.storage(step.graph.tensor(op.inputs[input]).storage).name);
  };
  const std::vector<Values>& keys = cache(1);
  const std::vector<Values>& values = cache(2);
  const std::int64_t columns = a.heads * a.head_dim;
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < a.batch * a.new_tokens; ++t) {
    const std::size_t sequence = size(t / a.new_tokens);
    attend(row_of(step.in(op, 0), t, columns), keys[sequence], values[sequence], a,
           a.past + t % a.new_tokens, a.past + a.new_tokens, row_of(y, t, columns));
  }
}

void Executor::elementwise(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const Values& x = step.in(op, 0);
  Values& y = step.out(op);
  if (op.kind == OpKind::kSoftmax) {
    const std::int64_t columns = step.shape(op.inputs[0]).columns;
    for (std::int64_t t = 0; t < step.shape(op.inputs[0]).rows; ++t) {
      const auto row = row_of(x, t, columns);
      std::vector<double> scores(row.begin(), row.end());
      softmax(scores);
      std::transform(scores.begin(), scores.end(), row_of(y, t, columns).begin(),
                     [](double v) { return static_cast<float>(v); });
    }
    return;
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    double value = x[i];
    if (op.kind == OpKind::kAdd) {
      value += step.in(op, 1)[i];
    } else if (op.kind == OpKind::kActivation) {
      value = activate(a.activation, value);
    } else if (op.kind == OpKind::kGatedActivation) {
      value = activate(a.activation, value) * step.in(op, 1)[i];
    } else {
      value = soft_capped(value * a.scale, a.soft_cap);
    }
    y[i] = static_cast<float>(value);
  }
}

// Routing rows: the chosen experts' ids, best first, then their weights, which sum to one (softmax
// over the chosen logits, as Mixtral and Qwen3 define it).
void Executor::choose_experts(const Op& op, Step& step) {
  const std::int64_t experts = step.shape(op.inputs[0]).columns;
  const std::int64_t active = op.attributes.active_experts;
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < step.shape(op.inputs[0]).rows; ++t) {
    const auto logits = row_of(step.in(op, 0), t, experts);
    std::vector<std::size_t> ids(size(experts));
    std::iota(ids.begin(), ids.end(), 0);
    std::stable_sort(ids.begin(), ids.end(),
                     [&](std::size_t i, std::size_t j) { return logits[i] > logits[j]; });
    std::vector<double> weights;
    for (std::int64_t i = 0; i < active; ++i) {
      weights.push_back(logits[ids[size(i)]]);
    }
    softmax(weights);
    const auto row = row_of(y, t, 2 * active);
    for (std::int64_t i = 0; i < active; ++i) {
      row[size(i)] = static_cast<float>(ids[size(i)]);
      row[size(active + i)] = static_cast<float>(weights[size(i)]);
    }
  }
}

void Executor::expert_multiply(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const WeightMatrix& w = weight(step.graph, op.inputs[1]);
  const std::string& key = step.graph.storage(step.graph.tensor(op.inputs[1]).storage).name;
  const Values& routing = step.in(op, 2);
  const Shape x_shape = step.shape(op.inputs[0]);
  const std::int64_t tokens = step.shape(op.inputs[2]).rows;
  const std::int64_t out = w.shape.rows / a.experts;
  const auto expert_bytes = size(out * w.format.bytes_of_row(w.shape.columns));
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t i = 0; i < a.active_experts; ++i) {
      const std::int64_t slot = t * a.active_experts + i;
      const auto expert = static_cast<std::int64_t>(routing[size(2 * t * a.active_experts + i)]);
      const WeightMatrix one{w.format,
                             {out, w.shape.columns},
                             w.data.subspan(size(expert) * expert_bytes, expert_bytes),
                             w.owner};
      const std::int64_t from = x_shape.rows == tokens ? t : slot;
      datapath_.multiply(fmt::format("{}.{}", key, expert), one,
                         {row_of(step.in(op, 0), from, x_shape.columns), x_shape.columns}, op.role,
                         row_of(y, slot, out));
    }
  }
}

void Executor::sum_experts(const Op& op, Step& step) {
  const std::int64_t active = op.attributes.active_experts;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < step.shape(op.inputs[1]).rows; ++t) {
    for (std::int64_t k = 0; k < columns; ++k) {
      double sum = 0.0;
      for (std::int64_t i = 0; i < active; ++i) {
        const double gate = step.in(op, 1)[size((2 * t + 1) * active + i)];
        sum += gate * step.in(op, 0)[size((t * active + i) * columns + k)];
      }
      y[size(t * columns + k)] = static_cast<float>(sum);
    }
  }
}

void Executor::select_last(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  Values& y = step.out(op);
  for (std::int64_t b = 0; b < a.batch; ++b) {
    const auto last = row_of(step.in(op, 0), (b + 1) * a.new_tokens - 1, columns);
    std::copy(last.begin(), last.end(), row_of(y, b, columns).begin());
  }
}

}  // namespace joulesim::models

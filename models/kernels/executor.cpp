#include "models/kernels/executor.hpp"

#include "models/import/codec.hpp"
#include "models/kernels/attention.hpp"
#include "models/kernels/executor_step.hpp"
#include "models/kernels/operators.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace joulesim::models {
namespace {

// What a cache narrower than 16 bits makes of a row.
void round_to(const Format& format, std::span<float> row) {
  const Element element = format.element;
  const bool wide = element <= Element::kBf16 || element == Element::kInt32;
  if (wide || !can_encode(format)) {
    return;
  }
  std::vector<std::byte> bytes;
  encode_row(format, row, bytes);
  decode_row(format, bytes, row);
}

}  // namespace

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
  Inputs inputs;
  inputs.ids["tokens"].assign(tokens.begin(), tokens.end());
  std::map<std::string, FloatArray> outputs = run(graph, inputs);
  return std::move(outputs.begin()->second);
}

std::map<std::string, FloatArray> Executor::run(const OperatorGraph& graph, const Inputs& inputs) {
  Step step{graph, inputs, {}, {}};
  step.values.resize(graph.tensors().size());
  step.readers.resize(graph.tensors().size());
  for (const Op& op : graph.ops()) {
    for (const TensorId id : op.inputs) {
      ++step.readers[size(id.value)];
    }
  }
  take_inputs(step);
  for (const OpId id : graph.order()) {
    const Op& op = graph.op(id);
    execute(op, step);
    for (const TensorId read : op.inputs) {
      const bool last = --step.readers[size(read.value)] == 0;
      if (last && graph.tensor(read).kind != TensorKind::kOutput) {
        Values().swap(step.values[size(read.value)]);
      }
    }
    for (const Op& inner : op.body) {
      for (const TensorId made : inner.outputs) {
        if (std::find(op.outputs.begin(), op.outputs.end(), made) == op.outputs.end()) {
          Values().swap(step.values[size(made.value)]);
        }
      }
    }
  }
  std::map<std::string, FloatArray> outputs;
  for (const TensorId id : graph.tensors_of(TensorKind::kOutput)) {
    const Tensor& tensor = graph.tensor(id);
    outputs[tensor.name] = {size(tensor.shape.rows), size(tensor.shape.columns),
                            std::move(step.values[size(id.value)])};
  }
  return outputs;
}

void Executor::run_block(const OperatorGraph& graph, std::span<const std::int32_t> tokens,
                         int block, Border& border) {
  Inputs inputs;
  inputs.ids["tokens"].assign(tokens.begin(), tokens.end());
  Step step{graph, inputs, {}, {}};
  step.values.resize(graph.tensors().size());
  take_inputs(step);
  for (auto& [id, values] : border) {
    step.values[size(id.value)] = std::move(values);
  }
  border.clear();
  bool before_blocks = true;
  for (const OpId id : graph.order()) {
    const Op& op = graph.op(id);
    before_blocks = before_blocks && op.block < 0;
    if (op.block == block || (before_blocks && block == 0)) {
      execute(op, step);
    } else if (op.block > block || (op.block < 0 && !before_blocks)) {
      for (const TensorId read : op.inputs) {
        const std::vector<float>& values = step.values[size(read.value)];
        if (!values.empty()) {
          border.emplace(read, values);
        }
      }
    }
  }
}

// Inputs of rows are copied into the step; ids are read where they are used.
void Executor::take_inputs(Step& step) {
  for (const TensorId id : step.graph.tensors_of(TensorKind::kInput)) {
    const Tensor& tensor = step.graph.tensor(id);
    if (tensor.format.element == Element::kInt32) {
      continue;
    }
    const auto found = step.inputs.rows.find(tensor.name);
    if (found == step.inputs.rows.end() ||
        found->second.values.size() != size(tensor.shape.elements())) {
      throw InputError(
          fmt::format("found {} values of input '{}'; expected {}",
                      found == step.inputs.rows.end() ? 0 : found->second.values.size(),
                      tensor.name, to_string(tensor.shape)));
    }
    step.values[size(id.value)] = found->second.values;
  }
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
    case OpKind::kSelectFirst:
    case OpKind::kSlice:
    case OpKind::kConcat:
      return arrange(op, step);
    case OpKind::kConvolution:
      if (op.attributes.image > 0) {
        throw InputError("'" + op.name + "' convolves an image; expected one along tokens");
      }
      return convolve(op, step);
    case OpKind::kHeadMatmul:
      return multiply_heads(op, step);
    case OpKind::kCausalConvolution:
      return convolve_causally(op, step);
    case OpKind::kTokenShift:
      return shift_tokens(op, step);
    case OpKind::kInterpolate:
      return interpolate(op, step);
    case OpKind::kSelectiveScan:
      return scan(op, step);
    case OpKind::kWkv:
      return average(op, step);
    case OpKind::kLinearAttention:
      return attend_linearly(op, step);
    case OpKind::kGeneric:
      throw InputError(op.name +
                       ": found an operator of a lifted graph; expected it to be computed "
                       "from its file");
    case OpKind::kFused:
      for (const Op& inner : op.body) {
        execute(inner, step);
      }
      return;
  }
}

void Executor::embed(const Op& op, Step& step) {
  const WeightMatrix& table = weight(step.graph, op.inputs[1]);
  const Tensor& input = step.graph.tensor(op.inputs[0]);
  const std::int64_t rows = input.shape.rows;
  const auto given = step.inputs.ids.find(input.name);
  const bool types = input.name != "tokens" && input.name != "source_tokens";
  const std::vector<std::int32_t> ids = given != step.inputs.ids.end() ? given->second
                                        : types ? std::vector<std::int32_t>(size(rows), 0)
                                                : std::vector<std::int32_t>();
  if (static_cast<std::int64_t>(ids.size()) != rows) {
    throw InputError(
        fmt::format("found {} ids of input '{}'; expected {}", ids.size(), input.name, rows));
  }
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < rows; ++t) {
    const std::int32_t id = ids[size(t)];
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
    table.row(a.offset + a.past + t % a.new_tokens, position);
    const auto row = row_of(y, t, columns);
    std::transform(row.begin(), row.end(), position.begin(), row.begin(), std::plus<>());
  }
}

void Executor::normalise(const Op& op, Step& step) {
  static const Values kNone;
  const auto parameter = [&](std::size_t i) -> const Values& {
    return op.inputs.size() > i ? vector_weight(step.graph, op.inputs[i]) : kNone;
  };
  const Values& x = step.in(op, 0);
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  const std::size_t group = size(op.attributes.group > 0 ? op.attributes.group : columns);
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < step.shape(op.inputs[0]).rows; ++t) {
    const auto norm = op.kind == OpKind::kRmsNorm ? rms_norm : layer_norm;
    norm(row_of(x, t, columns), parameter(1), parameter(2), group, op.attributes.epsilon,
         row_of(y, t, columns));
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
      for (std::int64_t t = a.past; t < a.past + a.new_tokens; ++t) {
        round_to(step.graph.tensor(op.outputs[i]).format, row_of(sequence, t, columns));
      }
    }
  }
}

void Executor::attention(const Op& op, Step& step) {
  static const Values kNone;
  const Attributes& a = op.attributes;
  const std::int64_t positions = attended_positions(a);
  // Of a cache, or of an activation where an encoder attends to its own tokens.
  const auto of_sequence = [&](std::size_t input, std::int64_t sequence) {
    const Tensor& tensor = step.graph.tensor(op.inputs[input]);
    if (tensor.kind != TensorKind::kKvCache) {
      return row_of(step.in(op, input), sequence, positions * tensor.shape.columns);
    }
    const auto found = caches_.find(step.graph.storage(tensor.storage).name);
    if (found == caches_.end() || found->second.size() <= size(sequence) ||
        found->second[size(sequence)].size() != size(positions * tensor.shape.columns)) {
      throw InputError(
          fmt::format("{}: found no cache of {} positions; expected an earlier step "
                      "to have filled it",
                      op.name, positions));
    }
    return std::span<const float>(found->second[size(sequence)]);
  };
  const Values& bias = op.inputs.size() > 3 ? vector_weight(step.graph, op.inputs[3]) : kNone;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < a.batch * a.new_tokens; ++t) {
    const std::int64_t sequence = t / a.new_tokens;
    datapath_.attend(row_of(step.in(op, 0), t, columns),
                     {of_sequence(1, sequence), of_sequence(2, sequence), positions, bias}, a,
                     a.past + t % a.new_tokens,
                     row_of(y, t, step.shape(op.outputs.front()).columns));
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
  const Values& added = op.kind == OpKind::kAdd && step.is_weight(op, 1)
                            ? vector_weight(step.graph, op.inputs[1])
                            : step.in(op, op.inputs.size() - 1);
  const std::size_t repeats = y.size() / x.size();  // a gate of one column serves its whole row
  if ((op.kind == OpKind::kActivation || op.kind == OpKind::kGatedActivation) && repeats == 1) {
    static const Values kNone;
    const Values& by = op.kind == OpKind::kGatedActivation ? step.in(op, 1) : kNone;
    return datapath_.activate(a.activation, x, by, y);
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    double value = x[i / repeats];
    if (op.kind == OpKind::kAdd) {
      value += added[i % added.size()];
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

void Executor::choose_experts(const Op& op, Step& step) {
  static const Values kNone;
  const std::int64_t experts = step.shape(op.inputs[0]).columns;
  const Values& bias = op.inputs.size() > 1 ? vector_weight(step.graph, op.inputs[1]) : kNone;
  const std::int64_t width = step.shape(op.outputs.front()).columns;
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < step.shape(op.inputs[0]).rows; ++t) {
    route(row_of(step.in(op, 0), t, experts), bias, op.attributes, row_of(y, t, width));
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
      if (op.inputs.size() > 3) {
        const auto bias = row_of(vector_weight(step.graph, op.inputs[3]), expert, out);
        const auto made = row_of(y, slot, out);
        std::transform(made.begin(), made.end(), bias.begin(), made.begin(), std::plus<>());
      }
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

}  // namespace joulesim::models

// The executor's convolutions, scans and other operators of models that are no plain transformers.
#include "models/kernels/executor_step.hpp"
#include "models/kernels/recurrent.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::models {

// The state of one sequence, which must have seen exactly the tokens before this step.
std::vector<double>& Executor::state_of(const Op& op, const Step& step, std::int64_t sequence) {
  const Tensor& tensor = step.graph.tensor(op.outputs.back());
  const Attributes& a = op.attributes;
  std::vector<State>& all = states_[step.graph.storage(tensor.storage).name];
  all.resize(size(a.batch));
  State& state = all[size(sequence)];
  if (a.past == 0) {
    state = {0, std::vector<double>(size(tensor.shape.columns), 0.0)};
  }
  if (state.tokens != a.past) {
    throw InputError(fmt::format("{}: found a state after {} tokens; expected {}", op.name,
                                 state.tokens, a.past));
  }
  state.tokens += a.new_tokens;
  return state.values;
}

void Executor::convolve(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const WeightMatrix& w = weight(step.graph, op.inputs[1]);
  const std::string& key = step.graph.storage(step.graph.tensor(op.inputs[1]).storage).name;
  const Values& x = step.in(op, 0);
  const Shape in = step.shape(op.inputs[0]);
  const Shape made = step.shape(op.outputs.front());
  const std::int64_t length = in.rows / a.batch;
  const std::int64_t out_length = made.rows / a.batch;
  // Every output row is the product of the weight with the rows that its taps see; weights hold
  // the taps of an input channel side by side.
  Values seen(size(made.rows * w.shape.columns), 0.0F);
  for (std::int64_t t = 0; t < made.rows; ++t) {
    const auto row = row_of(seen, t, w.shape.columns);
    for (std::int64_t tap = 0; tap < a.kernel; ++tap) {
      const std::int64_t at = t % out_length * a.stride + tap - a.padding;
      if (at < 0 || at >= length) {
        continue;
      }
      const auto from = row_of(x, t / out_length * length + at, in.columns);
      for (std::int64_t c = 0; c < in.columns; ++c) {
        row[size(c * a.kernel + tap)] = from[size(c)];
      }
    }
  }
  Values& y = step.out(op);
  datapath_.multiply(key, w, {seen, w.shape.columns}, op.role, y);
  if (op.inputs.size() > 2) {
    const Values& bias = vector_weight(step.graph, op.inputs[2]);
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] += bias[i % bias.size()];
    }
  }
}

void Executor::convolve_causally(const Op& op, Step& step) {
  static const Values kNone;
  const Attributes& a = op.attributes;
  const Values& w = vector_weight(step.graph, op.inputs[1]);
  const Values& bias = op.inputs.size() > 2 ? vector_weight(step.graph, op.inputs[2]) : kNone;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  Values& y = step.out(op);
  for (std::int64_t b = 0; b < a.batch; ++b) {
    std::vector<double>& state = state_of(op, step, b);
    for (std::int64_t t = b * a.new_tokens; t < (b + 1) * a.new_tokens; ++t) {
      convolve_token(row_of(step.in(op, 0), t, columns), w, bias, state, row_of(y, t, columns));
    }
  }
}

void Executor::shift_tokens(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  Values& y = step.out(op);
  for (std::int64_t b = 0; b < a.batch; ++b) {
    std::vector<double>& state = state_of(op, step, b);
    for (std::int64_t t = b * a.new_tokens; t < (b + 1) * a.new_tokens; ++t) {
      const auto x = row_of(step.in(op, 0), t, columns);
      std::transform(state.begin(), state.end(), row_of(y, t, columns).begin(),
                     [](double v) { return static_cast<float>(v); });
      std::copy(x.begin(), x.end(), state.begin());
    }
  }
}

void Executor::interpolate(const Op& op, Step& step) {
  const Values& share = vector_weight(step.graph, op.inputs[2]);
  Values& y = step.out(op);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double x = step.in(op, 0)[i];
    const double part =
        share[i % share.size()] + (op.inputs.size() > 3 ? double{step.in(op, 3)[i]} : 0.0);
    y[i] = static_cast<float>(x + (step.in(op, 1)[i] - x) * part);
  }
}

void Executor::scan(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const Values& decay = vector_weight(step.graph, op.inputs[4]);
  const Values& skip = vector_weight(step.graph, op.inputs[5]);
  const auto token = [&](std::size_t input, std::int64_t t) {
    return row_of(step.in(op, input), t, step.shape(op.inputs[input]).columns);
  };
  Values& y = step.out(op);
  for (std::int64_t b = 0; b < a.batch; ++b) {
    std::vector<double>& state = state_of(op, step, b);
    for (std::int64_t t = b * a.new_tokens; t < (b + 1) * a.new_tokens; ++t) {
      scan_token({token(0, t), token(1, t), token(2, t), token(3, t), decay, skip}, a, state,
                 row_of(y, t, step.shape(op.inputs[0]).columns));
    }
  }
}

void Executor::average(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const Values& decay = vector_weight(step.graph, op.inputs[2]);
  const Values& bonus = vector_weight(step.graph, op.inputs[3]);
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  Values& y = step.out(op);
  for (std::int64_t b = 0; b < a.batch; ++b) {
    std::vector<double>& state = state_of(op, step, b);
    for (std::int64_t i = 0; i < a.new_tokens; ++i) {
      const std::int64_t t = b * a.new_tokens + i;
      wkv_token(row_of(step.in(op, 0), t, columns), row_of(step.in(op, 1), t, columns), decay,
                bonus, a.past + i == 0, state, row_of(y, t, columns));
    }
  }
}

void Executor::attend_linearly(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const bool fixed = step.is_weight(op, 3);
  const Values& bonus = vector_weight(step.graph, op.inputs[4]);
  const std::int64_t keys = a.heads * a.head_dim;
  const std::int64_t values = a.heads * a.value_dim;
  Values& y = step.out(op);
  for (std::int64_t b = 0; b < a.batch; ++b) {
    std::vector<double>& state = state_of(op, step, b);
    for (std::int64_t t = b * a.new_tokens; t < (b + 1) * a.new_tokens; ++t) {
      const std::span<const float> decay =
          fixed ? std::span<const float>(vector_weight(step.graph, op.inputs[3]))
                : row_of(step.in(op, 3), t, keys);
      linear_attention_token({row_of(step.in(op, 0), t, keys), row_of(step.in(op, 1), t, keys),
                              row_of(step.in(op, 2), t, values), decay, bonus},
                             a, state, row_of(y, t, values));
    }
  }
}

void Executor::multiply_heads(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const WeightMatrix& w = weight(step.graph, op.inputs[1]);
  const std::string& key = step.graph.storage(step.graph.tensor(op.inputs[1]).storage).name;
  const std::int64_t in = w.shape.columns;
  const std::int64_t out = w.shape.rows / a.heads;
  const auto head_bytes = size(out * w.format.bytes_of_row(in));
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < step.shape(op.inputs[0]).rows; ++t) {
    for (std::int64_t head = 0; head < a.heads; ++head) {
      const WeightMatrix one{
          w.format, {out, in}, w.data.subspan(size(head) * head_bytes, head_bytes), w.owner};
      datapath_.multiply(fmt::format("{}.{}", key, head), one,
                         {row_of(step.in(op, 0), t * a.heads + head, in), in}, op.role,
                         row_of(y, t * a.heads + head, out));
    }
  }
}

// Rows are chosen whole; columns are taken from, or put beside each other in, every head.
void Executor::arrange(const Op& op, Step& step) {
  const Attributes& a = op.attributes;
  const std::int64_t columns = step.shape(op.inputs[0]).columns;
  const Shape made = step.shape(op.outputs.front());
  Values& y = step.out(op);
  for (std::int64_t t = 0; t < made.rows; ++t) {
    const auto to = row_of(y, t, made.columns);
    if (op.kind == OpKind::kSelectLast || op.kind == OpKind::kSelectFirst) {
      const bool last = op.kind == OpKind::kSelectLast;
      const auto row =
          row_of(step.in(op, 0), last ? (t + 1) * a.new_tokens - 1 : t * a.new_tokens, columns);
      std::copy(row.begin(), row.end(), to.begin());
      continue;
    }
    const auto left = row_of(step.in(op, 0), t, columns);
    const std::size_t width = size(columns / a.heads);
    const std::size_t made_width = size(made.columns / a.heads);
    for (std::size_t head = 0; head < size(a.heads); ++head) {
      const auto from = left.subspan(head * width, width);
      const auto into = to.subspan(head * made_width, made_width);
      if (op.kind == OpKind::kSlice) {
        std::copy_n(from.begin() + a.offset, made_width, into.begin());
        continue;
      }
      const auto right = row_of(step.in(op, 1), t, made.columns - columns);
      const std::size_t more = made_width - width;
      std::copy_n(right.begin() + static_cast<std::ptrdiff_t>(head * more), more,
                  std::copy(from.begin(), from.end(), into.begin()));
    }
  }
}

}  // namespace joulesim::models

// RNN, GRU and LSTM, step by step.
//
// Models:     both directions, sequence lengths, peepholes, clipping, either layout, all activation
//             functions of the standard.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <functional>

namespace joulesim::models::onnx {
namespace {

using Function = std::function<float(float)>;

Function function_of(const std::string& name, float alpha, float beta) {
  if (name == "Sigmoid") {
    return [](float x) { return 1 / (1 + std::exp(-x)); };
  }
  if (name == "Tanh") {
    return [](float x) { return std::tanh(x); };
  }
  if (name == "Relu") {
    return [](float x) { return std::max(x, 0.0F); };
  }
  if (name == "Affine") {
    return [=](float x) { return alpha * x + beta; };
  }
  if (name == "LeakyRelu") {
    return [=](float x) { return x < 0 ? alpha * x : x; };
  }
  if (name == "ThresholdedRelu") {
    return [=](float x) { return x > alpha ? x : 0.0F; };
  }
  if (name == "ScaledTanh") {
    return [=](float x) { return alpha * std::tanh(beta * x); };
  }
  if (name == "HardSigmoid") {
    return [=](float x) { return std::clamp(alpha * x + beta, 0.0F, 1.0F); };
  }
  if (name == "Elu") {
    return [=](float x) { return x < 0 ? alpha * std::expm1(x) : x; };
  }
  if (name == "Softsign") {
    return [](float x) { return x / (1 + std::fabs(x)); };
  }
  if (name == "Softplus") {
    return [](float x) { return std::log1p(std::exp(-std::fabs(x))) + std::max(x, 0.0F); };
  }
  refuse("activation '" + name + "'", "one of the standard's");
}

float default_alpha(const std::string& name) {
  return name == "HardSigmoid" ? 0.2F : name == "LeakyRelu" ? 0.01F : 1.0F;
}

float default_beta(const std::string& name) {
  return name == "HardSigmoid" ? 0.5F : name == "ScaledTanh" ? 1.0F : 0.0F;
}

struct Sizes {
  std::int64_t steps, batch, input, hidden, gates, directions;
};

// One direction's weights and state.
struct Direction {
  std::vector<float> wx;  // [gates * hidden, input]
  std::vector<float> wh;  // [gates * hidden, hidden]
  std::vector<float> bias_x, bias_h, peephole;
  std::vector<float> h, c;  // [batch, hidden]
  std::vector<Function> functions;
};

std::vector<float> part(const Array* array, std::size_t direction, std::size_t size) {
  if (array == nullptr) {
    return {};
  }
  const auto all = array->read<float>();
  expect(all.size() >= (direction + 1) * size, to_string(array->shape()),
         fmt::format("{} elements per direction", size));
  const auto own = all.subspan(direction * size, size);
  return {own.begin(), own.end()};
}

// Sums of one gate before its activation: products of the input and of the state, and biases.
struct Gates {
  std::vector<float> x;  // [batch, gates * hidden]
  std::vector<float> h;
};

Gates gates_of(const Direction& d, const Sizes& s, const float* x) {
  const std::int64_t width = s.gates * s.hidden;
  Gates g;
  g.x.resize(static_cast<std::size_t>(s.batch * width));
  g.h.resize(g.x.size());
  multiply<float>({x, s.batch, s.input, s.input}, {d.wx.data(), s.input, width, s.input, true},
                  g.x.data(), width);
  multiply<float>({d.h.data(), s.batch, s.hidden, s.hidden},
                  {d.wh.data(), s.hidden, width, s.hidden, true}, g.h.data(), width);
  for (std::size_t i = 0; i < g.x.size(); ++i) {
    const std::size_t k = i % static_cast<std::size_t>(width);
    g.x[i] += d.bias_x.empty() ? 0.0F : d.bias_x[k];
    g.h[i] += d.bias_h.empty() ? 0.0F : d.bias_h[k];
  }
  return g;
}

// The new state of one sequence's hidden element; `at(gate)` indexes the gates' sums.
using Cell = void (*)(const Call&, Direction&, const Sizes&, const Gates&, std::int64_t b,
                      float clip, std::vector<float>& next);

float clipped(float x, float clip) { return clip > 0 ? std::clamp(x, -clip, clip) : x; }

void rnn_cell(const Call& /*call*/, Direction& d, const Sizes& s, const Gates& g, std::int64_t b,
              float clip, std::vector<float>& next) {
  for (std::int64_t k = 0; k < s.hidden; ++k) {
    const auto at = static_cast<std::size_t>(b * s.hidden + k);
    next[at] = d.functions[0](clipped(g.x[at] + g.h[at], clip));
  }
}

void gru_cell(const Call& call, Direction& d, const Sizes& s, const Gates& g, std::int64_t b,
              float clip, std::vector<float>& next) {
  const bool late = call.integer("linear_before_reset", 0) != 0;
  const auto h = static_cast<std::size_t>(s.hidden);
  const auto base = static_cast<std::size_t>(b) * 3 * h;
  std::vector<float> reset(h);
  for (std::size_t k = 0; k < h; ++k) {
    reset[k] = d.functions[0](clipped(g.x[base + h + k] + g.h[base + h + k], clip));
  }
  for (std::size_t k = 0; k < h; ++k) {
    const float update = d.functions[0](clipped(g.x[base + k] + g.h[base + k], clip));
    float state = 0;
    if (late) {
      state = reset[k] * g.h[base + 2 * h + k];
    } else {
      for (std::size_t j = 0; j < h; ++j) {
        state += reset[j] * d.h[static_cast<std::size_t>(b) * h + j] * d.wh[(2 * h + k) * h + j];
      }
      state += d.bias_h.empty() ? 0.0F : d.bias_h[2 * h + k];
    }
    const float fresh = d.functions[1](clipped(g.x[base + 2 * h + k] + state, clip));
    const auto at = static_cast<std::size_t>(b) * h + k;
    next[at] = (1 - update) * fresh + update * d.h[at];
  }
}

// Gates in the order input, output, forget, cell.
void lstm_cell(const Call& call, Direction& d, const Sizes& s, const Gates& g, std::int64_t b,
               float clip, std::vector<float>& next) {
  const bool coupled = call.integer("input_forget", 0) != 0;
  const auto h = static_cast<std::size_t>(s.hidden);
  const auto base = static_cast<std::size_t>(b) * 4 * h;
  const auto peep = [&](std::size_t gate, std::size_t k) {
    return d.peephole.empty() ? 0.0F : d.peephole[gate * h + k];
  };
  for (std::size_t k = 0; k < h; ++k) {
    const auto sum = [&](std::size_t gate) {
      return g.x[base + gate * h + k] + g.h[base + gate * h + k];
    };
    float& c = d.c[static_cast<std::size_t>(b) * h + k];
    const float in = d.functions[0](clipped(sum(0) + peep(0, k) * c, clip));
    const float forget = coupled ? 1 - in : d.functions[0](clipped(sum(2) + peep(2, k) * c, clip));
    const float fresh = d.functions[1](clipped(sum(3), clip));
    c = forget * c + in * fresh;
    const float out = d.functions[0](clipped(sum(1) + peep(1, k) * c, clip));
    next[static_cast<std::size_t>(b) * h + k] = out * d.functions[2](c);
  }
}

std::vector<Function> functions_of(const Call& call, std::size_t direction,
                                   const std::vector<std::string>& defaults, bool two) {
  std::vector<std::string> names = call.texts("activations");
  if (names.empty()) {
    names = defaults;
    names.insert(names.end(), defaults.begin(), defaults.end());
  }
  const std::vector<float> alphas = call.numbers("activation_alpha");
  const std::vector<float> betas = call.numbers("activation_beta");
  expect(names.size() >= (two ? 2U : 1U) * defaults.size(),
         fmt::format("{} activations", names.size()),
         fmt::format("{} per direction", defaults.size()));
  std::vector<Function> functions;
  for (std::size_t i = 0; i < defaults.size(); ++i) {
    const std::size_t k = direction * defaults.size() + i;
    functions.push_back(function_of(names[k],
                                    k < alphas.size() ? alphas[k] : default_alpha(names[k]),
                                    k < betas.size() ? betas[k] : default_beta(names[k])));
  }
  return functions;
}

// x, w, r, b, sequence_lens, initial_h, then for LSTM initial_c and p.
void recurrent(Call& call, std::int64_t gates, Cell cell,
               const std::vector<std::string>& defaults) {
  const bool batch_first = call.integer("layout", 0) != 0;
  const Array x = batch_first ? transposed(call.in(0), {1, 0, 2}) : call.in(0);
  const std::string way = call.text("direction", "forward");
  expect(x.rank() == 3 && x.type() == DType::kFloat, to_string(x.shape()), "[steps,batch,input]");
  expect(way == "forward" || way == "reverse" || way == "bidirectional", "direction '" + way + "'",
         "forward, reverse or bidirectional");
  const Array& w = call.in(1);
  expect(w.rank() == 3 && w.dim(1) % gates == 0 && w.dim(2) == x.dim(2), to_string(w.shape()),
         fmt::format("weights for {} inputs", x.dim(2)));
  const Sizes s{x.dim(0),         x.dim(1), x.dim(2),
                w.dim(1) / gates, gates,    way == "bidirectional" ? 2 : 1};
  const auto width = static_cast<std::size_t>(s.gates * s.hidden);
  const auto state_size = static_cast<std::size_t>(s.batch * s.hidden);
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(s.batch), s.steps);
  if (call.has(4)) {
    lengths = call.ints_in(4);
  }
  expect(lengths.size() == static_cast<std::size_t>(s.batch),
         fmt::format("{} sequence lengths", lengths.size()), fmt::format("{}", s.batch));
  const float clip = static_cast<float>(call.number("clip", 0.0));
  Array y(DType::kFloat, {s.steps, s.directions, s.batch, s.hidden});
  Array last_h(DType::kFloat, {s.directions, s.batch, s.hidden});
  Array last_c(DType::kFloat, {s.directions, s.batch, s.hidden});
  const auto state = [&](std::size_t input, std::size_t d) {
    if (!call.has(input)) {
      return std::vector<float>(state_size, 0.0F);
    }
    const Array first = batch_first ? transposed(call.in(input), {1, 0, 2}) : call.in(input);
    return part(&first, d, state_size);
  };
  for (std::size_t i = 0; i < static_cast<std::size_t>(s.directions); ++i) {
    Direction d;
    d.wx = part(&w, i, width * static_cast<std::size_t>(s.input));
    d.wh = part(&call.in(2), i, width * static_cast<std::size_t>(s.hidden));
    const std::vector<float> bias = part(call.maybe(3), i, 2 * width);
    if (!bias.empty()) {
      d.bias_x.assign(bias.begin(), bias.begin() + static_cast<std::ptrdiff_t>(width));
      d.bias_h.assign(bias.begin() + static_cast<std::ptrdiff_t>(width), bias.end());
    }
    d.h = state(5, i);
    d.c = state(6, i);
    d.peephole = part(call.maybe(7), i, 3 * static_cast<std::size_t>(s.hidden));
    d.functions = functions_of(call, i, defaults, s.directions == 2);
    const bool backwards = way == "reverse" || i == 1;
    for (std::int64_t step = 0; step < s.steps; ++step) {
      const std::int64_t t = backwards ? s.steps - 1 - step : step;
      const Gates g = gates_of(d, s, x.read<float>().data() + t * s.batch * s.input);
      std::vector<float> next = d.h;
      for (std::int64_t b = 0; b < s.batch; ++b) {
        if (t < lengths[static_cast<std::size_t>(b)]) {
          cell(call, d, s, g, b, clip, next);
          std::copy_n(
              next.begin() + b * s.hidden, s.hidden,
              y.write<float>().begin() +
                  ((t * s.directions + static_cast<std::int64_t>(i)) * s.batch + b) * s.hidden);
        }
      }
      d.h = std::move(next);
    }
    const auto to = static_cast<std::ptrdiff_t>(i * state_size);
    std::copy(d.h.begin(), d.h.end(), last_h.write<float>().begin() + to);
    std::copy(d.c.begin(), d.c.end(), last_c.write<float>().begin() + to);
  }
  if (batch_first) {
    y = transposed(y, {2, 0, 1, 3});
    last_h = transposed(last_h, {1, 0, 2});
    last_c = transposed(last_c, {1, 0, 2});
  }
  call.set(0, y);
  call.set(1, last_h);
  call.set(2, last_c);
}

void rnn(Call& call) { recurrent(call, 1, rnn_cell, {"Tanh"}); }
void gru(Call& call) { recurrent(call, 3, gru_cell, {"Sigmoid", "Tanh"}); }
void lstm(Call& call) { recurrent(call, 4, lstm_cell, {"Sigmoid", "Tanh", "Tanh"}); }

constexpr KernelRow kRows[] = {
    {"", "RNN", 1, kNewestOpset, rnn, Narrow::kWiden},
    {"", "GRU", 3, kNewestOpset, gru, Narrow::kWiden},
    {"", "LSTM", 1, kNewestOpset, lstm, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> recurrent_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

#include "models/kernels/onnx_attention.hpp"

#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

constexpr float kHidden = -std::numeric_limits<float>::infinity();

void softmax_row(std::span<float> row) {
  const float largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (float& v : row) {
    v = std::exp(v - largest);
    sum += static_cast<double>(v);
  }
  for (float& v : row) {
    v = static_cast<float>(static_cast<double>(v) / sum);
  }
}

}  // namespace

Array added(const Array& a, const Array& b) {
  if (!a.defined() || !b.defined()) {
    return a.defined() ? a : b;
  }
  return zip<float, float, float>(a, b, DType::kFloat, [](float x, float z) { return x + z; });
}

Attended attend(const Array& q, const Array& k, const Array& v, const Array& bias,
                const AttentionSettings& settings) {
  expect(q.rank() == 4 && k.rank() == 4 && v.rank() == 4 && q.dim(0) == k.dim(0) &&
             k.dim(0) == v.dim(0) && k.dim(1) == v.dim(1) && k.dim(2) == v.dim(2) &&
             k.dim(3) == q.dim(3) && k.dim(1) > 0 && q.dim(1) % k.dim(1) == 0,
         fmt::format("a query of {}, keys of {}, values of {}", to_string(q.shape()),
                     to_string(k.shape()), to_string(v.shape())),
         "matching batches, heads and sizes");
  const std::int64_t heads = q.dim(1);
  const std::int64_t group = heads / k.dim(1);
  const std::int64_t queries = q.dim(2);
  const std::int64_t keys = k.dim(2);
  const std::int64_t size = q.dim(3);
  const std::int64_t value_size = v.dim(3);
  const double scale =
      settings.scale != 0 ? settings.scale : 1 / std::sqrt(static_cast<double>(size));
  using Keep = AttentionSettings::Keep;
  const Dims score_shape{q.dim(0), heads, queries, keys};
  Attended result{Array(DType::kFloat, {q.dim(0), heads, queries, value_size}), Array()};
  if (settings.keep != Keep::kNothing) {
    result.scores = Array(DType::kFloat, score_shape);
  }
  Array mask;
  if (bias.defined()) {
    mask = broadcast_to(bias, score_shape);
  }
  const auto plane = static_cast<std::size_t>(queries * keys);
  std::vector<float> scores(plane);
  if (queries == 0 || keys == 0 || value_size == 0) {
    return result;
  }
  for (std::int64_t bh = 0; bh < q.dim(0) * heads; ++bh) {
    const std::int64_t kv = bh / heads * k.dim(1) + bh % heads / group;
    multiply<float>({q.read<float>().data() + bh * queries * size, queries, size, size},
                    {k.read<float>().data() + kv * keys * size, size, keys, size, true},
                    scores.data(), keys);
    const auto keep = [&](Keep stage) {
      if (settings.keep == stage) {
        std::copy(scores.begin(), scores.end(),
                  result.scores.write<float>().begin() + bh * queries * keys);
      }
    };
    for (float& s : scores) {
      s = static_cast<float>(static_cast<double>(s) * scale);
    }
    keep(Keep::kProducts);
    if (settings.soft_cap > 0) {
      for (float& s : scores) {
        s = static_cast<float>(settings.soft_cap *
                               std::tanh(static_cast<double>(s) / settings.soft_cap));
      }
    }
    keep(Keep::kCapped);
    if (mask.defined()) {
      const auto own = mask.read<float>().subspan(static_cast<std::size_t>(bh) * plane, plane);
      for (std::size_t i = 0; i < plane; ++i) {
        scores[i] += own[i];
      }
    }
    keep(Keep::kMasked);
    for (std::int64_t i = 0; i < queries; ++i) {
      softmax_row(std::span(scores).subspan(static_cast<std::size_t>(i * keys),
                                            static_cast<std::size_t>(keys)));
    }
    keep(Keep::kWeights);
    multiply<float>({scores.data(), queries, keys, keys},
                    {v.read<float>().data() + kv * keys * value_size, keys, value_size, value_size},
                    result.y.write<float>().data() + bh * queries * value_size, value_size);
  }
  return result;
}

Array causal_bias(const std::vector<std::int64_t>& past, std::int64_t queries, std::int64_t keys,
                  std::int64_t window) {
  const auto batch = static_cast<std::int64_t>(past.size());
  Array bias(DType::kFloat, {batch, 1, queries, keys});
  const auto out = bias.write<float>();
  std::size_t at = 0;
  for (const std::int64_t before : past) {
    for (std::int64_t i = 0; i < queries; ++i) {
      for (std::int64_t j = 0; j < keys; ++j, ++at) {
        const bool early = window > 0 && j <= before + i - window;
        out[at] = j > before + i || early ? kHidden : 0.0F;
      }
    }
  }
  return bias;
}

Array split_heads(const Array& x, std::int64_t heads) {
  expect(x.rank() == 3 && heads > 0 && x.dim(2) % heads == 0, to_string(x.shape()),
         fmt::format("[batch,tokens,a multiple of {} heads]", heads));
  return transposed(x.reshaped({x.dim(0), x.dim(1), heads, x.dim(2) / heads}), {0, 2, 1, 3});
}

Array join_heads(const Array& x) {
  return transposed(x, {0, 2, 1, 3}).reshaped({x.dim(0), x.dim(2), x.dim(1) * x.dim(3)});
}

Array rotated(const Array& x, const Array& cos, const Array& sin,
              const std::vector<std::int64_t>& positions, const Rotation& rotation) {
  const std::int64_t size = x.dim(3);
  const std::int64_t tokens = x.dim(2);
  const std::int64_t rotary = rotation.rotary == 0 ? size : rotation.rotary;
  const std::int64_t half = rotary / 2;
  expect(cos.rank() == 2 && cos.shape() == sin.shape() && cos.dim(1) == half && rotary <= size &&
             rotary % 2 == 0,
         fmt::format("caches of {} and {}", to_string(cos.shape()), to_string(sin.shape())),
         fmt::format("[positions,{}]", half));
  expect(static_cast<std::int64_t>(positions.size()) == x.dim(0) * tokens,
         fmt::format("{} positions", positions.size()), fmt::format("{}", x.dim(0) * tokens));
  Array y(DType::kFloat, x.shape());
  const auto in = x.read<float>();
  const auto out = y.write<float>();
  for (std::int64_t r = 0; r < x.dim(0) * x.dim(1) * tokens; ++r) {
    const std::int64_t b = r / tokens / x.dim(1);
    const std::int64_t position = positions[static_cast<std::size_t>(b * tokens + r % tokens)];
    expect(position >= 0 && position < cos.dim(0), fmt::format("position {}", position),
           fmt::format("0 to {}", cos.dim(0) - 1));
    for (std::int64_t i = rotary; i < size; ++i) {
      out[static_cast<std::size_t>(r * size + i)] = in[static_cast<std::size_t>(r * size + i)];
    }
    for (std::int64_t i = 0; i < half; ++i) {
      const auto angle = static_cast<std::size_t>(position * half + i);
      const auto first = static_cast<std::size_t>(r * size + (rotation.interleaved ? 2 * i : i));
      const std::size_t second =
          first + (rotation.interleaved ? 1U : static_cast<std::size_t>(half));
      const float c = cos.read<float>()[angle];
      const float s = sin.read<float>()[angle];
      const auto factor = static_cast<float>(rotation.scale);
      out[first] = factor * (c * in[first] - s * in[second]);
      out[second] = factor * (s * in[first] + c * in[second]);
    }
  }
  return y;
}

namespace {

Array heads_of(const Array& x, std::int64_t heads) {
  return x.rank() == 3 ? split_heads(x, heads) : x;
}

// A bool mask as what it adds; a narrow one covers the first keys, later ones are hidden.
Array mask_bias(const Array& mask, std::int64_t keys) {
  Array bias = cast(mask, DType::kFloat);
  if (mask.type() == DType::kBool) {
    bias = map<std::uint8_t, float>(mask, DType::kFloat,
                                    [](std::uint8_t seen) { return seen != 0 ? 0.0F : kHidden; });
  }
  const std::int64_t last = bias.rank() - 1;
  const std::int64_t missing = bias.dim(last) == 1 ? 0 : keys - bias.dim(last);
  if (missing > 0) {
    Dims shape = bias.shape();
    shape.back() = missing;
    Array hidden(DType::kFloat, shape);
    std::fill(hidden.write<float>().begin(), hidden.write<float>().end(), kHidden);
    bias = concatenated({bias, hidden}, last);
  }
  return bias;
}

// q, k, v, attn_mask, past_key, past_value, nonpad_kv_seqlen (from version 24)
void attention(Call& call) {
  const bool flat = call.in(0).rank() == 3;
  const std::int64_t q_heads = flat ? call.integer("q_num_heads") : 0;
  const std::int64_t kv_heads = flat ? call.integer("kv_num_heads") : 0;
  const Array q = heads_of(call.in(0), q_heads);
  Array k = heads_of(call.in(1), kv_heads);
  Array v = heads_of(call.in(2), kv_heads);
  const std::int64_t past = call.has(4) ? call.in(4).dim(2) : 0;
  if (call.has(4)) {
    k = concatenated({call.in(4), k}, 2);
  }
  if (call.has(5)) {
    v = concatenated({call.in(5), v}, 2);
  }
  Array bias;
  if (call.has(3)) {
    bias = mask_bias(call.in(3), k.dim(2));
  }
  std::vector<std::int64_t> before{past};
  if (call.has(6)) {  // keys beyond a sequence's own are padding
    const std::vector<std::int64_t> lengths = call.ints_in(6);
    Array padding(DType::kFloat, {static_cast<std::int64_t>(lengths.size()), 1, 1, k.dim(2)});
    for (std::size_t i = 0; i < static_cast<std::size_t>(padding.size()); ++i) {
      const auto keys = static_cast<std::size_t>(k.dim(2));
      padding.write<float>()[i] =
          static_cast<std::int64_t>(i % keys) < lengths[i / keys] ? 0.0F : kHidden;
    }
    bias = added(bias, padding);
    if (!call.has(4)) {
      before = lengths;
      for (std::int64_t& length : before) {
        length -= q.dim(2);
      }
    }
  }
  if (call.integer("is_causal", 0) != 0) {
    bias = added(bias, causal_bias(before, q.dim(2), k.dim(2), 0));
  }
  AttentionSettings settings;
  settings.scale = call.number("scale", 0.0);
  settings.soft_cap = call.number("softcap", 0.0);
  if (call.wants(3)) {
    using Keep = AttentionSettings::Keep;
    static constexpr Keep kModes[] = {Keep::kProducts, Keep::kCapped, Keep::kMasked,
                                      Keep::kWeights};
    const std::int64_t mode = call.integer("qk_matmul_output_mode", 0);
    expect(mode >= 0 && mode < 4, fmt::format("qk_matmul_output_mode {}", mode), "0 to 3");
    settings.keep = kModes[mode];
  }
  const Attended result = attend(q, k, v, bias, settings);
  call.set(0, flat ? join_heads(result.y) : result.y);
  call.set(1, k);
  call.set(2, v);
  call.set(3, result.scores.defined() ? Value(result.scores) : Value());
}

// x, cos_cache, sin_cache, position_ids
void rotary_embedding(Call& call) {
  const bool flat = call.in(0).rank() == 3;
  const Array x = heads_of(call.in(0), flat ? call.integer("num_heads") : 0);
  Array cos = call.in(1);
  Array sin = call.in(2);
  std::vector<std::int64_t> positions;
  if (call.has(3)) {
    positions = call.ints_in(3);
  } else {  // caches hold a row per token then
    cos = cos.reshaped({cos.dim(0) * cos.dim(1), cos.dim(2)});
    sin = sin.reshaped(cos.shape());
    positions.resize(static_cast<std::size_t>(x.dim(0) * x.dim(2)));
    std::iota(positions.begin(), positions.end(), 0);
  }
  Rotation rotation;
  rotation.interleaved = call.integer("interleaved", 0) != 0;
  rotation.rotary = call.integer("rotary_embedding_dim", 0);
  const Array y = rotated(x, cos, sin, positions, rotation);
  call.set(0, flat ? join_heads(y) : y);
}

constexpr KernelRow kRows[] = {
    {"", "Attention", 23, kNewestOpset, attention, Narrow::kWiden},
    {"", "RotaryEmbedding", 23, kNewestOpset, rotary_embedding, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> attention_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

// Attention as Microsoft's operator set has it, which optimised exports use.
//
// Models:     Attention, MultiHeadAttention, GroupQueryAttention, RotaryEmbedding, with masks as
//             lengths or arrays, past states, local windows.
// Leaves out: smooth softmax and sinks, buffers shared between past and present in Attention, beam
// indices.
#include "models/kernels/onnx_attention.hpp"
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

// What a mask adds: [batch] lengths, [2 batch] ends and starts, or 0/1 per key in any broadcast
// form.
Array mask_bias(const Array& mask, std::int64_t batch, std::int64_t queries, std::int64_t keys,
                double hidden) {
  const Array whole = cast(mask, DType::kInt64);
  const auto values = whole.read<std::int64_t>();
  Array bias(DType::kFloat, {batch, 1, 1, keys});
  const auto out = bias.write<float>();
  const auto off = static_cast<float>(hidden);
  if (mask.rank() == 1) {
    expect(mask.size() == batch || mask.size() == 2 * batch, to_string(mask.shape()),
           "an end, or an end and a start, per sequence");
    for (std::int64_t b = 0; b < batch; ++b) {
      const std::int64_t end = values[static_cast<std::size_t>(b)];
      const std::int64_t start =
          mask.size() == batch ? 0 : values[static_cast<std::size_t>(batch + b)];
      for (std::int64_t j = 0; j < keys; ++j) {
        out[static_cast<std::size_t>(b * keys + j)] = j >= start && j < end ? 0.0F : off;
      }
    }
    return bias;
  }
  Array seen = whole;
  if (mask.rank() == 2) {
    seen = whole.reshaped({mask.dim(0), 1, 1, mask.dim(1)});
  } else if (mask.rank() == 3) {
    seen = whole.reshaped({mask.dim(0), 1, mask.dim(1), mask.dim(2)});
  } else if (mask.rank() == 4 && (mask.dim(2) > queries || mask.dim(3) > keys)) {
    // The largest mask there is: rows of the queries, columns of the keys.
    seen = sliced(sliced(whole, 2, keys - queries, 1, queries), 3, 0, 1, keys);
  }
  return map<std::int64_t, float>(seen, DType::kFloat,
                                  [&](std::int64_t v) { return v != 0 ? 0.0F : off; });
}

Array float_bias(const Call& call, std::size_t i) {
  return call.has(i) ? cast(call.in(i), DType::kFloat) : Array();
}

// One of the parts of [batch, tokens, a + b + c] along the last axis.
Array columns(const Array& x, std::int64_t first, std::int64_t count) {
  return sliced(x, x.rank() - 1, first, 1, count);
}

Array with_bias(const Array& x, const Array& bias) { return added(x, bias); }

// The tail of Attention once input and weights have been multiplied.
void attend_merged(Call& call, const Array& projected, const Array* mask, const Array* past,
                   const Array& bias_in) {
  const std::int64_t heads = call.integer("num_heads");
  std::vector<std::int64_t> sizes = call.integers("qkv_hidden_sizes");
  const std::int64_t width = projected.dim(2);
  if (sizes.empty()) {
    sizes.assign(3, width / 3);
  }
  expect(sizes.size() == 3 && sizes[0] + sizes[1] + sizes[2] == width,
         fmt::format("sizes {}", to_string(sizes)), fmt::format("three that sum to {}", width));
  expect(call.integer("past_present_share_buffer", 0) == 0, "past_present_share_buffer 1", "0");
  const Array q = split_heads(columns(projected, 0, sizes[0]), heads);
  Array k = split_heads(columns(projected, sizes[0], sizes[1]), heads);
  Array v = split_heads(columns(projected, sizes[0] + sizes[1], sizes[2]), heads);
  std::int64_t before = 0;
  if (past != nullptr) {
    expect(past->rank() == 5 && past->dim(0) == 2, to_string(past->shape()),
           "[2,batch,heads,past,size]");
    before = past->dim(3);
    k = concatenated({squeezed(sliced(*past, 0, 0, 1, 1), 0), k}, 2);
    v = concatenated({squeezed(sliced(*past, 0, 1, 1, 1), 0), v}, 2);
  }
  Array bias = bias_in;
  if (mask != nullptr) {
    bias = added(bias, mask_bias(*mask, q.dim(0), q.dim(2), k.dim(2),
                                 call.number("mask_filter_value", -10000.0)));
  }
  if (call.integer("unidirectional", 0) != 0) {
    bias = added(bias, causal_bias({before}, q.dim(2), k.dim(2), 0));
  }
  expect(call.integer("do_rotary", 0) == 0, "do_rotary 1", "0");
  AttentionSettings settings;
  settings.scale = call.number("scale", 0.0);
  call.set(0, join_heads(attend(q, k, v, bias, settings).y));
  if (call.wants(1)) {
    call.set(1, concatenated({unsqueezed(k, 0), unsqueezed(v, 0)}, 0));
  }
}

// input, weights, bias, mask_index, past, attention_bias
void attention(Call& call) {
  const Array& x = call.in(0);
  expect(x.rank() == 3, to_string(x.shape()), "[batch,tokens,size]");
  const Array projected = with_bias(matmul(x, call.in(1)), float_bias(call, 2));
  attend_merged(call, projected, call.maybe(3), call.maybe(4), float_bias(call, 5));
}

// input, weights, bias, scales of both, mask_index, zero points of both, past
void quantised_attention(Call& call) {
  const auto real = [&](std::size_t codes, std::size_t scale, std::size_t zero) {
    const Array offset =
        call.has(zero) ? cast(call.in(zero), DType::kFloat) : Array(DType::kFloat, {});
    const auto flat = [](const Array& a) { return a.size() == 1 ? a.reshaped({}) : a; };
    const Array centred =
        zip<float, float, float>(cast(call.in(codes), DType::kFloat), flat(offset), DType::kFloat,
                                 [](float v, float z) { return v - z; });
    return zip<float, float, float>(centred, flat(call.in(scale)), DType::kFloat,
                                    [](float v, float s) { return v * s; });
  };
  const Array projected = with_bias(matmul(real(0, 3, 6), real(1, 4, 7)), float_bias(call, 2));
  attend_merged(call, projected, call.maybe(5), call.maybe(8), Array());
}

// query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value
void multi_head_attention(Call& call) {
  const std::int64_t heads = call.integer("num_heads");
  Array query = call.in(0);
  Array key = call.has(1) ? call.in(1) : Array();
  Array value = call.has(2) ? call.in(2) : Array();
  if (query.rank() == 5) {  // [batch, tokens, heads, 3, size]
    const auto one = [&](std::int64_t i) {
      const Array part = squeezed(sliced(query, 3, i, 1, 1), 3);
      return part.reshaped({part.dim(0), part.dim(1), part.dim(2) * part.dim(3)});
    };
    key = one(1);
    value = one(2);
    query = one(0);
  } else if (key.defined() && key.rank() == 5) {  // [batch, tokens, heads, 2, size]
    const Array both = key;
    const auto one = [&](std::int64_t i) {
      const Array part = squeezed(sliced(both, 3, i, 1, 1), 3);
      return part.reshaped({part.dim(0), part.dim(1), part.dim(2) * part.dim(3)});
    };
    key = one(0);
    value = one(1);
  }
  expect(query.rank() == 3 && key.defined() && value.defined(), to_string(query.shape()),
         "a query, a key and a value");
  if (call.has(3)) {
    const Array bias = call.in(3);
    const std::int64_t width = query.dim(2);
    query = with_bias(query, columns(bias, 0, width));
    if (key.rank() == 3) {
      key = with_bias(key, columns(bias, width, width));
      value = with_bias(value, columns(bias, 2 * width, value.dim(2)));
    }
  }
  const Array q = split_heads(query, heads);
  Array k = key.rank() == 4 ? key : split_heads(key, heads);
  Array v = value.rank() == 4 ? value : split_heads(value, heads);
  std::int64_t before = 0;
  if (call.has(6) && call.has(7)) {
    before = call.in(6).dim(2);
    k = concatenated({call.in(6), k}, 2);
    v = concatenated({call.in(7), v}, 2);
  }
  Array bias = float_bias(call, 5);
  if (call.has(4)) {
    bias = added(bias, mask_bias(call.in(4), q.dim(0), q.dim(2), k.dim(2),
                                 call.number("mask_filter_value", -10000.0)));
  }
  if (call.integer("unidirectional", 0) != 0) {
    bias = added(bias, causal_bias({before}, q.dim(2), k.dim(2), 0));
  }
  AttentionSettings settings;
  settings.scale = call.number("scale", 0.0);
  call.set(0, join_heads(attend(q, k, v, bias, settings).y));
  call.set(1, k);
  call.set(2, v);
}

// Lays new rows into a cache that may be longer than what is known: [batch, heads, tokens, size].
Array appended(const Array* past, const Array& fresh, const std::vector<std::int64_t>& before,
               std::int64_t total) {
  const std::int64_t room = past == nullptr ? 0 : past->dim(2);
  Array cache(DType::kFloat, {fresh.dim(0), fresh.dim(1), std::max(room, total), fresh.dim(3)});
  const std::int64_t size = fresh.dim(3);
  const std::int64_t tokens = fresh.dim(2);
  for (std::int64_t bh = 0; bh < fresh.dim(0) * fresh.dim(1); ++bh) {
    const std::int64_t known = before[static_cast<std::size_t>(bh / fresh.dim(1))];
    expect(known >= 0 && known <= room && known + tokens <= cache.dim(2),
           fmt::format("{} past positions", known), fmt::format("0 to {}", room));
    const auto to = cache.write<float>().begin() + bh * cache.dim(2) * size;
    if (known > 0) {
      std::copy_n(past->read<float>().begin() + bh * room * size, known * size, to);
    }
    std::copy_n(fresh.read<float>().begin() + bh * tokens * size, tokens * size, to + known * size);
  }
  return cache;
}

// query, key, value, past_key, past_value, seqlens_k, total_sequence_length, cos_cache, sin_cache,
// position_ids, attention_bias, head_sink
void group_query_attention(Call& call) {
  const std::int64_t heads = call.integer("num_heads");
  const std::int64_t kv_heads = call.integer("kv_num_heads");
  expect(heads > 0 && kv_heads > 0 && heads % kv_heads == 0,
         fmt::format("{} heads on {}", heads, kv_heads), "a multiple");
  expect(!call.has(11) && call.integer("smooth_softmax", 0) == 0, "a softmax with a sink", "none");
  Array query = call.in(0);
  Array key = call.has(1) ? call.in(1) : Array();
  Array value = call.has(2) ? call.in(2) : Array();
  if (!key.defined()) {
    const std::int64_t size = query.dim(2) / (heads + 2 * kv_heads);
    key = columns(query, heads * size, kv_heads * size);
    value = columns(query, (heads + kv_heads) * size, kv_heads * size);
    query = columns(query, 0, heads * size);
  }
  Array q = split_heads(query, heads);
  Array k = split_heads(key, kv_heads);
  const Array v = split_heads(value, kv_heads);
  const std::int64_t tokens = q.dim(2);
  const std::int64_t total = call.int_in(6);
  std::vector<std::int64_t> before = call.ints_in(5);
  expect(static_cast<std::int64_t>(before.size()) == q.dim(0),
         fmt::format("{} lengths", before.size()), fmt::format("{}", q.dim(0)));
  for (std::int64_t& length : before) {  // lengths are given less one; a first prompt may be padded
    length = tokens == total ? 0 : length + 1 - tokens;
  }
  if (call.integer("do_rotary", 0) != 0) {
    std::vector<std::int64_t> positions;
    if (call.has(9)) {
      positions = call.ints_in(9);
    } else {
      for (const std::int64_t known : before) {
        for (std::int64_t t = 0; t < tokens; ++t) {
          positions.push_back(known + t);
        }
      }
    }
    Rotation rotation;
    rotation.interleaved = call.integer("rotary_interleaved", 0) != 0;
    rotation.rotary = 2 * call.in(7).dim(1);
    q = rotated(q, call.in(7), call.in(8), positions, rotation);
    k = rotated(k, call.in(7), call.in(8), positions, rotation);
  }
  const Array keys = appended(call.maybe(3), k, before, total);
  const Array values = appended(call.maybe(4), v, before, total);
  const std::int64_t window = std::max<std::int64_t>(0, call.integer("local_window_size", -1));
  const Array seen_keys = sliced(keys, 2, 0, 1, total);
  const Array seen_values = sliced(values, 2, 0, 1, total);
  const Array bias = added(float_bias(call, 10), causal_bias(before, tokens, total, window));
  AttentionSettings settings;
  settings.scale = call.number("scale", 0.0);
  settings.soft_cap = call.number("softcap", 0.0);
  call.set(0, join_heads(attend(q, seen_keys, seen_values, bias, settings).y));
  call.set(1, keys);
  call.set(2, values);
}

// x, position_ids (one offset, or one per token), cos_cache, sin_cache
void rotary_embedding(Call& call) {
  const bool flat = call.in(0).rank() == 3;
  const std::int64_t rotary = call.integer("rotary_embedding_dim", 0);
  const std::int64_t head = 2 * call.in(2).dim(1);
  std::int64_t heads = call.integer("num_heads", 0);
  if (flat && heads == 0) {
    heads = call.in(0).dim(2) / head;
  }
  const Array x = flat ? split_heads(call.in(0), heads) : call.in(0);
  std::vector<std::int64_t> positions = call.ints_in(1);
  if (positions.size() == 1 && x.dim(0) * x.dim(2) > 1) {
    const std::int64_t first = positions[0];
    positions.clear();
    for (std::int64_t i = 0; i < x.dim(0) * x.dim(2); ++i) {
      positions.push_back(first + i % x.dim(2));
    }
  }
  Rotation rotation;
  rotation.interleaved = call.integer("interleaved", 0) != 0;
  rotation.rotary = rotary > 0 ? rotary : head;
  rotation.scale = call.number("scale", 1.0);
  const Array y = rotated(x, call.in(2), call.in(3), positions, rotation);
  call.set(0, flat ? join_heads(y) : y);
}

constexpr KernelRow kRows[] = {
    {"com.microsoft", "Attention", 1, 1, attention, Narrow::kWiden},
    {"com.microsoft", "QAttention", 1, 1, quantised_attention, Narrow::kWiden},
    {"com.microsoft", "MultiHeadAttention", 1, 1, multi_head_attention, Narrow::kWiden},
    {"com.microsoft", "GroupQueryAttention", 1, 1, group_query_attention, Narrow::kWiden},
    {"com.microsoft", "RotaryEmbedding", 1, 1, rotary_embedding, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> microsoft_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

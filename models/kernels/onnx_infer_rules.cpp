// Shapes of the operators that are too heavy to be tried on zeros, and of the most common ones.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_infer.hpp"

#include <fmt/format.h>

#include <numeric>
#include <set>

namespace joulesim::models::onnx {
namespace {

struct Request {
  const Node& node;
  std::int64_t opset;
  const std::vector<const Known*>& inputs;
  std::vector<Known>& outputs;

  [[nodiscard]] const Known& in(std::size_t i) const {
    expect(i < inputs.size() && inputs[i] != nullptr, fmt::format("no input {}", i), "one");
    return *inputs[i];
  }
  [[nodiscard]] bool has(std::size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  void set(std::size_t i, DType type, Dims shape) const {
    if (i < outputs.size()) {
      outputs[i].type = type;
      outputs[i].shape = std::move(shape);
    }
  }
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t absent) const {
    const Attribute* attribute = node.attribute(name);
    return attribute == nullptr ? absent : attribute->i;
  }
};

void like_first(const Request& r) { r.set(0, r.in(0).type, r.in(0).shape); }

void broadcast(const Request& r) {
  static const std::set<std::string> truths{"Equal",          "Less", "Greater", "LessOrEqual",
                                            "GreaterOrEqual", "And",  "Or",      "Xor"};
  std::vector<Dims> shapes;
  for (std::size_t i = 0; i < r.inputs.size(); ++i) {
    shapes.push_back(r.in(i).shape);
  }
  const DType type = truths.contains(r.node.op_type) ? DType::kBool
                     : r.node.op_type == "Where"     ? r.in(1).type
                                                     : r.in(0).type;
  r.set(0, type, broadcast_shape(shapes));
}

Dims product_shape(Dims a, Dims b) {
  expect(!a.empty() && !b.empty(), "a scalar operand", "an array");
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) {
    a.insert(a.begin(), 1);
  }
  if (column) {
    b.push_back(1);
  }
  expect(a.back() == b[b.size() - 2], fmt::format("{} times {}", to_string(a), to_string(b)),
         "equal inner sizes");
  Dims shape = broadcast_shape({Dims(a.begin(), a.end() - 2), Dims(b.begin(), b.end() - 2)});
  if (!row) {
    shape.push_back(a[a.size() - 2]);
  }
  if (!column) {
    shape.push_back(b.back());
  }
  return shape;
}

void matmul(const Request& r) {
  Dims a = r.in(0).shape;
  Dims b = r.in(r.node.op_type == "QLinearMatMul" ? 3 : 1).shape;
  if (r.integer("transA", 0) != 0 && a.size() > 1) {
    std::swap(a[a.size() - 1], a[a.size() - 2]);
  }
  if (r.integer("transB", 0) != 0 && b.size() > 1) {
    std::swap(b[b.size() - 1], b[b.size() - 2]);
  }
  DType type = r.in(0).type;
  if (r.node.op_type == "MatMulInteger") {
    type = DType::kInt32;
  } else if (r.node.op_type == "MatMulIntegerToFloat") {
    type = r.in(2).type;
  } else if (r.node.op_type == "QLinearMatMul") {
    type = r.in(7).type;
  }
  r.set(0, type, product_shape(std::move(a), std::move(b)));
}

void few_bits(const Request& r) {
  Dims shape = r.in(0).shape;
  expect(!shape.empty() && shape.back() == r.integer("K", -1), to_string(shape),
         fmt::format("{} columns", r.integer("K", -1)));
  shape.back() = r.integer("N", 0);
  r.set(0, r.in(0).type, shape);
}

void transpose(const Request& r) {
  const Dims& in = r.in(0).shape;
  std::vector<std::int64_t> axes(in.size());
  std::iota(axes.rbegin(), axes.rend(), 0);
  if (const Attribute* written = r.node.attribute("perm")) {
    axes = axes_of(written->ints, static_cast<std::int64_t>(in.size()));
    expect(axes.size() == in.size(), to_string(axes), fmt::format("{} axes", in.size()));
  }
  Dims shape;
  for (const std::int64_t axis : axes) {
    shape.push_back(in[static_cast<std::size_t>(axis)]);
  }
  r.set(0, r.in(0).type, shape);
}

void cast_type(const Request& r) {
  const auto type = dtype_of_code(r.integer("to", 0));
  expect(type.has_value(), "an unknown type", "one of ONNX's");
  r.set(0, *type, r.in(0).shape);
}

void concat(const Request& r) {
  Dims shape = r.in(0).shape;
  const std::int64_t axis = axis_of(r.integer("axis", 1), static_cast<std::int64_t>(shape.size()));
  for (std::size_t i = 1; i < r.inputs.size(); ++i) {
    expect(r.in(i).shape.size() == shape.size(), to_string(r.in(i).shape), "the same rank");
    shape[static_cast<std::size_t>(axis)] += r.in(i).shape[static_cast<std::size_t>(axis)];
  }
  r.set(0, r.in(0).type, shape);
}

void gather(const Request& r) {
  const Dims& table = r.in(0).shape;
  const std::int64_t axis = axis_of(r.integer("axis", 0), static_cast<std::int64_t>(table.size()));
  Dims shape(table.begin(), table.begin() + axis);
  shape.insert(shape.end(), r.in(1).shape.begin(), r.in(1).shape.end());
  shape.insert(shape.end(), table.begin() + axis + 1, table.end());
  r.set(0, r.in(0).type, shape);
}

void layer_norm(const Request& r) {
  like_first(r);
  const Dims& in = r.in(0).shape;
  const std::int64_t axis = axis_of(r.integer("axis", -1), static_cast<std::int64_t>(in.size()));
  Dims statistics = in;
  std::fill(statistics.begin() + axis, statistics.end(), 1);
  r.set(1, DType::kFloat, statistics);
  r.set(2, DType::kFloat, statistics);
}

void skip_norm(const Request& r) {
  layer_norm(r);
  r.set(3, r.in(0).type, r.in(0).shape);
}

void dynamic_quantize(const Request& r) {
  r.set(0, DType::kUint8, r.in(0).shape);
  r.set(1, DType::kFloat, {});
  r.set(2, DType::kUint8, {});
}

void quantize(const Request& r) {
  const auto type = dtype_of_code(r.integer("output_dtype", 2));
  r.set(0, r.has(2) ? r.in(2).type : type.value_or(DType::kUint8), r.in(0).shape);
}

void dequantize(const Request& r) { r.set(0, r.in(1).type, r.in(0).shape); }

std::int64_t attention_past(const Request& r, std::size_t i, std::size_t axis) {
  return r.has(i) && r.in(i).shape.size() > axis ? r.in(i).shape[axis] : 0;
}

// [batch, tokens, heads * size] or [batch, heads, tokens, size] as the latter.
Dims heads_shape(const Dims& x, std::int64_t heads) {
  if (x.size() == 4) {
    return x;
  }
  expect(x.size() == 3 && heads > 0 && x[2] % heads == 0, to_string(x), "heads side by side");
  return {x[0], heads, x[1], x[2] / heads};
}

void attention(const Request& r) {
  const Dims& q_in = r.in(0).shape;
  const Dims q = heads_shape(q_in, r.integer("q_num_heads", 0));
  Dims k = heads_shape(r.in(1).shape, r.integer("kv_num_heads", 0));
  Dims v = heads_shape(r.in(2).shape, r.integer("kv_num_heads", 0));
  k[2] += attention_past(r, 4, 2);
  v[2] += attention_past(r, 5, 2);
  r.set(0, r.in(0).type,
        q_in.size() == 3 ? Dims{q[0], q[2], q[1] * v[3]} : Dims{q[0], q[1], q[2], v[3]});
  r.set(1, r.in(0).type, k);
  r.set(2, r.in(0).type, v);
  r.set(3, r.in(0).type, {q[0], q[1], q[2], k[2]});
}

void multi_head_attention(const Request& r) {
  const Dims& q = r.in(0).shape;
  expect(q.size() == 3 && r.has(1) && r.has(2), "packed inputs", "query, key and value apart");
  const std::int64_t heads = r.integer("num_heads", 1);
  Dims k = heads_shape(r.in(1).shape, heads);
  Dims v = heads_shape(r.in(2).shape, heads);
  k[2] += attention_past(r, 6, 2);
  v[2] += attention_past(r, 7, 2);
  r.set(0, r.in(0).type, {q[0], q[1], heads * v[3]});
  r.set(1, r.in(0).type, k);
  r.set(2, r.in(0).type, v);
}

void group_query_attention(const Request& r) {
  const Dims& q = r.in(0).shape;
  const std::int64_t heads = r.integer("num_heads", 1);
  const std::int64_t kv_heads = r.integer("kv_num_heads", 1);
  expect(q.size() == 3, to_string(q), "[batch,tokens,size]");
  const std::int64_t size = r.has(1) ? q[2] / heads : q[2] / (heads + 2 * kv_heads);
  const std::int64_t past = attention_past(r, 3, 2);
  r.set(0, r.in(0).type, {q[0], q[1], heads * size});
  r.set(1, r.in(0).type, {q[0], kv_heads, past + q[1], size});
  r.set(2, r.in(0).type, {q[0], kv_heads, past + q[1], size});
}

void merged_attention(const Request& r) {
  const Dims& x = r.in(0).shape;
  const Dims& w = r.in(1).shape;
  expect(x.size() == 3 && w.size() == 2, to_string(x), "[batch,tokens,size]");
  const std::int64_t heads = r.integer("num_heads", 1);
  const std::int64_t width = w[1] / 3;
  r.set(0, r.in(0).type, {x[0], x[1], width});
  r.set(1, r.in(0).type, {2, x[0], heads, attention_past(r, 4, 3) + x[1], width / heads});
}

using Rule = void (*)(const Request&);

const std::map<std::string, Rule>& rules() {
  static const std::map<std::string, Rule> table = [] {
    std::map<std::string, Rule> made;
    for (const char* op : {"Relu",
                           "LeakyRelu",
                           "Elu",
                           "Celu",
                           "Selu",
                           "Gelu",
                           "FastGelu",
                           "QuickGelu",
                           "BiasGelu",
                           "HardSigmoid",
                           "HardSwish",
                           "Mish",
                           "Sigmoid",
                           "Softplus",
                           "Softsign",
                           "Tanh",
                           "Exp",
                           "Log",
                           "Sqrt",
                           "Reciprocal",
                           "Erf",
                           "Ceil",
                           "Floor",
                           "Round",
                           "Neg",
                           "Abs",
                           "Sign",
                           "Sin",
                           "Cos",
                           "Not",
                           "Softmax",
                           "LogSoftmax",
                           "Identity",
                           "Clip",
                           "Trilu",
                           "CumSum",
                           "Dropout",
                           "RotaryEmbedding",
                           "BatchNormalization",
                           "InstanceNormalization",
                           "GroupNormalization",
                           "Swish"}) {
      made[op] = like_first;
    }
    for (const char* op : {"Add",   "Sub",  "Mul",     "Div",         "Mod",
                           "Pow",   "Sum",  "Min",     "Max",         "Mean",
                           "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual",
                           "And",   "Or",   "Xor",     "Where",       "PRelu"}) {
      made[op] = broadcast;
    }
    for (const char* op :
         {"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "FusedMatMul", "TransposeMatMul",
          "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "FusedGemm"}) {
      made[op] = matmul;
    }
    for (const char* op :
         {"LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization"}) {
      made[op] = layer_norm;
    }
    for (const char* op : {"SkipLayerNormalization", "SkipSimplifiedLayerNormalization"}) {
      made[op] = skip_norm;
    }
    made["MatMulNBits"] = few_bits;
    made["Transpose"] = transpose;
    made["Cast"] = cast_type;
    made["Concat"] = concat;
    made["Gather"] = gather;
    made["DynamicQuantizeLinear"] = dynamic_quantize;
    made["QuantizeLinear"] = quantize;
    made["DequantizeLinear"] = dequantize;
    made["MultiHeadAttention"] = multi_head_attention;
    made["GroupQueryAttention"] = group_query_attention;
    return made;
  }();
  return table;
}

}  // namespace

bool infer_by_rule(const Node& node, std::int64_t opset, const std::vector<const Known*>& inputs,
                   std::vector<Known>& outputs) {
  const Request request{node, opset, inputs, outputs};
  if (node.op_type == "Attention") {
    (node.domain.empty() ? attention : merged_attention)(request);
    return true;
  }
  const auto rule = rules().find(node.op_type);
  if (rule == rules().end() || (opset < 7 && node.domain.empty())) {
    return false;  // old versions broadcast and pad in ways of their own
  }
  rule->second(request);
  return true;
}

}  // namespace joulesim::models::onnx

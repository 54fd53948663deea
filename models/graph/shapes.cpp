#include "models/graph/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

namespace joulesim::models {
namespace {

// Collects the first thing that does not fit; later checks still run but are not reported.
class Checker {
 public:
  void expect(bool condition, const std::string& found, const std::string& expected) {
    if (!condition && fault_.empty()) {
      fault_ = fmt::format("found {}; expected {}", found, expected);
    }
  }
  [[nodiscard]] std::string fault() const { return fault_; }

 private:
  std::string fault_;
};

struct Arity {
  std::size_t least;
  std::size_t most;
};

Arity arity_of(OpKind kind) {
  switch (kind) {
    case OpKind::kActivation:
    case OpKind::kSoftmax:
    case OpKind::kSelectLast:
    case OpKind::kSelectFirst:
    case OpKind::kScale:
    case OpKind::kSlice:
    case OpKind::kTokenShift:
      return {1, 1};
    case OpKind::kRope:
    case OpKind::kTopK:
    case OpKind::kKvAppend:
      return {1, 2};
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
      return {1, 3};
    case OpKind::kEmbedding:
    case OpKind::kPositionEmbedding:
    case OpKind::kAdd:
    case OpKind::kGatedActivation:
    case OpKind::kExpertSum:
    case OpKind::kConcat:
    case OpKind::kHeadMatmul:
      return {2, 2};
    case OpKind::kMatmul:
    case OpKind::kConvolution:
    case OpKind::kCausalConvolution:
      return {2, 3};
    case OpKind::kAttention:
    case OpKind::kExpertMatmul:
    case OpKind::kGeneric:
      return {1, 4096};
    case OpKind::kInterpolate:
      return {3, 4};
    case OpKind::kWkv:
      return {4, 4};
    case OpKind::kLinearAttention:
      return {5, 5};
    case OpKind::kSelectiveScan:
      return {6, 6};
    case OpKind::kFused:
      return {1, std::numeric_limits<std::size_t>::max()};
  }
  return {0, 0};
}

std::string columns_text(std::int64_t columns) { return fmt::format("{} columns", columns); }

// A gain or bias serves every group alike, or has an element for each column of the row.
Shape norm_shape(const Op& op, std::span<const Shape> in, Checker& check) {
  const std::int64_t width = op.attributes.group > 0 ? op.attributes.group : in[0].columns;
  check.expect(width > 0 && in[0].columns % width == 0, columns_text(in[0].columns),
               fmt::format("a multiple of the group of {}", width));
  for (std::size_t i = 1; i < in.size(); ++i) {
    check.expect(in[i] == Shape{1, width} || in[i] == Shape{1, in[0].columns},
                 "a gain or bias of " + to_string(in[i]), to_string(Shape{1, width}));
  }
  check.expect(op.attributes.epsilon > 0.0, "no epsilon", "a positive epsilon");
  return in[0];
}

Shape matmul_shape(std::span<const Shape> in, Checker& check) {
  check.expect(in[0].columns == in[1].columns, columns_text(in[0].columns),
               columns_text(in[1].columns) + ", as the weight has");
  if (in.size() == 3) {
    check.expect(in[2] == Shape{1, in[1].rows}, "a bias of " + to_string(in[2]),
                 to_string(Shape{1, in[1].rows}));
  }
  return {in[0].rows, in[1].rows};
}

Shape attention_shape(const Op& op, std::span<const Shape> in, Checker& check) {
  const Attributes& a = op.attributes;
  check.expect(a.kv_heads > 0 && a.heads % a.kv_heads == 0, fmt::format("{} heads", a.heads),
               fmt::format("a multiple of {} key-value heads", a.kv_heads));
  const std::int64_t value = a.value_dim > 0 ? a.value_dim : a.head_dim;
  const Shape query{a.batch * a.new_tokens, a.heads * a.head_dim};
  const Shape cache{a.batch * attended_positions(a), a.kv_heads * a.head_dim};
  check.expect(in[0] == query, "a query of " + to_string(in[0]), to_string(query));
  check.expect(in[1] == cache, "a key cache of " + to_string(in[1]), to_string(cache));
  check.expect(in[2].rows == cache.rows && in[2].columns >= a.kv_heads * value &&
                   (a.kv_heads < 1 || in[2].columns % a.kv_heads == 0),
               "a value cache of " + to_string(in[2]),
               to_string(Shape{cache.rows, a.kv_heads * value}));
  if (in.size() == 4) {
    const Shape bias{a.relative_buckets, a.heads};
    check.expect(in[3] == bias && a.relative_buckets > 0, "a bias of " + to_string(in[3]),
                 to_string(bias));
  }
  return {query.rows, a.heads * value};
}

Shape expert_matmul_shape(const Op& op, std::span<const Shape> in, Checker& check) {
  const Attributes& a = op.attributes;
  check.expect(a.experts > 0 && in[1].rows % a.experts == 0,
               fmt::format("{} weight rows", in[1].rows),
               fmt::format("a multiple of {} experts", a.experts));
  check.expect(in[0].columns == in[1].columns, columns_text(in[0].columns),
               columns_text(in[1].columns) + ", as the weight has");
  const std::int64_t chosen = in[2].rows * a.active_experts;
  check.expect(in[0].rows == in[2].rows || in[0].rows == chosen, fmt::format("{} rows", in[0].rows),
               fmt::format("{} (tokens) or {} (chosen experts)", in[2].rows, chosen));
  const std::int64_t out = a.experts > 0 ? in[1].rows / a.experts : 0;
  if (in.size() == 4) {
    check.expect(in[3] == Shape{a.experts, out}, "a bias of " + to_string(in[3]),
                 to_string(Shape{a.experts, out}));
  }
  return {chosen, out};
}

// Rows of a convolution along sequences of `length`; 0 when the kernel does not fit.
std::int64_t convolved(const Attributes& a, std::int64_t length) {
  const std::int64_t room = length + 2 * a.padding - a.kernel;
  return a.stride > 0 && a.kernel > 0 && room >= 0 ? room / a.stride + 1 : 0;
}

// Pixels of a convolved image; 0 when the kernel does not fit it.
std::int64_t convolved_image(const Attributes& a) {
  const bool borders = a.padding > 0;
  return a.stride > 0 && a.kernel > 0 && a.kernel_width > 0
             ? image_side(a.image, a.kernel, a.stride, borders) *
                   image_side(a.image, a.kernel_width, a.stride, borders)
             : 0;
}

Shape convolution_shape(const Op& op, std::span<const Shape> in, Checker& check) {
  const Attributes& a = op.attributes;
  const std::int64_t taps = a.image > 0 ? a.kernel * a.kernel_width : a.kernel;
  check.expect(in[1].columns == in[0].columns * taps, columns_text(in[1].columns),
               fmt::format("{} taps of {}", taps, columns_text(in[0].columns)));
  if (a.image > 0) {
    check.expect(in[0].rows == a.batch * a.image * a.image, fmt::format("{} rows", in[0].rows),
                 fmt::format("{} images of {} by {}", a.batch, a.image, a.image));
  }
  const std::int64_t out =
      a.image > 0 ? convolved_image(a) : convolved(a, a.batch > 0 ? in[0].rows / a.batch : 0);
  check.expect(out > 0, fmt::format("{} rows", in[0].rows), "as many as the kernel spans");
  if (in.size() == 3) {
    check.expect(in[2] == Shape{1, in[1].rows}, "a bias of " + to_string(in[2]),
                 to_string(Shape{1, in[1].rows}));
  }
  return {a.batch * out, in[1].rows};
}

void expect_shape(Checker& check, Shape found, Shape expected, const char* what) {
  check.expect(found == expected, fmt::format("{} of {}", what, to_string(found)),
               to_string(expected));
}

// Outputs and state of the recurrent operators; every token of a sequence follows the one before.
std::vector<Shape> recurrent_shapes(const Op& op, std::span<const Shape> in, Checker& check) {
  const Attributes& a = op.attributes;
  const std::int64_t rows = in[0].rows;
  const std::int64_t columns = in[0].columns;
  check.expect(rows == a.batch * a.new_tokens, fmt::format("{} rows", rows),
               fmt::format("{}", a.batch * a.new_tokens));
  switch (op.kind) {
    case OpKind::kTokenShift:
      return {in[0], {a.batch, columns}};
    case OpKind::kCausalConvolution:
      check.expect(a.kernel > 0, "no kernel", "a positive one");
      expect_shape(check, in[1], {columns, a.kernel}, "a weight");
      if (in.size() == 3) {
        expect_shape(check, in[2], {1, columns}, "a bias");
      }
      return {in[0], {a.batch, (a.kernel - 1) * columns}};
    case OpKind::kWkv:
      expect_shape(check, in[1], in[0], "a value");
      expect_shape(check, in[2], {1, columns}, "a decay");
      expect_shape(check, in[3], {1, columns}, "a bonus");
      return {in[0], {a.batch, 3 * columns}};
    case OpKind::kLinearAttention: {
      const Shape keys{rows, a.heads * a.head_dim};
      expect_shape(check, in[0], keys, "a receptance");
      expect_shape(check, in[1], keys, "a key");
      expect_shape(check, in[2], {rows, a.heads * a.value_dim}, "a value");
      check.expect(in[3] == keys || in[3] == Shape{1, keys.columns},
                   "a decay of " + to_string(in[3]), to_string(keys));
      expect_shape(check, in[4], {1, keys.columns}, "a bonus");
      return {in[2], {a.batch, a.heads * a.head_dim * a.value_dim}};
    }
    default: {
      check.expect(a.state > 0 && a.groups > 0, fmt::format("{} groups of {}", a.groups, a.state),
                   "at least one group and one element of state");
      check.expect(a.heads == 0 || columns % a.heads == 0, columns_text(columns),
                   fmt::format("a multiple of {} heads", a.heads));
      const std::int64_t steps = a.heads > 0 ? a.heads : columns;
      check.expect(a.groups > 0 && steps % a.groups == 0, fmt::format("{} groups", a.groups),
                   fmt::format("a divisor of {}", steps));
      expect_shape(check, in[1], {rows, steps}, "a step");
      expect_shape(check, in[2], {rows, a.groups * a.state}, "an input matrix");
      expect_shape(check, in[3], {rows, a.groups * a.state}, "an output matrix");
      expect_shape(check, in[4], a.heads > 0 ? Shape{1, a.heads} : Shape{columns, a.state},
                   "a decay");
      expect_shape(check, in[5], {1, steps}, "a skip");
      return {in[0], {a.batch, columns * a.state}};
    }
  }
}

// Follows the body from what the kernel reads to what it leaves behind.
std::vector<Shape> fused_shapes(const Op& op, std::span<const Shape> in, Checker& check) {
  std::map<TensorId, Shape> known;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    known.emplace(op.inputs[i], in[i]);
  }
  const auto shape_of = [&](TensorId id, const std::string& reader) {
    const auto found = known.find(id);
    check.expect(found != known.end(), fmt::format("tensor {} read by {}", id.value, reader),
                 "one that the kernel reads or has made");
    return found != known.end() ? found->second : Shape{};
  };
  for (const Op& inner : op.body) {
    std::vector<Shape> inputs;
    for (const TensorId id : inner.inputs) {
      inputs.push_back(shape_of(id, inner.name));
    }
    const InferredShapes made = infer_shapes(inner, inputs);
    check.expect(made.fault.empty() && made.outputs.size() == inner.outputs.size(),
                 fmt::format("{} in it: {}", inner.name, made.fault), "operators that fit");
    for (std::size_t i = 0; i < std::min(made.outputs.size(), inner.outputs.size()); ++i) {
      known[inner.outputs[i]] = made.outputs[i];
    }
  }
  check.expect(!op.body.empty(), "no operator in it", "some");
  std::vector<Shape> out;
  for (const TensorId id : op.outputs) {
    out.push_back(shape_of(id, "other operators"));
  }
  return out;
}

}  // namespace

std::string to_string(Shape shape) { return fmt::format("{}x{}", shape.rows, shape.columns); }

bool is_recurrent(OpKind kind) {
  return kind == OpKind::kCausalConvolution || kind == OpKind::kTokenShift ||
         kind == OpKind::kSelectiveScan || kind == OpKind::kWkv || kind == OpKind::kLinearAttention;
}

std::size_t outputs_of(const Op& op) {
  return op.kind == OpKind::kKvAppend ? std::max<std::size_t>(1, op.inputs.size())
         : is_recurrent(op.kind)      ? 2
                                      : 1;
}

std::int64_t attended_positions(const Attributes& a) {
  return a.source > 0 ? a.source : a.past + a.new_tokens;
}

InferredShapes infer_shapes(const Op& op, std::span<const Shape> in) {
  Checker check;
  const Arity arity = arity_of(op.kind);
  if (in.size() < arity.least || in.size() > arity.most) {
    return {{},
            fmt::format("found {} inputs; expected {}{}", in.size(), arity.least,
                        arity.most > arity.least ? fmt::format(" to {}", arity.most) : "")};
  }
  const Attributes& a = op.attributes;
  const std::int64_t tokens = a.batch * a.new_tokens;
  std::vector<Shape> out{in[0]};
  switch (op.kind) {
    case OpKind::kEmbedding:
      check.expect(in[0].columns == 1, columns_text(in[0].columns), "one token id per row");
      out = {{in[0].rows, in[1].columns}};
      break;
    case OpKind::kPositionEmbedding:
      check.expect(in[0].columns == in[1].columns, columns_text(in[0].columns),
                   columns_text(in[1].columns) + ", as the table has");
      check.expect(in[0].rows == tokens, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", tokens));
      check.expect(a.past + a.new_tokens + a.offset <= in[1].rows,
                   fmt::format("{} positions", a.past + a.new_tokens),
                   fmt::format("at most {}, the rows of the table", in[1].rows - a.offset));
      break;
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
      out = {norm_shape(op, in, check)};
      break;
    case OpKind::kMatmul:
      out = {matmul_shape(in, check)};
      break;
    case OpKind::kRope:
      check.expect(in[0].rows == tokens, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", tokens));
      check.expect(a.head_dim > 0 && in[0].columns % a.head_dim == 0, columns_text(in[0].columns),
                   fmt::format("a multiple of the head size {}", a.head_dim));
      check.expect(a.rotary > 0 && a.rotary % 2 == 0 && a.rotary_from >= 0 &&
                       a.rotary_from + a.rotary <= a.head_dim,
                   fmt::format("{} rotary elements", a.rotary),
                   fmt::format("an even number up to {}", a.head_dim - a.rotary_from));
      if (in.size() == 2) {
        check.expect(in[1] == Shape{1, a.rotary / 2}, "factors of " + to_string(in[1]),
                     to_string(Shape{1, a.rotary / 2}));
      }
      break;
    case OpKind::kKvAppend: {
      check.expect(in[0].rows == tokens, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", tokens));
      check.expect(in.back().rows == in[0].rows, "a value of " + to_string(in.back()),
                   to_string(in[0]));
      out.clear();
      for (const Shape& fresh : in) {
        out.push_back({a.batch * (a.past + a.new_tokens), fresh.columns});
      }
      break;
    }
    case OpKind::kAttention:
      out = {attention_shape(op, in, check)};
      break;
    case OpKind::kGatedActivation:
      check.expect(in[0].rows == in[1].rows && (in[0] == in[1] || in[0].columns == 1),
                   "a gate of " + to_string(in[0]), to_string(in[1]));
      out = {in[1]};
      break;
    case OpKind::kAdd:
      check.expect(in[0] == in[1] || in[1] == Shape{1, in[0].columns},
                   "a second operand of " + to_string(in[1]), to_string(in[0]));
      break;
    case OpKind::kActivation:
    case OpKind::kSoftmax:
    case OpKind::kScale:
      break;
    case OpKind::kTopK:
      check.expect(a.active_experts > 0 && a.active_experts <= in[0].columns,
                   fmt::format("{} active experts", a.active_experts),
                   fmt::format("1 to {}", in[0].columns));
      if (in.size() == 2) {
        expect_shape(check, in[1], {1, in[0].columns}, "a bias");
      }
      out = {{in[0].rows, 2 * a.active_experts}};
      break;
    case OpKind::kExpertMatmul:
      out = {expert_matmul_shape(op, in, check)};
      break;
    case OpKind::kExpertSum:
      check.expect(in[0].rows == in[1].rows * a.active_experts, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", in[1].rows * a.active_experts));
      out = {{in[1].rows, in[0].columns}};
      break;
    case OpKind::kSelectLast:
    case OpKind::kSelectFirst:
      check.expect(in[0].rows == tokens, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", tokens));
      out = {{a.batch, in[0].columns}};
      break;
    case OpKind::kSlice:
      check.expect(a.heads > 0 && in[0].columns % a.heads == 0, columns_text(in[0].columns),
                   fmt::format("a multiple of {} heads", a.heads));
      check.expect(a.heads > 0 && a.offset >= 0 && a.width > 0 &&
                       a.offset + a.width <= in[0].columns / a.heads,
                   fmt::format("columns {} to {}", a.offset, a.offset + a.width),
                   fmt::format("some of each of {} heads", a.heads));
      out = {{in[0].rows, a.heads * a.width}};
      break;
    case OpKind::kConcat:
      check.expect(in[0].rows == in[1].rows, fmt::format("{} rows", in[1].rows),
                   fmt::format("{}", in[0].rows));
      check.expect(a.heads > 0 && in[0].columns % a.heads == 0 && in[1].columns % a.heads == 0,
                   columns_text(in[0].columns), fmt::format("a multiple of {} heads", a.heads));
      out = {{in[0].rows, in[0].columns + in[1].columns}};
      break;
    case OpKind::kHeadMatmul:
      check.expect(a.heads > 0 && in[1].rows % a.heads == 0, fmt::format("{} rows", in[1].rows),
                   fmt::format("a multiple of {} heads", a.heads));
      check.expect(in[0].columns == a.heads * in[1].columns, columns_text(in[0].columns),
                   fmt::format("{} heads of {}", a.heads, in[1].columns));
      out = {{in[0].rows, in[1].rows}};
      break;
    case OpKind::kConvolution:
      out = {convolution_shape(op, in, check)};
      break;
    case OpKind::kGeneric:
      check.expect(a.result.elements() >= 0 && a.work >= 0, "a negative size", "none");
      out = {a.result};
      break;
    case OpKind::kInterpolate:
      expect_shape(check, in[1], in[0], "a token before");
      expect_shape(check, in[2], {1, in[0].columns}, "a share");
      if (in.size() == 4) {
        expect_shape(check, in[3], in[0], "a further share");
      }
      break;
    case OpKind::kCausalConvolution:
    case OpKind::kTokenShift:
    case OpKind::kSelectiveScan:
    case OpKind::kWkv:
    case OpKind::kLinearAttention:
      out = recurrent_shapes(op, in, check);
      break;
    case OpKind::kFused:
      out = fused_shapes(op, in, check);
      break;
  }
  return {std::move(out), check.fault()};
}

}  // namespace joulesim::models

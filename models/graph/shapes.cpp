#include "models/graph/graph.hpp"

#include <fmt/format.h>

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
    case OpKind::kTopK:
    case OpKind::kSelectLast:
    case OpKind::kScale:
      return {1, 1};
    case OpKind::kRope:
      return {1, 2};
    case OpKind::kEmbedding:
    case OpKind::kPositionEmbedding:
    case OpKind::kRmsNorm:
    case OpKind::kKvAppend:
    case OpKind::kAdd:
    case OpKind::kGatedActivation:
    case OpKind::kExpertSum:
      return {2, 2};
    case OpKind::kLayerNorm:
    case OpKind::kMatmul:
      return {2, 3};
    case OpKind::kAttention:
    case OpKind::kExpertMatmul:
      return {3, 3};
  }
  return {0, 0};
}

std::string columns_text(std::int64_t columns) { return fmt::format("{} columns", columns); }

Shape norm_shape(const Op& op, std::span<const Shape> in, Checker& check) {
  const std::int64_t width = op.attributes.group > 0 ? op.attributes.group : in[0].columns;
  check.expect(width > 0 && in[0].columns % width == 0, columns_text(in[0].columns),
               fmt::format("a multiple of the group of {}", width));
  for (std::size_t i = 1; i < in.size(); ++i) {
    check.expect(in[i] == Shape{1, width}, "a gain or bias of " + to_string(in[i]),
                 to_string(Shape{1, width}));
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
  const Shape query{a.batch * a.new_tokens, a.heads * a.head_dim};
  const Shape cache{a.batch * (a.past + a.new_tokens), a.kv_heads * a.head_dim};
  check.expect(in[0] == query, "a query of " + to_string(in[0]), to_string(query));
  check.expect(in[1] == cache, "a key cache of " + to_string(in[1]), to_string(cache));
  check.expect(in[2] == cache, "a value cache of " + to_string(in[2]), to_string(cache));
  return query;
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
  return {chosen, a.experts > 0 ? in[1].rows / a.experts : 0};
}

}  // namespace

std::string to_string(Shape shape) { return fmt::format("{}x{}", shape.rows, shape.columns); }

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
      check.expect(a.past + a.new_tokens <= in[1].rows,
                   fmt::format("{} positions", a.past + a.new_tokens),
                   fmt::format("at most {}, the rows of the table", in[1].rows));
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
      check.expect(a.rotary > 0 && a.rotary % 2 == 0 && a.rotary <= a.head_dim,
                   fmt::format("{} rotary elements", a.rotary),
                   fmt::format("an even number up to {}", a.head_dim));
      if (in.size() == 2) {
        check.expect(in[1] == Shape{1, a.rotary / 2}, "factors of " + to_string(in[1]),
                     to_string(Shape{1, a.rotary / 2}));
      }
      break;
    case OpKind::kKvAppend: {
      check.expect(in[0] == in[1], "a value of " + to_string(in[1]), to_string(in[0]));
      check.expect(in[0].rows == tokens, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", tokens));
      const Shape cache{a.batch * (a.past + a.new_tokens), in[0].columns};
      out = {cache, cache};
      break;
    }
    case OpKind::kAttention:
      out = {attention_shape(op, in, check)};
      break;
    case OpKind::kAdd:
    case OpKind::kGatedActivation:
      check.expect(in[0] == in[1], "a second operand of " + to_string(in[1]), to_string(in[0]));
      break;
    case OpKind::kActivation:
    case OpKind::kSoftmax:
    case OpKind::kScale:
      break;
    case OpKind::kTopK:
      check.expect(a.active_experts > 0 && a.active_experts <= in[0].columns,
                   fmt::format("{} active experts", a.active_experts),
                   fmt::format("1 to {}", in[0].columns));
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
      check.expect(in[0].rows == tokens, fmt::format("{} rows", in[0].rows),
                   fmt::format("{}", tokens));
      out = {{a.batch, in[0].columns}};
      break;
  }
  return {std::move(out), check.fault()};
}

}  // namespace joulesim::models

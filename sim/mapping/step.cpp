#include "sim/mapping/step.hpp"

#include "models/graph/cost.hpp"
#include "sim/mapping/lowering.hpp"
#include "sim/mapping/merging.hpp"
#include "sim/mapping/operands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

namespace joulesim::mapping {
namespace {

using hw::DataStream;
using hw::DataType;
using models::Element;
using models::OpKind;
using models::TensorKind;

class Planner {
 public:
  Planner(const models::OperatorGraph& graph, const Placement& placement,
          const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime)
      : graph_(graph), placement_(placement), unit_(unit), runtime_(runtime) {}

  hw::Work work_of(const models::Op& op) {
    const models::OpCost cost = models::cost_of(graph_, op);
    hw::Work work;
    work.name = op.name;
    work.label = std::string(models::name_of(op.role));
    work.block = op.block;
    describe(op, cost, work);
    add_weight_streams(op, cost, work);
    add_cache_streams(op, cost, work);
    if (op.attributes.image > 0) {
      add_image_streams(graph_, op, cost, placement_, unit_, runtime_, work);
    } else if (!work.fused) {
      add_activation_streams(cost, placement_, unit_, work);
    }
    return work;
  }

 private:
  [[nodiscard]] const models::Tensor* input_of(const models::Op& op, TensorKind kind) const {
    for (const models::TensorId id : op.inputs) {
      if (graph_.tensor(id).kind == kind) {
        return &graph_.tensor(id);
      }
    }
    return nullptr;
  }

  // Arithmetic on every element of an operator that is something else in the first place.
  static void count_vector_work(const models::OpCost& cost, const models::Tensor& out,
                                hw::Work& work) {
    if (cost.vector_flops > 0) {
      work.elements = static_cast<double>(out.shape.elements());
      work.ops_per_element = static_cast<double>(cost.vector_flops) / work.elements;
    }
  }

  void describe(const models::Op& op, const models::OpCost& cost, hw::Work& work) const {
    const models::Tensor* activation = input_of(op, TensorKind::kActivation);
    if (activation == nullptr && op.kind == OpKind::kConvolution) {
      activation = input_of(op, TensorKind::kInput);  // an image, or frames of sound
    }
    const models::Tensor* weight = input_of(op, TensorKind::kWeight);
    const Element element = activation != nullptr ? activation->format.element : Element::kFp16;
    work.activation_bits =
        activation != nullptr
            ? activation->format.bits_per_element(activation->shape.rows, activation->shape.columns)
            : 16;
    switch (op.kind) {
      case OpKind::kMatmul:
      case OpKind::kExpertMatmul:
      case OpKind::kConvolution:
      case OpKind::kHeadMatmul: {
        work.kind = hw::WorkKind::matmul;
        const models::Tensor& out = graph_.tensor(op.outputs.front());
        work.m = out.shape.rows;
        work.n = out.shape.columns;
        work.k = weight->shape.columns;
        work.type = multiplier(weight->format.element, element, unit_);
        work.weight_bits =
            weight->format.bits_per_element(weight->shape.rows, weight->shape.columns);
        if (placement_.window && is_neuron_matrix(op) && window_place(op) != nullptr) {
          // Only the neurons that are used are computed: rows of gate and up, columns of down.
          std::int64_t& neurons = op.role == models::Role::kDown ? work.k : work.n;
          neurons = std::max<std::int64_t>(
              1, std::llround(used_neurons(op).active * static_cast<double>(neurons)));
        }
        work.weight_elements = static_cast<double>(work.n) * static_cast<double>(work.k);
        if (op.kind == OpKind::kExpertMatmul) {
          work.experts = op.attributes.experts;
          work.choices = op.attributes.active_experts;
        }
        count_vector_work(cost, out, work);  // a bias
        work.weights_unpacked =
            plain_type(weight->format.element) != work.type && !(work.type == DataType::ternary);
        break;
      }
      case OpKind::kAttention: {
        work.kind = hw::WorkKind::attention;
        const models::Attributes& a = op.attributes;
        work.sequences = a.batch;
        work.heads = a.heads;
        work.kv_heads = a.kv_heads;
        // The mean of key and value widths where they differ: the same products.
        work.head_dim = (a.head_dim + (a.value_dim > 0 ? a.value_dim : a.head_dim)) / 2;
        work.q_len = a.new_tokens;
        work.kv_len = models::attended_positions(a);
        work.window = a.window;
        work.causal = a.causal;
        work.pairs = static_cast<double>(models::attention_pairs(a));
        work.type = plain_type(element).value_or(DataType::fp16);
        work.elements = work.pairs * static_cast<double>(a.heads * a.batch);
        work.ops_per_element = static_cast<double>(cost.vector_flops) / work.elements;
        break;
      }
      case OpKind::kEmbedding:
      case OpKind::kKvAppend:
      case OpKind::kSelectLast:
      case OpKind::kSelectFirst:
      case OpKind::kSlice:
      case OpKind::kConcat:
      case OpKind::kTokenShift:
        work.kind = hw::WorkKind::copy;
        describe_rows(op, work);
        work.fused = op.kind != OpKind::kEmbedding && runtime_.fuse_vector_work;
        count_vector_work(cost, graph_.tensor(op.outputs.front()), work);  // a scaled embedding
        break;
      case OpKind::kFused:
        describe_fused(graph_, op, cost, unit_, runtime_, work);
        break;
      default: {
        work.kind = hw::WorkKind::vector;
        describe_rows(op, work);
        const models::Tensor& out = graph_.tensor(op.outputs.front());
        work.elements = static_cast<double>(out.shape.elements());
        work.ops_per_element =
            work.elements > 0 ? static_cast<double>(cost.vector_flops) / work.elements : 0;
        // A recurrence goes token by token through its state: a kernel of its own.
        const bool recurrence = models::is_recurrent(op.kind) && op.kind != OpKind::kTokenShift;
        work.fused = runtime_.fuse_vector_work && !recurrence;
        break;
      }
    }
  }

  // The matrix that a vector or copy operator goes over, and the library's name of it.
  void describe_rows(const models::Op& op, hw::Work& work) const {
    const models::Shape out = graph_.tensor(op.outputs.front()).shape;
    work.rows = out.rows;
    work.width = out.columns;
    switch (op.kind) {
      case OpKind::kRmsNorm:
        work.vector = hw::VectorOp::rmsnorm;
        break;
      case OpKind::kLayerNorm:
        work.vector = hw::VectorOp::layernorm;
        break;
      case OpKind::kRope:
        work.vector = hw::VectorOp::rope;
        break;
      case OpKind::kAdd:
        work.vector = hw::VectorOp::add;
        break;
      case OpKind::kActivation:
        work.vector = hw::VectorOp::gelu;
        break;
      case OpKind::kGatedActivation:
        work.vector = hw::VectorOp::silu_mul;
        break;
      case OpKind::kSoftmax:
        work.vector = hw::VectorOp::softmax;
        break;
      case OpKind::kEmbedding:
        work.vector = hw::VectorOp::embedding;
        break;
      case OpKind::kKvAppend: {
        // New keys and values, side by side.
        const models::Shape key = graph_.tensor(op.inputs.front()).shape;
        work.rows = key.rows;
        work.width = 2 * key.columns;
        break;
      }
      default:
        break;
    }
  }

  // Where a windowed matrix lies; nothing for all others.
  [[nodiscard]] const Place* window_place(const models::Op& op) const {
    const models::Tensor* weight = input_of(op, TensorKind::kWeight);
    if (!placement_.window || weight == nullptr) {
      return nullptr;
    }
    const Place& place = placement_.of(graph_.storage(weight->storage));
    return place.windowed ? &place : nullptr;
  }

  // Neurons that a step uses and those of them that memory lacks. Sequences of a batch, and tokens
  // of a prompt, use neurons independently of each other; a prompt finds nothing kept.
  struct Used {
    double active, fresh;
  };
  [[nodiscard]] Used used_neurons(const models::Op& op) const {
    const NeuronWindow& window = *placement_.window;
    const auto tokens = static_cast<double>(graph_.tensor(op.outputs.front()).shape.rows);
    const double active = 1 - std::pow(1 - window.active, tokens);
    if (is_prompt()) {
      return {active, active};
    }
    // At least what memory cannot hold.
    const double fresh = std::max(1 - std::pow(1 - window.fresh, tokens), active - window.kept);
    return {active, std::min(active, fresh)};
  }

  // More than one new token a sequence.
  [[nodiscard]] bool is_prompt() const {
    return std::any_of(graph_.ops().begin(), graph_.ops().end(), [](const models::Op& op) {
      return op.kind == OpKind::kAttention && op.attributes.new_tokens > 1;
    });
  }

  // What the window has comes from memory, the rest neuron by neuron from the store.
  void add_window_streams(const models::Op& op, const models::OpCost& cost, const Place& place,
                          hw::Work& work) const {
    const models::Tensor& weight = *input_of(op, TensorKind::kWeight);
    const Used used = used_neurons(op);
    const auto matrix = static_cast<double>(weight.bytes());
    const auto whole = [](double bytes) {
      return static_cast<std::uint64_t>(std::max(0.0, bytes));
    };
    DataStream kept;
    kept.role = DataStream::Role::weight;
    kept.tier = place.kept_tier;
    kept.base = place.kept_base;
    kept.chunk = kept.stride = whole((used.active - used.fresh) * matrix);
    if (kept.chunk > 0) {
      work.streams.push_back(kept);
    }
    // A bias, and whatever else the operator reads, is read as ever.
    const auto rest =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, cost.weight_bytes - weight.bytes()));
    if (rest > 0) {
      work.streams.push_back(
          {DataStream::Role::weight, place.kept_tier, place.kept_base, rest, rest, 1});
    }
    // Neurons: rows of gate and up, columns of down.
    const std::int64_t neurons =
        op.role == models::Role::kDown ? weight.shape.columns : weight.shape.rows;
    const auto count =
        static_cast<std::uint64_t>(std::llround(used.fresh * static_cast<double>(neurons)));
    const auto row = std::max<std::uint64_t>(1, whole(matrix / static_cast<double>(neurons)));
    const std::uint64_t matrices = matrices_of(op);
    // A bundle is read once, for the first of its matrices.
    const bool bundled = placement_.window->bundled;
    if (count == 0 || (bundled && op.role == models::Role::kDown) ||
        (bundled && matrices == 3 && op.role == models::Role::kUp)) {
      return;
    }
    DataStream fresh;
    fresh.role = DataStream::Role::weight;
    fresh.tier = place.tier;
    fresh.base = place.base;
    const std::uint64_t extent = place.bytes * (bundled ? matrices : 1);
    constexpr double kMost = 0.5;
    if (used.fresh > kMost) {
      // Of most neurons it is quicker to read all, in order.
      work.streams.push_back({DataStream::Role::weight, place.tier, place.base, extent, extent, 1});
      return;
    }
    fresh.chunk = row * (bundled ? matrices : 1);
    fresh.count = count;
    fresh.stride = std::max(fresh.chunk, extent / count / fresh.chunk * fresh.chunk);
    work.streams.push_back(fresh);
  }

  // 3 where the layer has a gate.
  [[nodiscard]] std::uint64_t matrices_of(const models::Op& op) const {
    std::uint64_t matrices = 0;
    for (const models::Op& other : graph_.ops()) {
      matrices += other.block == op.block && is_neuron_matrix(other) ? 1 : 0;
    }
    return matrices;
  }

  void add_weight_streams(const models::Op& op, const models::OpCost& cost, hw::Work& work) const {
    if (const Place* place = window_place(op); place != nullptr && is_neuron_matrix(op)) {
      add_window_streams(op, cost, *place, work);
      return;
    }
    std::int64_t left = cost.weight_bytes;  // a gather reads less than the tensor
    for (const models::TensorId id : op.inputs) {
      const models::Tensor& tensor = graph_.tensor(id);
      if (tensor.kind != TensorKind::kWeight || left <= 0) {
        continue;
      }
      const Place& place = placement_.of(graph_.storage(tensor.storage));
      DataStream stream;
      stream.role = DataStream::Role::weight;
      stream.tier = place.tier;
      stream.base = place.base;
      if (op.kind == OpKind::kEmbedding) {
        const auto row =
            static_cast<std::uint64_t>(tensor.format.bytes_of_row(tensor.shape.columns));
        stream.chunk = row;
        stream.count = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(left) / std::max<std::uint64_t>(1, row));
        stream.stride = place.bytes / row / stream.count * row;
        left = 0;
      } else {
        stream.chunk = static_cast<std::uint64_t>(std::min(left, tensor.bytes()));
        stream.stride = stream.chunk;
        left -= static_cast<std::int64_t>(stream.chunk);
      }
      work.streams.push_back(stream);
    }
  }

  // A state is read and written in place; the first step only writes it.
  void add_state_streams(const models::Op& op, const models::OpCost& cost, hw::Work& work) const {
    const Place& place = placement_.of(graph_.storage(graph_.tensor(op.outputs.back()).storage));
    for (const bool write : {false, true}) {
      DataStream stream;
      stream.role = write ? DataStream::Role::kv_write : DataStream::Role::kv_read;
      stream.tier = place.tier;
      stream.base = place.base;
      stream.chunk = static_cast<std::uint64_t>(write ? cost.kv_write_bytes : cost.kv_read_bytes);
      stream.stride = stream.chunk;
      if (stream.chunk > 0) {
        work.streams.push_back(stream);
      }
    }
  }

  void add_cache_streams(const models::Op& op, const models::OpCost& cost, hw::Work& work) const {
    const std::int64_t total = cost.kv_read_bytes + cost.kv_write_bytes;
    if (total == 0) {
      return;
    }
    if (models::is_recurrent(op.kind)) {
      add_state_streams(op, cost, work);
      return;
    }
    const bool write = op.kind == OpKind::kKvAppend;
    const auto& caches = write ? op.outputs : op.inputs;
    std::vector<const models::Tensor*> tensors;
    for (const models::TensorId id : caches) {
      const models::Tensor* tensor = &graph_.tensor(id);
      const bool seen = std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
      if (tensor->kind == TensorKind::kKvCache && !seen) {
        tensors.push_back(tensor);
      }
    }
    std::int64_t columns = 0;
    for (const models::Tensor* tensor : tensors) {
      columns += tensor->format.bytes_of_row(tensor->shape.columns);
    }
    const models::Attributes& a = op.attributes;
    const auto sequences = static_cast<std::uint64_t>(std::max<std::int64_t>(1, a.batch));
    for (const models::Tensor* tensor : tensors) {
      const Place& place = placement_.of(graph_.storage(tensor->storage));
      // Caches are position-major, one reserved stretch per sequence.
      const auto row =
          static_cast<std::uint64_t>(tensor->format.bytes_of_row(tensor->shape.columns));
      DataStream stream;
      stream.role = write ? DataStream::Role::kv_write : DataStream::Role::kv_read;
      stream.tier = place.tier;
      stream.count = sequences;
      stream.chunk =
          static_cast<std::uint64_t>(total) * row / static_cast<std::uint64_t>(columns) / sequences;
      const bool fixed = a.source > 0;  // as long as what was read, however many tokens follow
      stream.stride = row * static_cast<std::uint64_t>(fixed ? a.source : placement_.kv_positions);
      const auto seen = static_cast<std::uint64_t>(models::attended_positions(a)) * row;
      stream.base = place.base + (write ? static_cast<std::uint64_t>(a.past) * row
                                        : seen - std::min(seen, stream.chunk));
      if (stream.chunk > 0) {
        work.streams.push_back(stream);
      }
    }
  }

  const models::OperatorGraph& graph_;
  const Placement& placement_;
  const hw::ComputeUnit& unit_;
  const hw::RuntimeSpec& runtime_;
};

}  // namespace

StepPlan plan_step(const models::OperatorGraph& graph, const Placement& placement,
                   const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime, const Region& where,
                   const hw::MemoryView& memory) {
  StepPlan plan;
  Planner planner(graph, placement, unit, runtime);
  Merger merger(graph, placement, runtime);
  std::map<std::string, std::set<std::string>> refusals;  // reason, operators
  int block = -2;
  for (const models::OpId id : graph.order()) {
    const models::Op& op = graph.op(id);
    hw::Work work = planner.work_of(op);
    if (const auto refusal = unit.refusal(work)) {
      refusals[*refusal].insert(work.label);
      continue;
    }
    if (op.block != block || plan.segments.empty()) {
      Segment segment;
      segment.block = op.block;
      segment.name = op.block >= 0 ? "block" : plan.segments.empty() ? "before" : "after";
      segment.first = plan.works.size();
      plan.segments.push_back(segment);
      block = op.block;
    }
    if (merger.joins(op, work, plan.works)) {
      continue;
    }
    plan.works.push_back(std::move(work));
    ++plan.segments.back().count;
  }
  lower_all(unit, runtime, memory, plan);
  if (!refusals.empty()) {
    Diagnostics diagnostics;
    for (const auto& [reason, labels] : refusals) {
      diagnostics.error(
          where, fmt::format("{} ({} '{}')", reason, labels.size() == 1 ? "operator" : "operators",
                             fmt::join(labels, "', '")));
    }
    throw InputError(std::move(diagnostics));
  }
  for (const models::Block& b : graph.blocks()) {
    for (Segment& segment : plan.segments) {
      if (segment.block == b.index) {
        segment.signature = b.signature;
        segment.repeats_weights = b.shares_weights_with_previous;
      }
    }
  }
  return plan;
}

}  // namespace joulesim::mapping

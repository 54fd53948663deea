#include "sim/engine/serving_step.hpp"

#include "sim/engine/kernel_query.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::engine {
namespace {

struct StepCost {
  std::string refusal, bound;
  double seconds = 0, joules = 0;
};

// Sums kernels of one step.
class StepSum {
 public:
  StepSum(const Machine& machine, const hw::RuntimeSpec& runtime, StepCost& step)
      : machine_(machine), runtime_(runtime), step_(step) {}

  void add(const hw::KernelRequest& request, double times) {
    take(answer_kernel(machine_, request, runtime_), times);
  }
  void add(const AllReduceRequest& request, double times) {
    take(answer_all_reduce(machine_, request, runtime_), times);
  }
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] double joules() const { return joules_; }

 private:
  void take(const hw::KernelAnswer& answer, double times) {
    if (!answer.refusal.empty()) {
      step_.refusal = answer.refusal;
      return;
    }
    seconds_ += answer.time.si() * times;
    joules_ += answer.energy.si() * times;
    if (answer.time.si() * times > longest_) {
      longest_ = answer.time.si() * times;
      step_.bound = answer.bound;
    }
  }
  const Machine& machine_;
  const hw::RuntimeSpec& runtime_;
  StepCost& step_;
  double seconds_ = 0, joules_ = 0, longest_ = 0;
};

std::int64_t whole(double value) { return std::max<std::int64_t>(1, std::llround(value)); }

// A step in which so many new prompts, whole or in part, run beside the tokens of all others.
StepCost step_with(const Machine& machine, const models::ModelSpec& model, const ServingLoad& load,
                   const hw::RuntimeSpec& plain, double new_prompts) {
  constexpr int kNever = 1 << 20;  // other weights come between two uses
  StepCost step;
  hw::RuntimeSpec runtime = plain;
  hw::Harness harness;
  harness.clock = hw::Harness::Clock::device;
  harness.weight_copies = kNever;
  harness.keeps_caches = true;
  harness.writes_kv = true;
  harness.random_weights = true;
  runtime.harness = harness;

  const double bits = model.formats.linear.bits_per_element(model.hidden, model.hidden);
  const double kv_bits = model.formats.kv_cache.bits_per_element(model.hidden, model.hidden);
  constexpr double kWide = 16;
  const hw::ComputeUnit& first = *machine.units.front().unit;
  const bool eight = model.formats.linear_input.element == models::Element::kFp8 &&
                     first.peak(hw::DataType::fp8).has_value();
  const hw::DataType type = eight ? hw::DataType::fp8 : hw::DataType::bf16;
  const auto shards = static_cast<double>(load.shards);
  const double prompt_tokens = new_prompts * load.prompt;
  const std::int64_t tokens = whole(load.batch + prompt_tokens);
  const double context = load.prompt + load.answer / 2;

  StepSum sum(machine, runtime, step);
  const auto gemm = [&](std::int64_t m, double n, double k, double times) {
    hw::KernelRequest r;
    r.op = hw::KernelOp::gemm;
    r.type = type;
    r.activation_bits = eight ? 8 : kWide;
    r.m = m;
    r.n = whole(n);
    r.k = whole(k);
    r.weight_bits = std::min(kWide, bits);
    sum.add(r, times);
  };
  const auto vector = [&](hw::VectorOp op, double width, double times) {
    hw::KernelRequest r;
    r.op = hw::KernelOp::elementwise;
    r.vector = op;
    r.type = hw::DataType::bf16;
    r.rows = tokens;
    r.width = whole(width);
    sum.add(r, times);
  };
  const auto hidden = static_cast<double>(model.hidden);
  const auto d = static_cast<double>(model.head_dim);
  for (std::size_t i = 0; i < model.stack.size();) {
    // Equal layers are asked for once.
    std::size_t last = i;
    while (last < model.stack.size() && model.stack[last] == model.stack[i]) {
      ++last;
    }
    const auto layers =
        static_cast<double>((last - i) * static_cast<std::size_t>(model.layer_repeat));
    const models::LayerShape& layer = model.stack[i];
    const auto heads = std::max(1.0, static_cast<double>(layer.heads) / shards);
    const auto kv_heads = std::max(1.0, static_cast<double>(layer.kv_heads) / shards);
    const auto ffn = static_cast<double>(layer.ffn) / shards;
    vector(hw::VectorOp::rmsnorm, hidden, 2 * layers);
    gemm(tokens, (heads + 2 * kv_heads) * d, hidden, layers);
    vector(hw::VectorOp::rope, (heads + kv_heads) * d, layers);
    hw::KernelRequest attention;
    attention.op = hw::KernelOp::attention;
    attention.type = hw::DataType::bf16;
    attention.batch = whole(load.batch);
    attention.q_len = 1;
    attention.kv_len = whole(context);
    attention.heads = whole(heads);
    attention.kv_heads = whole(kv_heads);
    attention.head_dim = model.head_dim;
    attention.kv_bits = std::min(kWide, kv_bits);
    sum.add(attention, layers);
    if (load.prompt > 0) {
      attention.batch = 1;
      attention.q_len = attention.kv_len = whole(load.prompt);
      sum.add(attention, layers * new_prompts);
    }
    gemm(tokens, hidden, heads * d, layers);
    if (model.experts.experts > 0) {
      hw::KernelRequest moe;
      moe.op = hw::KernelOp::moe;
      moe.type = type;
      moe.activation_bits = eight ? 8 : kWide;
      moe.tokens = tokens;
      moe.hidden = model.hidden;
      moe.inter = model.experts.ffn > 0 ? model.experts.ffn : layer.ffn;
      moe.topk = model.experts.active;
      moe.experts = model.experts.experts;
      moe.tensor_shards = load.shards;
      moe.weight_bits = std::min(kWide, bits);
      sum.add(moe, layers);
    } else {
      gemm(tokens, (model.gated ? 2 : 1) * ffn, hidden, layers);
      vector(model.gated ? hw::VectorOp::silu_mul : hw::VectorOp::gelu, ffn, layers);
      gemm(tokens, hidden, ffn, layers);
    }
    if (load.shards > 1) {
      sum.add(AllReduceRequest{Bytes(static_cast<double>(tokens) * hidden * 2), load.shards, 1},
              2 * layers);
    }
    i = last;
  }
  gemm(whole(load.batch), static_cast<double>(model.vocab) / shards, hidden, 1);
  const MachineUnit& unit = machine.units.front();
  const Power standing = unit.unit->idle_power().value;  // no clocks while the host works
  step.seconds = sum.seconds() + runtime.step_overhead.si();
  step.joules = sum.joules() + standing.si() * runtime.step_overhead.si();
  return step;
}

}  // namespace

void set_prompt(ServingLoad& load, std::optional<double> tokens) {
  // Log-normal with a sigma of about 2.3: many of a line, few of a book. Mean and spread fit runs
  // of public score-boards at 8B (27 on H100s); one value for all devices and models.
  constexpr double kChatSpread = 13;
  load.prompt = tokens.value_or(kChatPrompt);
  load.prompt_spread = tokens ? 0 : kChatSpread;
}

ServingStep serving_step(const Machine& machine, const models::ModelSpec& model,
                         const ServingLoad& load, const hw::RuntimeSpec& runtime) {
  constexpr double kNegligible = 1e-3;
  ServingStep step;
  // Answers end at random, so the prompts that take their places in a step are a Poisson number.
  const double mean = load.prompt > 0 ? load.batch / load.beams / std::max(1.0, load.answer) : 0;
  double chance = std::exp(-mean);
  double covered = 0;
  double seconds = 0;
  double joules = 0;
  double likeliest = 0;
  double alone = 0;  // without a prompt
  for (int prompts = 0; covered < 1 - kNegligible; ++prompts) {
    if (prompts == 0 || chance > kNegligible) {
      const StepCost cost = step_with(machine, model, load, runtime, prompts);
      if (!cost.refusal.empty()) {
        step.refusal = cost.refusal;
        return step;
      }
      alone = prompts == 0 ? cost.seconds : alone;
      seconds += chance * cost.seconds;
      joules += chance * cost.joules;
      if (chance > likeliest) {
        likeliest = chance;
        step.bound = cost.bound;
      }
      covered += chance;
    }
    chance *= mean / (prompts + 1);
    if (prompts > mean && chance <= kNegligible) {
      break;
    }
  }
  step.time = Time(seconds / covered);
  // While a request's answer grows, as many prompts start as run beside it. Their lengths' sum is
  // taken as log-normal, like each of them: its median lies below its mean.
  const double spread = load.prompt_spread * load.prompt_spread / std::max(1.0, load.batch);
  step.usual = Time(alone + (seconds / covered - alone) / std::sqrt(1 + spread));
  step.power = Power(joules / seconds);
  return step;
}

}  // namespace joulesim::engine

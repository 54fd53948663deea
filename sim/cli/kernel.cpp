// kernel: one operator on one device, alone.
#include "hw/component/kernel_works.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/kernel_query.hpp"
#include "sim/engine/library.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <iostream>

namespace joulesim::cli {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  Diagnostics faults;
  faults.error("kernel", message);
  throw InputError(std::move(faults));
}

void need(const KernelArguments& a,
          const std::vector<std::pair<const char*, std::int64_t>>& given) {
  Diagnostics faults;
  for (const auto& [name, value] : given) {
    if (value < 1) {
      faults.error("kernel", fmt::format("--op {} needs --{}; expected a count", a.op, name));
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
}

hw::VectorOp vector_op(const std::string& name) {
  if (const auto op = hw::find_vector_op(name)) {
    return *op;
  }
  refuse(fmt::format("unknown --function '{}'{}", name, did_you_mean(name, hw::vector_op_names())));
}

hw::KernelRequest request_of(const KernelArguments& a) {
  const auto type = engine::stored_type(a.dtype);
  if (!type) {
    refuse(fmt::format("unknown --dtype '{}'; expected a type such as fp16, bf16, fp8, int8, int4",
                       a.dtype));
  }
  const auto weight = engine::stored_type(a.weight_dtype.empty() ? a.dtype : a.weight_dtype);
  if (!weight) {
    refuse(fmt::format("unknown --weight-dtype '{}'", a.weight_dtype));
  }
  const auto kv = engine::stored_type(a.kv_dtype.empty() ? a.dtype : a.kv_dtype);
  if (!kv) {
    refuse(fmt::format("unknown --kv-dtype '{}'", a.kv_dtype));
  }
  constexpr double kWide = 16;
  hw::KernelRequest r;
  r.type = type->type;
  r.weight_bits = weight->bits;
  r.activation_bits = r.output_bits = std::max(kWide, type->bits);
  r.kv_bits = kv->bits;
  if (a.op == "gemm") {
    need(a, {{"m", a.m}, {"n", a.n}, {"k", a.k}});
    r.m = a.m;
    r.n = a.n;
    r.k = a.k;
  } else if (a.op == "attention") {
    need(a, {{"batch", a.batch},
             {"q-len", a.q_len},
             {"kv-len", a.kv_len},
             {"heads", a.heads},
             {"head-dim", a.head_dim}});
    r.op = hw::KernelOp::attention;
    r.batch = a.batch;
    r.q_len = a.q_len;
    r.kv_len = a.kv_len;
    r.heads = a.heads;
    r.kv_heads = a.kv_heads > 0 ? a.kv_heads : a.heads;
    r.head_dim = a.head_dim;
    r.window = a.window;
    if (r.heads % r.kv_heads != 0) {
      refuse(fmt::format("--heads {} do not share --kv-heads {} evenly", r.heads, r.kv_heads));
    }
    if (r.q_len > r.kv_len) {
      refuse("--q-len is more than --kv-len, which includes the new queries' positions");
    }
  } else if (a.op == "moe") {
    need(a, {{"tokens", a.tokens},
             {"hidden", a.hidden},
             {"inter", a.inter},
             {"topk", a.topk},
             {"experts", a.experts},
             {"tensor-shards", a.tensor_shards},
             {"expert-shards", a.expert_shards}});
    r.op = hw::KernelOp::moe;
    r.tokens = a.tokens;
    r.hidden = a.hidden;
    r.inter = a.inter;
    r.topk = a.topk;
    r.experts = a.experts;
    r.tensor_shards = a.tensor_shards;
    r.expert_shards = a.expert_shards;
    r.skew = a.skew;
    if (r.topk > r.experts || r.experts % r.expert_shards != 0 || r.tensor_shards > r.inter) {
      refuse("experts do not divide over the shards, or there are fewer than --topk");
    }
  } else {
    need(a, {{"rows", a.rows}, {"width", a.width}});
    r.op = hw::KernelOp::elementwise;
    r.rows = a.rows;
    r.width = a.width;
    r.vector = vector_op(a.function.empty() ? (a.op == "norm" ? "rmsnorm" : "add") : a.function);
    r.activation_bits = r.output_bits = type->bits;
    r.eager = a.eager;
  }
  return r;
}

}  // namespace

int kernel(const Common& common, const KernelArguments& a) {
  const engine::Library library = engine::Library::open(common.plugins);
  const engine::Machine machine = engine::load_machine(library, a.device, {});
  const std::string stack = a.runtime.empty() ? machine.units.front().default_runtime : a.runtime;
  const hw::RuntimeSpec runtime = engine::load_runtime(library, stack, {}).spec;
  hw::KernelAnswer answer;
  if (a.op == "allreduce") {
    need(a, {{"bytes", a.bytes}, {"gpus", a.gpus}, {"boxes", a.boxes}});
    answer = engine::answer_all_reduce(
        machine, {Bytes(static_cast<double>(a.bytes)), a.gpus, a.boxes}, runtime);
  } else {
    answer = engine::answer_kernel(machine, request_of(a), runtime);
  }
  if (!answer.refusal.empty()) {
    refuse(answer.refusal);
  }
  if (!a.summary || common.json) {
    nlohmann::ordered_json out{{"device", machine.id},
                               {"op", a.op},
                               {"runtime", runtime.name},
                               {"time_us", answer.time.si() * 1e6},
                               {"energy_j", answer.energy.si()},
                               {"bound", answer.bound},
                               {"share_of_peak", answer.share_of_peak},
                               {"flops", answer.ops.si()},
                               {"bytes", answer.bytes.si()},
                               {"roofline_us", answer.roofline.si() * 1e6},
                               {"mapping", answer.mapping}};
    for (const engine::LoadedPlugin& plugin : machine.plugins) {
      out["plugins"].push_back(engine::shown(plugin));
    }
    if (answer.cycles > 0) {
      out["cycles"] = std::llround(answer.cycles);
    }
    std::cout << out.dump(2) << "\n";
    return 0;
  }
  std::cout << fmt::format(
      "{} on {} ({})\n  time           {}\n  energy         {}\n  bound by       {}\n"
      "  share of peak  {:.1f} %\n  operations     {}\n  bytes          {}\n  roofline       {}\n"
      "  mapping        {}\n",
      a.op, machine.title, runtime.title, format(answer.time), format(answer.energy), answer.bound,
      100 * answer.share_of_peak, format(answer.ops), format(answer.bytes), format(answer.roofline),
      answer.mapping);
  for (const engine::LoadedPlugin& plugin : machine.plugins) {
    std::cout << "  plug-in        " << engine::shown(plugin) << "\n";
  }
  return 0;
}

}  // namespace joulesim::cli

#include "hw/gpu/unfused_kernels.hpp"

#include "hw/gpu/gemm_kernel.hpp"
#include "hw/gpu/vector_kernel.hpp"

namespace joulesim::hw {

KernelRun convert(const KernelMachine& machine, double elements, double read, double written,
                  double cached) {
  constexpr double kInstructions = 12;  // of an element
  return run_vector(machine, plain_kernel(elements, read, written, kInstructions), cached);
}

KernelRun run_attention_in_pieces(const KernelMachine& machine, const KernelRequest& request,
                                  double score) {
  constexpr double kHalf = 2;         // bytes that the products read
  constexpr double kSoftmaxOps = 30;  // instructions of a score: scale, mask, maximum, exponential
  const std::int64_t rows = request.batch * request.heads * request.q_len;
  const double scores = static_cast<double>(rows) * static_cast<double>(request.kv_len);
  const double l2 = machine.spec->l2.value.si();
  const double shared = static_cast<double>(request.kv_heads) / static_cast<double>(request.heads) /
                        static_cast<double>(request.q_len);
  const auto product = [&](std::int64_t n, std::int64_t k, double a_cached, double c_bytes) {
    GemmShape shape;
    shape.m = rows;
    shape.n = n;
    shape.k = k;
    shape.type = request.type;
    shape.a_bits = shape.w_bits = 8 * kHalf;
    shape.c_bits = 8 * c_bytes;
    shape.a_cached = a_cached;
    shape.w_cached = 1;  // read with the keys below, once for all rows of a head
    return plan_gemm(machine, shape).run;
  };
  KernelRun run = product(request.kv_len, request.head_dim, 1, score);
  const double keys = static_cast<double>(rows) * shared * static_cast<double>(request.kv_len) *
                      static_cast<double>(request.head_dim) * 2 * kHalf;
  run.dram.keys += keys;
  const Time before = max(run.loop, run.stream);
  run.stream += Time(keys / ChipRates(machine).dram);
  run.time += max(run.loop, run.stream) - before;
  const double found = found_share(Bytes(scores * score), machine.spec->l2.value);
  run.then(run_vector(machine, plain_kernel(scores, score, score, kSoftmaxOps), found));
  if (score > kHalf) {
    run.then(convert(machine, scores, score, kHalf, found));
  }
  run.then(product(request.head_dim, request.kv_len, scores * kHalf < l2 ? 1 : 0, score));
  run.mapping = "scores in memory, " + run.mapping;
  return run;
}

}  // namespace joulesim::hw

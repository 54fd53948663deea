// Do the levels agree? One kernel asked for alone, its tile program in closed form, and the same
// program in SystemC in front of the device's memory, over kernels and devices.
#include "sim/engine/kernel_query.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/step_runner.hpp"
#include "sim/engine/worker_pool.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

constexpr double kMost = 0.11;     // of a kernel's time, between any two levels
constexpr double kMedian = 0.03;   // of all kernels of one device
constexpr std::size_t kTimes = 3;  // each kernel runs so often in a row, on other addresses

// Benchmarks' conditions that a step in the middle of a model has, too.
hw::RuntimeSpec stack() {
  hw::RuntimeSpec runtime;
  runtime.kernel_gap = Time(1e-6);
  hw::Harness harness;
  harness.clock = hw::Harness::Clock::device;
  harness.weight_copies = 1 << 20;
  harness.keeps_caches = true;
  harness.keeps_kv = false;
  runtime.harness = harness;
  return runtime;
}

struct Case {
  std::string name;
  hw::KernelRequest request;
  hw::Work work;
};

class Writer {
 public:
  explicit Writer(const hw::ComputeUnit& unit) : unit_(unit) {}

  Case product(std::int64_t m, std::int64_t n, std::int64_t k, hw::DataType type,
               double weight_bits) {
    Case c;
    c.name = fmt::format("product {} x {} x {}, {} with weights of {} bits", m, n, k,
                         hw::name_of(type), weight_bits);
    hw::KernelRequest& r = c.request;
    r.op = hw::KernelOp::gemm;
    r.type = type;
    r.m = m;
    r.n = n;
    r.k = k;
    r.weight_bits = weight_bits;
    hw::Work& w = c.work;
    w.kind = hw::WorkKind::matmul;
    w.type = type;
    w.m = m;
    w.n = n;
    w.k = k;
    w.weight_bits = weight_bits;
    w.activation_bits = 16;
    w.weights_unpacked = weight_bits < hw::bits_of(type);
    w.weight_elements = real(n) * real(k);
    stream(w, hw::DataStream::Role::weight, w.weight_elements * weight_bits / 8);
    activations(w, real(m * k) * 2, real(m * n) * 2);
    return c;
  }

  Case attention(std::int64_t batch, std::int64_t q_len, std::int64_t kv_len, hw::DataType type) {
    constexpr std::int64_t kHeads = 32;
    constexpr std::int64_t kKvHeads = 8;
    constexpr std::int64_t kWidth = 128;
    Case c;
    c.name = fmt::format("attention of {} sequences, {} of {} positions", batch, q_len, kv_len);
    hw::KernelRequest& r = c.request;
    r.op = hw::KernelOp::attention;
    r.type = type;
    r.batch = batch;
    r.q_len = q_len;
    r.kv_len = kv_len;
    r.heads = kHeads;
    r.kv_heads = kKvHeads;
    r.head_dim = kWidth;
    hw::Work& w = c.work;
    w.kind = hw::WorkKind::attention;
    w.type = type;
    w.sequences = batch;
    w.q_len = q_len;
    w.kv_len = kv_len;
    w.heads = kHeads;
    w.kv_heads = kKvHeads;
    w.head_dim = kWidth;
    w.pairs = real(q_len) * real(kv_len - q_len) + real(q_len) * real(q_len + 1) / 2;
    stream(w, hw::DataStream::Role::kv_read, 2.0 * real(batch * kv_len * kKvHeads * kWidth) * 2);
    activations(w, real(batch * q_len * kHeads * kWidth) * 2,
                real(batch * q_len * kHeads * kWidth) * 2);
    return c;
  }

  Case vector(hw::VectorOp op, const char* name, std::int64_t rows, std::int64_t width) {
    Case c;
    c.name = fmt::format("{} of {} x {}", name, rows, width);
    hw::KernelRequest& r = c.request;
    r.op = hw::KernelOp::elementwise;
    r.vector = op;
    r.rows = rows;
    r.width = width;
    hw::Work& w = c.work;
    w.kind = hw::WorkKind::vector;
    w.vector = op;
    w.rows = rows;
    w.width = width;
    w.elements = real(rows * width);
    w.ops_per_element = 4;
    const double sides = op == hw::VectorOp::silu_mul ? 2 : 1;
    activations(w, sides * w.elements * 2, w.elements * 2);
    return c;
  }

 private:
  static double real(std::int64_t value) { return static_cast<double>(value); }
  void stream(hw::Work& work, hw::DataStream::Role role, double bytes) {
    constexpr std::uint64_t kPage = 1U << 21U;
    const auto size = static_cast<std::uint64_t>(bytes);
    work.streams.push_back({role, 0, next_, size, size, 1});
    next_ += (size + kPage) / kPage * kPage;
  }
  // As a step's plan has it: what is more than half of the chip's own memory goes outside.
  void activations(hw::Work& work, double in, double out) {
    if (in + out > unit_.local_memory().si() / 2) {
      stream(work, hw::DataStream::Role::activation_in, in);
      stream(work, hw::DataStream::Role::activation_out, out);
    }
  }
  const hw::ComputeUnit& unit_;
  std::uint64_t next_ = 0;
};

std::vector<Case> cases_of(Writer& writer, const hw::ComputeUnit& unit, bool phone) {
  const auto types = unit.types();
  const auto has = [&](hw::DataType type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  constexpr double kQ4 = 4.5;  // Q4_0: 32 weights and a scale of 16 bits
  constexpr double kQ8 = 8.5;
  constexpr double kGroups = 4.125;  // int4 in groups of 128
  const std::int64_t wide = phone ? 2048 : 8192;
  std::vector<Case> cases;
  for (const hw::DataType type : {hw::DataType::fp16, hw::DataType::bf16}) {
    for (const std::int64_t m : {1, 8, 64, 512, 2048}) {
      if (has(type)) {
        cases.push_back(writer.product(m, wide, 4096, type, 16));
      }
    }
  }
  for (const std::int64_t m : {1, 32, 1024}) {
    cases.push_back(writer.product(m, 4096, 4096, hw::DataType::fp16, kQ4));
    cases.push_back(writer.product(m, 4096, 4096, hw::DataType::fp16, kQ8));
    cases.push_back(writer.product(m, 4096, wide, hw::DataType::fp16, kGroups));
    for (const hw::DataType type : {hw::DataType::fp8, hw::DataType::int8}) {
      if (has(type)) {
        cases.push_back(writer.product(m, wide, 4096, type, 8));
      }
    }
  }
  const std::int64_t most = phone ? 1 : 16;
  cases.push_back(writer.attention(1, 1, 1024, hw::DataType::fp16));
  cases.push_back(writer.attention(most, 1, 4096, hw::DataType::fp16));
  cases.push_back(writer.attention(1, 512, 512, hw::DataType::fp16));
  cases.push_back(writer.attention(most, 1024, 1024, hw::DataType::fp16));
  for (const std::int64_t rows : {1, 64, 4096}) {
    cases.push_back(writer.vector(hw::VectorOp::rmsnorm, "rmsnorm", rows, 4096));
    cases.push_back(writer.vector(hw::VectorOp::silu_mul, "silu_mul", rows, 4096));
  }
  return cases;
}

// `kTimes` of each kernel as one step.
mapping::StepPlan plan_of(const Machine& machine, const MachineUnit& unit,
                          const std::vector<hw::Work>& works) {
  mapping::StepPlan plan;
  for (const hw::Work& work : works) {
    plan.programs.push_back(
        unit.unit->lower_before(memory_view(machine), work, plan.works.size(), stack()));
    plan.works.push_back(work);
  }
  mapping::Segment segment;
  segment.name = "block";
  segment.block = 0;
  segment.count = plan.works.size();
  plan.segments.push_back(segment);
  return plan;
}

void levels_agree(const std::string& device, const std::string& unit_name) {
  static const Library library = Library::open();
  const Machine machine = load_machine(library, device, {});
  const MachineUnit& unit = *machine.unit(unit_name);
  std::vector<Case> cases;
  std::vector<mapping::StepPlan> plans;
  Writer first(*unit.unit);
  cases = cases_of(first, *unit.unit, machine.kind == "phone");
  for (const Case& c : cases) {
    std::vector<hw::Work> works(kTimes, c.work);
    for (std::size_t i = 1; i < kTimes; ++i) {
      for (hw::DataStream& stream : works[i].streams) {
        stream.base += i << 28U;
      }
    }
    plans.push_back(plan_of(machine, unit, works));
  }
  const auto job_of = [&](std::size_t i, FidelityLevel level) {
    StepJob job;
    job.name = cases[i].name;
    job.machine = &machine;
    job.unit = &unit;
    job.runtime = stack();
    job.plan = &plans[i];
    job.fidelity = level;
    return job;
  };
  std::vector<WorkerJob> work;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    work.push_back({cases[i].name,
                    [&, i] { return to_json(simulate_step(job_of(i, FidelityLevel::train))); }});
  }
  const std::vector<std::string> trains = run_in_workers(work, 2, nullptr);
  std::vector<double> deviations;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const hw::KernelAnswer alone =
        unit.unit->answer(cases[i].request, memory_view(machine), stack());
    REQUIRE(alone.refusal.empty());
    const double kernel = alone.time.si();
    const double times = static_cast<double>(kTimes);
    const double train = step_from_json(trains[i]).total.duration.si() / times;
    const double analytic =
        simulate_step(job_of(i, FidelityLevel::analytic)).total.duration.si() / times;
    INFO(device << ", " << cases[i].name << ": kernel " << kernel * 1e6 << " us, analytic "
                << analytic * 1e6 << ", train " << train * 1e6 << " (" << alone.mapping << "; "
                << alone.bound << ")");
    CHECK(std::fabs(train / kernel - 1) < kMost);
    CHECK(std::fabs(analytic / kernel - 1) < kMost);
    CHECK(std::fabs(analytic / train - 1) < kMost);
    deviations.push_back(std::max(std::fabs(train / kernel - 1), std::fabs(analytic / kernel - 1)));
    if (std::getenv("JOULESIM_SHOW_DEVIATIONS") != nullptr) {
      WARN(device << ", " << cases[i].name << ": kernel " << kernel * 1e6 << " us, analytic "
                  << 100 * (analytic / kernel - 1) << " %, train " << 100 * (train / kernel - 1)
                  << " %; " << alone.mapping << "; " << alone.bound);
    }
  }
  std::sort(deviations.begin(), deviations.end());
  CAPTURE(device, deviations[deviations.size() / 2]);
  CHECK(deviations[deviations.size() / 2] < kMedian);
}

}  // namespace

TEST_CASE("levels agree on NVIDIA GPUs of seven generations") {
  for (const char* device : {"a100_sxm_80gb", "h100_sxm_80gb", "b200", "v100", "rtx2080ti",
                             "rtx_3090", "rtx4090", "rtx5090"}) {
    levels_agree(device, "gpu");
  }
}
TEST_CASE("levels agree on AMD and Intel GPUs") {
  for (const char* device :
       {"mi210", "mi300x", "rx6900xt", "rx7900xtx", "r9700", "arc_a770", "arcb580"}) {
    levels_agree(device, "gpu");
  }
}
TEST_CASE("levels agree on integrated GPUs behind a system cache") {
  for (const char* device : {"iphone_13", "iphone_13_pro"}) {
    levels_agree(device, "gpu");
  }
}

// Small units with round numbers, and works for them.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/cpu/cpu_cluster.hpp"
#include "hw/gpu/simt_gpu.hpp"
#include "hw/npu/systolic_npu.hpp"
#include "sim/base/config.hpp"

#include <memory>
#include <string>

namespace joulesim::hw::testing {

inline const std::string kTestSource =
    "[sources]\nt = { kind = \"assumed\", title = \"t\", reason = \"test\" }\n";

// 4 arrays of 8 x 8 at 1 GHz; int8 at full rate, fp16 at half.
inline const std::string kNpu = R"(part = "npu"
model = "systolic_npu"
title = "test array"
)" + kTestSource + R"([array]
source = "t"
arrays = 4
rows = 8
columns = 8
clock = "1 GHz"
weight_rows_per_cycle = 4
[arithmetic.int8]
source = "t"
macs_per_cycle = 64
energy = "0.1 pJ/MAC"
[arithmetic.fp16]
source = "t"
macs_per_cycle = 32
energy = "0.4 pJ/MAC"
[vector]
source = "t"
ops_per_cycle = 16
energy = "0.5 pJ/op"
[control]
source = "t"
energy = "0.2 pJ/op"
[scratchpad]
source = "t"
capacity = "1 MiB"
read = "1 pJ/B"
write = "2 pJ/B"
[dma]
source = "t"
bandwidth = "10 GB/s"
memory_bandwidth = "5 GB/s"
tile = "64 KiB"
buffers = 2
[power]
source = "t"
idle = "0 W"
active = "1 W"
)";

// 8 SMs at 1 GHz whose shared memory holds the stages of 16 x 32 tiles and of no others.
inline const std::string kGpu = R"(part = "gpu"
model = "simt_gpu"
title = "test GPU"
)" + kTestSource + R"([sm]
source = "t"
count = 8
clock = "1 GHz"
shared_memory = "20 KiB"
registers = "64 KiB"
threads = 1024
blocks = 8
shared_memory_energy = "0.1 pJ/bit"
block_start = "1 us"
[matrix]
issue = "warp"
copy = "async"
[arithmetic.fp16]
source = "t"
macs_per_cycle = 64
energy = "0.5 pJ/MAC"
[vector]
source = "t"
ops_per_cycle = 32
exponentials_per_cycle = 8
energy = "0.5 pJ/op"
[control]
source = "t"
energy = "0.2 pJ/op"
[l2]
source = "t"
capacity = "4 MiB"
bandwidth = "1000 TB/s"
sm_port = "100 kB"
latency = "200 ns"
energy = "0.3 pJ/bit"
fill_bandwidth = "100 GB/s"
memory_bandwidth = "50 GB/s"
[memory]
source = "t"
latency = "500 ns"
[power]
source = "t"
idle = "1 W"
active = "2 W"
limit = "20 W"
)";

template <class Spec>
Spec spec_from(const std::string& text) {
  ConfigFile file = ConfigFile::parse(text, "unit.toml");
  Spec spec = Spec::from(file.root());
  (void)file.root().text("model");
  file.require_ok();
  return spec;
}
inline SystolicNpu test_npu() { return SystolicNpu(spec_from<SystolicNpuSpec>(kNpu)); }
inline SimtGpu test_gpu() { return SimtGpu(spec_from<SimtGpuSpec>(kGpu)); }
inline std::shared_ptr<const ComputeUnit> test_npu_pointer() {
  return std::make_shared<SystolicNpu>(spec_from<SystolicNpuSpec>(kNpu));
}
inline std::shared_ptr<const ComputeUnit> test_gpu_pointer() {
  return std::make_shared<SimtGpu>(spec_from<SimtGpuSpec>(kGpu));
}

// A product whose operands lie in memory.
inline Work product(std::int64_t m, std::int64_t n, std::int64_t k, DataType type = DataType::int8,
                    bool activations_in_memory = false) {
  Work work;
  work.kind = WorkKind::matmul;
  work.name = work.label = "product";
  work.type = type;
  work.m = m;
  work.n = n;
  work.k = k;
  work.weight_bits = work.activation_bits = bits_of(type);
  work.weight_elements = static_cast<double>(n * k);
  const auto size = [&](std::int64_t elements) {
    return static_cast<std::uint64_t>(static_cast<double>(elements) * bits_of(type) / 8);
  };
  const auto add = [&](DataStream::Role role, std::uint64_t bytes, std::uint64_t base) {
    work.streams.push_back({role, 0, base, bytes, bytes, 1});
  };
  add(DataStream::Role::weight, size(n * k), 0);
  if (activations_in_memory) {
    add(DataStream::Role::activation_in, size(m * k), 1ULL << 32U);
    add(DataStream::Role::activation_out, size(m * n), 2ULL << 32U);
  }
  return work;
}

// One query position per sequence on `cached` positions.
inline Work decode_attention(std::int64_t sequences, std::int64_t heads, std::int64_t kv_heads,
                             std::int64_t head_dim, std::int64_t cached,
                             DataType type = DataType::fp16) {
  Work work;
  work.kind = WorkKind::attention;
  work.name = work.label = "attention";
  work.type = type;
  work.sequences = sequences;
  work.heads = heads;
  work.kv_heads = kv_heads;
  work.head_dim = head_dim;
  work.q_len = 1;
  work.kv_len = cached;
  work.pairs = static_cast<double>(cached);
  work.elements = work.pairs * static_cast<double>(heads * sequences);
  work.ops_per_element = 5;
  const auto bytes = static_cast<std::uint64_t>(cached * kv_heads * head_dim * 2);
  for (std::uint64_t i = 0; i < 2; ++i) {
    work.streams.push_back({DataStream::Role::kv_read, 0, i << 30U, bytes, bytes,
                            static_cast<std::uint64_t>(sequences)});
  }
  return work;
}

inline double joules_of(const TileProgram& program, std::size_t cause) {
  double sum = 0;
  for (const TileRun& run : program.runs) {
    sum += static_cast<double>(run.count) * run.joules.at(cause);
  }
  return sum;
}

inline std::uint64_t bytes_of(const TileProgram& program, std::size_t stream) {
  std::uint64_t sum = 0;
  for (const TileRun& run : program.runs) {
    for (const auto* moves : {&run.loads, &run.stores}) {
      for (const TileMove& move : *moves) {
        sum += move.stream == stream ? static_cast<std::uint64_t>(run.count) * move.bytes : 0;
      }
    }
  }
  return sum;
}

}  // namespace joulesim::hw::testing

// One operator on one device, asked for on its own: the unit's kernels in front of the device's
// memory, collectives over its links.
//
// Checked by: tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/component/kernel.hpp"
#include "sim/engine/machine.hpp"

#include <cstdint>
#include <string>

namespace joulesim::engine {

// The device's memory as kernels see it: pins, and what the DRAM model sustains.
hw::MemoryView memory_view(const Machine& machine);

// Answers with a refusal when the unit cannot run it, or when operands do not fit the device.
hw::KernelAnswer answer_kernel(const Machine& machine, const hw::KernelRequest& request,
                               const hw::RuntimeSpec& runtime);

// The link to other devices of a node; null without one.
const MachineLink* device_link(const Machine& machine);

struct AllReduceRequest {
  Bytes bytes;  // of the buffer on one GPU
  std::int64_t gpus = 2, boxes = 1;
};
hw::KernelAnswer answer_all_reduce(const Machine& machine, const AllReduceRequest& request,
                                   const hw::RuntimeSpec& runtime);

// "bf16", "fp8", "int4": a stored type; nothing for a name that is none.
struct StoredType {
  hw::DataType type = hw::DataType::fp16;
  double bits = 16;  // scales included
};
std::optional<StoredType> stored_type(const std::string& name);

}  // namespace joulesim::engine

// Which ONNX operators can be computed: one row per operator and range of versions.
//
// Models:     operator versions as the operator-set import of the model selects them.
// Checked by: tests/kernels/models_onnx_ops.cpp, tests/oracle/models_onnx.cpp
#pragma once

#include "models/kernels/onnx_call.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models::onnx {

// Operator sets of the standard's own domain that this program knows.
inline constexpr std::int64_t kOldestOpset = 1;
inline constexpr std::int64_t kNewestOpset = 24;

using Kernel = void (*)(Call&);

// What happens to inputs of 16-bit (and 8-bit) floats before the kernel runs.
enum class Narrow : std::uint8_t {
  kKeep,       // the kernel takes them as they are, or moves elements whatever they are
  kWiden,      // they become float; float outputs are rounded once to the first such input's type
  kWidenFirst  // the same, but only the first output is rounded (statistics stay float)
};

struct KernelRow {
  std::string_view domain;
  std::string_view op;
  std::int64_t since;
  std::int64_t until;  // last operator set with this meaning
  Kernel kernel;
  Narrow narrow;
};

// The row that computes an operator at a version; null when none does.
const KernelRow* find_kernel(const std::string& domain, const std::string& op, std::int64_t opset);
// Whether any version of the operator is known, for messages.
bool knows_operator(const std::string& domain, const std::string& op);
std::span<const KernelRow> all_kernels();

// Runs a kernel with what its row says about narrow floats; `run` serves subgraphs and may be empty
// for operators without. Throws ArrayFault.
std::vector<Value> run_kernel(const KernelRow& row, const Node& node, std::int64_t opset,
                              std::vector<Value> inputs, const Model& model, RunGraph run);

// The tables that the registry is put together from, one per family.
std::span<const KernelRow> arithmetic_kernels();
std::span<const KernelRow> comparison_kernels();
std::span<const KernelRow> function_kernels();
std::span<const KernelRow> activation_kernels();
std::span<const KernelRow> cast_kernels();
std::span<const KernelRow> reduction_kernels();
std::span<const KernelRow> softmax_kernels();
std::span<const KernelRow> order_kernels();
std::span<const KernelRow> matrix_kernels();
std::span<const KernelRow> einsum_kernels();
std::span<const KernelRow> convolution_kernels();
std::span<const KernelRow> pooling_kernels();
std::span<const KernelRow> norm_kernels();
std::span<const KernelRow> shape_kernels();
std::span<const KernelRow> slice_kernels();
std::span<const KernelRow> gather_kernels();
std::span<const KernelRow> scatter_kernels();
std::span<const KernelRow> creation_kernels();
std::span<const KernelRow> quantisation_kernels();
std::span<const KernelRow> recurrent_kernels();
std::span<const KernelRow> resize_kernels();
std::span<const KernelRow> control_kernels();
std::span<const KernelRow> sequence_kernels();
std::span<const KernelRow> attention_kernels();
std::span<const KernelRow> microsoft_kernels();
std::span<const KernelRow> fused_kernels();
std::span<const KernelRow> quantised_kernels();
std::span<const KernelRow> signal_kernels();
std::span<const KernelRow> vision_kernels();
std::span<const KernelRow> text_kernels();
std::span<const KernelRow> loss_kernels();

}  // namespace joulesim::models::onnx

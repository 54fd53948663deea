// Measured kernels as rows of comma-separated text: what each asks for.
//
// One file a kind of operation, one header line, no quotes; an empty field is unknown. A row that
// cannot be asked for carries the reason.
//
// Checked by: tests/anchors/gpu_measured.cpp.
#pragma once

#include "sim/engine/kernel_query.hpp"

#include <optional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct MeasuredTable {
  std::string path;
  std::string kind;  // "gemm", "attention_prefill", …: the file's name
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  // The field of a row; empty when the table has no such column.
  [[nodiscard]] const std::string& field(std::size_t row, const std::string& column) const;
};

// Throws InputError for a file that cannot be read, has no header or a row of another width.
MeasuredTable read_measured(const std::string& path, const std::string& kind);

struct MeasuredRow {
  std::string skipped;  // why it is not asked for
  std::optional<hw::KernelRequest> kernel;
  std::optional<AllReduceRequest> all_reduce;
  double measured_us = 0;
};
MeasuredRow measured_row(const MeasuredTable& table, std::size_t row);

}  // namespace joulesim::engine

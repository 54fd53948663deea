// Predictions for measured kernels, and how far they are off.
//
// Models:      the device that a row names, the software stack whose part says that it made rows
//              like it (frameworks, methods and sources of `[harness]`), the operator's kernels.
// Leaves out:  anything that a row says about its result: no fit, no row or device of its own.
// Checked by:  tests/anchors/gpu_measured.cpp.
#pragma once

#include "reports/result/validation.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/measured_rows.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace joulesim::engine {

// Devices and stacks, loaded once.
class MeasuredSetting {
 public:
  explicit MeasuredSetting(const Library& library);

  // Null when no device has that name; the reason then says so.
  const Machine* machine(const std::string& gpu, std::string& reason);
  // The stack whose harness speaks most of the row's texts; the device's own when none does.
  const hw::RuntimeSpec& runtime(const std::string& framework, const std::string& method,
                                 const std::string& source);
  // The stack that serves: the one that a published name begins with, else the named one.
  const hw::RuntimeSpec& serving_runtime(const std::string& framework,
                                         const std::string& otherwise);

 private:
  const Library& library_;
  std::map<std::string, std::unique_ptr<Machine>> machines_;
  std::map<std::string, std::string> reasons_;
  std::vector<hw::RuntimeSpec> runtimes_, stacks_;  // with and without a harness
  hw::RuntimeSpec plain_;
};

struct Prediction {
  std::string skipped;
  hw::KernelAnswer answer;
  std::string runtime;
};
std::vector<Prediction> predict(MeasuredSetting& setting, const MeasuredTable& table);

// The table with the predictions as further columns.
std::string predictions_csv(const MeasuredTable& table, const std::vector<Prediction>& predictions);

// Errors per device and kind, and the worst rows, of one table.
void add_errors(const MeasuredTable& table, const std::vector<Prediction>& predictions,
                reports::Validation& into);

}  // namespace joulesim::engine

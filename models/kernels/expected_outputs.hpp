// Model files with expected outputs of other engines, and how far our kernels are from them.
//
// Models:     a folder with `expected/*.json`, each naming a model file, its prompt, logits in a
//             .npy file and a greedy continuation; the models lie in the folders gguf, llama2c and
//             hf beside it. What a case may differ by follows from the engine that made it:
//               exact fp32 arithmetic       1e-3 absolute
//               8-bit integer arithmetic    computed by int8_group; RMS 0.02, codes at the edge of
//                                           a step fall either way
//               another engine's own mixed  its stated distance from exact arithmetic: RMS within
//               arithmetic                  a tenth of it, or 1e-3
// Checked by: tests/oracle/models_expected.cpp
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::models {

struct ExpectedRow {
  std::string name;
  std::string model;
  std::string datapath;
  std::size_t positions = 0;
  double max_abs_error = 0.0;
  double rms_error = 0.0;
  std::string judged_by;   // "max" or "rms"
  double tolerance = 0.0;  // of the one that it is judged by
  double other_rms = 0.0;  // what the engine states of itself; 0 = it states nothing
  bool greedy_equal = false;
  bool greedy_counts = true;  // not where the engine rounds on its own
  bool passed = false;
  bool skipped = false;  // its model is not in the folder
  std::string fault;     // why it could not be computed
};

// One row per case, by name. Throws InputError when there is no such folder.
std::vector<ExpectedRow> check_expected_outputs(const std::string& folder);

// Without material: a random model of every kind of layer, computed token by token, all at once
// and in two parts, must give the same logits to 1e-5.
std::vector<ExpectedRow> check_generated_models();

}  // namespace joulesim::models

#include "models/import/gguf_model.hpp"

#include "models/import/byte_reader.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace joulesim::models {

Model model_from_gguf(const GgufFile& gguf, const std::string& path) {
  Diagnostics faults;
  GgufValues values(gguf, path, faults);
  Model model;
  GgufSpec read = read_gguf_spec(gguf, values);
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  model.spec = std::move(read.spec);
  ModelSpec& spec = model.spec;
  const auto* architecture = values.find<std::string>("general.architecture");
  const auto* name = values.find<std::string>("general.name");
  spec.title = name != nullptr ? *name : *architecture;
  const std::size_t slash = path.find_last_of('/');
  spec.id = slash == std::string::npos ? path : path.substr(slash + 1);
  // Activations are what the reference kernels use; weights below keep their own formats.
  spec.formats = uniform_formats(known_format("fp32"));
  model.tokens = read_gguf_tokens(values, spec.vocab);
  for (const std::string& fault : faults_of(spec)) {
    values.fault(fault);
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  std::map<std::string, WeightMatrix> tensors;
  for (const auto& [theirs, tensor] : gguf.tensors) {
    tensors.emplace(theirs, WeightMatrix{tensor.format, tensor.shape, tensor.data, gguf.file});
  }
  std::vector<std::string> problems;
  place_tensors([&](const std::string& theirs) { return gguf_name(*architecture, theirs, spec); },
                std::move(tensors), model, problems);
  if (!read.rope_divisors.empty()) {
    model.weights.insert_or_assign(
        "rope_factors",
        WeightMatrix::encode(known_format("fp32"), {1, spec.rotary / 2}, read.rope_divisors));
  }
  if (problems.empty()) {
    problems = weight_faults(model);
  }
  for (const std::string& problem : problems) {
    values.fault(problem);
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return model;
}

}  // namespace joulesim::models

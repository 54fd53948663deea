#include "models/import/hugging_face.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/config_json.hpp"
#include "models/import/hugging_face_names.hpp"
#include "models/import/hugging_face_spec.hpp"
#include "models/import/placing.hpp"
#include "models/import/rope_scaling.hpp"
#include "models/import/safetensors.hpp"
#include "models/import/tokenizer_json.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace joulesim::models {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::set<std::string> weight_files(const std::string& folder) {
  const fs::path index = fs::path(folder) / "model.safetensors.index.json";
  if (!fs::exists(index)) {
    return {(fs::path(folder) / "model.safetensors").string()};
  }
  const Json json = read_json_object(index.string());
  std::set<std::string> files;
  if (!json.contains("weight_map") || !json["weight_map"].is_object()) {
    refuse_file(index.string(), "found no 'weight_map'; expected the file of each tensor");
  }
  for (const auto& [name, file] : json["weight_map"].items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : std::string();
    if (shard.empty() || fs::path(shard).has_parent_path()) {
      refuse_file(index.string(),
                  fmt::format("found file '{}' for '{}'; expected a plain file name", shard, name));
    }
    files.insert((fs::path(folder) / shard).string());
  }
  return files;
}

// What the tensors that are there say of the model: its head may be there or not, and a file may
// start behind its embedding.
void adapt(const std::map<std::string, WeightMatrix>& tensors, ModelSpec& spec) {
  const auto has = [&](const char* ending) {
    return std::any_of(tensors.begin(), tensors.end(),
                       [&](const auto& entry) { return entry.first.ends_with(ending); });
  };
  if (!spec.causal) {
    spec.embedded = has("word_embeddings.weight");
    if (!spec.embedded) {
      spec.token_types = 0;
      spec.embedding_norm = has("embeddings.LayerNorm.weight");
      spec.position = PositionKind::kNone;
    }
    spec.pooler = has("pooler.dense.weight");
    spec.labels = has("classifier.weight") ? spec.labels : 0;
  }
}

ModelSpec read_checked(const ConfigJson& config, Diagnostics& faults,
                       std::vector<float>& divisors) {
  ModelSpec spec = read_hugging_face_spec(config);
  if (faults.ok()) {
    const auto inner = config.inside("text_config");
    divisors = scale_rope(inner && inner->has("model_type") ? *inner : config, spec);
  }
  if (faults.ok()) {
    for (const std::string& fault : faults_of(spec)) {
      config.fault(fault);
    }
  }
  return spec;
}

}  // namespace

ModelSpec spec_from_hugging_face(const std::string& config_path) {
  Diagnostics faults;
  const Json json = read_json_object(config_path);
  std::vector<float> divisors;
  ModelSpec spec = read_checked(ConfigJson(json, config_path, faults), faults, divisors);
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return spec;
}

Model model_from_hugging_face(const std::string& folder) {
  const std::string path = (fs::path(folder) / "config.json").string();
  Diagnostics faults;
  const Json json = read_json_object(path);
  const ConfigJson config(json, path, faults);
  Model model;
  std::vector<float> divisors;
  model.spec = read_checked(config, faults, divisors);
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  std::map<std::string, WeightMatrix> tensors;
  for (const std::string& file : weight_files(folder)) {
    read_safetensors(file, tensors);
  }
  model.spec.formats = uniform_formats(known_format("fp32"));
  adapt(tensors, model.spec);
  std::vector<std::string> problems;
  const auto inner = config.inside("text_config");
  const bool nested = inner && inner->has("model_type");
  const std::string family = (nested ? *inner : config).text({"model_type"});
  place_tensors([&](const std::string& name) { return hugging_face_name(family, name); },
                std::move(tensors), model, problems);
  if (!divisors.empty()) {
    model.weights.insert_or_assign(
        "rope_factors",
        WeightMatrix::encode(known_format("fp32"), {1, model.spec.rotary / 2}, divisors));
  }
  if (problems.empty()) {
    problems = weight_faults(model);
  }
  for (const std::string& problem : problems) {
    config.fault(problem);
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  const fs::path tokens = fs::path(folder) / "tokenizer.json";
  if (fs::exists(tokens)) {
    model.tokens = read_tokenizer_json(tokens.string());
  }
  return model;
}

}  // namespace joulesim::models

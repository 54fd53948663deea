#include "models/import/model.hpp"

#include "models/arch/build_graph.hpp"
#include "models/arch/model_file.hpp"
#include "models/import/byte_reader.hpp"
#include "models/import/codec.hpp"
#include "models/import/gguf.hpp"
#include "models/import/hugging_face.hpp"
#include "models/import/llama2c.hpp"
#include "models/import/mapped_file.hpp"
#include "models/import/tokenizer_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

namespace joulesim::models {

namespace {

// The scale of ternary weights: BitNet b1.58, arXiv 2402.17764, eq. 3.
float mean_magnitude(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) {
    sum += std::fabs(value);
  }
  return static_cast<float>(sum / static_cast<double>(values.size()));
}

}  // namespace

void WeightMatrix::row(std::int64_t index, std::span<float> out) const {
  const auto size = static_cast<std::size_t>(format.bytes_of_row(shape.columns));
  decode_row(format, data.subspan(static_cast<std::size_t>(index) * size, size), out);
  if (format.tensor_bytes > 0) {  // the scale of the matrix stands behind its rows
    float scale = 0.0F;
    std::memcpy(&scale, data.data() + static_cast<std::size_t>(shape.rows) * size, sizeof(scale));
    for (float& value : out) {
      value *= scale;
    }
  }
}

std::vector<float> WeightMatrix::all() const {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  const auto columns = static_cast<std::size_t>(shape.columns);
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    row(r, std::span(values).subspan(static_cast<std::size_t>(r) * columns, columns));
  }
  return values;
}

WeightMatrix WeightMatrix::encode(const Format& format, Shape shape,
                                  std::span<const float> values) {
  auto bytes = std::make_shared<std::vector<std::byte>>();
  bytes->reserve(static_cast<std::size_t>(format.bytes(shape.rows, shape.columns)));
  const auto columns = static_cast<std::size_t>(shape.columns);
  std::vector<float> row(columns);
  const float scale = format.tensor_bytes > 0 ? mean_magnitude(values) : 1.0F;
  for (std::size_t r = 0; r < static_cast<std::size_t>(shape.rows); ++r) {
    const auto part = values.subspan(r * columns, columns);
    std::transform(part.begin(), part.end(), row.begin(),
                   [&](float value) { return scale > 0.0F ? value / scale : 0.0F; });
    encode_row(format, row, *bytes);
  }
  if (format.tensor_bytes > 0) {
    const auto* raw = reinterpret_cast<const std::byte*>(&scale);
    bytes->insert(bytes->end(), raw, raw + sizeof(scale));
  }
  const std::span<const std::byte> data(*bytes);
  return {format, shape, data, std::move(bytes)};
}

std::vector<std::string> weight_faults(const Model& model) {
  std::vector<std::string> faults;
  const OperatorGraph graph = build_graph(model.spec, whole_phase(model.spec));
  std::set<std::string> used;
  for (const Storage& storage : graph.storages()) {
    if (storage.kind != TensorKind::kWeight) {
      continue;
    }
    used.insert(storage.name);
    const auto found = model.weights.find(storage.name);
    if (found == model.weights.end()) {
      faults.push_back(fmt::format("found no weight '{}'; expected one of {}", storage.name,
                                   to_string(storage.shape)));
    } else if (found->second.shape != storage.shape) {
      faults.push_back(fmt::format("found weight '{}' of {}; expected {}", storage.name,
                                   to_string(found->second.shape), to_string(storage.shape)));
    }
  }
  for (const auto& [name, weight] : model.weights) {
    if (!used.contains(name)) {
      faults.push_back(
          fmt::format("found weight '{}' of {}; expected only weights that the model uses", name,
                      to_string(weight.shape)));
    }
  }
  return faults;
}

namespace {

namespace fs = std::filesystem;

bool is_hugging_face(const fs::path& path) {
  return fs::is_directory(path) || path.extension() == ".safetensors" ||
         path.filename() == "config.json";
}

}  // namespace

Model load_model(const std::string& path) {
  if (is_hugging_face(path)) {
    return model_from_hugging_face(fs::is_directory(path) ? path
                                                          : fs::path(path).parent_path().string());
  }
  auto file = MappedFile::open(path);
  try {
    if (is_gguf(file->bytes())) {
      return model_from_gguf(parse_gguf(std::move(file)), path);
    }
    if (is_llama2c(file->bytes())) {
      return model_from_llama2c(std::move(file), path);
    }
  } catch (const BinaryFault& fault) {
    refuse_file(path, fault.what());
  }
  refuse_file(
      path,
      "offset 0: found no known model format; expected \"GGUF\", a llama2.c header, or a folder "
      "with config.json");
}

TokenTable load_tokens(const std::string& path) {
  const fs::path inside = fs::path(path) / "tokenizer.json";
  if (fs::is_directory(path) || fs::path(path).extension() == ".json") {
    return read_tokenizer_json(fs::is_directory(path) ? inside.string() : path);
  }
  auto file = MappedFile::open(path);
  try {
    if (is_gguf(file->bytes())) {
      return tokens_from_gguf(parse_gguf(std::move(file)), path);
    }
  } catch (const BinaryFault& fault) {
    refuse_file(path, fault.what());
  }
  refuse_file(path, "found no token table; expected a GGUF file or a tokenizer.json");
}

ModelSpec load_model_spec(const std::string& path) {
  if (fs::path(path).extension() == ".toml") {
    return read_model_file(path).spec;
  }
  if (is_hugging_face(path)) {
    const fs::path folder = fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
    return spec_from_hugging_face((folder / "config.json").string());
  }
  if (fs::path(path).extension() == ".json") {
    return spec_from_hugging_face(path);
  }
  return load_model(path).spec;
}

}  // namespace joulesim::models

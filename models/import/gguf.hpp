// The GGUF container: key-values and a directory of tensors over a mapped file.
//
// Models:     versions 2 and 3, little-endian, all value types but arrays of arrays.
// Leaves out: big-endian files, version 1, files split over several parts.
// Checked by: tests/unit/models_gguf.cpp (every truncation and many damaged files),
//             tests/oracle/models_stories.cpp
#pragma once

#include "models/graph/op.hpp"
#include "models/import/mapped_file.hpp"
#include "models/import/model.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace joulesim::models {

using GgufValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<bool>,
                 std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> dimensions;  // fastest first, as stored
  Shape shape;                            // columns = the fastest, rows = all others together
  Format format;
  std::span<const std::byte> data;
};

struct GgufFile {
  std::map<std::string, GgufValue> values;
  std::map<std::string, GgufTensor> tensors;
  std::shared_ptr<const MappedFile> file;
};

// Throws BinaryFault. Memory used is bounded by a small multiple of the file's size.
GgufFile parse_gguf(std::shared_ptr<const MappedFile> file);

[[nodiscard]] bool is_gguf(std::span<const std::byte> bytes);

// Dimensions, weights and tokens of the architectures that fit ModelSpec (gguf_architectures.cpp).
// Throws InputError about `path` for any other and for what does not agree.
Model model_from_gguf(const GgufFile& gguf, const std::string& path);

// The token table alone: also of files without tensors.
TokenTable tokens_from_gguf(const GgufFile& gguf, const std::string& path);

}  // namespace joulesim::models

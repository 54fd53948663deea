// An ONNX file as it is written: graphs, nodes, attributes, tensors that still lie in the file.
//
// Models:     ModelProto with subgraphs, functions, operator-set versions per domain, external
// data. Leaves out: training information, quantisation annotations and doc strings, which are
// skipped;
//             sparse tensors, maps and complex numbers, which are refused by name where they occur.
// Checked by: tests/unit/models_onnx_file.cpp, tests/oracle/models_onnx.cpp
#pragma once

#include "models/import/array.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models::onnx {

struct Graph;

// One of the encodings holds the elements; `raw` points into the file.
struct Tensor {
  std::string name;
  std::int64_t type_code = 0;
  Dims dims;
  bool has_raw = false;
  std::span<const std::byte> raw;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<std::int64_t> ints;  // int32_data and int64_data
  std::vector<std::uint64_t> unsigned_ints;
  std::vector<std::string> strings;
  bool external = false;
  std::map<std::string, std::string> external_data;  // location, offset, length
};

struct Attribute {
  enum class Kind : std::uint8_t {
    kNone = 0,
    kFloat = 1,
    kInt = 2,
    kString = 3,
    kTensor = 4,
    kGraph = 5,
    kFloats = 6,
    kInts = 7,
    kStrings = 8,
    kTensors = 9,
    kGraphs = 10,
    kSparseTensor = 11,
    kSparseTensors = 12,
    kTypeProto = 13,
    kTypeProtos = 14,
  };
  std::string name;
  std::string reference;  // inside functions: the caller's attribute to use
  Kind kind = Kind::kNone;
  float f = 0.0F;
  std::int64_t i = 0;
  std::string s;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  std::vector<Tensor> tensors;                       // also a single one
  std::vector<std::shared_ptr<const Graph>> graphs;  // also a single one
};

struct Node {
  std::string name;
  std::string op_type;
  std::string domain;               // "" is the standard's own, also when written "ai.onnx"
  std::vector<std::string> inputs;  // "" = left out
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes;

  [[nodiscard]] const Attribute* attribute(const std::string& wanted) const;
  [[nodiscard]] std::string shown() const;  // "node 'x' (Conv)"
};

struct Dimension {
  std::optional<std::int64_t> value;
  std::string symbol;  // empty: nothing is known
};

struct ValueInfo {
  std::string name;
  enum class Kind : std::uint8_t { kNone, kTensor, kSequence, kOptional, kOther };
  Kind kind = Kind::kNone;
  std::int64_t type_code = 0;  // of a tensor's or a sequence's elements
  bool has_shape = false;
  std::vector<Dimension> shape;
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<std::string> sparse_initializers;  // their names
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  std::vector<ValueInfo> values;
};

struct Function {
  std::string name;
  std::string domain;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> attributes;
  std::vector<Attribute> defaults;
  std::vector<Node> nodes;
  std::map<std::string, std::int64_t> opsets;
};

struct Model {
  std::string path;
  std::shared_ptr<const void> owner;  // keeps the bytes that tensors point into
  std::int64_t ir_version = 0;
  std::string producer;
  std::map<std::string, std::int64_t> opsets;  // domain -> version
  Graph graph;
  std::vector<Function> functions;
};

// Both throw InputError about `path` for what is no ONNX model or a damaged one. Every string and
// number kept is one that the file holds, so memory stays within a fixed multiple of its size.
Model parse_model(std::span<const std::byte> bytes, const std::string& path,
                  std::shared_ptr<const void> owner);
Model load_model(const std::string& path);

// One TensorProto. Throws std::runtime_error for damaged bytes.
Tensor parse_tensor(std::span<const std::byte> bytes);

// A tensor file (TensorProto), as conformance tests come with.
Array read_tensor_file(const std::string& path);
// Its lists: SequenceProto, or an OptionalProto of a tensor or a sequence; none: an empty optional.
struct TensorList {
  bool is_sequence = false;
  std::vector<Array> arrays;
};
TensorList read_sequence_file(const std::string& path);
TensorList read_optional_file(const std::string& path);

// The elements; ones that lie in the file (or in the file that external data names, which must be
// inside the model's folder) aligned for their type are borrowed, not copied. Throws ArrayFault.
Array array_of(const Tensor& tensor, const Model& model);

}  // namespace joulesim::models::onnx

// Small ONNX models as bytes, so that tests need no files.
#pragma once

#include "models/import/onnx_model.hpp"

#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace joulesim::models::onnx::test {

inline std::string attribute(const std::string& name, std::int64_t value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_int64(3, value);
  writer.add_int32(20, 2);
  return bytes;
}
inline std::string attribute(const std::string& name, float value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_float(2, value);
  writer.add_int32(20, 1);
  return bytes;
}
inline std::string attribute(const std::string& name, const std::string& value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_string(4, value);
  writer.add_int32(20, 3);
  return bytes;
}
inline std::string attribute(const std::string& name, const std::vector<std::int64_t>& values) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_packed_int64(8, values.begin(), values.end());
  writer.add_int32(20, 7);
  return bytes;
}
inline std::string graph_attribute(const std::string& name, const std::string& graph) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_message(6, graph);
  writer.add_int32(20, 5);
  return bytes;
}

inline std::string node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs,
                        const std::vector<std::string>& attributes = {},
                        const std::string& domain = "") {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  for (const std::string& input : inputs) {
    writer.add_string(1, input);
  }
  for (const std::string& output : outputs) {
    writer.add_string(2, output);
  }
  writer.add_string(3, "the_" + op);
  writer.add_string(4, op);
  for (const std::string& one : attributes) {
    writer.add_message(5, one);
  }
  writer.add_string(7, domain);
  return bytes;
}

// Dimensions are numbers, or a symbol for -1.
inline std::string value_info(const std::string& name, DType type, const Dims& shape) {
  std::string dims;
  protozero::pbf_writer dims_writer(dims);
  for (const std::int64_t size : shape) {
    std::string dim;
    protozero::pbf_writer dim_writer(dim);
    if (size < 0) {
      dim_writer.add_string(2, "n");
    } else {
      dim_writer.add_int64(1, size);
    }
    dims_writer.add_message(1, dim);
  }
  std::string tensor;
  protozero::pbf_writer tensor_writer(tensor);
  tensor_writer.add_int32(1, static_cast<int>(type));
  tensor_writer.add_message(2, dims);
  std::string wrapped;
  protozero::pbf_writer(wrapped).add_message(1, tensor);
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_message(2, wrapped);
  return bytes;
}

inline std::string float_tensor(const std::string& name, const Dims& shape,
                                const std::vector<float>& values) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(1, shape.begin(), shape.end());
  writer.add_int32(2, static_cast<int>(DType::kFloat));
  writer.add_string(8, name);
  writer.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

inline std::string external_tensor(const std::string& name, const Dims& shape,
                                   const std::vector<std::pair<std::string, std::string>>& keys) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(1, shape.begin(), shape.end());
  writer.add_int32(2, static_cast<int>(DType::kFloat));
  writer.add_string(8, name);
  for (const auto& [key, value] : keys) {
    std::string entry;
    protozero::pbf_writer entry_writer(entry);
    entry_writer.add_string(1, key);
    entry_writer.add_string(2, value);
    writer.add_message(13, entry);
  }
  writer.add_int32(14, 1);
  return bytes;
}

struct GraphText {
  std::vector<std::string> nodes, inputs, outputs, initializers;
};

inline std::string graph(const GraphText& text) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  for (const std::string& one : text.nodes) {
    writer.add_message(1, one);
  }
  writer.add_string(2, "g");
  for (const std::string& one : text.initializers) {
    writer.add_message(5, one);
  }
  for (const std::string& one : text.inputs) {
    writer.add_message(11, one);
  }
  for (const std::string& one : text.outputs) {
    writer.add_message(12, one);
  }
  return bytes;
}

inline std::string model(std::int64_t opset, const GraphText& text) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_int64(1, 8);
  writer.add_message(7, graph(text));
  for (const auto& [domain, version] :
       {std::pair<const char*, std::int64_t>{"", opset}, {"com.microsoft", 1}}) {
    std::string import;
    protozero::pbf_writer import_writer(import);
    import_writer.add_string(1, domain);
    import_writer.add_int64(2, version);
    writer.add_message(8, import);
  }
  return bytes;
}

inline Model parsed(const std::string& bytes, const std::string& path = "test.onnx") {
  auto owner = std::make_shared<const std::string>(bytes);
  const auto* data = reinterpret_cast<const std::byte*>(owner->data());
  return parse_model({data, owner->size()}, path, owner);
}

}  // namespace joulesim::models::onnx::test

// Parsers of ONNX graphs, of arrays of every type, and of token tables in JSON.
#include "models/import/model.hpp"
#include "models/import/npy_array.hpp"
#include "models/import/onnx_model.hpp"
#include "models/import/tokenizer.hpp"
#include "models/kernels/onnx_session.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/kernels/onnx_bytes.hpp"

namespace joulesim::fuzz {
namespace {

namespace onnx = models::onnx;

// What is no array is refused in a way of its own, before it becomes a message with a place.
void parse_onnx(std::span<const std::byte> input) {
  const onnx::Model model = onnx::parse_model(input, "fuzz.onnx", nullptr);
  (void)onnx::faults_of(model);
  for (const onnx::Tensor& tensor : model.graph.initializers) {
    try {
      (void)onnx::array_of(tensor, model);
    } catch (const models::ArrayFault&) {
      continue;
    }
  }
}

void parse_onnx_tensor(std::span<const std::byte> input) {
  (void)onnx::read_tensor_file(as_file("tensor.pb", input));
}

void parse_array(std::span<const std::byte> input) {
  (void)models::read_npy_array(as_file("typed.npy", input));
}

void parse_tokenizer(std::span<const std::byte> input) {
  const models::Tokenizer tokenizer(models::load_tokens(as_file("tokenizer.json", input)));
  (void)tokenizer.decode(tokenizer.encode(" ab \xe4\xb8\x96 ba"));
}

std::vector<Bytes> onnx_corpus() {
  using namespace onnx::test;
  using models::DType;
  const std::string branch =
      graph({{node("Neg", {"a"}, {"r"})}, {}, {value_info("r", DType::kFloat, {2})}, {}});
  const std::string nested =
      model(13, {{node("MatMul", {"a", "w"}, {"b"}),
                  node("If", {"c"}, {"y"}, {graph_attribute("then_branch", branch)})},
                 {value_info("a", DType::kFloat, {2, -1})},
                 {value_info("y", DType::kFloat, {2})},
                 {float_tensor("w", {2, 2}, {1, 2, 3, 4})}});
  const std::string plain = model(
      17, {{node("Add", {"a", "w"}, {"b"}),
            node("Transpose", {"b"}, {"y"}, {attribute("perm", std::vector<std::int64_t>{1, 0})})},
           {value_info("a", DType::kFloat, {2, 2})},
           {value_info("y", DType::kFloat, {2, 2})},
           {float_tensor("w", {2, 2}, {1, 2, 3, 4})}});
  return {bytes_of(nested), bytes_of(plain)};
}

std::vector<Bytes> onnx_tensor_corpus() {
  return {bytes_of(onnx::test::float_tensor("w", {2, 3}, {1, 2, 3, 4, 5, 6}))};
}

std::vector<Bytes> array_corpus() {
  std::string header = std::string("\x93NUMPY\x01\x00", 8) + std::string("v\x00", 2) +
                       "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2), }";
  header.resize(127, ' ');
  header += "\n";
  Bytes file = bytes_of(header);
  file.resize(file.size() + 32, std::byte{3});
  return {file};
}

std::vector<Bytes> tokenizer_corpus() {
  return {bytes_of(
      R"({"version":"1.0","added_tokens":[{"id":0,"content":"<s>","special":true}],)"
      R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},)"
      R"("model":{"type":"BPE","vocab":{"<s>":0,"a":1,"b":2,"ab":3,"\u0120":4,"\u0120a":5},)"
      R"("merges":["a b","\u0120 a"]}})")};
}

}  // namespace

std::vector<Target> graph_targets() {
  return {{"onnx", parse_onnx, onnx_corpus},
          {"onnx_tensor", parse_onnx_tensor, onnx_tensor_corpus},
          {"npy_array", parse_array, array_corpus},
          {"tokenizer_json", parse_tokenizer, tokenizer_corpus}};
}

}  // namespace joulesim::fuzz

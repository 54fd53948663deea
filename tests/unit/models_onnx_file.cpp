// ONNX files as bytes: encodings of tensors, damaged and hostile files.
#include "models/import/onnx_model.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/kernels/onnx_bytes.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

using namespace joulesim::models;
using namespace joulesim::models::onnx;
using namespace joulesim::models::onnx::test;
using Catch::Contains;

namespace {

// Every tensor of a graph and of its subgraphs decoded, as far as it can be.
void decode_all(const Graph& graph, const Model& model) {
  const auto decode = [&](const Tensor& tensor) {
    try {
      (void)array_of(tensor, model);
    } catch (const ArrayFault&) {
    } catch (const joulesim::InputError&) {
    }
  };
  for (const Tensor& tensor : graph.initializers) {
    decode(tensor);
  }
  for (const Node& node : graph.nodes) {
    for (const Attribute& attribute : node.attributes) {
      for (const Tensor& tensor : attribute.tensors) {
        decode(tensor);
      }
      for (const auto& inner : attribute.graphs) {
        decode_all(*inner, model);
      }
    }
  }
}

// True when the bytes are refused with a message, false when they are a model; anything else fails.
bool refused(const std::string& bytes) {
  try {
    const Model model = parsed(bytes);
    decode_all(model.graph, model);
    return false;
  } catch (const joulesim::InputError&) {
    return true;
  }
}

std::string sample() {
  const std::string branch =
      graph({{node("Neg", {"a"}, {"r"})}, {}, {value_info("r", DType::kFloat, {2})}, {}});
  return model(
      13, {{node("Conv", {"a", "w"}, {"b"}, {attribute("pads", std::vector<std::int64_t>{1, 1})}),
            node("If", {"c"}, {"y"}, {graph_attribute("then_branch", branch)})},
           {value_info("a", DType::kFloat, {1, -1})},
           {value_info("y", DType::kFloat, {1})},
           {float_tensor("w", {2, 2}, {1, 2, 3, 4})}});
}

void mutate(const std::string& bytes, int rounds) {
  std::mt19937_64 random(1);
  for (int round = 0; round < rounds; ++round) {
    std::string copy = bytes;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      copy[random() % copy.size()] ^= static_cast<char>(1U << (random() % 8));
    }
    if (round % 5 == 0) {
      copy.resize(random() % copy.size());
    }
    (void)refused(copy);
  }
}

}  // namespace

TEST_CASE("a model's parts are read") {
  const Model m = parsed(sample());
  CHECK(m.ir_version == 8);
  CHECK(m.opsets.at("") == 13);
  REQUIRE(m.graph.nodes.size() == 2);
  CHECK(m.graph.nodes[0].attribute("pads")->ints == std::vector<std::int64_t>{1, 1});
  CHECK(m.graph.nodes[1].attribute("then_branch")->graphs.at(0)->nodes.at(0).op_type == "Neg");
  CHECK(m.graph.inputs.at(0).shape.at(1).symbol == "n");
  CHECK(array_of(m.graph.initializers.at(0), m).read<float>()[3] == 4.0F);
}

TEST_CASE("tensors come in every encoding") {
  const auto of = [](DType type, auto fill) {
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    const Dims shape{3};
    writer.add_packed_int64(1, shape.begin(), shape.end());
    writer.add_int32(2, static_cast<int>(type));
    fill(writer);
    return array_of(parse_tensor({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}),
                    Model());
  };
  const std::vector<std::int32_t> small{1, -2, 3};
  const auto ints = [&](protozero::pbf_writer& w) {
    w.add_packed_int32(5, small.begin(), small.end());
  };
  CHECK(of(DType::kInt8, ints).read<std::int8_t>()[1] == -2);
  CHECK(of(DType::kInt32, ints).read<std::int32_t>()[1] == -2);
  CHECK(of(DType::kBool, ints).read<std::uint8_t>()[1] == 1);
  CHECK(of(DType::kFloat16, [](protozero::pbf_writer& w) {
          const std::vector<std::int32_t> bits{0x3C00, 0xBC00, 0};
          w.add_packed_int32(5, bits.begin(), bits.end());
        }).read<std::uint16_t>()[1] == 0xBC00);
  CHECK(of(DType::kInt4, [](protozero::pbf_writer& w) {
          w.add_bytes(9, "\x8F\x07", 2);
        }).read<std::int8_t>()[1] == -8);
  CHECK(of(DType::kUint4, [](protozero::pbf_writer& w) {
          w.add_bytes(9, "\x8F\x07", 2);
        }).read<std::uint8_t>()[0] == 15);
  CHECK(of(DType::kDouble, [](protozero::pbf_writer& w) {
          const std::vector<double> values{1, 2, 3};
          w.add_packed_double(10, values.begin(), values.end());
        }).read<double>()[2] == 3.0);
  CHECK(of(DType::kUint64, [](protozero::pbf_writer& w) {
          for (const std::uint64_t v : {1ULL, 2ULL, ~0ULL}) {
            w.add_uint64(11, v);
          }
        }).read<std::uint64_t>()[2] == ~0ULL);
  CHECK(of(DType::kString, [](protozero::pbf_writer& w) {
          for (const char* v : {"a", "b", "c"}) {
            w.add_string(6, v);
          }
        }).read<std::string>()[2] == "c");
  CHECK_THROWS_WITH(of(DType::kFloat, ints), Contains("found 0 values; expected 3"));
  CHECK_THROWS_WITH(of(DType::kFloat, [](protozero::pbf_writer& w) { w.add_bytes(9, "abcd", 4); }),
                    Contains("found 4 bytes; expected 12"));
}

TEST_CASE("what is no model is refused with a message") {
  CHECK(refused(""));
  CHECK(refused("GGUF"));
  CHECK(refused(std::string(1000, '\xFF')));
  CHECK(refused(sample().substr(0, 40)));
  CHECK_THROWS_WITH(parsed("\x08\x08"), Contains("found no graph"));
}

TEST_CASE("shapes that promise more than the file holds allocate nothing") {
  const auto huge = [](const Dims& shape) {
    std::string bytes;
    protozero::pbf_writer writer(bytes);
    writer.add_packed_int64(1, shape.begin(), shape.end());
    writer.add_int32(2, static_cast<int>(DType::kFloat));
    writer.add_bytes(9, "abcd", 4);
    return array_of(parse_tensor({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}),
                    Model());
  };
  CHECK_THROWS_AS(huge({std::int64_t{1} << 62}), ArrayFault);
  CHECK_THROWS_AS(huge({std::int64_t{1} << 40, std::int64_t{1} << 40}), ArrayFault);
  CHECK_THROWS_AS(huge({-1}), ArrayFault);
  CHECK_THROWS_AS(Array(DType::kDouble, {std::int64_t{1} << 40}), ArrayFault);
}

TEST_CASE("graphs nested without end are refused") {
  std::string inner = graph({{node("Neg", {"a"}, {"r"})}, {}, {}, {}});
  for (int depth = 0; depth < 60; ++depth) {
    inner =
        graph({{node("If", {"c"}, {"r"}, {graph_attribute("then_branch", inner)})}, {}, {}, {}});
  }
  std::string bytes;
  protozero::pbf_writer(bytes).add_message(7, inner);
  CHECK_THROWS_WITH(parsed(bytes), Contains("nested more than"));
}

TEST_CASE("mutated files are models or are refused, and nothing else") { mutate(sample(), 20000); }

TEST_CASE("mutated real files are models or are refused, and nothing else") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(JOULESIM_DATA_DIR) / "models" / "onnx";
  if (!fs::exists(folder)) {
    WARN("skipped: no " << folder.string());
    return;
  }
  std::ifstream file(folder / "gpt2_megatron.onnx", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  mutate(text.str(), 500);
}

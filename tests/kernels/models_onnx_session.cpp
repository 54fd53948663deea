// ONNX sessions: what is refused and how it is told, control flow, names, memory of dead values.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_session.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/kernels/onnx_bytes.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace joulesim::models;
using namespace joulesim::models::onnx;
using namespace joulesim::models::onnx::test;
using Catch::Contains;

namespace {

Array floats(const Dims& shape, const std::vector<float>& values) {
  return Array::of(DType::kFloat, shape, values);
}

std::string complaint(const Model& model) {
  try {
    const Session session(model);
    return "";
  } catch (const joulesim::InputError& fault) {
    return fault.what();
  }
}

std::string run_complaint(const Model& model, std::map<std::string, Value> inputs) {
  try {
    const Session session(model);
    session.run(std::move(inputs));
    return "";
  } catch (const joulesim::InputError& fault) {
    return fault.what();
  }
}

GraphText adder() {
  return {{node("Add", {"a", "b"}, {"c"})},
          {value_info("a", DType::kFloat, {2, -1})},
          {value_info("c", DType::kFloat, {2, -1})},
          {float_tensor("b", {1}, {10.0F})}};
}

}  // namespace

TEST_CASE("a session runs a graph with an initialiser") {
  const Model m = parsed(model(13, adder()));
  const Session session(m);
  REQUIRE(session.required_inputs().size() == 1);
  const auto outputs = session.run({{"a", floats({2, 2}, {1, 2, 3, 4})}});
  REQUIRE(outputs.size() == 1);
  CHECK(converted<double>(outputs[0].array) == std::vector<double>{11, 12, 13, 14});
}

TEST_CASE("inputs that are missing, too many, of another type or shape are all told at once") {
  const Model m = parsed(model(13, adder()));
  CHECK_THAT(run_complaint(m, {}), Contains("found no input 'a'; expected float [2,n]"));
  const std::string told =
      run_complaint(m, {{"a", Array::of_ints({1, 2})}, {"aa", floats({1}, {1})}});
  CHECK_THAT(told, Contains("input 'a': found int64 [2]; expected float [2,n]"));
  CHECK_THAT(told, Contains("found input 'aa', which the model does not have; did you mean 'a'?"));
}

TEST_CASE("what cannot be computed is refused by name before anything runs") {
  GraphText text = adder();
  text.nodes.push_back(node("RandomNormal", {}, {"r"}));
  text.nodes.push_back(node("Fancy", {"c"}, {"f"}, {}, "com.example"));
  text.nodes.push_back(node("Gelu", {"c"}, {"g"}));
  text.nodes.push_back(node("Relu", {"nowhere"}, {"h"}));
  const std::string told = complaint(parsed(model(13, text)));
  CHECK_THAT(told, Contains("node 'the_RandomNormal' (RandomNormal): found an operator that is "
                            "not supported"));
  CHECK_THAT(told, Contains("node 'the_Fancy' (com.example.Fancy)"));
  CHECK_THAT(told, Contains("node 'the_Gelu' (Gelu): found version 13 of this operator"));
  CHECK_THAT(told, Contains("found input 'nowhere' that nothing writes"));
  CHECK_THAT(complaint(parsed(model(99, adder()))), Contains("found operator set 99"));
}

TEST_CASE("nodes out of order are ordered, cycles are refused") {
  GraphText text{{node("Neg", {"b"}, {"c"}), node("Exp", {"a"}, {"b"})},
                 {value_info("a", DType::kFloat, {1})},
                 {value_info("c", DType::kFloat, {1})},
                 {}};
  const Model sorted = parsed(model(13, text));
  const auto outputs = Session(sorted).run({{"a", floats({1}, {0})}});
  CHECK(converted<double>(outputs[0].array) == std::vector<double>{-1});
  text.nodes = {node("Neg", {"b"}, {"c"}), node("Exp", {"c"}, {"b"})};
  CHECK_THAT(complaint(parsed(model(13, text))), Contains("found a cycle"));
}

TEST_CASE("of a constant written twice the last counts; other values have one writer") {
  const auto constant = [](std::int64_t value) {
    return node("Constant", {}, {"b"}, {attribute("value_int", value)});
  };
  GraphText text{{constant(1), node("Add", {"a", "b"}, {"c"}), constant(5)},
                 {value_info("a", DType::kInt64, {})},
                 {value_info("c", DType::kInt64, {})},
                 {}};
  const Model m = parsed(model(13, text));
  CHECK(Session(m).run({{"a", Array::scalar(2)}})[0].array.read<std::int64_t>()[0] == 7);
  text.nodes.push_back(node("Neg", {"a"}, {"c"}));
  CHECK_THAT(complaint(parsed(model(13, text))), Contains("found 'c' written a second time"));
}

TEST_CASE("a fault of a kernel names its node") {
  const GraphText text{
      {node("MatMul", {"a", "b"}, {"c"})},
      {value_info("a", DType::kFloat, {2, 3}), value_info("b", DType::kFloat, {2, 3})},
      {value_info("c", DType::kFloat, {2, 3})},
      {}};
  const Array x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_THAT(run_complaint(parsed(model(13, text)), {{"a", x}, {"b", x}}),
             Contains("node 'the_MatMul' (MatMul): found [2,3] times [2,3]; expected equal inner"));
}

TEST_CASE("If chooses a branch that sees outer values") {
  const auto branch = [](const std::string& op) {
    return graph({{node(op, {"a"}, {"r"})}, {}, {value_info("r", DType::kFloat, {2})}, {}});
  };
  const GraphText text{{node("If", {"which"}, {"y"},
                             {graph_attribute("then_branch", branch("Neg")),
                              graph_attribute("else_branch", branch("Identity"))})},
                       {value_info("which", DType::kBool, {}), value_info("a", DType::kFloat, {2})},
                       {value_info("y", DType::kFloat, {2})},
                       {}};
  const Model m = parsed(model(13, text));
  const Session session(m);
  for (const auto which : {std::uint8_t{0}, std::uint8_t{1}}) {
    const auto y = session.run(
        {{"which", Array::of(DType::kBool, {}, std::vector{which})}, {"a", floats({2}, {1, 2})}});
    CHECK(converted<double>(y[0].array)[1] == (which != 0 ? -2 : 2));
  }
}

TEST_CASE("Loop carries values and stacks what each iteration yields") {
  const std::string body =
      graph({{node("Add", {"sum", "step"}, {"next"}), node("Identity", {"go"}, {"on"}),
              node("Identity", {"next"}, {"seen"})},
             {value_info("i", DType::kInt64, {}), value_info("go", DType::kBool, {}),
              value_info("sum", DType::kFloat, {1})},
             {value_info("on", DType::kBool, {}), value_info("next", DType::kFloat, {1}),
              value_info("seen", DType::kFloat, {1})},
             {}});
  const GraphText text{
      {node("Loop", {"trips", "", "start"}, {"last", "all"}, {graph_attribute("body", body)})},
      {value_info("trips", DType::kInt64, {}), value_info("start", DType::kFloat, {1})},
      {value_info("last", DType::kFloat, {1}), value_info("all", DType::kFloat, {-1, 1})},
      {float_tensor("step", {1}, {2.0F})}};
  const Model m = parsed(model(13, text));
  const auto outputs = Session(m).run({{"trips", Array::scalar(3)}, {"start", floats({1}, {1})}});
  CHECK(converted<double>(outputs[0].array) == std::vector<double>{7});
  CHECK(outputs[1].array.shape() == Dims{3, 1});
  CHECK(converted<double>(outputs[1].array) == std::vector<double>{3, 5, 7});
}

TEST_CASE("external data lies below the model's folder and within its file") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "joulesim_onnx_external";
  fs::create_directories(folder / "model");
  const std::vector<float> values{1, 2, 3, 4};
  for (const fs::path& path : {folder / "model" / "w.bin", folder / "outside.bin"}) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(values.data()), 16);
  }
  std::error_code none;
  fs::create_symlink(folder / "outside.bin", folder / "model" / "link.bin", none);
  const auto told = [&](const std::vector<std::pair<std::string, std::string>>& keys) {
    GraphText text = adder();
    text.initializers = {external_tensor("b", {2}, keys)};
    return run_complaint(parsed(model(13, text), (folder / "model" / "m.onnx").string()),
                         {{"a", floats({2, 2}, {1, 1, 1, 1})}});
  };
  CHECK(told({{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}}) == "");
  CHECK_THAT(told({{"location", "../outside.bin"}}), Contains("below the model's folder"));
  CHECK_THAT(told({{"location", (folder / "outside.bin").string()}}),
             Contains("below the model's folder"));
  CHECK_THAT(told({{"location", "link.bin"}}), Contains("below the model's folder"));
  CHECK_THAT(told({{"location", "none.bin"}}), Contains("expected a file that exists"));
  CHECK_THAT(told({{"location", "w.bin"}, {"offset", "12"}}), Contains("within the file"));
  CHECK_THAT(told({{"location", "w.bin"}, {"offset", "-1"}}), Contains("expected bytes"));
  fs::remove_all(folder);
}

TEST_CASE("every operator's versions are apart and rise") {
  for (const KernelRow& row : all_kernels()) {
    INFO(row.domain << " " << row.op);
    CHECK(row.since <= row.until);
    CHECK(row.kernel != nullptr);
    for (const KernelRow& other : all_kernels()) {
      if (&row != &other && row.op == other.op && row.domain == other.domain) {
        CHECK((row.until < other.since || other.until < row.since));
      }
    }
  }
}

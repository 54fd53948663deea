// An exported graph on a device against the same model by its description: time, energy, bytes.
#include "tests/material.hpp"
#include "tests/oracle/engine_scenarios.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace joulesim;
using namespace joulesim::engine;
namespace fs = std::filesystem;

namespace {

using joulesim::material::absent;

const fs::path kModels = fs::path(JOULESIM_DATA_DIR) / "models";

struct Wish {
  std::string model;
  std::string device = "iphone_13";
  std::string unit = "cpu";
  int prompt = 16;
  int generate = 16;
  std::string more = "";  // lines of [model]
};

// The scenario lies in a folder of its own, as a person's would.
std::unique_ptr<Prepared> prepared(const Wish& wish, const std::vector<std::string>& dims = {}) {
  static const Library library = Library::open();
  const fs::path folder = fs::temp_directory_path() / fmt::format("joulesim_{}", ::getpid());
  fs::create_directories(folder);
  const fs::path path = folder / "exported.toml";
  std::ofstream(path) << fmt::format(
      "scenario = \"exported\"\ntitle = \"t\"\nquestion = \"q\"\n[model]\nuse = \"{}\"\n{}\n"
      "[machine]\ndevice = \"{}\"\nunit = \"{}\"\n[workload]\nprompt_tokens = {}\n"
      "generate_tokens = {}\n",
      wish.model, wish.more, wish.device, wish.unit, wish.prompt, wish.generate);
  const Scenario scenario = read_scenario(path.string(), {}, dims);
  fs::remove_all(folder);
  return prepare(library, scenario);
}

std::string refusal(const Wish& wish, const std::vector<std::string>& dims = {}) {
  try {
    (void)prepared(wish, dims);
  } catch (const InputError& fault) {
    return fault.what();
  }
  return "";
}

std::string onnx(const char* name) { return (kModels / "onnx" / name).string(); }

}  // namespace

TEST_CASE("an exported llama runs on a device as its description does") {
  const std::string exported = onnx("stories260K_with_past.onnx");
  const std::string described = (kModels / "llama2c" / "stories260K.bin").string();
  if (absent(exported)) {
    return;
  }
  struct Case {
    const char* device;
    const char* unit;
    int prompt;
    const char* more;
  };
  const char* const fp16 = "activations = \"fp16\"\nkv_cache = \"fp16\"\nembedding = \"fp16\"";
  const char* const int8 = "weights = \"int8_g32\"\nactivations = \"fp16\"\nkv_cache = \"fp16\"";
  for (const auto& [device, unit, prompt, more] :
       {Case{"iphone_13", "cpu", 16, ""}, Case{"iphone_13", "npu", 200, fp16},
        Case{"iphone_13", "gpu", 64, int8}}) {
    INFO(device << " " << unit << ", prompt of " << prompt);
    const auto run = [&](const std::string& model) {
      return testing::simulated(prepared({model, device, unit, prompt, 16, more}));
    };
    const testing::Run found = run(exported);
    const testing::Run expected = run(described);
    constexpr double kClose = 1e-3;
    for (std::size_t i = 0; i < expected.simulated.decode.size(); ++i) {
      const StepActivity& step = found.simulated.decode[i];
      const StepActivity& wanted = expected.simulated.decode[i];
      CHECK(step.total.duration.si() == Approx(wanted.total.duration.si()).epsilon(kClose));
      CHECK(found.energy(step).si() == Approx(expected.energy(wanted).si()).epsilon(kClose));
    }
    // The file computes logits of the whole prompt, a description those of its last token, which it
    // picks by an operator of its own.
    const double head = 2.0 * 64 * 512 * (prompt - 1);
    const double share = head / static_cast<double>(expected.prepared->prefill.totals.cost.flops());
    const double longer = found.simulated.prefill.total.duration.si() /
                          expected.simulated.prefill.total.duration.si();
    CHECK(longer > 0.99);
    CHECK(longer < 1 + 2 * share);
  }
}

TEST_CASE("exports of every kind run; what a step cannot decide is asked for by name") {
  if (absent(kModels / "onnx")) {
    return;
  }
  for (const Wish& wish :
       {Wish{onnx("bert_tiny_sst2_encoder.onnx"), "iphone_13", "cpu", 40, 1, ""},
        Wish{onnx("bert_toy_optimized.onnx"), "iphone_13", "npu", 40, 1, "activations = \"fp16\""},
        Wish{onnx("gpt2_megatron.onnx"), "iphone_13", "cpu", 1, 20, ""},
        Wish{onnx("gpt2_past.onnx"), "iphone_13", "cpu", 1, 7, ""},
        Wish{onnx("stories260K_with_past_dynq8.onnx"), "iphone_13", "cpu", 5, 20, ""}}) {
    INFO(wish.model);
    const auto scenario = prepared(wish);
    CHECK(scenario->exported != nullptr);
    CHECK(scenario->prefill.totals.cost.macs > 0);
    const testing::Run run = testing::simulated(prepared(wish));
    CHECK(run.energy(run.decode()) > Energy(0));
  }
  const Wish ocr{onnx("ch_PP-OCRv4_rec_infer.onnx"), "iphone_13", "cpu", 1, 1, ""};
  CHECK(refusal(ocr).find("--dim p2o.DynamicDimension.1=SIZE") != std::string::npos);
  const auto sized = prepared(ocr, {"p2o.DynamicDimension.0=1", "p2o.DynamicDimension.1=320"});
  const auto wider = prepared(ocr, {"p2o.DynamicDimension.0=1", "p2o.DynamicDimension.1=640"});
  CHECK(wider->prefill.totals.cost.macs > 2 * sized->prefill.totals.cost.macs);
  CHECK(wider->prefill.totals.parameters == sized->prefill.totals.parameters);
}

TEST_CASE("what does not fit an exported graph is refused, with the names that do") {
  if (absent(kModels / "onnx")) {
    return;
  }
  const Wish llama{onnx("stories260K_with_past.onnx")};
  CHECK(refusal(llama, {"btach=1"}).find("did you mean 'batch'") != std::string::npos);
  CHECK(refusal(llama, {"batch=4"}).find("expected 1, as this step has") != std::string::npos);
  CHECK(refusal(llama, {"batch"}).find("expected NAME=SIZE") != std::string::npos);
  Wish repeated = llama;
  repeated.more = "layer_repeat = 2\nactivations = \"int8\"";
  CHECK(refusal(repeated).find("layer_repeat") != std::string::npos);
  CHECK(refusal(repeated).find("activations in 'int8'") != std::string::npos);
  Wish zoo = llama;
  zoo.model = "llama_2_7b";
  zoo.more = "dims = { batch = 1 }";
  CHECK(refusal(zoo).find("exported graph (.onnx) alone") != std::string::npos);
  Wish long_answer{onnx("bert_toy_optimized.onnx")};
  CHECK(refusal(long_answer).find("one pass over the prompt") != std::string::npos);
  // Its table of positions is shorter.
  Wish beyond{onnx("gpt2_past.onnx"), "iphone_13", "cpu", 1, 500, ""};
  CHECK_FALSE(refusal(beyond).empty());
}

// Does a weight file run as a scenario's model, with the quality of datapaths beside its joules?
#include "models/import/gguf.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "sim/engine/run.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

// A folder that goes when the test does.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("joulesim_gguf_" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string scenario_in(const Folder& folder, const std::string& numerics) {
  models::Model model = models::random_model(models::small_llama(), 5);
  model.tokens.kind = "llama";
  model.tokens.tokens = {"<unk>", "<s>", "</s>"};
  for (int id = 3; id < 128; ++id) {
    model.tokens.tokens.emplace_back(1, static_cast<char>(id));
  }
  model.tokens.scores.assign(128, 0.0F);
  const auto bytes = models::gguf_bytes(model, models::find_format("q8_0").value());
  std::ofstream(folder.path / "small.gguf", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const std::string path = (folder.path / "small.toml").string();
  std::ofstream(path)
      << "scenario = \"small\"\ntitle = \"A small file\"\nquestion = \"Does it "
         "run?\"\n[model]\nuse = \"small.gguf\"\nactivations = \"fp16\"\n[machine]\ndevice = "
         "\"iphone_13\"\nunit = \"npu\"\n[workload]\nprompt_tokens = "
         "8\ngenerate_tokens = 4\n"
      << numerics;
  return path;
}

}  // namespace

TEST_CASE("a GGUF file runs as a scenario's model and its datapaths are judged") {
  const Folder folder;
  const std::string path = scenario_in(folder,
                                       "[numerics]\nfile = \"small.gguf\"\ntokens = [1, 17, 99, 4, "
                                       "63, 120, 0, 35]\ndatapaths = [\"int8_systolic\", "
                                       "\"ternary\"]\n");
  const Library library = Library::open();
  RunOptions options;
  options.what_if = false;
  const reports::Result result = run_scenario(library, read_scenario(path, {}), options);
  REQUIRE(result.metric("decode.tokens_per_second") != nullptr);
  CHECK(result.metric("decode.tokens_per_second")->value.si > 0);
  REQUIRE(result.metric("energy.per_token") != nullptr);
  CHECK(result.metric("energy.per_token")->value.si > 0);
  int int8 = 0;
  int ternary = 0;
  for (const reports::Metric& metric : result.metrics) {
    if (metric.name.starts_with("numerics.")) {
      CAPTURE(metric.name);
      CHECK(std::isfinite(metric.value.si));
      CHECK(metric.value.si >= 0);
      // The first datapath's names stand alone, later ones carry theirs.
      const bool named = metric.name.starts_with("numerics.ternary.");
      (named ? ternary : int8) += 1;
    }
  }
  CHECK(int8 >= 1);
  CHECK(ternary == int8);
}

TEST_CASE("a text is scored beside the joules, the file itself being the default") {
  const Folder folder;
  std::ofstream(folder.path / "text.txt") << "Some words to score, more than a window of them.";
  const std::string path = scenario_in(
      folder, "[quality]\ntext = \"text.txt\"\nwindow = 16\ndatapaths = [\"int4_group\"]\n");
  const Library library = Library::open();
  RunOptions options;
  options.what_if = false;
  const reports::Result result = run_scenario(library, read_scenario(path, {}), options);
  const reports::Metric* perplexity = result.metric("numerics.perplexity");
  const reports::Metric* reference = result.metric("numerics.reference_perplexity");
  REQUIRE(perplexity != nullptr);
  REQUIRE(reference != nullptr);
  CHECK(perplexity->value.si > 1.0);
  CHECK(perplexity->value.si != reference->value.si);
  CHECK(result.metric("numerics.kl_divergence")->value.si > 0.0);
  CHECK(result.metric("energy.per_token") != nullptr);

  const std::string no_text =
      scenario_in(folder, "[quality]\ntext = \"nowhere.txt\"\ndatapaths = [\"fp16\"]\n");
  CHECK_THROWS_AS(run_scenario(library, read_scenario(no_text, {}), options), InputError);
  CHECK_THROWS_AS(read_scenario(scenario_in(folder, "[quality]\ndatapaths = [\"fp16\"]\n"), {}),
                  InputError);
}

TEST_CASE("without a numerics section a GGUF result has no numerics metrics") {
  const Folder folder;
  const Library library = Library::open();
  RunOptions options;
  options.what_if = false;
  const reports::Result result =
      run_scenario(library, read_scenario(scenario_in(folder, ""), {}), options);
  for (const reports::Metric& metric : result.metrics) {
    CHECK_FALSE(metric.name.starts_with("numerics."));
  }
  CHECK(result.metric("decode.tokens_per_second") != nullptr);
}

TEST_CASE("a scenario's transforms change what is run, and unknown ones are refused in place") {
  const Folder folder;
  const Library library = Library::open();
  const std::string path = scenario_in(folder, "");
  const auto steps = [&](const std::string& transforms) {
    return prepare(library, read_scenario(path, {"model.transform=[" + transforms + "]"}));
  };
  const auto plain = steps("");
  const auto fused = steps("\"fuse_all\"");
  CHECK(fused->prefill.plan.works.size() < plain->prefill.plan.works.size());
  CHECK(fused->prefill.totals.cost.macs == plain->prefill.totals.cost.macs);
  CHECK(fused->prefill.totals.cost.bytes() < plain->prefill.totals.cost.bytes());
  const auto adapted = steps("\"lora:4\", \"kv_cache:int8_head\"");
  CHECK(adapted->prefill.totals.parameters > plain->prefill.totals.parameters);
  CHECK(adapted->prefill.totals.kv_bytes_per_token < plain->prefill.totals.kv_bytes_per_token);
  CHECK_THROWS_WITH(steps("\"fuse_qvk\""), Catch::Contains("did you mean 'fuse_qkv'"));
  CHECK_THROWS_WITH(steps("\"share_blocks:0\""), Catch::Contains("whole number"));
  CHECK_THROWS_WITH(steps("\"kv_cache:int9\""), Catch::Contains("int9"));
}

// Model files made smaller by the program: written, read again, judged, refused where they should
// be.
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "tests/cli/program.hpp"
#include "tests/unit/small_families.hpp"

#include <nlohmann/json.hpp>

namespace {

using joulesim::cli::Outcome;
using joulesim::cli::Workplace;
using Json = nlohmann::json;

void write_small_model(const Workplace& place) {
  const joulesim::models::Model model =
      joulesim::models::random_model(joulesim::models::small_llama(), 3);
  const auto bytes = joulesim::models::gguf_bytes_as_stored(model);
  place.write("small.gguf", std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Outcome works(const Workplace& place, const std::string& arguments) {
  Outcome outcome = place.run(arguments);
  INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  REQUIRE(outcome.status == 0);
  return outcome;
}

void refuses(const Workplace& place, const std::string& arguments, const std::string& why) {
  const auto before = place.files();
  const Outcome outcome = place.run(arguments);
  INFO("joulesim " << arguments << "\nstderr: " << outcome.err);
  CHECK(outcome.status == 1);
  CHECK(outcome.err.find(why) != std::string::npos);
  CHECK(place.files() == before);
}

}  // namespace

TEST_CASE("quantise writes files that eval reads, the same bytes each time") {
  const Workplace place;
  write_small_model(place);
  for (const char* how : {"--method rtn --bits 4 --group 32",
                          "--method gptq --bits 3 --group 32 --samples 4 --length 32",
                          "--method ternary --embedding q8_0", "--bits 2 --zero-point --clip"}) {
    INFO(how);
    const Json said = Json::parse(
        works(place, std::string("quantise small.gguf ") + how + " --out a.gguf --json").out);
    CHECK(said["weight_bytes"] < said["weight_bytes_before"]);
    works(place, std::string("quantise small.gguf ") + how + " --out b.gguf");
    CHECK(place.read("a.gguf") == place.read("b.gguf"));
    const Json evaluated = Json::parse(works(place, "eval a.gguf --tokens 1,2,3 --json").out);
    CHECK(evaluated["logits_shape"] == Json({3, 128}));
  }
}

TEST_CASE("quality judges every bits and method, with joules, and writes three reports") {
  const Workplace place;
  write_small_model(place);
  const Json table = Json::parse(
      works(
          place,
          "quality small.gguf --device iphone_13 --unit npu --bits 8,3 --methods rtn,gptq,ternary "
          "--group 32 --samples 4 --length 32 --out q --json")
          .out);
  REQUIRE(table["rows"].size() == 1 + 4 + 1 + 2 + 3);
  CHECK(table["rows"][0]["numerics.kl_divergence"] == 0.0);
  for (const Json& row : table["rows"]) {
    INFO(row.dump());
    CHECK(row["numerics.perplexity"] > 1.0);
    CHECK(row["energy.per_token"] > 0.0);
    CHECK(row["decode.tokens_per_second"] > 0.0);
  }
  CHECK(table["rows"][3]["energy.per_token"] < table["rows"][0]["energy.per_token"]);
  CHECK(Json::parse(place.read("q/quality.json")) == table);
  CHECK(place.read("q/quality.md").find("int3 gptq") != std::string::npos);
  CHECK(place.read("q/quality.html").find("int3 gptq") != std::string::npos);
}

TEST_CASE("prune writes a smaller file that eval reads") {
  const Workplace place;
  write_small_model(place);
  const Json said =
      Json::parse(works(place,
                        "prune small.gguf --heads 1 --neurons 32 --layers 1 --samples "
                        "4 --length 32 --out p.gguf --json")
                      .out);
  CHECK(said["parameters"] < said["parameters_before"]);
  works(place, "eval p.gguf --tokens 1,2,3");
}

TEST_CASE("show --training tells what is kept, and what cannot be reversible") {
  const Workplace place;
  const Json said = Json::parse(works(place, "show mobilellm_125m --training --json").out);
  REQUIRE(said["ways"].size() == 3);
  CHECK(said["ways"][1]["stored_activation_bytes"] < said["ways"][0]["stored_activation_bytes"]);
  CHECK(said["ways"][2]["optimiser_bytes"] < said["ways"][0]["optimiser_bytes"]);
}

TEST_CASE("wrong wishes are refused with the nearest name, and nothing is written") {
  const Workplace place;
  write_small_model(place);
  refuses(place, "quantise small.gguf --method gtpq --out x.gguf", "did you mean 'gptq'");
  refuses(place, "quantise small.gguf --bits 7 --out x.gguf", "7 bits");
  refuses(place, "quantise small.gguf --embedding q8_1 --out x.gguf", "q8_1");
  refuses(place, "quantise none.gguf --out x.gguf", "none.gguf");
  refuses(place, "quantise small.gguf --method gptq --text none.txt --out x.gguf", "");
  refuses(place, "quality small.gguf --device iphone_31", "iphone_13");
  refuses(place, "prune small.gguf --heads 2 --out x.gguf", "0 to 1");
}

TEST_CASE("a model that a plain llama's file does not hold is refused, not written as one") {
  namespace models = joulesim::models;
  const Workplace place;
  const models::Model model =
      models::random_model(models::testing::spec_of(models::testing::small("gemma")), 3);
  const auto bytes = models::gguf_bytes(model, models::known_format("fp32"), "gemma");
  place.write("gemma.gguf", std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  works(place, "eval gemma.gguf --tokens 1,2,3 --json");
  refuses(place, "quantise gemma.gguf --bits 8 --group 32 --out a.gguf", "a plain llama's file");
}

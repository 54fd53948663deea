#include "models/arch/build_graph.hpp"
#include "models/arch/model_file.hpp"
#include "models/arch/zoo.hpp"
#include "models/graph/cost.hpp"

#include <catch2/catch.hpp>

using namespace joulesim::models;

namespace {
const std::string kZoo = std::string(JOULESIM_SOURCE_DIR) + "/models/zoo";
}

TEST_CASE("every model of the zoo has the published number of parameters") {
  const std::vector<ZooEntry> zoo = list_zoo({kZoo});
  REQUIRE(zoo.size() >= 20);
  for (const ZooEntry& entry : zoo) {
    INFO(entry.id);
    const ModelFile file = read_model_file(entry.path);
    const GraphTotals totals = totals_of(build_graph(file.spec, whole_phase(file.spec)));
    CHECK(totals.parameters > 0);
    if (file.published) {
      CHECK(static_cast<double>(totals.parameters) ==
            Approx(static_cast<double>(file.published->parameters))
                .epsilon(file.published->tolerance));
    }
  }
}

TEST_CASE("parameter counts known exactly are met exactly") {
  struct Row {
    const char* id;
    std::int64_t parameters;
  };
  for (const Row row : {Row{"llama_2_7b", 6'738'415'616}, Row{"llama_3_2_1b", 1'235'814'400},
                        Row{"llama_3_1_8b", 8'030'261'248}, Row{"gpt_2_124m", 124'439'808},
                        Row{"mobilellm_125m", 124'635'456}, Row{"qwen2_5_0_5b", 494'032'768},
                        Row{"opt_125m", 125'239'296}, Row{"phi_2", 2'779'683'840}}) {
    INFO(row.id);
    const ModelFile file = read_model_file(kZoo + "/" + row.id + ".toml");
    CHECK(totals_of(build_graph(file.spec, Phase::decode(1))).parameters == row.parameters);
  }
}

TEST_CASE("a model is found by its id and by its alias, and not by another name") {
  const std::vector<ZooEntry> zoo = list_zoo({kZoo, "/nowhere"});
  REQUIRE(find_in_zoo(zoo, "MobileLLM-350M") != nullptr);
  CHECK(find_in_zoo(zoo, "MobileLLM-350M") == find_in_zoo(zoo, "mobilellm_350m"));
  CHECK(find_in_zoo(zoo, "MobileLLM") == nullptr);
}

// Do operators of a whole model go to the units that a scenario places them on, and to another unit
// where the chosen one lacks them?
#include "sim/engine/library.hpp"
#include "sim/engine/prepare.hpp"
#include "sim/engine/scenario.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

std::unique_ptr<Prepared> prepared(const std::string& name,
                                   const std::vector<std::string>& settings) {
  const Library library = Library::open();
  const std::string path = std::string(JOULESIM_SOURCE_DIR) + "/scenarios/kinds/" + name + ".toml";
  return prepare(library, read_scenario(path, settings));
}

// Labels of a decode step's operators that run on a unit other than the first.
std::vector<std::string> on(const Prepared& p, const std::string& unit) {
  std::vector<std::string> labels;
  const mapping::StepPlan& plan = p.decode.front().plan;
  for (const hw::TileProgram& program : plan.programs) {
    if (program.mapping.rfind("on " + unit + ",", 0) == 0) {
      labels.push_back(plan.works[program.work].label);
      CHECK(program.start_ps > 0);  // handed over
    }
  }
  return labels;
}

std::string refusal(const std::string& name, const std::vector<std::string>& settings) {
  try {
    (void)prepared(name, settings);
  } catch (const InputError& fault) {
    return fault.diagnostics().render();
  }
  return {};
}

}  // namespace

TEST_CASE("products of one row and attention go to the memory's units, the rest stays") {
  const auto p = prepared("opt_6_7b_gpu_pim", {});
  const std::vector<std::string> labels = on(*p, "pim");
  CHECK(std::count(labels.begin(), labels.end(), "attention") ==
        static_cast<std::ptrdiff_t>(p->model.stored_layers()));
  CHECK(std::count(labels.begin(), labels.end(), "down") ==
        static_cast<std::ptrdiff_t>(p->model.stored_layers()));
  for (const hw::TileProgram& program : p->prefill.plan.programs) {
    const hw::Work& work = p->prefill.plan.works[program.work];
    if (work.kind == hw::WorkKind::matmul && work.m > 1) {
      CHECK(program.mapping.rfind("on pim", 0) != 0);
    }
  }
}

TEST_CASE("a phone's memory decodes, its NPU keeps the prompt and the vectors") {
  const auto p = prepared("llama_3_1_8b_phone_pim", {});
  const std::vector<std::string> labels = on(*p, "pim");
  const auto layers = static_cast<std::ptrdiff_t>(p->model.stored_layers());
  for (const std::string label : {"query", "gate", "down", "attention"}) {
    CHECK(std::count(labels.begin(), labels.end(), label) == layers);
  }
  CHECK(std::count(labels.begin(), labels.end(), "head") == 1);
  for (const hw::TileProgram& program : p->prefill.plan.programs) {
    CHECK((program.mapping.rfind("on pim", 0) == 0) ==
          (p->prefill.plan.works[program.work].kind == hw::WorkKind::attention ||
           p->prefill.plan.works[program.work].label == "head"));
  }
}

TEST_CASE("weights wider than the memory's units take stay on the first unit") {
  const auto p =
      prepared("llama_3_1_8b_phone_pim", {"model.weights=\"fp16\"", "model.use=\"llama_3_2_1b\""});
  const std::vector<std::string> labels = on(*p, "pim");
  CHECK(std::count(labels.begin(), labels.end(), "gate") == 0);
  CHECK(std::count(labels.begin(), labels.end(), "head") == 1);  // of 8 bits
}

TEST_CASE("what an 8-bit unit lacks runs on the processor beside it") {
  const auto p = prepared("mobilellm_125m_coral", {});
  const std::vector<std::string> labels = on(*p, "cpu");
  CHECK(std::count(labels.begin(), labels.end(), "attention") > 0);
  CHECK(std::count(labels.begin(), labels.end(), "down") == 0);
}

TEST_CASE("what no unit of the device has is refused by name") {
  const std::string text =
      refusal("opt_6_7b_gpu_pim",
              {"machine.device=\"hbm_pim\"", "machine.unit=\"pim\"",
               "machine.placement.small_products=\"pim\"", "machine.placement.attention=\"pim\""});
  CHECK(text.find("'hbm_pim_4' has no vector operations") != std::string::npos);
}

TEST_CASE("a unit that the device does not have is a fault of the scenario") {
  const std::string text = refusal("opt_6_7b_gpu_pim", {"machine.placement.vectors=\"cpu\""});
  CHECK(text.find("vectors are placed on 'cpu'") != std::string::npos);
}

TEST_CASE("a prescribed tile is taken for its product alone") {
  const std::vector<std::string> tile = {
      "machine.tile=[{operator=\"down\", rows=128, columns=128, stages=4, split=1}]"};
  const auto p = prepared("llama_3_1_70b_8_h100", tile);
  std::size_t pinned = 0;
  for (const hw::TileProgram& program : p->prefill.plan.programs) {
    const bool told = program.mapping.find("pinned: 128x128x64 tiles, 4 stages") == 0;
    CHECK(told == (p->prefill.plan.works[program.work].label == "down"));
    pinned += told ? 1 : 0;
  }
  CHECK(pinned == static_cast<std::size_t>(p->model.stored_layers()));
}

TEST_CASE("a tile prescribed for one phase leaves the other its choice") {
  const auto pins = [](const PlannedStep& step) {
    return std::count_if(step.plan.programs.begin(), step.plan.programs.end(), [](const auto& p) {
      return p.mapping.find("pinned: ") != std::string::npos;
    });
  };
  const auto with = [](const std::string& phase) {
    return prepared(
        "llama_3_1_70b_8_h100",
        {"machine.tile=[{operator=\"down\", rows=128, columns=128, phase=\"" + phase + "\"}]"});
  };
  const auto prefill = with("prefill");
  const auto decode = with("decode");
  CHECK(pins(prefill->prefill) == prefill->model.stored_layers());
  CHECK(pins(prefill->decode.back()) == 0);
  CHECK(pins(decode->prefill) == 0);
  CHECK(pins(decode->decode.back()) == decode->model.stored_layers());
  // What-if runs plan their steps anew.
  const mapping::StepPlan again =
      replan(*decode, decode->decode.back(), decode->scenario.batch, decode->machine,
             *decode->unit->unit, decode->runtime.spec);
  CHECK(again.programs.back().mapping == decode->decode.back().plan.programs.back().mapping);
  CHECK(std::count_if(again.programs.begin(), again.programs.end(), [](const auto& p) {
          return p.mapping.find("pinned: ") != std::string::npos;
        }) == decode->model.stored_layers());
  CHECK_THAT(refusal("llama_3_1_70b_8_h100", {"machine.tile=[{operator=\"down\", rows=128, "
                                              "columns=128, phase=\"decoding\"}]"}),
             Catch::Contains("decode"));
}

TEST_CASE("what a part's model derives stands among the machine's figures, with range and source") {
  const Library library = Library::open();
  const Machine machine = load_machine(library, "h100_sxm_80gb", {});
  const auto found = std::find_if(machine.figures.begin(), machine.figures.end(),
                                  [](const Figure& f) { return f.key == "power.active"; });
  REQUIRE(found != machine.figures.end());
  REQUIRE(found->source);
  CHECK(found->source->assumed());
  CHECK(found->value.si == machine.units.front().unit->active_power().value.si());
  REQUIRE(found->low);
  CHECK(found->low->si < found->value.si);
  CHECK(std::count_if(machine.figures.begin(), machine.figures.end(), [&](const Figure& f) {
          return f.key == "power.active" && f.owner == found->owner;
        }) == 1);
}

TEST_CASE("a tile that cannot be is refused with the reason and the place") {
  const auto with = [](const std::string& tile) {
    return refusal("llama_3_1_70b_8_h100", {"machine.tile=[{" + tile + "}]"});
  };
  CHECK_THAT(with("operator=\"down\", rows=96, columns=96"),
             Catch::Contains("no kernel has tiles of 96x96") && Catch::Contains("128x256"));
  CHECK_THAT(with("operator=\"down\", rows=256, columns=128, stages=32"),
             Catch::Contains("do not fit an SM"));
  CHECK_THAT(with("operator=\"dwon\", rows=128, columns=128"),
             Catch::Contains("no product of the model") && Catch::Contains("did you mean 'down'?"));
  CHECK_THAT(
      refusal("tinyllama_rk3588", {"machine.tile=[{operator=\"down\", rows=128, columns=128}]"}),
      Catch::Contains("takes none"));
}

// Products of a whole model on two units at once: is nothing read twice or left out, does it gain
// as far as the memory goes and no further, do the levels agree, and is what cannot be split
// refused?
#include "sim/engine/booking.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/run.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

// A small model, so that no test waits.
const std::vector<std::string> kSmall = {"model.use=llama_3_2_1b", "workload.prompt_tokens=16",
                                         "workload.generate_tokens=1"};

std::unique_ptr<Prepared> prepared(const std::vector<std::string>& more,
                                   const std::string& name = "llama_3_8b_phone_gpu_npu") {
  static const Library library = Library::open();
  std::vector<std::string> settings = kSmall;
  settings.insert(settings.end(), more.begin(), more.end());
  return prepare(library, read_scenario(std::string(JOULESIM_SOURCE_DIR) + "/scenarios/kinds/" +
                                            name + ".toml",
                                        settings));
}

StepActivity decode(const Prepared& p) {
  RunOptions options;
  options.what_if = false;
  return simulate(p, options).decode.front();
}

std::string refusal(const std::vector<std::string>& more) {
  try {
    (void)prepared(more);
  } catch (const InputError& fault) {
    return fault.diagnostics().render();
  }
  return {};
}

double weights_of(const mapping::StepPlan& plan, const hw::TileProgram& program) {
  double bytes = 0;
  for (const hw::TileRun& run : program.runs) {
    for (const hw::TileMove& move : run.loads) {
      const hw::DataStream& stream = plan.works[program.work].streams[move.stream];
      bytes += stream.role == hw::DataStream::Role::weight
                   ? static_cast<double>(run.count) * static_cast<double>(move.bytes)
                   : 0;
    }
  }
  return bytes;
}

const std::string kOff = "machine.split.share=0.001";

}  // namespace

TEST_CASE("both parts of every product read its weights once") {
  const auto p = prepared({});
  const mapping::StepPlan& plan = p->decode.front().plan;
  REQUIRE_FALSE(plan.partner.empty());
  REQUIRE(plan.works.size() == plan.programs.size() + 2 * plan.partner.size());
  double partners = 0;
  double all = 0;
  for (const mapping::PartnerProgram& beside : plan.partner) {
    const hw::TileProgram& own = plan.programs[beside.beside];
    const hw::Work& whole = plan.works[beside.beside];
    CAPTURE(whole.name);
    CHECK(plan.works[own.work].macs() + plan.works[beside.program.work].macs() ==
          Approx(whole.macs()));
    double bytes = 0;
    for (const hw::DataStream& stream : whole.streams) {
      bytes +=
          stream.role == hw::DataStream::Role::weight ? static_cast<double>(stream.bytes()) : 0;
    }
    CHECK(weights_of(plan, own) + weights_of(plan, beside.program) == Approx(bytes));
    partners += weights_of(plan, beside.program);
    all += bytes;
  }
  // The GPU draws 48 GB/s, the NPU 71 GB/s: six tenths to the latter.
  CHECK(partners / all > 0.4);
  CHECK(partners / all < 0.8);
}

TEST_CASE("a stated share is the partner's share of what is read") {
  const auto p = prepared({"machine.split.share=0.25"});
  const mapping::StepPlan& plan = p->decode.front().plan;
  for (const mapping::PartnerProgram& beside : plan.partner) {
    const double own = weights_of(plan, plan.programs[beside.beside]);
    const double other = weights_of(plan, beside.program);
    CHECK(other / (own + other) == Approx(0.25).margin(0.02));
  }
}

TEST_CASE("two units decode faster than the first alone, as far as the memory goes") {
  const auto both = prepared({});
  const auto alone = prepared({kOff});
  const StepActivity split = decode(*both);
  const StepActivity one = decode(*alone);
  // The same weights cross the memory, whoever reads them.
  CHECK(split.total.dram.read / one.total.dram.read == Approx(1).epsilon(0.01));
  const double gain = one.total.duration / split.total.duration;
  const double used = split.total.dram.read / split.total.duration / both->machine.peak_bandwidth();
  CAPTURE(gain, used);
  CHECK(gain > 1.15);
  CHECK(used < 0.9);
  // What phones measure with one and with two units: 43.3 and 59.5 GB/s (HeteroInfer, arXiv
  // 2501.14794); launches of a small model take their part.
  CHECK(gain < 59.5 / 43.3 * 1.05);
}

TEST_CASE("train and burst level agree on two units that share a memory") {
  const std::string tiny = "model.use=mobilellm_125m";
  const StepActivity train = decode(*prepared({tiny, "engine.fidelity=train"}));
  const StepActivity burst = decode(*prepared({tiny, "engine.fidelity=burst"}));
  CHECK(train.total.duration / burst.total.duration == Approx(1).epsilon(0.04));
  CHECK(train.total.dram.read == burst.total.dram.read);
}

TEST_CASE("the closed form agrees with the simulation of two units") {
  const StepActivity train = decode(*prepared({}));
  const StepActivity analytic = decode(*prepared({"engine.fidelity=analytic"}));
  CHECK(analytic.total.duration / train.total.duration == Approx(1).epsilon(0.12));
  CHECK(analytic.total.dram.read / train.total.dram.read == Approx(1).epsilon(0.01));
  REQUIRE(analytic.total.unit_joules.size() == train.total.unit_joules.size());
  for (std::size_t i = 0; i < train.total.unit_joules.size(); ++i) {
    CHECK(analytic.total.unit_joules[i] == Approx(train.total.unit_joules[i]).epsilon(1e-6));
  }
}

TEST_CASE("what each unit spends is booked under its own name and rail") {
  const auto p = prepared({"engine.fidelity=analytic"});
  const StepActivity step = decode(*p);
  const auto costs = costs_of(step.total, {&p->machine, p->unit, false, true});
  double units = 0;
  double npu = 0;
  for (const Cost& cost : costs) {
    if (cost.component == "gpu" || cost.component == "npu") {
      units += cost.cause == "idle" || cost.cause == "clocks" ? 0 : cost.energy.si();
    }
    npu += cost.component == "npu" && cost.cause != "idle" ? cost.energy.si() : 0;
  }
  double counted = 0;
  for (const double j : step.total.unit_joules) {
    counted += j;
  }
  CHECK(units == Approx(counted));
  CHECK(npu > 0.1 * counted);
}

TEST_CASE("a prompt's rows can be split too") {
  const auto p = prepared({"machine.split.by=rows", "machine.split.share=0.5",
                           "machine.split.kinds=[\"products\"]", "workload.prompt_tokens=64"});
  REQUIRE(p->decode.front().plan.partner.empty());  // of one row each
  const mapping::StepPlan& plan = p->prefill.plan;
  REQUIRE_FALSE(plan.partner.empty());
  for (const mapping::PartnerProgram& beside : plan.partner) {
    CHECK(plan.works[beside.program.work].m == 32);
    CHECK(weights_of(plan, beside.program) >= weights_of(plan, plan.programs[beside.beside]));
  }
}

TEST_CASE("a split that cannot be is refused with its place and a remedy") {
  CHECK_THAT(refusal({"machine.split.with=\"npv\""}),
             Catch::Contains("split with 'npv'") && Catch::Contains("did you mean 'npu'?"));
  CHECK_THAT(refusal({"machine.split.with=\"gpu\""}), Catch::Contains("beside 'gpu'"));
  CHECK_THAT(refusal({"machine.device=\"sd8elite_lpddr5x_pim\"", "machine.split.with=\"pim\""}),
             Catch::Contains("'pim' computes where its weights lie"));
  CHECK_THAT(refusal({"machine.weights_in=\"flash\""}), Catch::Contains("found weights in flash"));
  CHECK_THAT(refusal({"machine.split.kinds=[\"product\"]"}),
             Catch::Contains("found 'product'") && Catch::Contains("small_products"));
  CHECK_THAT(refusal({"machine.split.share=1.5"}), Catch::Contains("share"));
}

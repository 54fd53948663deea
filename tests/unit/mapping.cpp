// Does a planned step move and compute exactly what its graph says, from places that do not
// overlap?
#include "hw/gpu/simt_gpu.hpp"
#include "hw/npu/systolic_npu.hpp"
#include "models/arch/build_graph.hpp"
#include "models/arch/model_file.hpp"
#include "models/graph/cost.hpp"
#include "models/graph/passes.hpp"
#include "sim/mapping/step.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::mapping;

namespace {

PlacementWish weights_in(const std::string& tier) {
  PlacementWish wish;
  wish.weights = tier;
  return wish;
}

const std::string kRoot = JOULESIM_SOURCE_DIR;

models::ModelSpec model(const std::string& name) {
  return models::read_model_file(kRoot + "/models/zoo/" + name + ".toml").spec;
}

template <class Spec>
Spec part(const std::string& path) {
  ConfigFile file = ConfigFile::read(kRoot + "/hw/" + path + ".toml");
  (void)file.root().text("model");
  Spec spec = Spec::from(file.root());
  file.require_ok();
  return spec;
}
hw::SimtGpu h100() { return hw::SimtGpu(part<hw::SimtGpuSpec>("gpu/h100_sxm")); }

std::vector<MemoryTier> tiers_of(double dram, double flash) {
  return {{"dram", "d", Bytes(dram), Bytes(dram), true},
          {"flash", "f", Bytes(flash), Bytes(flash), false}};
}

struct Planned {
  models::OperatorGraph graph;
  Placement placement;
  StepPlan plan;
};

Planned planned(const models::ModelSpec& spec, const models::Phase& phase,
                const hw::ComputeUnit& unit, bool fuse) {
  hw::RuntimeSpec runtime;
  runtime.fuse_vector_work = fuse;
  models::OperatorGraph graph = models::build_graph(spec, phase);
  const std::int64_t positions = phase.past + phase.new_tokens + 10;
  Placement placement = place(graph, graph, positions, tiers_of(1e13, 1e13), {}, {});
  StepPlan plan = plan_step(graph, placement, unit, runtime, {});
  return {std::move(graph), std::move(placement), std::move(plan)};
}

std::uint64_t bytes(const StepPlan& plan, hw::DataStream::Role role) {
  std::uint64_t sum = 0;
  for (const hw::Work& work : plan.works) {
    for (const hw::DataStream& stream : work.streams) {
      sum += stream.role == role ? stream.bytes() : 0;
    }
  }
  return sum;
}

std::string refusal(const std::function<void()>& what) {
  try {
    what();
  } catch (const InputError& fault) {
    return fault.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

TEST_CASE("a step's bytes and operations are those of its graph") {
  const hw::SimtGpu gpu = h100();
  using Role = hw::DataStream::Role;
  for (const char* name : {"mobilellm_125m", "mobilellm_ls_125m", "gemma_2_2b", "opt_125m",
                           "gpt_2_124m", "mixtral_8x7b", "llama_3_2_1b", "bitnet_b1_58_3b"}) {
    models::ModelSpec spec = model(name);
    spec.formats.linear_input = models::find_format("fp16").value();
    for (const models::Phase& phase :
         {models::Phase::prefill(96), models::Phase::decode(200), models::Phase::decode(33, 8)}) {
      for (const bool fuse : {false, true}) {
        CAPTURE(name, phase.batch, phase.new_tokens, phase.past, fuse);
        const Planned step = planned(spec, phase, gpu, fuse);
        const models::OpCost cost = models::totals_of(step.graph).cost;
        CHECK(bytes(step.plan, Role::weight) == static_cast<std::uint64_t>(cost.weight_bytes));
        CHECK(bytes(step.plan, Role::kv_read) == static_cast<std::uint64_t>(cost.kv_read_bytes));
        CHECK(bytes(step.plan, Role::kv_write) == static_cast<std::uint64_t>(cost.kv_write_bytes));
        double macs = 0;
        double ops = 0;
        for (const hw::Work& work : step.plan.works) {
          macs += work.macs();
          ops += work.ops();
        }
        CHECK(macs == static_cast<double>(cost.macs));
        CHECK(ops == Approx(static_cast<double>(cost.flops())).epsilon(1e-12));
        CHECK(step.plan.works.size() == step.graph.ops().size());
        CHECK(step.plan.programs.size() == step.plan.works.size());
      }
    }
  }
}

TEST_CASE("merged products and riding vector work move and compute what the graph says") {
  const hw::SimtGpu gpu = h100();
  using Role = hw::DataStream::Role;
  hw::RuntimeSpec runtime;
  runtime.merges_products = true;
  runtime.merges_vector_work = true;
  for (const char* name : {"llama_3_2_1b", "mixtral_8x7b", "gemma_2_2b"}) {
    CAPTURE(name);
    const models::OperatorGraph graph =
        models::build_graph(model(name), models::Phase::decode(33, 8));
    const Placement placement = place(graph, graph, 50, tiers_of(1e13, 1e13), {}, {});
    const StepPlan plan = plan_step(graph, placement, gpu, runtime, {});
    const models::OpCost cost = models::totals_of(graph).cost;
    CHECK(bytes(plan, Role::weight) == static_cast<std::uint64_t>(cost.weight_bytes));
    CHECK(bytes(plan, Role::kv_read) == static_cast<std::uint64_t>(cost.kv_read_bytes));
    CHECK(bytes(plan, Role::kv_write) == static_cast<std::uint64_t>(cost.kv_write_bytes));
    double macs = 0;
    double ops = 0;
    int qkv = 0;
    std::int64_t kernels = 0;
    for (const hw::Work& work : plan.works) {
      macs += work.macs();
      ops += work.ops();
      qkv += work.label == "query+key+value" ? 1 : 0;
      kernels += work.fused ? 0 : 1;
    }
    CHECK(macs == static_cast<double>(cost.macs));
    CHECK(ops == Approx(static_cast<double>(cost.flops())).epsilon(1e-12));
    CHECK(qkv == static_cast<int>(model(name).executed_layers()));
    // Three products in one, two in one, a residual each inside both norms, two rotations in one.
    CHECK(static_cast<std::int64_t>(graph.ops().size()) - kernels >=
          6 * model(name).executed_layers() - 2);
  }
}

TEST_CASE("segments cover a step's works without gap or overlap, one for every executed block") {
  const hw::SimtGpu gpu = h100();
  const Planned step = planned(model("mobilellm_ls_125m"), models::Phase::decode(10), gpu, true);
  std::size_t next = 0;
  int blocks = 0;
  int repeats = 0;
  for (const Segment& segment : step.plan.segments) {
    CHECK(segment.first == next);
    next += segment.count;
    blocks += segment.block >= 0 ? 1 : 0;
    repeats += segment.repeats_weights ? 1 : 0;
  }
  CHECK(next == step.plan.works.size());
  CHECK(blocks == 60);
  CHECK(repeats == 30);
}

TEST_CASE("a tied embedding and shared layers are placed once and read by every user") {
  const Placement plain =
      planned(model("mobilellm_125m"), models::Phase::decode(10), h100(), true).placement;
  const Planned shared =
      planned(model("mobilellm_ls_125m"), models::Phase::decode(10), h100(), true);
  CHECK(shared.placement.use[0].weights == plain.use[0].weights);
  // Two runs of one block read the same addresses, but keep caches of their own.
  const auto streams = [&](std::size_t segment, hw::DataStream::Role role) {
    std::vector<std::uint64_t> bases;
    const Segment& s = shared.plan.segments[segment];
    for (std::size_t i = s.first; i < s.first + s.count; ++i) {
      for (const hw::DataStream& stream : shared.plan.works[i].streams) {
        if (stream.role == role) {
          bases.push_back(stream.base);
        }
      }
    }
    return bases;
  };
  using Role = hw::DataStream::Role;
  CHECK(streams(1, Role::weight) == streams(2, Role::weight));
  CHECK(streams(1, Role::weight) != streams(3, Role::weight));
  CHECK(streams(1, Role::kv_read) != streams(2, Role::kv_read));
}

TEST_CASE("no two places overlap, and every stream stays inside its own") {
  const hw::SimtGpu gpu = h100();
  for (const char* name : {"mobilellm_ls_125m", "mixtral_8x7b", "gpt_2_124m"}) {
    for (const models::Phase& phase : {models::Phase::prefill(64), models::Phase::decode(100, 4)}) {
      CAPTURE(name, phase.batch);
      const Planned step = planned(model(name), phase, gpu, false);
      std::vector<Place> places;
      for (const auto& [storage, place] : step.placement.storages) {
        places.push_back(place);
      }
      places.push_back(step.placement.activations);
      std::sort(places.begin(), places.end(),
                [](const Place& a, const Place& b) { return a.base < b.base; });
      for (std::size_t i = 1; i < places.size(); ++i) {
        CHECK(places[i - 1].base + places[i - 1].bytes <= places[i].base);
      }
      for (const hw::Work& work : step.plan.works) {
        for (const hw::DataStream& stream : work.streams) {
          const std::uint64_t end = stream.base + (stream.count - 1) * stream.stride + stream.chunk;
          const bool inside = std::any_of(places.begin(), places.end(), [&](const Place& place) {
            return stream.base >= place.base && end <= place.base + place.bytes;
          });
          CAPTURE(work.name);
          CHECK(inside);
        }
      }
    }
  }
}

TEST_CASE("weights can live on flash while caches and activations stay in DRAM") {
  const models::OperatorGraph graph =
      models::build_graph(model("mobilellm_125m"), models::Phase::decode(100));
  const Placement placement =
      place(graph, graph, 128, tiers_of(1e9, 1e11), weights_in("flash"), {});
  CHECK(placement.use[0].weights == Bytes(0));
  CHECK(placement.use[1].weights.si() ==
        static_cast<double>(models::totals_of(graph).weight_bytes));
  CHECK(placement.use[0].kv_cache.si() ==
        static_cast<double>(models::totals_of(graph).kv_bytes_per_token * 128));
  CHECK(placement.activations.tier == 0);
}

TEST_CASE("a model that is too large is refused with what every tier needs and has") {
  const models::OperatorGraph graph =
      models::build_graph(model("mobilellm_125m"), models::Phase::decode(100));
  const auto with = [&](double dram, double flash) {
    return refusal([&] { (void)place(graph, graph, 128, tiers_of(dram, flash), {}, {}); });
  };
  CHECK(with(1e9, 1e9).empty());
  const std::string small = with(1e8, 1e9);
  CHECK(contains(small, "the model does not fit: dram needs 2"));
  CHECK(contains(small, "of 100 MB usable"));
  CHECK(contains(small, "flash needs 0 B"));
  CHECK(contains(small, "the weights would fit 'flash'"));
  CHECK(contains(with(1e8, 1e8), "the weights fit no tier"));
  CHECK(contains(
      refusal([&] { (void)place(graph, graph, 128, tiers_of(1e9, 1e9), weights_in("flsh"), {}); }),
      "found no memory 'flsh' in the machine; expected dram, flash; did you mean "
      "'flash'?"));
}

TEST_CASE("a unit's refusals are told once for every kind of operator") {
  const hw::SystolicNpu npu(part<hw::SystolicNpuSpec>("npu/neural_engine_a15"));
  models::ModelSpec spec = model("mobilellm_125m");
  spec.formats.linear_input = models::find_format("fp8_e4m3").value();
  const models::OperatorGraph graph = models::build_graph(spec, models::Phase::decode(10));
  const Placement placement = place(graph, graph, 16, tiers_of(1e10, 1e10), {}, {});
  const std::string text =
      refusal([&] { (void)plan_step(graph, placement, npu, hw::RuntimeSpec{}, {}); });
  CAPTURE(text);
  const std::string reason =
      "'neural_engine_a15' has no fp8 arithmetic; it has fp16, int8, ternary";
  REQUIRE(contains(text, reason));
  CHECK(text.find(reason, text.find(reason) + 1) == std::string::npos);
  for (const char* label : {"'query'", "'down'", "'attention_output'"}) {
    REQUIRE(contains(text, label));
    CHECK(text.find(label, text.find(label) + 1) == std::string::npos);
  }
}

TEST_CASE("fused graphs plan to fewer works with the same arithmetic and weights") {
  const hw::SimtGpu gpu = h100();
  const models::ModelSpec spec = model("llama_3_2_1b");
  for (const models::Phase& phase : {models::Phase::prefill(33), models::Phase::decode(100)}) {
    const models::OperatorGraph graph = models::build_graph(spec, phase);
    const models::OperatorGraph fused = models::fuse_all(graph);
    const hw::RuntimeSpec runtime;
    const Placement placement =
        place(graph, graph, phase.past + phase.new_tokens, tiers_of(1e13, 1e13), {}, {});
    const StepPlan plain = plan_step(graph, placement, gpu, runtime, {});
    const StepPlan merged = plan_step(fused, placement, gpu, runtime, {});
    double ops[2] = {0, 0};
    double macs[2] = {0, 0};
    std::uint64_t weights[2] = {0, 0};
    std::size_t launches[2] = {plain.works.size(), merged.works.size()};
    int i = 0;
    for (const StepPlan* plan : {&plain, &merged}) {
      for (const hw::Work& work : plan->works) {
        ops[i] += work.ops();
        macs[i] += work.macs();
      }
      weights[i] = bytes(*plan, hw::DataStream::Role::weight);
      ++i;
    }
    CHECK(macs[1] == macs[0]);
    CHECK(ops[1] == Approx(ops[0]).epsilon(1e-12));
    CHECK(weights[1] == weights[0]);
    CHECK(launches[1] * 2 < launches[0]);
  }
}

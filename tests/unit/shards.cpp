// Are models cut over devices as tensor parallelism cuts them, and only where they divide?
#include "sim/engine/shards.hpp"

#include "models/arch/model_file.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

models::ModelSpec model(const std::string& id) {
  const Library library = Library::open();
  const models::ZooEntry* entry = library.model(id);
  REQUIRE(entry != nullptr);
  return models::read_model_file(entry->path).spec;
}

bool mentions(const std::vector<std::string>& faults, const std::string& part) {
  return std::any_of(faults.begin(), faults.end(), [&](const std::string& fault) {
    return fault.find(part) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("a shard has its part of heads, columns and vocabulary, and the whole width") {
  const models::ModelSpec whole = model("llama_3_1_70b");
  models::ModelSpec part = whole;
  keep_shard(part, 8);
  REQUIRE(part.stack.size() == whole.stack.size());
  CHECK(part.stack.front().heads == 8);
  CHECK(part.stack.front().kv_heads == 1);
  CHECK(part.stack.front().ffn == 28672 / 8);
  CHECK(part.vocab == whole.vocab / 8);
  CHECK(part.hidden == whole.hidden);
  CHECK(part.head_dim == whole.head_dim);
}

TEST_CASE("key heads that are fewer than devices are kept by several") {
  models::ModelSpec part = model("llama_3_1_70b");
  CHECK(shard_faults(part, 16).empty());
  keep_shard(part, 16);
  CHECK(part.stack.front().heads == 4);
  CHECK(part.stack.front().kv_heads == 1);
}

TEST_CASE("what does not divide is refused with every reason") {
  const auto faults = shard_faults(model("llama_3_1_70b"), 3);
  CHECK(faults.size() == 3);
  CHECK(mentions(faults, "64 heads"));
  CHECK(mentions(faults, "8 key heads"));
  CHECK(mentions(faults, "28672 feed-forward columns"));
  CHECK(shard_faults(model("llama_3_1_70b"), 1).empty());
  CHECK(mentions(shard_faults(model("rwkv_5_0_4b"), 2), "without attention heads"));
}

TEST_CASE("a step reduces twice a layer what its tokens are wide, on several devices alone") {
  const models::ModelSpec whole = model("llama_3_1_70b");
  const StepReduces reduces = step_reduces(whole, 4, 32);
  CHECK(reduces.count == 160);
  CHECK(reduces.bytes == Bytes(32.0 * 8192 * 2));
  CHECK(step_reduces(whole, 1, 32).count == 0);

  const Library library = Library::open();
  const Machine machine = load_machine(library, "h100_sxm_80gb", {});
  const hw::RuntimeSpec stack = load_runtime(library, "vllm_cuda_graph", {}).spec;
  const ReduceCost cost = cost_of(reduces, machine, stack);
  CHECK(cost.refusal.empty());
  // Each time what the operator takes alone, and its launch.
  const hw::KernelAnswer one = answer_all_reduce(machine, {reduces.bytes, 4, 1}, stack);
  CHECK(cost.time.si() == Approx(160 * (one.time + stack.launch).si()));
  CHECK(cost.moved.si() == Approx(160 * reduces.bytes.si() * 2 * 3 / 4));
  CHECK(cost_of(step_reduces(whole, 1, 32), machine, stack).time == Time(0));

  const Machine phone = load_machine(library, "iphone_15_pro", {});
  CHECK_FALSE(cost_of(reduces, phone, stack).refusal.empty());
}

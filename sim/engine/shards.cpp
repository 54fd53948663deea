#include "sim/engine/shards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace joulesim::engine {

std::vector<std::string> shard_faults(const models::ModelSpec& model, std::int64_t shards) {
  std::set<std::string> faults;
  const auto divides = [&](const char* what, std::int64_t whole) {
    if (whole % shards != 0) {
      faults.insert(fmt::format("{} {} do not divide over {} devices", whole, what, shards));
    }
  };
  for (const models::LayerShape& layer : model.stack) {
    if (layer.mixer != models::Mixer::kAttention) {
      faults.insert("layers without attention heads are not cut over devices");
      continue;
    }
    divides("heads", layer.heads);
    if (layer.kv_heads > 0 && layer.kv_heads % shards != 0 && shards % layer.kv_heads != 0) {
      faults.insert(
          fmt::format("{} key heads do not divide over {} devices", layer.kv_heads, shards));
    }
    divides("feed-forward columns", layer.ffn);
  }
  divides("columns of an expert", model.experts.ffn);
  divides("columns of the shared experts", model.experts.shared_ffn);
  if (!model.encoder.stack.empty()) {
    faults.insert("an encoder is not cut over devices");
  }
  return {faults.begin(), faults.end()};
}

void keep_shard(models::ModelSpec& model, std::int64_t shards) {
  const auto part = [&](std::int64_t whole) {
    return whole == 0 ? 0 : std::max<std::int64_t>(1, (whole + shards - 1) / shards);
  };
  for (models::LayerShape& layer : model.stack) {
    const std::int64_t group = layer.kv_heads > 0 ? layer.heads / layer.kv_heads : 1;
    layer.kv_heads = part(layer.kv_heads);
    layer.heads = std::max(part(layer.heads), layer.kv_heads);
    if (layer.kv_heads > 0 && layer.heads % layer.kv_heads != 0) {
      layer.heads = layer.kv_heads * group;
    }
    layer.ffn = part(layer.ffn);
  }
  model.experts.ffn = part(model.experts.ffn);
  model.experts.shared_ffn = part(model.experts.shared_ffn);
  model.vocab = part(model.vocab);
}

StepReduces step_reduces(const models::ModelSpec& model, std::int64_t devices, double tokens) {
  constexpr double kActivation = 2;  // bytes
  StepReduces reduces;
  reduces.devices = devices;
  if (devices > 1) {
    reduces.count = 2 * model.executed_layers();
    reduces.bytes = Bytes(tokens * static_cast<double>(model.hidden) * kActivation);
  }
  return reduces;
}

ReduceCost cost_of(const StepReduces& reduces, const Machine& machine,
                   const hw::RuntimeSpec& runtime) {
  ReduceCost cost;
  if (reduces.devices <= 1) {
    return cost;
  }
  const hw::KernelAnswer one =
      answer_all_reduce(machine, {reduces.bytes, reduces.devices, 1}, runtime);
  cost.refusal = one.refusal;
  const auto count = static_cast<double>(reduces.count);
  cost.time = count * (one.time + runtime.launch);
  cost.moved = count * one.bytes;
  cost.algorithm = one.mapping;
  return cost;
}

}  // namespace joulesim::engine

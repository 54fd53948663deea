#include "models/kernels/generate.hpp"

#include "models/arch/build_graph.hpp"

#include <cmath>
#include <random>
#include <vector>

namespace joulesim::models {
namespace {

// 53 random bits to [0, 1): the standard's own distributions differ between libraries.
double uniform(std::mt19937_64& bits) { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }

}  // namespace

ModelSpec small_llama() {
  ModelSpec spec;
  spec.id = "small_llama";
  spec.title = "Small random llama";
  spec.hidden = 64;
  spec.head_dim = 16;
  spec.vocab = 128;
  spec.max_context = 64;
  spec.stack.assign(3, {4, 2, 96});
  spec.norm_epsilon = 1e-5;
  spec.rope_base = 10'000.0;
  spec.rotary = 16;
  spec.rope_layout = RopeLayout::kAdjacent;
  spec.formats = uniform_formats(known_format("fp32"));
  return spec;
}

Model random_model(const ModelSpec& spec, std::uint64_t seed) {
  Model model;
  model.spec = spec;
  std::mt19937_64 bits(seed);
  const OperatorGraph graph = build_graph(spec, whole_phase(spec));
  const Format fp32 = known_format("fp32");
  for (const Storage& storage : graph.storages()) {
    if (storage.kind != TensorKind::kWeight) {
      continue;
    }
    const bool vector = storage.shape.rows == 1;
    const double width = std::sqrt(3.0 / static_cast<double>(storage.shape.columns));
    std::vector<float> values(static_cast<std::size_t>(storage.shape.elements()));
    for (float& value : values) {
      const double u = uniform(bits);
      value = static_cast<float>(vector ? 0.5 + u : (2.0 * u - 1.0) * width);
    }
    model.weights.emplace(storage.name, WeightMatrix::encode(fp32, storage.shape, values));
  }
  return model;
}

}  // namespace joulesim::models

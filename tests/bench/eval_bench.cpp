// How fast does `eval` decode a llama of 250 million parameters on one core, and what share of the
// machine's streaming read bandwidth is that? Figures: tests/bench/README.md.
//
//   eval_bench [FOLDER] [FORMAT…]   writes a generated Q8_0 GGUF file to FOLDER (default /tmp),
//   maps it
//                                   and decodes; the other formats decode random codes in memory
#include "models/arch/build_graph.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/fast_linear.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "models/kernels/operators.hpp"
#include "models/kernels/simd.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <sys/resource.h>

using namespace joulesim::models;

namespace {

constexpr int kTokens = 24;
constexpr int kRounds = 3;

double user_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

ModelSpec llama_250m() {
  ModelSpec spec = small_llama();
  spec.id = "llama_250m";
  spec.title = "Random llama of 250 million parameters";
  spec.hidden = 1024;
  spec.head_dim = 64;
  spec.rotary = 64;
  spec.vocab = 32'000;
  spec.max_context = 2048;
  spec.tied = true;
  spec.stack.assign(17, {16, 16, 2816});
  return spec;
}

// Bytes per second of one core that only reads, best of several passes over 512 MiB.
double read_bandwidth() {
  std::vector<float> data(std::size_t{1} << 27U, 1.0F);
  double best = 0.0;
  for (int round = 0; round < 5; ++round) {
    const double start = user_seconds();
    const std::vector<float> x(4096, 1.0F);
    std::vector<float> y(data.size() / x.size());
    simd::dot_rows(simd::Coding::kFp32, std::as_bytes(std::span(data)).data(), 4 * x.size(),
                   y.size(), x.size(), x.data(), y.data());
    const double seconds = user_seconds() - start;
    if (y.back() == 4096.0F) {
      best = std::max(best, 4.0 * static_cast<double>(data.size()) / seconds);
    }
  }
  return best;
}

// Random codes with small scales: speed does not depend on values, as long as they are finite.
Model random_codes(const ModelSpec& spec, const std::string& format_name) {
  Model model;
  model.spec = spec;
  const Format format = known_format(format_name);
  std::mt19937_64 random(7);
  const OperatorGraph graph = build_graph(spec, Phase::decode(0));
  for (const Storage& storage : graph.storages()) {
    if (storage.kind != TensorKind::kWeight) {
      continue;
    }
    if (storage.shape.rows == 1) {
      const std::vector<float> ones(static_cast<std::size_t>(storage.shape.columns), 1.0F);
      model.weights.emplace(storage.name,
                            WeightMatrix::encode(known_format("fp32"), storage.shape, ones));
      continue;
    }
    auto bytes = std::make_shared<std::vector<std::byte>>(
        static_cast<std::size_t>(format.bytes(storage.shape.rows, storage.shape.columns)));
    for (std::size_t i = 0; i + 8 <= bytes->size(); i += 8) {
      const std::uint64_t bits = random() & 0x0fff0fff0fff0fffU;  // fp16 fields below 2^-11
      std::memcpy(bytes->data() + i, &bits, 8);
    }
    const std::span<const std::byte> data(*bytes);
    model.weights.emplace(storage.name,
                          WeightMatrix{format, storage.shape, data, std::move(bytes)});
  }
  return model;
}

double bytes_per_token(const Model& model) {
  double bytes = 0.0;
  for (const auto& [name, weight] : model.weights) {
    bytes += static_cast<double>(weight.data.size());
  }
  return bytes;
}

void measure(const std::string& name, const Model& model, double bandwidth) {
  FastArithmetic fast;
  Executor executor(model, fast);
  std::vector<std::int32_t> prompt(64);
  std::iota(prompt.begin(), prompt.end(), 100);
  double start = user_seconds();
  executor.run(build_graph(model.spec, Phase::prefill(64)), prompt);
  const double prefill = user_seconds() - start;
  double best = 1e9;
  std::int64_t past = 64;
  std::int32_t token = 1;
  for (int round = 0; round < kRounds; ++round) {
    start = user_seconds();
    for (int i = 0; i < kTokens; ++i) {
      const FloatArray logits =
          executor.run(build_graph(model.spec, Phase::decode(past++)), {&token, 1});
      token = static_cast<std::int32_t>(argmax(logits.values));
    }
    best = std::min(best, (user_seconds() - start) / kTokens);
  }
  const double achieved = bytes_per_token(model) / best;
  std::printf(
      "%-8s %7.1f tokens/s   %6.1f GB/s of weights, %3.0f %% of streaming reads   prefill %6.1f "
      "tokens/s\n",
      name.c_str(), 1.0 / best, achieved * 1e-9, 100.0 * achieved / bandwidth, 64.0 / prefill);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "/tmp";
  std::vector<std::string> formats(argv + std::min(argc, 2), argv + argc);
  if (formats.empty()) {
    formats = {"q8_0", "q4_0", "q4_1", "q4_k", "q6_k", "fp16", "bf16", "fp32", "q5_k"};
  }
  const double bandwidth = read_bandwidth();
  std::printf("%s, streaming reads %.1f GB/s (one core, user time)\n",
              simd::instruction_sets().front().c_str(), bandwidth * 1e-9);
  const ModelSpec spec = llama_250m();
  for (const std::string& format : formats) {
    if (format != "q8_0") {
      measure(format, random_codes(spec, format), bandwidth);
      continue;
    }
    const std::string path = folder + "/llama_250m-Q8_0.gguf";
    {
      const std::vector<std::byte> bytes = gguf_bytes(random_model(spec, 1), known_format("q8_0"));
      std::ofstream out(path, std::ios::binary);
      out.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    }
    measure("q8_0", load_model(path), bandwidth);
  }
  return 0;
}

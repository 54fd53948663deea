// Every model family by its config.json: a graph that simulates and computes.
#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/import/hugging_face_spec.hpp"
#include "models/import/rope_scaling.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/operators.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/unit/small_families.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace joulesim;
using namespace joulesim::models;
using joulesim::models::testing::Json;
using joulesim::models::testing::small;
using joulesim::models::testing::spec_of;

namespace {

Executor::Inputs inputs_for(const ModelSpec& spec, const Phase& phase,
                            std::vector<std::int32_t> tokens) {
  Executor::Inputs inputs;
  inputs.ids["tokens"] = std::move(tokens);
  if (!phase.encode) {
    return inputs;
  }
  for (std::int64_t i = 0; i < phase.source; ++i) {
    inputs.ids["source_tokens"].push_back(static_cast<std::int32_t>((7 * i + 3) % 60));
  }
  FloatArray& frames = inputs.rows["frames"];
  frames.rows = static_cast<std::size_t>(2 * phase.source);
  frames.columns = static_cast<std::size_t>(spec.encoder.features);
  for (std::size_t i = 0; i < frames.rows * frames.columns; ++i) {
    frames.values.push_back(std::sin(static_cast<float>(i)));
  }
  return inputs;
}

FloatArray only(std::map<std::string, FloatArray> outputs) {
  REQUIRE(!outputs.empty());
  return std::move(outputs.begin()->second);
}

}  // namespace

TEST_CASE("every family computes the same token by token as all at once") {
  for (const std::string& type : hugging_face_families()) {
    INFO(type);
    const ModelSpec spec = spec_of(small(type));
    const Model model = random_model(spec, 21);
    CHECK(weight_faults(model).empty());
    const std::vector<std::int32_t> tokens = {3, 17, 44, 5, 9, 61, 8};
    const auto unit = make_datapath("fp32");
    if (!spec.causal) {
      continue;
    }
    const auto count = static_cast<std::int64_t>(tokens.size());
    Phase phase = Phase::prefill(count);
    phase.all_logits = true;
    if (spec.has_encoder()) {
      phase.source = spec.encoder.features > 0 ? spec.encoder.positions : 5;
      phase.encode = true;
    }
    Executor at_once(model, *unit);
    const FloatArray all =
        only(at_once.run(build_graph(spec, phase), inputs_for(spec, phase, tokens)));
    REQUIRE(all.rows == tokens.size());
    Executor by_token(model, *unit);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Phase step = Phase::decode(static_cast<std::int64_t>(i));
      step.source = phase.source;
      step.encode = phase.encode && i == 0;
      const FloatArray row =
          only(by_token.run(build_graph(spec, step), inputs_for(spec, step, {tokens[i]})));
      REQUIRE(row.columns == all.columns);
      for (std::size_t k = 0; k < row.columns; ++k) {
        REQUIRE(row.values[k] == Approx(all.values[i * all.columns + k]).margin(1e-6));
        REQUIRE(std::isfinite(row.values[k]));
      }
    }
  }
}

TEST_CASE("an encoder sees what comes after a token, a decoder does not") {
  const auto first_row = [](const std::string& type, std::int32_t last) {
    Json json = small(type);
    json["architectures"] = {"BertForMaskedLM"};
    const ModelSpec spec = spec_of(json);
    const Model model = random_model(spec, 4);
    const auto unit = make_datapath("fp32");
    Executor executor(model, *unit);
    Phase phase = Phase::prefill(3);
    phase.all_logits = true;
    FloatArray all =
        only(executor.run(build_graph(spec, phase), inputs_for(spec, phase, {5, 6, last})));
    all.values.resize(all.columns);
    return all.values;
  };
  CHECK(first_row("bert", 7) != first_row("bert", 8));
  CHECK(first_row("gpt2", 7) == first_row("gpt2", 8));
}

TEST_CASE("a state does not grow with the context, a cache does") {
  const auto bytes = [](const std::string& type, std::int64_t past) {
    return totals_of(build_graph(spec_of(small(type)), Phase::decode(past))).kv_bytes;
  };
  for (const char* type : {"mamba", "mamba2", "rwkv", "rwkv5", "rwkv6"}) {
    INFO(type);
    CHECK(bytes(type, 5) > 0);
    CHECK(bytes(type, 5) == bytes(type, 50));
  }
  CHECK(bytes("llama", 50) > bytes("llama", 5));
  // 64 of kv_rank + rope_dim instead of all heads' keys and values.
  const GraphTotals latent =
      totals_of(build_graph(spec_of(small("deepseek_v2")), Phase::decode(5)));
  CHECK(latent.kv_bytes_per_token == 3 * (12 + 4) * 4);
}

TEST_CASE("costs of state-space and encoder operators are as worked out by hand") {
  const auto cost = [](const OperatorGraph& graph, const std::string& name) {
    for (const Op& op : graph.ops()) {
      if (op.name == name) {
        return cost_of(graph, op);
      }
    }
    throw std::out_of_range(name);
  };
  // mamba: 48 channels, 16 states, 4 taps; two tokens of one sequence.
  const OperatorGraph mamba = build_graph(spec_of(small("mamba")), Phase::prefill(2, 1));
  CHECK(cost(mamba, "block.0.ssm.scan").vector_flops == 2 * 48 * (7 * 16 + 3));
  CHECK(cost(mamba, "block.0.ssm.scan").kv_read_bytes == 48 * 16 * 4);
  CHECK(cost(mamba, "block.0.ssm.scan").kv_write_bytes == 48 * 16 * 4);
  CHECK(cost(mamba, "block.0.ssm.conv").vector_flops == 2 * 48 * (2 * 4 - 1 + 1));
  CHECK(cost(mamba, "block.0.ssm.conv").kv_write_bytes == 3 * 48 * 4);
  // whisper: 12 frames of 10 to 6 positions of 32; the decoder's first token.
  const ModelSpec whisper = spec_of(small("whisper"));
  const OperatorGraph first = build_graph(whisper, prefill_phase(whisper, 1));
  CHECK(cost(first, "encoder.conv.0").macs == 12 * 32 * 30);
  CHECK(cost(first, "encoder.conv.1").macs == 6 * 32 * 96);
  CHECK(cost(first, "encoder.block.0.attn.attention").macs == 2 * 4 * 8 * 36);
  CHECK(cost(first, "block.0.cross.key").macs == 6 * 32 * 32);
  const OperatorGraph next = build_graph(whisper, decode_phase(whisper, 1, 3));
  CHECK(cost(next, "block.0.cross.attention").macs == 2 * 4 * 8 * 6);
  CHECK(cost(next, "block.0.cross.attention").kv_read_bytes == 2 * 6 * 32 * 4);
  CHECK(totals_of(next).kv_bytes_per_token == 2 * 2 * 32 * 4);  // the cross caches stay as they are
  // MLA: keys and values are one cached row, read once.
  const OperatorGraph latent = build_graph(spec_of(small("deepseek_v2")), Phase::decode(5));
  CHECK(cost(latent, "block.0.attn.attention").kv_read_bytes == 6 * 16 * 4);
  CHECK(cost(latent, "block.0.attn.attention").macs == 4 * 6 * (16 + 12));
  CHECK(cost(latent, "block.0.attn.key_up").macs == 4 * 12 * 8);
}

TEST_CASE("rotary frequencies are stretched as each rule says") {
  const auto divisors = [](Json scaling, double* magnitude = nullptr) {
    Json json = small("llama");
    json["head_dim"] = 16;
    json["max_position_embeddings"] = 128;
    json["rope_scaling"] = std::move(scaling);
    Diagnostics faults;
    const ConfigJson config(json, "config.json", faults);
    ModelSpec spec = read_hugging_face_spec(config);
    std::vector<float> made = scale_rope(config, spec);
    CHECK(faults.ok());
    if (magnitude != nullptr) {
      *magnitude = spec.rope_magnitude;
    }
    return made;
  };
  CHECK(divisors({{"rope_type", "linear"}, {"factor", 4.0}}) == std::vector<float>(8, 4.0F));
  CHECK(divisors({{"rope_type", "default"}}).empty());
  double magnitude = 0.0;
  const auto yarn =
      divisors({{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 32}},
               &magnitude);
  CHECK(magnitude == Approx(0.1 * std::log(4.0) + 1.0));
  REQUIRE(yarn.size() == 8);
  CHECK(yarn.front() == 1.0F);  // turns many times: as it was
  CHECK(yarn.back() == 4.0F);   // turns less than once: stretched
  for (std::size_t i = 1; i < yarn.size(); ++i) {
    CHECK(yarn[i] >= yarn[i - 1]);
  }
  const auto llama3 = divisors({{"rope_type", "llama3"},
                                {"factor", 8.0},
                                {"low_freq_factor", 1.0},
                                {"high_freq_factor", 4.0},
                                {"original_max_position_embeddings", 32}});
  CHECK(llama3.front() == 1.0F);
  CHECK(llama3.back() == 8.0F);
  const auto longrope = divisors({{"rope_type", "longrope"},
                                  {"short_factor", {1, 1, 1, 1, 1, 1, 1, 2}},
                                  {"original_max_position_embeddings", 32}},
                                 &magnitude);
  CHECK(longrope.back() == 2.0F);
  CHECK(magnitude == Approx(std::sqrt(1.0 + std::log(4.0) / std::log(32.0))));
}

TEST_CASE("a config of another family, or with wrong numbers, is refused with all its faults") {
  const auto faults_in = [](const Json& json) {
    Diagnostics faults;
    const ConfigJson config(json, "config.json", faults);
    (void)read_hugging_face_spec(config);
    return faults.render();
  };
  CHECK(faults_in({{"model_type", "lama"}}).find("did you mean 'llama'") != std::string::npos);
  Json json = small("qwen3_moe");
  json["num_experts"] = -1;
  json["vocab_size"] = "many";
  json["hidden_act"] = "step";
  const std::string text = faults_in(json);
  CHECK(text.find("'num_experts' of -1") != std::string::npos);
  CHECK(text.find("'vocab_size' of \"many\"") != std::string::npos);
  CHECK(text.find("'hidden_act' of 'step'") != std::string::npos);
}

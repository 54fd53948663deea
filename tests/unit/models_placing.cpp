// Tensors as Hugging Face files of several families have them, put back under our names.
#include "models/arch/build_graph.hpp"
#include "models/import/hugging_face_names.hpp"
#include "models/import/hugging_face_spec.hpp"
#include "models/import/placing.hpp"
#include "models/kernels/generate.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace joulesim;
using namespace joulesim::models;

namespace {

using Json = nlohmann::json;
using Values = std::vector<float>;

ModelSpec spec_of(const Json& json) {
  Diagnostics faults;
  ModelSpec spec = read_hugging_face_spec(ConfigJson(json, "config.json", faults));
  INFO(faults.render());
  REQUIRE(faults.ok());
  spec.formats = uniform_formats(known_format("fp32"));
  return spec;
}

struct Matrix {
  std::int64_t rows = 0, columns = 0;
  Values values;
};

Matrix transposed(const Matrix& m) {
  Matrix t{m.columns, m.rows, Values(m.values.size())};
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t c = 0; c < m.columns; ++c) {
      t.values[static_cast<std::size_t>(c * m.rows + r)] =
          m.values[static_cast<std::size_t>(r * m.columns + c)];
    }
  }
  return t;
}

// Rows first to last - 1 of a matrix.
Matrix part(const Matrix& m, std::int64_t first, std::int64_t last) {
  return {last - first, m.columns,
          Values(m.values.begin() + first * m.columns, m.values.begin() + last * m.columns)};
}

Matrix below(const std::vector<Matrix>& matrices) {
  Matrix all{0, matrices.front().columns, {}};
  for (const Matrix& m : matrices) {
    all.rows += m.rows;
    all.values.insert(all.values.end(), m.values.begin(), m.values.end());
  }
  return all;
}

// A model of the family, and its tensors as a file of theirs would have them.
class File {
 public:
  explicit File(const Json& json)
      : family_(json.at("model_type")), model_(random_model(spec_of(json), 31)) {}

  [[nodiscard]] Matrix ours(const std::string& name) const {
    const WeightMatrix& w = model_.weights.at(name);
    return {w.shape.rows, w.shape.columns, w.all()};
  }
  void put(const std::string& theirs, const Matrix& m) {
    tensors_[theirs] = WeightMatrix::encode(known_format("fp32"), {m.rows, m.columns}, m.values);
  }
  void same(const std::string& theirs, const std::string& name) { put(theirs, ours(name)); }

  // Reads the tensors back; every weight must be what it was.
  void check() {
    Model read;
    read.spec = model_.spec;
    std::vector<std::string> faults;
    place_tensors([&](const std::string& name) { return hugging_face_name(family_, name); },
                  tensors_, read, faults);
    for (const std::string& fault : faults) {
      FAIL_CHECK(family_ << ": " << fault);
    }
    for (const std::string& fault : weight_faults(read)) {
      FAIL_CHECK(family_ << ": " << fault);
    }
    for (const auto& [name, w] : model_.weights) {
      INFO(family_ << " " << name);
      REQUIRE(read.weights.contains(name));
      const Values back = read.weights.at(name).all();
      const Values before = w.all();
      REQUIRE(back.size() == before.size());
      for (std::size_t i = 0; i < back.size(); ++i) {
        REQUIRE(back[i] == Approx(before[i]).margin(1e-6));
      }
    }
  }
  std::map<std::string, WeightMatrix>& tensors() { return tensors_; }

 private:
  std::string family_;
  Model model_;
  std::map<std::string, WeightMatrix> tensors_;
};

Json small(const std::string& type, Json more) {
  Json json = {{"model_type", type},          {"hidden_size", 16},       {"num_hidden_layers", 1},
               {"num_attention_heads", 4},    {"intermediate_size", 24}, {"vocab_size", 20},
               {"max_position_embeddings", 8}};
  json.update(more);
  return json;
}

}  // namespace

TEST_CASE("GPT-2's fused matrices, stored by columns, are split and turned") {
  File file(small("gpt2", Json::object()));
  file.same("transformer.wte.weight", "embedding");
  file.same("wpe.weight", "positions");
  for (const auto& [theirs, name] : {std::pair{"h.0.ln_1.", "block.0.attn.norm"},
                                     {"h.0.ln_2.", "block.0.ffn.norm"},
                                     {"ln_f.", "final_norm"}}) {
    file.same(std::string(theirs) + "weight", name);
    file.same(std::string(theirs) + "bias", std::string(name) + ".bias");
  }
  const std::string attn = "block.0.attn.";
  file.put("h.0.attn.c_attn.weight",
           transposed(below(
               {file.ours(attn + "query"), file.ours(attn + "key"), file.ours(attn + "value")})));
  Matrix bias =
      below({transposed(file.ours(attn + "query.bias")), transposed(file.ours(attn + "key.bias")),
             transposed(file.ours(attn + "value.bias"))});
  file.put("h.0.attn.c_attn.bias", transposed(bias));
  file.put("h.0.attn.c_proj.weight", transposed(file.ours(attn + "out")));
  file.same("h.0.attn.c_proj.bias", attn + "out.bias");
  file.put("h.0.mlp.c_fc.weight", transposed(file.ours("block.0.ffn.up")));
  file.same("h.0.mlp.c_fc.bias", "block.0.ffn.up.bias");
  file.put("h.0.mlp.c_proj.weight", transposed(file.ours("block.0.ffn.down")));
  file.same("h.0.mlp.c_proj.bias", "block.0.ffn.down.bias");
  file.put("h.0.attn.bias", {1, 1, {1.0F}});  // a mask, which is not read
  file.check();
}

TEST_CASE("GPT-NeoX's heads, each query, key and value in turn, are sorted") {
  File file(small("gpt_neox", {{"layer_norm_eps", 1e-5}, {"rotary_pct", 0.5}}));
  file.same("gpt_neox.embed_in.weight", "embedding");
  file.same("embed_out.weight", "head");
  for (const auto& [theirs, name] :
       {std::pair{"gpt_neox.layers.0.input_layernorm.", "block.0.attn.norm"},
        {"gpt_neox.layers.0.post_attention_layernorm.", "block.0.ffn.norm"},
        {"gpt_neox.final_layer_norm.", "final_norm"}}) {
    file.same(std::string(theirs) + "weight", name);
    file.same(std::string(theirs) + "bias", std::string(name) + ".bias");
  }
  std::vector<Matrix> rows;
  std::vector<Matrix> biases;
  for (std::int64_t head = 0; head < 4; ++head) {
    for (const std::string name : {"query", "key", "value"}) {
      rows.push_back(part(file.ours("block.0.attn." + name), 4 * head, 4 * head + 4));
      biases.push_back(
          part(transposed(file.ours("block.0.attn." + name + ".bias")), 4 * head, 4 * head + 4));
    }
  }
  file.put("layers.0.attention.query_key_value.weight", below(rows));
  file.put("layers.0.attention.query_key_value.bias", transposed(below(biases)));
  for (const auto& [theirs, name] : {std::pair{"layers.0.attention.dense.", "block.0.attn.out"},
                                     {"layers.0.mlp.dense_h_to_4h.", "block.0.ffn.up"},
                                     {"layers.0.mlp.dense_4h_to_h.", "block.0.ffn.down"}}) {
    file.same(std::string(theirs) + "weight", name);
    file.same(std::string(theirs) + "bias", std::string(name) + ".bias");
  }
  file.check();
}

TEST_CASE("experts that lie apart are put one behind the other, and a missing one is told") {
  const Json config = small("mixtral", {{"num_local_experts", 3}, {"num_experts_per_tok", 2}});
  File file(config);
  file.same("model.embed_tokens.weight", "embedding");
  file.same("lm_head.weight", "head");
  file.same("model.norm.weight", "final_norm");
  const std::string layer = "model.layers.0.";
  file.same(layer + "input_layernorm.weight", "block.0.attn.norm");
  file.same(layer + "post_attention_layernorm.weight", "block.0.ffn.norm");
  for (const auto& [theirs, name] :
       {std::pair{"q", "query"}, {"k", "key"}, {"v", "value"}, {"o", "out"}}) {
    file.same(layer + "self_attn." + theirs + "_proj.weight", std::string("block.0.attn.") + name);
  }
  file.same(layer + "block_sparse_moe.gate.weight", "block.0.ffn.router");
  for (std::int64_t e = 0; e < 3; ++e) {
    const std::string expert = layer + "block_sparse_moe.experts." + std::to_string(e);
    file.put(expert + ".w1.weight", part(file.ours("block.0.ffn.gate"), 24 * e, 24 * e + 24));
    file.put(expert + ".w2.weight", part(file.ours("block.0.ffn.down"), 16 * e, 16 * e + 16));
    file.put(expert + ".w3.weight", part(file.ours("block.0.ffn.up"), 24 * e, 24 * e + 24));
  }
  file.check();
  file.tensors().erase(layer + "block_sparse_moe.experts.1.w2.weight");
  Model read;
  read.spec = spec_of(config);
  std::vector<std::string> faults;
  place_tensors([](const std::string& name) { return hugging_face_name("mixtral", name); },
                file.tensors(), read, faults);
  REQUIRE(faults.size() == 1);
  CHECK(faults.front().find("found expert 2 of 'block.0.ffn.down'") != std::string::npos);
}

TEST_CASE("latent attention's expanding matrix is cut into keys, turned, and values") {
  File file(small(
      "deepseek_v2",
      {{"kv_lora_rank", 6}, {"qk_nope_head_dim", 4}, {"qk_rope_head_dim", 2}, {"v_head_dim", 3}}));
  file.same("model.embed_tokens.weight", "embedding");
  file.same("lm_head.weight", "head");
  file.same("model.norm.weight", "final_norm");
  const std::string layer = "model.layers.0.";
  file.same(layer + "input_layernorm.weight", "block.0.attn.norm");
  file.same(layer + "post_attention_layernorm.weight", "block.0.ffn.norm");
  file.same(layer + "self_attn.q_proj.weight", "block.0.attn.query");
  file.same(layer + "self_attn.kv_a_proj_with_mqa.weight", "block.0.attn.latent");
  file.same(layer + "self_attn.kv_a_layernorm.weight", "block.0.attn.latent_norm");
  file.same(layer + "self_attn.o_proj.weight", "block.0.attn.out");
  std::vector<Matrix> heads;
  for (std::int64_t head = 0; head < 4; ++head) {
    heads.push_back(transposed(part(file.ours("block.0.attn.key_up"), 6 * head, 6 * head + 6)));
    heads.push_back(part(file.ours("block.0.attn.value_up"), 3 * head, 3 * head + 3));
  }
  file.put(layer + "self_attn.kv_b_proj.weight", below(heads));
  for (const auto& [theirs, name] : {std::pair{"gate", "gate"}, {"up", "up"}, {"down", "down"}}) {
    file.same(layer + "mlp." + theirs + "_proj.weight", std::string("block.0.ffn.") + name);
  }
  file.check();
}

TEST_CASE("a scan's decay is stored as a logarithm, Gemma's gains less one") {
  Json mamba = small("mamba", Json::object());
  mamba["intermediate_size"] = 32;
  Model model;
  model.spec = spec_of(mamba);
  std::vector<std::string> faults;
  std::map<std::string, WeightMatrix> tensors;
  tensors["backbone.layers.0.mixer.A_log"] =
      WeightMatrix::encode(known_format("fp32"), {32, 16}, Values(32 * 16, std::log(3.0F)));
  place_tensors([](const std::string& name) { return hugging_face_name("mamba", name); },
                std::move(tensors), model, faults);
  CHECK(faults.empty());
  CHECK(model.weights.at("block.0.ssm.a").all().front() == Approx(-3.0));
  tensors.clear();
  tensors["model.norm.weight"] =
      WeightMatrix::encode(known_format("fp32"), {1, 16}, Values(16, 0.25F));
  tensors["model.layers.0.mlp.magic.weight"] =
      WeightMatrix::encode(known_format("fp32"), {1, 16}, Values(16, 0.0F));
  Model gemma;
  gemma.spec = spec_of(small("gemma", Json::object()));
  place_tensors([](const std::string& name) { return hugging_face_name("gemma", name); },
                std::move(tensors), gemma, faults);
  CHECK(gemma.weights.at("final_norm").all().front() == 1.25F);
  REQUIRE(faults.size() == 1);
  CHECK(faults.front().find("found tensor 'model.layers.0.mlp.magic.weight'") != std::string::npos);
}

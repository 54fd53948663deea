// A loaded model: its dimensions, its weights by the graph's storage names, its token table.
//
// Models:     weights stay as stored (usually mapped from the file) and are decoded row by row.
// Leaves out: writing models, other than through models/kernels/generate.hpp.
// Checked by: tests/oracle/models_stories.cpp, tests/unit/models_gguf.cpp
#pragma once

#include "models/arch/model_spec.hpp"
#include "models/graph/op.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// A matrix of encoded rows. `owner` keeps `data` alive.
struct WeightMatrix {
  Format format;
  Shape shape;
  std::span<const std::byte> data;
  std::shared_ptr<const void> owner;

  void row(std::int64_t index, std::span<float> out) const;  // out has shape.columns elements
  [[nodiscard]] std::vector<float> all() const;              // row-major

  // A matrix that owns its encoded values.
  static WeightMatrix encode(const Format& format, Shape shape, std::span<const float> values);
};

// What a model file says about its tokens; empty when it says nothing.
struct TokenTable {
  std::string kind;  // "llama" (SentencePiece-like), "gpt2" (byte-pair), "bert" (word pieces)
  std::vector<std::string> tokens;    // by id
  std::vector<float> scores;          // by id; empty when the kind has none
  std::vector<std::int32_t> types;    // GGUF's: 1 normal, 2 unknown, 3 control, 6 byte
  std::vector<std::string> merges;    // of byte-pair encoders, best first
  std::string pre;                    // name of the rule that cuts text before merging
  std::vector<std::string> patterns;  // the same as expressions, where the file has them
  std::int64_t begin_id = -1;         // -1 = none
  std::int64_t end_id = -1;
  std::int64_t unknown_id = -1;
  std::int64_t separator_id = -1;  // BERT's end of a sequence, and its beginning
  std::int64_t class_id = -1;
  std::optional<bool> add_begin;  // whether a text gets these tokens; nothing = the kind's custom
  std::optional<bool> add_end;
  bool space_prefix = false;  // a space is put before the text
  bool whole_words = false;   // a piece that is a token needs no merges
  bool lowercase = true;      // of word pieces: small letters without accents
  bool compose = false;       // canonical composition first
};

struct Model {
  ModelSpec spec;
  std::map<std::string, WeightMatrix> weights;  // by storage name, see models/arch/build_graph.hpp
  TokenTable tokens;
};

// Reads a model by its content: a GGUF file, a llama2.c file, or a folder (or a file in it) of
// config.json and safetensors. Throws InputError when it is none of these or a damaged one.
Model load_model(const std::string& path);

// The token table of a model file, or of a file that holds nothing else: GGUF, tokenizer.json, or a
// folder with one. Throws InputError when there is none.
TokenTable load_tokens(const std::string& path);

// The dimensions alone: also of a TOML model file, or of a Hugging Face config.json without
// weights.
ModelSpec load_model_spec(const std::string& path);

// The weights must be those that the graph of `model.spec` uses, no more and no fewer, in shape and
// format; returns what is not so, one sentence each.
std::vector<std::string> weight_faults(const Model& model);

}  // namespace joulesim::models

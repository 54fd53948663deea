// Text to token ids and back, by the table of a model file.
//
// Models:     "llama": merging by score as SentencePiece does, bytes without a token of their own
//             as byte tokens; "gpt2": byte-pair merges inside pieces that regular expressions cut,
//             on bytes or, as converted SentencePiece models have it, on characters; "bert": the
//             longest matching pieces of lower-cased words without accents. Tokens that users
//             added are found in the text first.
// Leaves out: unigram models ("t5"), the trie of RWKV: refused by name.
// Checked by: tests/oracle/models_stories.cpp, tests/oracle/models_tokens.cpp,
//             tests/unit/models_tokenizer.cpp
#pragma once

#include "models/import/model.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

class Tokenizer {
 public:
  // Throws InputError when the table is empty, contradicts itself or is of another kind.
  explicit Tokenizer(const TokenTable& table);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // `marks`: with the tokens that begin and end a sequence, where the model wants them.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text, bool marks = true) const;
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  // One kind of table; see tokenizer_kinds.cpp.
  class Coder;

 private:
  std::unique_ptr<Coder> coder_;
  std::vector<std::pair<std::string, std::int32_t>> added_;  // longest first
  std::vector<bool> control_;  // tokens that never come from text and print nothing
  std::int32_t begin_ = -1;    // put before a text, and after it; -1 = none
  std::int32_t end_ = -1;
};

}  // namespace joulesim::models

// Text to token ids and back, for the SentencePiece-like tables of llama files.
//
// Models:     a leading space, then repeated merging of the adjacent pair with the best score;
// bytes without
//             a token of their own become byte tokens, or the unknown token.
// Leaves out: byte-pair encoders with pre-tokenisation (kind "gpt2"), WordPiece; both are refused
// by name. Checked by: tests/oracle/models_stories.cpp, tests/unit/models_containers.cpp
#pragma once

#include "models/import/model.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

class Tokenizer {
 public:
  // Throws InputError when the table is empty or of a kind that is not supported.
  explicit Tokenizer(const TokenTable& table);

  // Starts with the begin token where the table has one.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

 private:
  [[nodiscard]] std::vector<std::int32_t> characters(std::string_view text) const;

  std::vector<std::string> pieces_;  // with plain spaces
  std::vector<float> scores_;
  std::map<std::string, std::int32_t, std::less<>> ids_;
  std::vector<std::int32_t> byte_ids_;  // 256; -1 = none
  std::vector<bool> control_;           // tokens that never come from text and print nothing
  std::int32_t begin_ = -1;
  std::int32_t unknown_ = -1;
};

}  // namespace joulesim::models

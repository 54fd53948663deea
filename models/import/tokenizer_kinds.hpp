// The kinds of token tables behind Tokenizer.
#pragma once

#include "models/import/pre_tokenizer.hpp"
#include "models/import/tokenizer.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

class Tokenizer::Coder {
 public:
  virtual ~Coder() = default;
  // `first`: the text begins the sequence.
  virtual void encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const = 0;
  // `first`: nothing was printed yet.
  [[nodiscard]] virtual std::string text_of(std::int32_t id, bool first) const = 0;
};

using TokenIds = std::map<std::string, std::int32_t, std::less<>>;

// How good it is to join two neighbours, more is better; nothing when they do not join.
using Joins = std::function<std::optional<double>(std::string_view left, std::string_view right)>;

// Joins the best neighbours of `text`'s characters, the leftmost of equals, until none join.
std::vector<std::string_view> join_characters(std::string_view text, const Joins& joins);

std::unique_ptr<Tokenizer::Coder> make_sentence_pieces(const TokenTable& table);
std::unique_ptr<Tokenizer::Coder> make_byte_pairs(const TokenTable& table);
std::unique_ptr<Tokenizer::Coder> make_word_pieces(const TokenTable& table);

// "<0x0A>" -> 10
std::optional<std::uint8_t> byte_token(const std::string& piece);

}  // namespace joulesim::models

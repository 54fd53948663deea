#include "models/import/tokenizer_kinds.hpp"

#include "models/import/unicode_text.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace joulesim::models {
namespace {

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581, SentencePiece's visible space
constexpr std::int32_t kUnusedType = 5;                  // of GGUF's token types

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  while (!text.empty()) {
    if (text.starts_with(from)) {
      result += to;
      text.remove_prefix(from.size());
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

// Of equal texts, the first id; unused tokens are none.
TokenIds ids_of(const TokenTable& table) {
  TokenIds ids;
  for (std::size_t i = 0; i < table.tokens.size(); ++i) {
    const bool unused = i < table.types.size() && table.types[i] == kUnusedType;
    if (!unused) {
      ids.emplace(table.tokens[i], static_cast<std::int32_t>(i));
    }
  }
  return ids;
}

// Pieces in SentencePiece's spelling; subclasses say what joins.
class PieceCoder : public Tokenizer::Coder {
 public:
  explicit PieceCoder(const TokenTable& table)
      : tokens_(table.tokens),
        ids_(ids_of(table)),
        byte_ids_(256, -1),
        space_first_(table.space_prefix),
        unknown_(static_cast<std::int32_t>(table.unknown_id)) {
    for (std::size_t i = 0; i < table.tokens.size(); ++i) {
      if (const auto byte = byte_token(table.tokens[i])) {
        byte_ids_[*byte] = static_cast<std::int32_t>(i);
      }
    }
    plain_spaces_ = std::none_of(tokens_.begin(), tokens_.end(), [](const std::string& token) {
      return token.find(kSpaceMark) != std::string::npos;
    });
  }

  void encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override {
    std::string spelled = (first && space_first_ ? " " : "") + std::string(text);
    if (!plain_spaces_) {
      spelled = replaced(spelled, " ", kSpaceMark);
    }
    for (const std::string_view piece : join_characters(
             spelled,
             [&](std::string_view left, std::string_view right) { return score(left, right); })) {
      if (const auto found = ids_.find(piece); found != ids_.end()) {
        ids.push_back(found->second);
        continue;
      }
      for (const char c : piece) {
        const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
        if (id >= 0 || unknown_ >= 0) {
          ids.push_back(id >= 0 ? id : unknown_);
        }
      }
    }
  }

  [[nodiscard]] std::string text_of(std::int32_t id, bool first) const override {
    const std::string& token = tokens_[static_cast<std::size_t>(id)];
    if (const auto byte = byte_token(token)) {
      return std::string(1, static_cast<char>(*byte));
    }
    const std::string text = replaced(token, kSpaceMark, " ");
    return first && space_first_ && text.starts_with(' ') ? text.substr(1) : text;
  }

 protected:
  [[nodiscard]] virtual std::optional<double> score(std::string_view left,
                                                    std::string_view right) const = 0;
  [[nodiscard]] const TokenIds& ids() const { return ids_; }

 private:
  std::vector<std::string> tokens_;
  TokenIds ids_;
  std::vector<std::int32_t> byte_ids_;  // 256; -1 = none
  bool space_first_;
  bool plain_spaces_ = false;  // the table has spaces as they are (llama2.c)
  std::int32_t unknown_;
};

// Two pieces join when together they are a token; how well, its score says.
class ScoredPieces final : public PieceCoder {
 public:
  explicit ScoredPieces(const TokenTable& table) : PieceCoder(table), scores_(table.scores) {}

 private:
  [[nodiscard]] std::optional<double> score(std::string_view left,
                                            std::string_view right) const override {
    // Neighbours lie side by side in one text.
    const auto found = ids().find(std::string_view(left.data(), left.size() + right.size()));
    return found == ids().end()
               ? std::nullopt
               : std::optional<double>(scores_[static_cast<std::size_t>(found->second)]);
  }
  std::vector<float> scores_;
};

// Ranks of "left right".
using Ranks = std::map<std::pair<std::string, std::string>, double>;

Ranks ranks_of(const TokenTable& table) {
  Ranks ranks;
  for (std::size_t i = 0; i < table.merges.size(); ++i) {
    const std::string& merge = table.merges[i];
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string::npos || space + 1 == merge.size()) {
      throw InputError(
          fmt::format("found merge {} of '{}'; expected two texts and a space", i, merge));
    }
    ranks.emplace(std::pair(merge.substr(0, space), merge.substr(space + 1)),
                  -static_cast<double>(i));
  }
  return ranks;
}

std::optional<double> rank_of(const Ranks& ranks, std::string_view left, std::string_view right) {
  const auto found = ranks.find({std::string(left), std::string(right)});
  return found == ranks.end() ? std::nullopt : std::optional<double>(found->second);
}

// SentencePiece's byte-pair models as other libraries convert them: pieces with a list of merges.
class MergedPieces final : public PieceCoder {
 public:
  explicit MergedPieces(const TokenTable& table) : PieceCoder(table), ranks_(ranks_of(table)) {}

 private:
  [[nodiscard]] std::optional<double> score(std::string_view left,
                                            std::string_view right) const override {
    return rank_of(ranks_, left, right);
  }
  Ranks ranks_;
};

// The printable characters that stand for the 256 bytes in GPT-2's tables: a byte that prints
// stands for itself, the others follow from U+0100 on.
std::array<char32_t, 256> byte_characters() {
  std::array<char32_t, 256> characters{};
  char32_t next = 256;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    characters[byte] = prints ? byte : next++;
  }
  return characters;
}

class BytePairs final : public Tokenizer::Coder {
 public:
  explicit BytePairs(const TokenTable& table)
      : tokens_(table.tokens),
        ids_(ids_of(table)),
        ranks_(ranks_of(table)),
        splitter_(table.patterns.empty() ? patterns_of(table.pre) : table.patterns),
        whole_words_(table.whole_words),
        compose_(table.compose),
        space_first_(table.space_prefix) {
    const auto characters = byte_characters();
    for (std::size_t byte = 0; byte < 256; ++byte) {
      append_utf8(spelling_[byte], characters[byte]);
      bytes_[characters[byte]] = static_cast<char>(byte);
    }
  }

  void encode(std::string_view text, bool first, std::vector<std::int32_t>& ids) const override {
    std::string input = compose_ ? composed(text) : std::string(text);
    if (first && space_first_ && !input.starts_with(' ')) {
      input.insert(0, " ");
    }
    for (const std::string& word : splitter_.split(input)) {
      std::string spelled;
      for (const char c : word) {
        spelled += spelling_[static_cast<unsigned char>(c)];
      }
      if (const auto found = ids_.find(spelled); whole_words_ && found != ids_.end()) {
        ids.push_back(found->second);
        continue;
      }
      for (const std::string_view piece :
           join_characters(spelled, [&](std::string_view left, std::string_view right) {
             return rank_of(ranks_, left, right);
           })) {
        add(piece, ids);
      }
    }
  }

  [[nodiscard]] std::string text_of(std::int32_t id, bool /*first*/) const override {
    const std::string& token = tokens_[static_cast<std::size_t>(id)];
    std::string text;
    for (const char32_t point : code_points(token)) {
      if (const auto byte = bytes_.find(point); byte != bytes_.end()) {
        text += byte->second;
      } else {
        return token;  // an added token, in plain text
      }
    }
    return text;
  }

 private:
  void add(std::string_view piece, std::vector<std::int32_t>& ids) const {
    if (const auto found = ids_.find(piece); found != ids_.end()) {
      ids.push_back(found->second);
      return;
    }
    for (const char32_t point : code_points(piece)) {
      std::string one;
      append_utf8(one, point);
      if (const auto found = ids_.find(one); found != ids_.end()) {
        ids.push_back(found->second);
      }
    }
  }

  std::vector<std::string> tokens_;
  TokenIds ids_;
  Ranks ranks_;
  PreTokenizer splitter_;
  bool whole_words_;
  bool compose_;
  bool space_first_;
  std::array<std::string, 256> spelling_;
  std::map<char32_t, char> bytes_;
};

// Devlin et al., arXiv 1810.04805, with the tables of GGUF: U+2581 where a word begins.
class WordPieces final : public Tokenizer::Coder {
 public:
  explicit WordPieces(const TokenTable& table)
      : tokens_(table.tokens),
        ids_(ids_of(table)),
        unknown_(static_cast<std::int32_t>(table.unknown_id)),
        lowercase_(table.lowercase) {
    for (const std::string& token : tokens_) {
      longest_ = std::max(longest_, token.size());
    }
  }

  void encode(std::string_view text, bool /*first*/,
              std::vector<std::int32_t>& ids) const override {
    for (const std::string& word : words(text)) {
      add(std::string(kSpaceMark) + word, ids);
    }
  }

  [[nodiscard]] std::string text_of(std::int32_t id, bool first) const override {
    const std::string text = replaced(tokens_[static_cast<std::size_t>(id)], kSpaceMark, " ");
    return first && text.starts_with(' ') ? text.substr(1) : text;
  }

 private:
  [[nodiscard]] std::vector<std::string> words(std::string_view text) const {
    std::vector<std::string> found;
    std::string word;
    const auto end_word = [&] {
      if (!word.empty()) {
        found.push_back(std::move(word));
      }
      word.clear();
    };
    const std::string plain = lowercase_ ? decomposed(text) : std::string(text);
    for (char32_t point : code_points(plain)) {
      if (is_white_space(point)) {
        end_word();
        continue;
      }
      constexpr char32_t kReplacement = 0xFFFD;
      if (point == kReplacement || is_other(point) || (lowercase_ && is_mark(point))) {
        continue;
      }
      point = lowercase_ ? lower(point) : point;
      const bool alone = is_punctuation(point) || is_ideograph(point);
      if (alone) {
        end_word();
      }
      append_utf8(word, point);
      if (alone) {
        end_word();
      }
    }
    end_word();
    return found;
  }

  // The longest pieces from the left; a word that is not covered is unknown as a whole.
  void add(const std::string& word, std::vector<std::int32_t>& ids) const {
    constexpr std::size_t kLongestWord = 100;  // characters, of the original
    std::vector<std::int32_t> pieces;
    std::size_t at = 0;
    const bool sane = code_points(word).size() <= kLongestWord + 1;
    while (sane && at < word.size()) {
      std::size_t size = std::min(longest_, word.size() - at);
      auto found = ids_.end();
      while (size > 0) {
        found = ids_.find(std::string_view(word).substr(at, size));
        if (found != ids_.end()) {
          break;
        }
        --size;
      }
      if (size == 0) {
        break;
      }
      pieces.push_back(found->second);
      at += size;
    }
    if (at < word.size()) {
      pieces.assign(1, unknown_);
    }
    ids.insert(ids.end(), pieces.begin(), pieces.end());
  }

  std::vector<std::string> tokens_;
  TokenIds ids_;
  std::int32_t unknown_;
  bool lowercase_;
  std::size_t longest_ = 0;
};

}  // namespace

std::unique_ptr<Tokenizer::Coder> make_sentence_pieces(const TokenTable& table) {
  if (table.scores.size() == table.tokens.size()) {
    return std::make_unique<ScoredPieces>(table);
  }
  if (!table.merges.empty()) {
    return std::make_unique<MergedPieces>(table);
  }
  throw InputError(
      fmt::format("found a table of {} tokens with {} scores and no merges; expected "
                  "a score for each token",
                  table.tokens.size(), table.scores.size()));
}

std::unique_ptr<Tokenizer::Coder> make_byte_pairs(const TokenTable& table) {
  return std::make_unique<BytePairs>(table);
}

std::unique_ptr<Tokenizer::Coder> make_word_pieces(const TokenTable& table) {
  if (table.unknown_id < 0) {
    throw InputError("found a word-piece table without an unknown token; expected one");
  }
  return std::make_unique<WordPieces>(table);
}

}  // namespace joulesim::models

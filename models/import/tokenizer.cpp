#include "models/import/tokenizer.hpp"

#include "models/import/tokenizer_kinds.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <queue>
#include <utility>

namespace joulesim::models {
namespace {

// GGUF's token types.
constexpr std::int32_t kUnknownType = 2;
constexpr std::int32_t kControlType = 3;
constexpr std::int32_t kAddedType = 4;

// Bytes of the UTF-8 character that starts with `lead`; a stray byte counts as one.
std::size_t character_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte >= 0xf0U ? 4 : byte >= 0xe0U ? 3 : byte >= 0xc0U ? 2 : 1;
}

struct Piece {
  std::string_view text;
  std::ptrdiff_t previous = -1;
  std::ptrdiff_t next = -1;
};

struct Join {
  double score;
  std::size_t left;  // of equal scores, the leftmost first
  std::size_t right;
  std::size_t size;  // of both texts when this was found

  bool operator<(const Join& other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

std::unique_ptr<Tokenizer::Coder> make_coder(const TokenTable& table) {
  if (table.kind == "llama") {
    return make_sentence_pieces(table);
  }
  if (table.kind == "gpt2") {
    return make_byte_pairs(table);
  }
  if (table.kind == "bert") {
    return make_word_pieces(table);
  }
  throw InputError(
      fmt::format("found a token table of kind '{}' with {} tokens; expected kind "
                  "llama, gpt2 or bert",
                  table.kind, table.tokens.size()));
}

}  // namespace

std::optional<std::uint8_t> byte_token(const std::string& piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') {
    return std::nullopt;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  return error == std::errc{} && end == piece.data() + 5
             ? std::optional<std::uint8_t>(static_cast<std::uint8_t>(value))
             : std::nullopt;
}

std::vector<std::string_view> join_characters(std::string_view text, const Joins& joins) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = std::min(character_bytes(text[i]), text.size() - i);
    const auto at = static_cast<std::ptrdiff_t>(pieces.size());
    pieces.push_back({text.substr(i, size), at - 1, at + 1});
    i += size;
  }
  if (pieces.empty()) {
    return {};
  }
  pieces.back().next = -1;
  std::priority_queue<Join> queue;
  const auto consider = [&](std::ptrdiff_t left) {
    if (left < 0 || pieces[static_cast<std::size_t>(left)].next < 0) {
      return;
    }
    const auto l = static_cast<std::size_t>(left);
    const auto r = static_cast<std::size_t>(pieces[l].next);
    if (const auto score = joins(pieces[l].text, pieces[r].text)) {
      queue.push({*score, l, r, pieces[l].text.size() + pieces[r].text.size()});
    }
  };
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    consider(static_cast<std::ptrdiff_t>(i));
  }
  while (!queue.empty()) {
    const Join join = queue.top();
    queue.pop();
    Piece& left = pieces[join.left];
    Piece& right = pieces[join.right];
    // One of the two has been joined to another meanwhile.
    if (left.text.empty() || right.text.empty() ||
        left.text.size() + right.text.size() != join.size) {
      continue;
    }
    left.text = std::string_view(left.text.data(), join.size);
    right.text = {};
    left.next = right.next;
    if (left.next >= 0) {
      pieces[static_cast<std::size_t>(left.next)].previous = static_cast<std::ptrdiff_t>(join.left);
    }
    consider(left.previous);
    consider(static_cast<std::ptrdiff_t>(join.left));
  }
  std::vector<std::string_view> result;
  for (std::ptrdiff_t i = 0; i >= 0; i = pieces[static_cast<std::size_t>(i)].next) {
    result.push_back(pieces[static_cast<std::size_t>(i)].text);
  }
  return result;
}

Tokenizer::Tokenizer(const TokenTable& table) {
  if (table.tokens.empty()) {
    throw InputError("found no tokens in the model file; expected a token table");
  }
  coder_ = make_coder(table);
  const bool types = table.types.size() == table.tokens.size();
  for (std::size_t i = 0; i < table.tokens.size(); ++i) {
    const auto id = static_cast<std::int64_t>(i);
    const bool marks = id == table.begin_id || id == table.end_id || id == table.unknown_id ||
                       id == table.separator_id || id == table.class_id;
    control_.push_back(types ? table.types[i] == kControlType || table.types[i] == kUnknownType
                             : marks);
    if (types && table.types[i] == kAddedType && !table.tokens[i].empty()) {
      added_.emplace_back(table.tokens[i], static_cast<std::int32_t>(i));
    }
  }
  std::stable_sort(added_.begin(), added_.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  const bool bert = table.kind == "bert";
  const std::int64_t first = bert ? table.class_id : table.begin_id;
  const std::int64_t last = bert ? table.separator_id : table.end_id;
  begin_ = table.add_begin.value_or(table.kind != "gpt2") ? static_cast<std::int32_t>(first) : -1;
  end_ = table.add_end.value_or(bert) ? static_cast<std::int32_t>(last) : -1;
}

Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool marks) const {
  std::vector<std::int32_t> ids;
  if (marks && begin_ >= 0) {
    ids.push_back(begin_);
  }
  bool first = true;
  while (!text.empty()) {
    // The next token that users added, the longest of those that start there.
    std::size_t at = std::string_view::npos;
    const std::pair<std::string, std::int32_t>* found = nullptr;
    for (const auto& added : added_) {
      if (const std::size_t here = text.find(added.first); here < at) {
        at = here;
        found = &added;
      }
    }
    if (const std::string_view plain = text.substr(0, at); !plain.empty()) {
      coder_->encode(plain, first, ids);
    }
    first = false;
    if (found == nullptr) {
      break;
    }
    ids.push_back(found->second);
    text.remove_prefix(at + found->first.size());
  }
  if (marks && end_ >= 0) {
    ids.push_back(end_);
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  // The space that encoding put in front of a text is taken off where the text begins.
  bool first = !ids.empty() && (ids.front() == begin_ || begin_ < 0);
  for (const std::int32_t id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= control_.size() ||
        control_[static_cast<std::size_t>(id)]) {
      continue;
    }
    text += coder_->text_of(id, first);
    first = false;
  }
  return text;
}

}  // namespace joulesim::models

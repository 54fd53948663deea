#include "models/import/tokenizer.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <queue>

namespace joulesim::models {
namespace {

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581, SentencePiece's visible space
constexpr std::int32_t kControlType = 3;                 // of GGUF's token types

std::string with_plain_spaces(const std::string& piece) {
  std::string result;
  for (std::size_t i = 0; i < piece.size();) {
    if (piece.compare(i, kSpaceMark.size(), kSpaceMark) == 0) {
      result += ' ';
      i += kSpaceMark.size();
    } else {
      result += piece[i++];
    }
  }
  return result;
}

// "<0x0A>" -> 10
std::optional<std::uint8_t> byte_of(const std::string& piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') {
    return std::nullopt;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  return error == std::errc{} && end == piece.data() + 5
             ? std::optional<std::uint8_t>(static_cast<std::uint8_t>(value))
             : std::nullopt;
}

// Bytes of the UTF-8 character that starts with `lead`; a stray byte counts as one.
std::size_t character_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte >= 0xf0U ? 4 : byte >= 0xe0U ? 3 : byte >= 0xc0U ? 2 : 1;
}

// Two neighbours that may become one token.
struct Merge {
  float score;
  std::size_t left;  // of equal scores, the leftmost first
  std::size_t right;
  std::int32_t id;
  std::int32_t left_id;  // as they were when this was found
  std::int32_t right_id;

  bool operator<(const Merge& other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

struct Node {
  std::int32_t id;
  std::ptrdiff_t previous;
  std::ptrdiff_t next;
};

}  // namespace

Tokenizer::Tokenizer(const TokenTable& table) : scores_(table.scores), byte_ids_(256, -1) {
  if (table.tokens.empty() || table.kind != "llama" || table.scores.size() != table.tokens.size()) {
    throw InputError(
        fmt::format("found a token table of kind '{}' with {} tokens and {} scores; expected one "
                    "of kind 'llama' with a score for each token",
                    table.kind, table.tokens.size(), table.scores.size()));
  }
  begin_ = static_cast<std::int32_t>(table.begin_id);
  unknown_ = static_cast<std::int32_t>(table.unknown_id);
  for (std::size_t i = 0; i < table.tokens.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const bool special = i == static_cast<std::size_t>(table.begin_id) ||
                         i == static_cast<std::size_t>(table.end_id) ||
                         i == static_cast<std::size_t>(table.unknown_id) ||
                         (i < table.types.size() && table.types[i] == kControlType);
    control_.push_back(special);
    if (const auto byte = byte_of(table.tokens[i])) {
      byte_ids_[*byte] = id;
      pieces_.emplace_back(1, static_cast<char>(*byte));
      continue;
    }
    pieces_.push_back(with_plain_spaces(table.tokens[i]));
    if (!special) {
      ids_.emplace(pieces_.back(), id);  // of equal texts, the first id
    }
  }
}

std::vector<std::int32_t> Tokenizer::characters(std::string_view text) const {
  std::vector<std::int32_t> result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = std::min(character_bytes(text[i]), text.size() - i);
    const auto found = ids_.find(text.substr(i, size));
    if (found != ids_.end()) {
      result.push_back(found->second);
    } else {
      for (std::size_t k = 0; k < size; ++k) {
        const std::int32_t id = byte_ids_[static_cast<unsigned char>(text[i + k])];
        result.push_back(id >= 0 ? id : unknown_);
      }
    }
    i += size;
  }
  return result;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  if (begin_ >= 0) {
    ids.push_back(begin_);
  }
  if (text.empty()) {
    return ids;
  }
  std::vector<Node> nodes;
  for (const std::int32_t id : characters(" " + std::string(text))) {
    const auto at = static_cast<std::ptrdiff_t>(nodes.size());
    nodes.push_back({id, at - 1, at + 1});
  }
  nodes.back().next = -1;
  std::priority_queue<Merge> merges;
  const auto consider = [&](std::ptrdiff_t left) {
    if (left < 0 || nodes[static_cast<std::size_t>(left)].next < 0) {
      return;
    }
    const auto l = static_cast<std::size_t>(left);
    const auto r = static_cast<std::size_t>(nodes[l].next);
    if (nodes[l].id < 0 || nodes[r].id < 0) {
      return;
    }
    const auto found = ids_.find(pieces_[static_cast<std::size_t>(nodes[l].id)] +
                                 pieces_[static_cast<std::size_t>(nodes[r].id)]);
    if (found != ids_.end()) {
      merges.push({scores_[static_cast<std::size_t>(found->second)], l, r, found->second,
                   nodes[l].id, nodes[r].id});
    }
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    consider(static_cast<std::ptrdiff_t>(i));
  }
  constexpr std::int32_t kGone = -2;
  while (!merges.empty()) {
    const Merge merge = merges.top();
    merges.pop();
    Node& left = nodes[merge.left];
    Node& right = nodes[merge.right];
    const bool stale = left.id != merge.left_id || right.id != merge.right_id ||
                       left.next != static_cast<std::ptrdiff_t>(merge.right);
    if (stale) {
      continue;
    }
    left.id = merge.id;
    left.next = right.next;
    right.id = kGone;
    if (left.next >= 0) {
      nodes[static_cast<std::size_t>(left.next)].previous = static_cast<std::ptrdiff_t>(merge.left);
    }
    consider(left.previous);
    consider(static_cast<std::ptrdiff_t>(merge.left));
  }
  for (std::ptrdiff_t i = 0; i >= 0; i = nodes[static_cast<std::size_t>(i)].next) {
    ids.push_back(nodes[static_cast<std::size_t>(i)].id);
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int32_t id = ids[i];
    if (id < 0 || static_cast<std::size_t>(id) >= pieces_.size() ||
        control_[static_cast<std::size_t>(id)]) {
      continue;
    }
    const std::string& piece = pieces_[static_cast<std::size_t>(id)];
    // The space that encoding put in front of the text is taken off again.
    const bool first = i > 0 && ids[i - 1] == begin_ && piece.starts_with(' ');
    text += first ? piece.substr(1) : piece;
  }
  return text;
}

}  // namespace joulesim::models

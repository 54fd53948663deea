#include "reports/terminal/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace joulesim::reports {
namespace {

struct Decoded {
  std::uint32_t code = 0;
  std::size_t length = 1;
};

// Malformed bytes decode as one replacement character each.
Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first >= 0x80 && (first < 0xC2 || first > 0xF4 || at + length > text.size())) {
    return {0xFFFD, 1};
  }
  std::uint32_t code = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) {
      return {0xFFFD, 1};
    }
    code = code << 6U | (byte(at + i) & 0x3FU);
  }
  return {code, length};
}

struct Range {
  std::uint32_t first, last;
};
// East Asian wide and emoji blocks; combining marks and zero-width characters (Unicode 15).
constexpr std::array kWide = {
    Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},  Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},  Range{0xFFE0, 0xFFE6},
    Range{0x1F300, 0x1F64F}, Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};
constexpr std::array kZero = {Range{0x0300, 0x036F}, Range{0x200B, 0x200F}, Range{0x20D0, 0x20FF},
                              Range{0xFE00, 0xFE0F}, Range{0xFEFF, 0xFEFF}};

template <typename Ranges>
bool within(const Ranges& ranges, std::uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& r) { return code >= r.first && code <= r.last; });
}

bool is_control(std::uint32_t code) {
  const bool direction = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || direction;
}

}  // namespace

std::size_t columns(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const Decoded c = decode(utf8, at);
    at += c.length;
    width += within(kZero, c.code) ? 0 : (within(kWide, c.code) ? 2 : 1);
  }
  return width;
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode(text, at);
    if (c.code == 0xFFFD) {
      out += "\uFFFD";
    } else if (is_control(c.code)) {
      out += c.code == '\n' || c.code == '\t' ? " " : "";
    } else {
      out += text.substr(at, c.length);
    }
    at += c.length;
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  const std::string clean = printable(text);
  if (columns(clean) <= most) {
    return clean;
  }
  std::string out;
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t length = decode(clean, at).length;
    const std::string next = out + clean.substr(at, length);
    if (columns(next) + 1 > most) {
      break;
    }
    out = next;
    at += length;
  }
  return out + "…";
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  const std::string clean = printable(text);
  const std::string margin(indent, ' ');
  std::string out;
  std::string line;
  for (std::size_t at = 0; at < clean.size();) {
    const std::size_t end = std::min(clean.find(' ', at), clean.size());
    const std::string word = clean.substr(at, end - at);
    at = end + 1;
    if (word.empty()) {
      continue;
    }
    if (!line.empty() && indent + columns(line) + 1 + columns(word) > width) {
      out += margin + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + margin + line + "\n";
}

std::string bar(double share, std::size_t width) {
  constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double bounded = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
  auto eighths = static_cast<std::size_t>(std::lround(bounded * 8 * static_cast<double>(width)));
  eighths = bounded > 0 ? std::max<std::size_t>(1, eighths) : 0;
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) {
    out += "█";
  }
  return out + kEighths[eighths % 8];
}

void Table::header(std::vector<std::string> cells) {
  has_header_ = true;
  rows_.insert(rows_.begin(), std::move(cells));
}

void Table::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string Table::render(std::size_t indent, const std::string& emphasis) const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  std::vector<std::vector<std::string>> clean;
  for (const auto& cells : rows_) {
    auto& out = clean.emplace_back();
    for (std::size_t i = 0; i < alignment_.size(); ++i) {
      out.push_back(i < cells.size() ? printable(cells[i]) : std::string());
      widths[i] = std::max(widths[i], columns(out.back()));
    }
  }
  std::string text;
  bool heading = has_header_;
  for (const auto& cells : clean) {
    std::string line(indent, ' ');
    std::size_t owed = 0;  // spaces before the next visible character
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t gap = widths[i] - columns(cells[i]);
      const bool right = alignment_[i] == Align::right;
      owed += (i == 0 || widths[i] == 0 ? 0 : 2) + (right ? gap : 0);
      if (!cells[i].empty()) {
        line += std::string(owed, ' ') + cells[i];
        owed = 0;
      }
      owed += right ? 0 : gap;
    }
    text += (heading && !emphasis.empty() ? emphasis + line + "\x1b[0m" : line) + "\n";
    heading = false;
  }
  return text;
}

}  // namespace joulesim::reports

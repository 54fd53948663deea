#include "models/import/unicode_text.hpp"

#include <array>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace joulesim::models {
namespace {

constexpr char32_t kEscape = 0xDC00;

// Takes one code point off `text`; a byte that starts none becomes an escape.
char32_t take(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80U   ? 1
                           : lead < 0xC2U ? 0
                           : lead < 0xE0U ? 2
                           : lead < 0xF0U ? 3
                           : lead < 0xF5U ? 4
                                          : 0;
  bool valid = size > 0 && size <= text.size();
  char32_t point = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; valid && i < size; ++i) {
    valid = (byte(i) & 0xC0U) == 0x80U;
    point = (point << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  valid = valid && point >= kLeast[size] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
  text.remove_prefix(valid ? size : 1);
  return valid ? point : kEscape + lead;
}

bool is_escape(char32_t point) { return point >= kEscape + 0x80 && point <= kEscape + 0xFF; }

UChar32 icu(char32_t point) { return static_cast<UChar32>(point); }

using Normalise = const icu::Normalizer2* (*)(UErrorCode&);

std::string normalised(std::string_view utf8, Normalise form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normaliser = form(status);
  const std::u16string text = to_utf16(utf8);
  const icu::UnicodeString result =
      U_SUCCESS(status)
          ? normaliser->normalize(
                icu::UnicodeString(text.data(), static_cast<int32_t>(text.size())), status)
          : icu::UnicodeString();
  if (U_FAILURE(status) != 0) {
    return std::string(utf8);
  }
  return to_utf8({result.getBuffer(), static_cast<std::size_t>(result.length())});
}

}  // namespace

std::vector<char32_t> code_points(std::string_view utf8) {
  std::vector<char32_t> points;
  while (!utf8.empty()) {
    points.push_back(take(utf8));
  }
  return points;
}

std::u16string to_utf16(std::string_view utf8) {
  std::u16string text;
  while (!utf8.empty()) {
    const char32_t point = take(utf8);
    if (point < 0x10000) {
      text += static_cast<char16_t>(point);
    } else {
      text += static_cast<char16_t>(0xD7C0 + (point >> 10U));
      text += static_cast<char16_t>(0xDC00 + (point & 0x3FFU));
    }
  }
  return text;
}

void append_utf8(std::string& text, char32_t point) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (is_escape(point)) {
    add(point - kEscape);
  } else if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0U | (point >> 6U));
    add(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    add(0xE0U | (point >> 12U));
    add(0x80U | ((point >> 6U) & 0x3FU));
    add(0x80U | (point & 0x3FU));
  } else {
    add(0xF0U | (point >> 18U));
    add(0x80U | ((point >> 12U) & 0x3FU));
    add(0x80U | ((point >> 6U) & 0x3FU));
    add(0x80U | (point & 0x3FU));
  }
}

std::string to_utf8(std::u16string_view utf16) {
  std::string text;
  for (std::size_t i = 0; i < utf16.size(); ++i) {
    char32_t point = utf16[i];
    if (point >= 0xD800 && point < 0xDC00 && i + 1 < utf16.size() && utf16[i + 1] >= 0xDC00 &&
        utf16[i + 1] <= 0xDFFF) {
      point = ((point - 0xD7C0) << 10U) + (utf16[++i] - 0xDC00U);
    }
    append_utf8(text, point);
  }
  return text;
}

bool is_white_space(char32_t point) { return u_isUWhiteSpace(icu(point)) != 0; }

bool is_punctuation(char32_t point) {
  if (point < 0x80) {
    return point > 0x20 && point < 0x7F && u_isalnum(icu(point)) == 0;
  }
  return (U_GET_GC_MASK(icu(point)) & U_GC_P_MASK) != 0;
}

bool is_other(char32_t point) { return (U_GET_GC_MASK(icu(point)) & U_GC_C_MASK) != 0; }

bool is_mark(char32_t point) { return (U_GET_GC_MASK(icu(point)) & U_GC_MN_MASK) != 0; }

bool is_ideograph(char32_t point) {
  const auto within = [&](char32_t first, char32_t last) {
    return point >= first && point <= last;
  };
  return within(0x4E00, 0x9FFF) || within(0x3400, 0x4DBF) || within(0x20000, 0x2A6DF) ||
         within(0x2A700, 0x2B73F) || within(0x2B740, 0x2B81F) || within(0x2B820, 0x2CEAF) ||
         within(0xF900, 0xFAFF) || within(0x2F800, 0x2FA1F);
}

char32_t lower(char32_t point) { return static_cast<char32_t>(u_tolower(icu(point))); }

std::string decomposed(std::string_view utf8) {
  return normalised(utf8,
                    [](UErrorCode& status) { return icu::Normalizer2::getNFDInstance(status); });
}

std::string composed(std::string_view utf8) {
  return normalised(utf8,
                    [](UErrorCode& status) { return icu::Normalizer2::getNFCInstance(status); });
}

}  // namespace joulesim::models

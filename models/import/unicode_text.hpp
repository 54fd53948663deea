// UTF-8 text as code points and back, and what the Unicode standard says of them.
//
// Models:     every byte string: a byte that is no UTF-8 becomes the lone surrogate 0xDC00 + byte
//             and goes back to itself, so that nothing is lost between bytes and tokens.
// Checked by: tests/unit/models_tokenizer.cpp
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

std::u16string to_utf16(std::string_view utf8);
std::string to_utf8(std::u16string_view utf16);
void append_utf8(std::string& text, char32_t point);
std::vector<char32_t> code_points(std::string_view utf8);

bool is_white_space(char32_t point);
bool is_punctuation(char32_t point);  // as the category P*, and all of ASCII that is no letter
bool is_other(char32_t point);        // control, format, private and unassigned
bool is_mark(char32_t point);         // non-spacing marks
bool is_ideograph(char32_t point);    // of Chinese, as BERT's tokenizer defines them
char32_t lower(char32_t point);

std::string decomposed(std::string_view utf8);  // canonical decomposition (NFD)
std::string composed(std::string_view utf8);    // canonical composition (NFC)

}  // namespace joulesim::models

// Token tables of Hugging Face's tokenizer.json.
//
// Models:     byte-pair and word-piece models with the normalisers and pre-tokenisers that
//             language models use: byte level, splits by expression or text, digits, BERT's.
// Leaves out: unigram models, and steps not listed here: refused by name.
// Checked by: tests/unit/models_tokenizer.cpp
#pragma once

#include "models/import/model.hpp"

#include <string>
#include <string_view>

namespace joulesim::models {

// Both throw InputError about `path`.
TokenTable read_tokenizer_json(const std::string& path);
TokenTable parse_tokenizer_json(std::string_view text, const std::string& path);

}  // namespace joulesim::models

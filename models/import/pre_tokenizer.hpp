// Cuts text into the pieces inside which a byte-pair encoder merges.
//
// Models:     regular expressions one after the other, each cutting every piece of the one before
//             into its matches and what lies between them; the expressions of common models by the
//             names that GGUF files use.
// Leaves out: models whose rule is no regular expression (refused by name).
// Checked by: tests/unit/models_tokenizer.cpp
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

// The expressions that "tokenizer.ggml.pre" names; throws InputError for a name that is not known.
std::vector<std::string> patterns_of(const std::string& name);

class PreTokenizer {
 public:
  // Throws InputError for an expression that is none.
  explicit PreTokenizer(const std::vector<std::string>& patterns);
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // The pieces of a text, which they give again when joined.
  [[nodiscard]] std::vector<std::string> split(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace joulesim::models

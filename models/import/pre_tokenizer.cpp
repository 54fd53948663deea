#include "models/import/pre_tokenizer.hpp"

#include "models/import/unicode_text.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unicode/regex.h>
#include <unicode/unistr.h>
#include <utility>

namespace joulesim::models {
namespace {

// The models' own expressions, as their tokenizer files give them.
const char* const kWords =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Words with a sign before them, numbers of at most `digits`, signs with the line ends after them.
std::string modern(const std::string& digits) {
  return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})" + digits +
         R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
}

// Words cut where small letters are followed by capitals.
std::string cased(const std::string& ending, const std::string& digits) {
  const std::string upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])";
  const std::string small = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
  const std::string sign = R"([^\r\n\p{L}\p{N}]?)";
  return sign + upper + "*" + small + "+" + ending + "|" + sign + upper + "+" + small + "*" +
         ending + R"(|\p{N})" + digits + R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
}

struct Named {
  std::vector<std::string> names;
  std::vector<std::string> patterns;
};

std::vector<Named> named_patterns() {
  const std::string endings = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
  const std::string sentence = R"( ?[^(\s|.,!?…。，、।۔،)]+)";
  const std::string ideographs = R"([一-龥ࠀ-一가-퟿]+)";
  return {
      {{"gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "jina-es", "jina-de", "jina-v1-en",
        "jina-v2-es", "jina-v2-de", "jina-v2-code", "gigachat", "roberta-bpe", "exaone4",
        "trillion", "a.x-4.0", "mellum", "modern-bert"},
       {kWords}},
      {{"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "dbrx", "smaug-bpe", "chatglm-bpe", "glm4"},
       {modern("{1,3}")}},
      {{"qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "grok-2"}, {modern("")}},
      {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
        "granite"},
       {R"(\p{N})", kWords}},
      {{"falcon"}, {R"([\p{P}$+<=>^~|`]+)", kWords, "[0-9][0-9][0-9]"}},
      {{"default", ""}, {R"([\p{P}$+<=>^~|]+)", kWords, R"(\p{N}+)", "[0-9][0-9][0-9]"}},
      {{"deepseek-coder"}, {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", ideographs, R"(\p{N})"}},
      {{"deepseek-llm"},
       {R"([\r\n])",
        // Letters with case, of the scripts that had it when the model was made.
        R"(\s?[[\p{Lu}\p{Ll}\p{Lt}]--[\u10D0-\u10FF\x{1D400}-\x{1D7FF}]]+)",
        R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)", ideographs, R"(\p{N}+)"}},
      {{"deepseek-v3", "hunyuan-dense"},
       {R"(\p{N}{1,3})", R"([一-龥぀-ゟ゠-ヿ]+)",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
        R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {{"poro-chat", "bloom", "gpt3-finnish"}, {sentence}},
      {{"viking"}, {sentence, R"(\p{N})"}},
      {{"tekken"}, {cased("", "")}},
      {{"gpt-4o", "llama4", "kanana2"}, {cased(endings, "{1,3}")}},
      {{"bailingmoe", "llada-moe"},
       {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*)"
        R"(|\s*[\r\n]|\s+(?!\S)|\s+)"}},
      {{"seed-coder"},
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+)"
        R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"}},
      {{"chameleon"},
       {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", R"(([\t\n]|    |  ))",
        R"(\p{N})", R"([\p{P}!-/:-@\[-`{-~])", kWords}},
  };
}

// In the models' libraries \s is the Unicode property; in ICU it is a smaller set.
std::string with_unicode_spaces(const std::string& pattern) {
  std::string result;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      result += pattern[i];
      continue;
    }
    const char next = pattern[++i];
    if (next == 's') {
      result += R"(\p{White_Space})";
    } else if (next == 'S') {
      result += R"(\P{White_Space})";
    } else {
      result += '\\';
      result += next;
    }
  }
  return result;
}

icu::UnicodeString view_of(const std::u16string& text, std::size_t from, std::size_t size) {
  return {false, text.data() + from, static_cast<int32_t>(size)};  // an alias, no copy
}

}  // namespace

std::vector<std::string> patterns_of(const std::string& name) {
  std::vector<std::string> known;
  for (const Named& entry : named_patterns()) {
    if (std::find(entry.names.begin(), entry.names.end(), name) != entry.names.end()) {
      return entry.patterns;
    }
    known.insert(known.end(), entry.names.begin(), entry.names.end());
  }
  throw InputError(fmt::format("found the pre-tokenizer '{}'; expected one of {}{}", name,
                               fmt::join(known, ", "), did_you_mean(name, known)));
}

struct PreTokenizer::Impl {
  std::vector<std::unique_ptr<icu::RegexPattern>> patterns;
};

PreTokenizer::PreTokenizer(const std::vector<std::string>& patterns)
    : impl_(std::make_unique<Impl>()) {
  for (const std::string& pattern : patterns) {
    UErrorCode status = U_ZERO_ERROR;
    UParseError where{};
    const std::u16string text = to_utf16(with_unicode_spaces(pattern));
    std::unique_ptr<icu::RegexPattern> compiled(icu::RegexPattern::compile(
        icu::UnicodeString(text.data(), static_cast<int32_t>(text.size())), 0, where, status));
    if (U_FAILURE(status) != 0 || compiled == nullptr) {
      throw InputError(fmt::format("found '{}' ({} at {}); expected a regular expression", pattern,
                                   u_errorName(status), where.offset));
    }
    impl_->patterns.push_back(std::move(compiled));
  }
}

PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

std::vector<std::string> PreTokenizer::split(std::string_view utf8) const {
  const std::u16string text = to_utf16(utf8);
  using Piece = std::pair<std::size_t, std::size_t>;  // from, to
  std::vector<Piece> pieces{{0, text.size()}};
  for (const auto& pattern : impl_->patterns) {
    std::vector<Piece> finer;
    const auto cut = [&](std::size_t from, std::size_t to) {
      if (to > from) {
        finer.emplace_back(from, to);
      }
    };
    for (const auto& [from, to] : pieces) {
      UErrorCode status = U_ZERO_ERROR;
      const icu::UnicodeString piece = view_of(text, from, to - from);
      const std::unique_ptr<icu::RegexMatcher> matcher(pattern->matcher(piece, status));
      std::size_t done = from;
      while (U_SUCCESS(status) && matcher->find(status) != 0) {
        const std::size_t start = from + static_cast<std::size_t>(matcher->start(status));
        const std::size_t end = from + static_cast<std::size_t>(matcher->end(status));
        cut(done, start);
        cut(start, end);
        done = end;
      }
      cut(done, to);
      if (U_FAILURE(status) != 0) {
        throw InputError(
            fmt::format("found a text on which the pre-tokenizer gives up ({}); "
                        "expected a shorter one",
                        u_errorName(status)));
      }
    }
    pieces = std::move(finer);
  }
  std::vector<std::string> result;
  for (const auto& [from, to] : pieces) {
    if (to > from) {
      result.push_back(to_utf8(std::u16string_view(text).substr(from, to - from)));
    }
  }
  return result;
}

}  // namespace joulesim::models

// The token table among a GGUF file's key-values.
#include "models/import/gguf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace joulesim::models {
namespace {

template <class To, class From>
std::vector<To> narrowed(const std::vector<From>* from) {
  std::vector<To> result;
  if (from != nullptr) {
    for (const From value : *from) {
      result.push_back(static_cast<To>(value));
    }
  }
  return result;
}

}  // namespace

TokenTable read_gguf_tokens(GgufValues& values, std::int64_t vocab) {
  TokenTable table;
  const std::string prefix = "tokenizer.ggml.";
  if (const auto* kind = values.find<std::string>(prefix + "model")) {
    table.kind = *kind;
  }
  if (const auto* tokens = values.find<std::vector<std::string>>(prefix + "tokens")) {
    table.tokens = *tokens;
  }
  if (const auto* merges = values.find<std::vector<std::string>>(prefix + "merges")) {
    table.merges = *merges;
  }
  table.scores = narrowed<float>(values.find<std::vector<double>>(prefix + "scores"));
  table.types =
      narrowed<std::int32_t>(values.find<std::vector<std::int64_t>>(prefix + "token_type"));
  // Converters write 2^32 - 1 for "none"; an id beyond the vocabulary is as good as none.
  const auto id = [&](const char* key) {
    const auto* value = values.find<std::int64_t>(prefix + key);
    return value != nullptr && *value >= 0 && *value < vocab ? *value : std::int64_t{-1};
  };
  const auto flag = [&](const char* key) {
    const auto* value = values.find<bool>(prefix + key);
    return value != nullptr ? std::optional<bool>(*value) : std::nullopt;
  };
  if (const auto* pre = values.find<std::string>(prefix + "pre")) {
    table.pre = *pre;
  }
  table.add_begin = flag("add_bos_token");
  table.add_end = flag("add_eos_token");
  table.space_prefix = flag("add_space_prefix").value_or(table.kind == "llama");
  // Models of the llama-3 line take a piece that is a token as it is, and begin with a mark.
  constexpr std::array kWholeWords = {"llama3",    "llama-v3",    "llama-bpe", "falcon3",
                                      "falcon-h1", "pixtral",     "midm-2.0",  "lfm2",
                                      "tekken",    "chatglm-bpe", "youtu"};
  table.whole_words = std::any_of(kWholeWords.begin(), kWholeWords.end(),
                                  [&](const char* name) { return table.pre == name; });
  if (!table.add_begin && table.kind == "gpt2" && table.whole_words) {
    table.add_begin = true;
  }
  table.separator_id = id("seperator_token_id");  // as the format spells it
  if (table.separator_id < 0) {
    table.separator_id = id("separator_token_id");
  }
  table.class_id = id("cls_token_id");
  table.begin_id = id("bos_token_id");
  table.end_id = id("eos_token_id");
  table.unknown_id = id("unknown_token_id");
  for (const auto& [name, size] :
       {std::pair{"scores", table.scores.size()}, std::pair{"token_type", table.types.size()}}) {
    if (size != 0 && size != table.tokens.size()) {
      values.fault(fmt::format("found {} items of '{}{}'; expected {}, one for each token", size,
                               prefix, name, table.tokens.size()));
    }
  }
  return table;
}

TokenTable tokens_from_gguf(const GgufFile& gguf, const std::string& path) {
  Diagnostics faults;
  GgufValues values(gguf, path, faults);
  TokenTable table = read_gguf_tokens(values, std::int64_t{1} << 31);
  if (table.tokens.empty()) {
    values.fault("found no 'tokenizer.ggml.tokens'; expected a list of texts");
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return table;
}

}  // namespace joulesim::models

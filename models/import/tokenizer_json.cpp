#include "models/import/tokenizer_json.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/mapped_file.hpp"
#include "models/import/pre_tokenizer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace joulesim::models {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMostTokens = 1 << 24;
constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581
// GGUF's token types, which TokenTable uses.
constexpr std::int32_t kNormalType = 1;
constexpr std::int32_t kControlType = 3;
constexpr std::int32_t kAddedType = 4;
constexpr std::int32_t kUnusedType = 5;

std::string text_of(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : std::string();
}
bool flag_of(const Json& json, const char* key, bool fallback) {
  return json.is_object() && json.contains(key) && json[key].is_boolean() ? json[key].get<bool>()
                                                                          : fallback;
}

// An expression that matches exactly this text.
std::string quoted(const std::string& text) { return R"(\Q)" + text + R"(\E)"; }

class Reader {
 public:
  Reader(const Json& json, const std::string& path) : json_(json), path_(path) {}

  TokenTable read() {
    const Json& model = part(json_, "model");
    const std::string type = text_of(model, "type");
    if (type == "BPE") {
      read_merges(model);
    } else if (type == "WordPiece") {
      table_.kind = "bert";
      word_prefix_ = text_of(model, "continuing_subword_prefix");
    } else {
      refuse("model", type, "BPE or WordPiece");
    }
    if (json_.contains("normalizer") && json_["normalizer"].is_object()) {
      normalise(json_["normalizer"]);
    }
    if (json_.contains("pre_tokenizer") && json_["pre_tokenizer"].is_object()) {
      pre_tokenise(json_["pre_tokenizer"]);
    }
    if (type == "BPE" && !byte_level_) {
      table_.kind = "llama";  // pieces with their own list of merges
    }
    if (table_.kind == "gpt2" && table_.patterns.empty()) {
      table_.patterns = {"[\\s\\S]+"};
    }
    read_tokens(model);
    const std::string unknown = text_of(model, "unk_token");
    table_.unknown_id = id_of(unknown);
    read_marks();
    return std::move(table_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& found,
                           const std::string& expected) const {
    refuse_file(path_, fmt::format("found {} of type '{}'; expected {}", what, found, expected));
  }
  const Json& part(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_object()) {
      refuse_file(path_, fmt::format("found no '{}'; expected an object", key));
    }
    return json[key];
  }
  [[nodiscard]] std::int64_t id_of(const std::string& token) const {
    const auto found = std::find(table_.tokens.begin(), table_.tokens.end(), token);
    return token.empty() || found == table_.tokens.end() ? -1 : found - table_.tokens.begin();
  }

  void read_merges(const Json& model) {
    table_.kind = "gpt2";
    table_.whole_words = flag_of(model, "ignore_merges", false);
    if (!model.contains("merges") || !model["merges"].is_array()) {
      refuse_file(path_, "found no 'merges'; expected a list");
    }
    for (const Json& merge : model["merges"]) {
      if (merge.is_string()) {
        table_.merges.push_back(merge.get<std::string>());
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                 merge[1].is_string()) {
        table_.merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
      } else {
        refuse_file(path_, fmt::format("found merge {}; expected two texts", merge.dump()));
      }
    }
  }

  void put(const std::string& token, const Json& id, std::int32_t type) {
    const bool fits =
        id.is_number_integer() && id.get<std::int64_t>() >= 0 && id.get<std::int64_t>() < limit_;
    if (!fits) {
      refuse_file(path_, fmt::format("found token '{}' with id {}; expected 0 to {}", token,
                                     id.dump(), limit_ - 1));
    }
    const auto at = id.get<std::size_t>();
    if (at >= table_.tokens.size()) {
      table_.tokens.resize(at + 1);
      table_.types.resize(at + 1, kUnusedType);
    }
    table_.tokens[at] = token;
    table_.types[at] = type;
  }

  void read_tokens(const Json& model) {
    const Json& vocabulary = part(model, "vocab");
    const bool more = json_.contains("added_tokens") && json_["added_tokens"].is_array();
    const std::size_t added = more ? json_["added_tokens"].size() : 0;
    // Ids may have gaps, but a file cannot ask for many times the tokens that it has.
    limit_ = std::min<std::int64_t>(
        kMostTokens, 16 * static_cast<std::int64_t>(vocabulary.size() + added) + 1024);
    for (const auto& [token, id] : vocabulary.items()) {
      put(spelled(token), id, kNormalType);
    }
    for (std::size_t i = 0; i < added; ++i) {
      const Json& token = json_["added_tokens"][i];
      const std::string content = text_of(token, "content");
      if (content.empty() || !token.contains("id")) {
        refuse_file(path_, fmt::format("found added token {}; expected 'content' and 'id'", i));
      }
      put(content, token["id"], flag_of(token, "special", false) ? kControlType : kAddedType);
    }
  }

  // Word pieces as GGUF has them: a mark where a word begins, nothing inside.
  [[nodiscard]] std::string spelled(const std::string& token) const {
    if (table_.kind != "bert" || (token.starts_with('[') && token.ends_with(']'))) {
      return token;
    }
    return !word_prefix_.empty() && token.starts_with(word_prefix_)
               ? token.substr(word_prefix_.size())
               : std::string(kSpaceMark) + token;
  }

  void normalise(const Json& step) {
    const std::string type = text_of(step, "type");
    if (type == "Sequence" && step.contains("normalizers") && step["normalizers"].is_array()) {
      for (const Json& inner : step["normalizers"]) {
        normalise(inner);
      }
    } else if (type == "BertNormalizer") {
      table_.lowercase = flag_of(step, "lowercase", true);
    } else if (type == "NFC") {
      table_.compose = true;
    } else if (type == "Prepend" && text_of(step, "prepend") == kSpaceMark) {
      table_.space_prefix = true;
    } else if (type == "Replace" && text_of(step, "content") == kSpaceMark) {
      // spaces become marks in every table of this kind
    } else {
      refuse("a normaliser", type, "BertNormalizer, NFC, Prepend or Replace of spaces");
    }
  }

  void pre_tokenise(const Json& step) {
    const std::string type = text_of(step, "type");
    if (type == "Sequence" && step.contains("pretokenizers") && step["pretokenizers"].is_array()) {
      for (const Json& inner : step["pretokenizers"]) {
        pre_tokenise(inner);
      }
    } else if (type == "ByteLevel") {
      byte_level_ = true;
      table_.space_prefix = flag_of(step, "add_prefix_space", true);
      if (flag_of(step, "use_regex", true)) {
        table_.patterns.push_back(patterns_of("gpt-2").front());
      }
    } else if (type == "Split") {
      const Json& pattern = part(step, "pattern");
      const std::string behavior = text_of(step, "behavior");
      if (behavior != "Isolated" && behavior != "Removed") {
        refuse("a split", behavior, "Isolated");
      }
      table_.patterns.push_back(pattern.contains("Regex") ? text_of(pattern, "Regex")
                                                          : quoted(text_of(pattern, "String")));
    } else if (type == "Digits") {
      table_.patterns.push_back(flag_of(step, "individual_digits", false) ? R"(\p{N})"
                                                                          : R"(\p{N}+)");
    } else if (type == "Punctuation") {
      table_.patterns.push_back(R"([\p{P}!-/:-@\[-`{-~])");
    } else if (type == "Metaspace") {
      const std::string scheme = text_of(step, "prepend_scheme");
      table_.space_prefix =
          scheme.empty() ? flag_of(step, "add_prefix_space", true) : scheme != "never";
    } else if (type != "BertPreTokenizer") {
      refuse("a pre-tokeniser", type,
             "ByteLevel, Split, Digits, Punctuation, Metaspace or BertPreTokenizer");
    }
  }

  // Which tokens the template puts around a single text.
  void read_marks() {
    table_.add_begin = table_.add_end = false;
    if (!json_.contains("post_processor") || !json_["post_processor"].is_object()) {
      return;
    }
    find_template(json_["post_processor"]);
  }
  void find_template(const Json& step) {
    const std::string type = text_of(step, "type");
    if (type == "Sequence" && step.contains("processors") && step["processors"].is_array()) {
      for (const Json& inner : step["processors"]) {
        find_template(inner);
      }
      return;
    }
    if (type == "BertProcessing" || type == "RobertaProcessing") {
      const auto mark = [&](const char* key) {
        return step.contains(key) && step[key].is_array() && !step[key].empty() &&
                       step[key][0].is_string()
                   ? step[key][0].get<std::string>()
                   : std::string();
      };
      set_begin(mark("cls"));
      set_end(mark("sep"));
      return;
    }
    if (type != "TemplateProcessing" || !step.contains("single") || !step["single"].is_array()) {
      return;  // ByteLevel's trims offsets only
    }
    bool before = true;
    for (const Json& item : step["single"]) {
      if (item.contains("Sequence")) {
        before = false;
      } else if (item.contains("SpecialToken")) {
        const std::string token = text_of(item["SpecialToken"], "id");
        before ? set_begin(token) : set_end(token);
      }
    }
  }
  void set_begin(const std::string& token) {
    table_.begin_id = table_.class_id = id_of(token);
    table_.add_begin = table_.begin_id >= 0;
  }
  void set_end(const std::string& token) {
    table_.end_id = table_.separator_id = id_of(token);
    table_.add_end = table_.end_id >= 0;
  }

  const Json& json_;
  const std::string& path_;
  TokenTable table_;
  std::string word_prefix_;
  std::int64_t limit_ = 0;
  bool byte_level_ = false;
};

}  // namespace

TokenTable parse_tokenizer_json(std::string_view text, const std::string& path) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    refuse_file(path, "found no JSON object; expected one");
  }
  return Reader(json, path).read();
}

TokenTable read_tokenizer_json(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse_tokenizer_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace joulesim::models

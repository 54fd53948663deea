// Text to tokens: Unicode properties, the rules that cut text, merges, word pieces, tokenizer.json.
#include "models/import/pre_tokenizer.hpp"
#include "models/import/tokenizer.hpp"
#include "models/import/tokenizer_json.hpp"
#include "models/import/unicode_text.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::models;

namespace {

using Words = std::vector<std::string>;
using Ids = std::vector<std::int32_t>;

Words cut(const std::string& rule, const std::string& text) {
  return PreTokenizer(patterns_of(rule)).split(text);
}

}  // namespace

TEST_CASE("any bytes go to UTF-16 and code points and come back") {
  for (const std::string text : {"", "plain", "caf\u00e9 \u4e16\u754c \U0001F600", "\xff\xfe",
                                 "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80"}) {
    CHECK(to_utf8(to_utf16(text)) == text);
    std::string back;
    for (const char32_t point : code_points(text)) {
      append_utf8(back, point);
    }
    CHECK(back == text);
  }
  CHECK(code_points("\U0001F600") == std::vector<char32_t>{0x1F600});
  CHECK(decomposed("\u00fc") == "u\u0308");
  CHECK(composed("u\u0308") == "\u00fc");
  CHECK(is_white_space(0x3000));
  CHECK(is_punctuation('~'));
  CHECK_FALSE(is_punctuation(' '));
  CHECK(is_other(0x200D));
  CHECK(lower(0x0412) == 0x0432);
}

TEST_CASE("text is cut as each model's rule says") {
  CHECK(cut("gpt-2", "It's  3.14 \u00fcber\n\nok ") ==
        Words{"It", "'s", " ", " 3", ".", "14", " \u00fcber", "\n", "\n", "ok", " "});
  CHECK(cut("llama-bpe", "It'S 12345 a.b!\n\n x") ==
        Words{"It", "'S", " ", "123", "45", " a", ".b", "!\n\n", " x"});
  CHECK(cut("qwen2", "x 12") == Words{"x", " ", "1", "2"});
  CHECK(cut("starcoder", "x 12") == Words{"x", " ", "1", "2"});
  CHECK(cut("falcon", "a==b 12345") == Words{"a", "==", "b", " ", "123", "45"});
  // Each expression cuts the pieces of the one before, so the space comes off again.
  CHECK(cut("deepseek-coder", "a \u4e16\u754c1") == Words{"a", " ", "\u4e16\u754c", "1"});
  CHECK(cut("gpt-4o", "helloWorld") == Words{"hello", "World"});
  CHECK(cut("gpt-2", "\v\u0085x") == Words{"\v", "\u0085", "x"});  // both are white space
  CHECK(cut("gpt-2", "").empty());
  std::string joined;
  const std::string odd = "\xff a\xfe\xfe 1\u0000";
  for (const std::string& piece : cut("llama-bpe", odd)) {
    joined += piece;
  }
  CHECK(joined == odd);
  CHECK_THROWS_AS(patterns_of("gpt-22"), InputError);
  CHECK_THROWS_AS(PreTokenizer({"(unclosed"}), InputError);
}

TEST_CASE("byte pairs merge by rank inside a piece, and added tokens are found first") {
  TokenTable table;
  table.kind = "gpt2";
  table.pre = "gpt-2";
  table.tokens = {"a", "b", "c", "\u0120", "ab", "\u0120a", "bc", "<x>", "\u0120ab"};
  table.merges = {"b c", "a b", "\u0120 a", "\u0120 ab"};
  table.types = {1, 1, 1, 1, 1, 1, 1, 4, 1};
  const Tokenizer tokenizer(table);
  CHECK(tokenizer.encode("abc") == Ids{0, 6});  // "b c" ranks before "a b"
  CHECK(tokenizer.encode(" ab") == Ids{8});     // "a b", then the space
  CHECK(tokenizer.encode("ab<x>c") == Ids{4, 7, 2});
  CHECK(tokenizer.decode(Ids{8, 7, 2}) == " ab<x>c");
  table.whole_words = true;
  table.tokens.push_back("abc");
  table.types.push_back(1);
  CHECK(Tokenizer(table).encode("abc") == Ids{9});
  table.merges = {"broken"};
  CHECK_THROWS_AS(Tokenizer(table), InputError);
}

TEST_CASE("word pieces are the longest from the left, of words without case and accents") {
  TokenTable table;
  table.kind = "bert";
  table.tokens = {"[UNK]", "[CLS]", "[SEP]", "\u2581uber", "\u2581un", "able", "\u2581!", "un"};
  table.types = {3, 3, 3, 1, 1, 1, 1, 1};
  table.unknown_id = 0;
  table.class_id = 1;
  table.separator_id = 2;
  const Tokenizer tokenizer(table);
  CHECK(tokenizer.encode("\u00dcber unable!", false) == Ids{3, 4, 5, 6});
  CHECK(tokenizer.encode("unun unx", false) == Ids{4, 7, 0});
  CHECK(tokenizer.encode("un") == Ids{1, 4, 2});
  CHECK(tokenizer.decode(Ids{1, 3, 4, 5, 6, 2}) == "uber unable !");
}

TEST_CASE("a tokenizer.json gives the table that its parts say") {
  const TokenTable table = parse_tokenizer_json(R"({
    "added_tokens": [{"id": 3, "content": "<s>", "special": true}],
    "normalizer": {"type": "NFC"},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "\\p{N}"}, "behavior": "Isolated"},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
    "model": {"type": "BPE", "vocab": {"a": 0, "1": 1, "aa": 2}, "merges": [["a", "a"]]}})",
                                                "t.json");
  CHECK(table.kind == "gpt2");
  CHECK(table.compose);
  CHECK(table.patterns == Words{"\\p{N}"});
  CHECK(Tokenizer(table).encode("aa1a") == Ids{3, 2, 1, 0});
  for (const char* wrong : {"", "[]", "{}", R"({"model": {"type": "Unigram", "vocab": []}})",
                            R"({"model": {"type": "BPE", "vocab": {}, "merges": [3]}})",
                            R"({"model": {"type": "BPE", "vocab": {"a": 99999999}, "merges": []}})",
                            R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
            "pre_tokenizer": {"type": "Magic"}})"}) {
    INFO(wrong);
    CHECK_THROWS_AS(parse_tokenizer_json(wrong, "t.json"), InputError);
  }
}

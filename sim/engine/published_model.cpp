#include "sim/engine/published_model.hpp"

#include "sim/engine/spelling.hpp"
#include "sim/mapping/operands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace joulesim::engine {
namespace {

using models::Element;
using models::Format;

// Letters, digits and points that stand between digits: "LLaMA 1.3B" is no "llama_13b".
std::string plain(const std::string& name) {
  std::string text = lower(name);
  const std::size_t aside = text.find(" (");
  text = text.substr(0, aside);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const bool point = text[i] == '.' && i > 0 && i + 1 < text.size() &&
                       std::isdigit(at(i - 1)) != 0 && std::isdigit(at(i + 1)) != 0;
    if (std::isalnum(at(i)) != 0 || point) {
      result += text[i];
    }
  }
  constexpr std::array kEndings = {"instruct", "chat", "it", "base", "hf", "class"};
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string ending : kEndings) {
      if (result.size() > ending.size() && result.ends_with(ending)) {
        result.resize(result.size() - ending.size());
        cut = true;
      }
    }
  }
  return result;
}

bool has(const std::string& text, const char* part) { return text.find(part) != text.npos; }

// A format of blocks with exactly these bits per weight.
Format format_of_bits(const std::string& name, double bits) {
  constexpr std::int64_t kBlock = 256;
  const Element element = bits < 2.2   ? Element::kTernary
                          : bits < 2.9 ? Element::kInt2
                          : bits < 3.9 ? Element::kInt3
                          : bits < 5   ? Element::kInt4
                          : bits < 6   ? Element::kInt5
                          : bits < 7.5 ? Element::kInt6
                          : bits < 12  ? Element::kInt8
                          : bits < 20  ? Element::kFp16
                                       : Element::kFp32;
  return {name, element, kBlock, std::llround(bits * static_cast<double>(kBlock) / 8), 0, 0};
}

// The number behind `key` in the text: "g32" of "int4-g32"; 0 without.
std::int64_t number_behind(const std::string& text, const std::string& key) {
  for (std::size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    std::size_t end = at + key.size();
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) {
      ++end;
    }
    const bool starts = at == 0 || std::isalpha(static_cast<unsigned char>(text[at - 1])) == 0;
    constexpr std::size_t kDigits = 6;
    if (end > at + key.size() && end - at - key.size() < kDigits && starts) {
      return std::stoll(text.substr(at + key.size(), end - at - key.size()));
    }
  }
  return 0;
}

std::optional<Format> named_format(const std::string& text) {
  if (const auto exact = models::find_format(text)) {
    return exact;
  }
  struct Name {
    const char* part;
    const char* format;
  };
  constexpr std::array<Name, 8> kNames = {{{"bf16", "bf16"},
                                           {"fp16", "fp16"},
                                           {"f16", "fp16"},
                                           {"fp8", "fp8_e4m3"},
                                           {"fp32", "fp32"},
                                           {"f32", "fp32"},
                                           {"mxfp4", "mxfp4"},
                                           {"nvfp4", "mxfp4"}}};
  const bool narrow = has(text, "int") || has(text, "w4") || has(text, "w8") || has(text, "w2") ||
                      has(text, "w1") || has(text, "q");
  for (const Name& name : kNames) {
    if (!narrow && has(text, name.part)) {
      return models::known_format(name.format);
    }
  }
  const std::int64_t group = number_behind(text, "g");
  for (const char* bits : {"4", "3", "8"}) {
    if (has(text, (std::string("int") + bits).c_str()) ||
        has(text, (std::string("w") + bits).c_str())) {
      const std::string base = std::string("int") + bits;
      if (group > 0) {
        return models::find_format(fmt::format("{}_g{}", base, group));
      }
      // Without a word on groups: one scale per row for eight bits, groups of 128 below.
      return models::known_format(bits[0] == '8' ? base : base + "_g128");
    }
  }
  return std::nullopt;
}

bool multiplies(const hw::ComputeUnit& unit, Element element) {
  const auto type = mapping::plain_type(element);
  const auto types = unit.types();
  return type && std::find(types.begin(), types.end(), *type) != types.end();
}

// The wanted format where the unit multiplies it at a rate worth having, else the fastest of the
// plain ones: half precision is a formality on some chips.
Format supported(const hw::ComputeUnit* unit, const Format& wanted) {
  if (unit == nullptr) {
    return wanted;
  }
  constexpr double kWorth = 0.25;  // of the fastest plain type
  const auto rate = [&](const Format& format) {
    const auto type = mapping::plain_type(format.element);
    const auto peak = type && multiplies(*unit, format.element) ? unit->peak(*type) : std::nullopt;
    return peak ? peak->si() : 0;
  };
  std::optional<Format> best;
  for (const char* name : {"fp16", "bf16", "fp32"}) {
    const Format format = models::known_format(name);
    if (rate(format) > 0 && (!best || rate(format) > rate(*best))) {
      best = format;
    }
  }
  if (!best && rate(wanted) <= 0 && multiplies(*unit, Element::kInt8)) {
    return models::known_format("i8");  // integers alone
  }
  const bool worth = rate(wanted) > 0 && (!best || rate(wanted) >= kWorth * rate(*best));
  return worth || !best ? wanted : *best;
}

}  // namespace

const models::ZooEntry* published_model(const Library& library, const std::string& name) {
  const std::string wanted = plain(name);
  for (const models::ZooEntry& entry : library.models()) {
    if (entry.id == name || plain(entry.title) == wanted ||
        std::any_of(entry.aliases.begin(), entry.aliases.end(),
                    [&](const std::string& alias) { return plain(alias) == wanted; })) {
      return &entry;
    }
  }
  return nullptr;
}

std::optional<Format> published_format(const std::string& precision, std::optional<double> bits) {
  const std::string text = lower(precision);
  const std::optional<Format> named = named_format(text);
  if (!bits) {
    return named;
  }
  if (named) {
    constexpr double kNear = 0.13;  // scales included or not
    constexpr std::int64_t kRow = 4096;
    const double own = named->bits_per_element(kRow, kRow);
    if (std::fabs(own / *bits - 1) <= kNear) {
      return named;
    }
  }
  if (*bits <= 0 || *bits > 64) {
    return std::nullopt;
  }
  constexpr double kBase3 = 1.7;
  constexpr double kCodes = 2.1;
  if (*bits <= kCodes) {
    return models::known_format(*bits < kBase3 ? "ternary_base3" : "ternary");
  }
  return format_of_bits(precision.empty() ? fmt::format("{:g} bits", *bits) : text, *bits);
}

void store_as(models::ModelSpec& model, const PublishedRow& row, const Format& stored,
              const hw::StackHabits& habits, const hw::ComputeUnit* unit) {
  Format weights = stored;
  if (habits.zero_points && weights.block_elements > 1 &&
      (weights.element == Element::kInt4 || weights.element == Element::kInt3)) {
    constexpr std::int64_t kZero = 2;  // bytes, like the scale
    weights.block_bytes += kZero;
  }
  const std::string precision = lower(row.precision);
  const bool plain_weights = mapping::plain_type(weights.element) && weights.block_elements == 1 &&
                             weights.element != Element::kInt8;
  constexpr std::int64_t kRow = 4096;
  constexpr double kWide = 15;
  const bool narrow = weights.bits_per_element(kRow, kRow) < kWide;
  const Format wide = models::known_format(weights.element == Element::kFp32 ? "fp32" : "fp16");
  model.format_of.clear();
  model.formats.linear = weights;
  model.formats.activation = supported(unit, wide);
  model.formats.norm = wide;
  const auto beside = [&](const std::string& name) {
    return narrow && !name.empty() ? models::known_format(name) : narrow ? wide : weights;
  };
  model.formats.embedding = beside(habits.embedding);
  model.formats.head = beside(habits.head);
  if (narrow && habits.copies_table) {
    model.tied = false;
  }
  if (model.tied) {
    model.formats.head = model.formats.embedding =
        habits.head.empty() ? model.formats.embedding : model.formats.head;
  }
  Format input = plain_weights && narrow ? weights : wide;
  if (narrow && !plain_weights) {
    if (has(precision, "a8")) {
      input = models::known_format("i8");
    } else if (!habits.activations.empty()) {
      input = models::known_format(habits.activations);
    }
  } else if (!narrow) {
    input =
        habits.wide_activations.empty() ? weights : models::known_format(habits.wide_activations);
  }
  if (model.reads_image() && weights.element == Element::kInt8) {
    input = model.formats.activation = weights;  // networks over images are stored 8-bit as a whole
  }
  model.formats.linear_input = supported(unit, input);
  model.formats.kv_cache =
      models::known_format(narrow && !habits.kv_cache.empty() ? habits.kv_cache : "fp16");
}

}  // namespace joulesim::engine

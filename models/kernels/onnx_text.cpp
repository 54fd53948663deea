// Text before a network: normalised strings, n-gram counts, string operators.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <map>
#include <set>

namespace joulesim::models::onnx {
namespace {

std::string cased(const std::string& text, const std::string& how) {
  std::string result = text;
  for (char& c : result) {  // ASCII letters; others stay
    if (how == "LOWER" && c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    } else if (how == "UPPER" && c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    }
  }
  return result;
}

// Drops stop words and changes case; [c] or [1, c].
void normalise(Call& call) {
  const Array& x = call.in(0);
  const std::string how = call.text("case_change_action", "NONE");
  const bool exact = call.integer("is_case_sensitive", 0) != 0;
  const std::vector<std::string> words = call.texts("stopwords");
  std::set<std::string> stop;
  for (const std::string& word : words) {
    stop.insert(exact ? word : cased(word, "LOWER"));
  }
  expect(x.type() == DType::kString && (x.rank() == 1 || (x.rank() == 2 && x.dim(0) == 1)),
         to_string(x.shape()), "[c] or [1,c]");
  std::vector<std::string> kept;
  for (const std::string& text : x.read<std::string>()) {
    if (!stop.contains(exact ? text : cased(text, "LOWER"))) {
      kept.push_back(cased(text, how));
    }
  }
  if (kept.empty()) {
    kept.emplace_back();
  }
  Dims shape = x.shape();
  shape.back() = static_cast<std::int64_t>(kept.size());
  call.set(0, Array::of(DType::kString, shape, kept));
}

// Counts of known n-grams with up to max_skip_count gaps.
void tf_idf(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t longest = call.integer("max_gram_length");
  const std::int64_t shortest = call.integer("min_gram_length");
  const std::int64_t skips = call.integer("max_skip_count");
  const std::string mode = call.text("mode", "TF");
  const std::vector<std::int64_t> starts = call.integers("ngram_counts");
  const std::vector<std::int64_t> slots = call.integers("ngram_indexes");
  const std::vector<float> weights = call.numbers("weights");
  const bool textual = x.type() == DType::kString;
  const std::vector<std::string> texts = call.texts("pool_strings");
  const std::vector<std::int64_t> numbers = call.integers("pool_int64s");
  std::vector<std::string> pool = texts;
  if (!textual) {
    pool.clear();
    for (const std::int64_t number : numbers) {
      pool.push_back(std::to_string(number));
    }
  }
  std::int64_t width = 0;
  for (const std::int64_t slot : slots) {
    expect(slot >= 0 && slot < (1 << 28), fmt::format("slot {}", slot), "a small number");
    width = std::max(width, slot + 1);
  }
  std::map<std::vector<std::string>, std::size_t> grams;  // to its place in `slots`
  std::size_t place = 0;
  for (std::size_t n = 0; n < starts.size(); ++n) {
    const std::int64_t end =
        n + 1 < starts.size() ? starts[n + 1] : static_cast<std::int64_t>(pool.size());
    const auto length = static_cast<std::int64_t>(n) + 1;
    expect(starts[n] >= 0 && starts[n] <= end && end <= static_cast<std::int64_t>(pool.size()),
           "n-gram counts outside the pool", "rising starts");
    for (std::int64_t at = starts[n]; at + length <= end; at += length, ++place) {
      expect(place < slots.size(), "fewer slots than n-grams", "one each");
      if (length >= shortest && length <= longest) {
        grams.emplace(std::vector<std::string>(pool.begin() + at, pool.begin() + at + length),
                      place);
      }
    }
  }
  const bool flat = x.rank() == 1;
  expect(flat || x.rank() == 2, to_string(x.shape()), "[c] or [n,c]");
  const std::int64_t rows = flat ? 1 : x.dim(0);
  const std::int64_t columns = flat ? x.dim(0) : x.dim(1);
  Array y(DType::kFloat, flat ? Dims{width} : Dims{rows, width});
  const std::vector<std::int64_t> ids = textual ? std::vector<std::int64_t>{} : call.ints_in(0);
  const auto item = [&](std::int64_t i) {
    return textual ? x.read<std::string>()[static_cast<std::size_t>(i)]
                   : std::to_string(ids[static_cast<std::size_t>(i)]);
  };
  for (std::int64_t r = 0; r < rows; ++r) {
    std::map<std::size_t, std::int64_t> counts;
    for (std::int64_t n = shortest; n <= longest; ++n) {
      for (std::int64_t gap = 1; gap <= (n == 1 ? 1 : skips + 1); ++gap) {
        for (std::int64_t at = 0; at + (n - 1) * gap < columns; ++at) {
          std::vector<std::string> gram;
          for (std::int64_t k = 0; k < n; ++k) {
            gram.push_back(item(r * columns + at + k * gap));
          }
          if (const auto found = grams.find(gram); found != grams.end()) {
            ++counts[found->second];
          }
        }
      }
    }
    for (const auto& [gram, count] : counts) {
      const float weight = weights.empty() ? 1.0F : weights.at(gram);
      const float value = mode == "TF"    ? static_cast<float>(count)
                          : mode == "IDF" ? weight
                                          : static_cast<float>(count) * weight;
      y.write<float>()[static_cast<std::size_t>(r * width + slots[gram])] = value;
    }
  }
  call.set(0, y);
}

void concat(Call& call) {
  call.set(0, zip<std::string, std::string, std::string>(
                  call.in(0), call.in(1), DType::kString,
                  [](const std::string& a, const std::string& b) { return a + b; }));
}

std::vector<std::string> pieces_of(const std::string& text, const std::string& delimiter,
                                   std::int64_t most) {
  std::vector<std::string> pieces;
  std::size_t at = 0;
  const auto full = [&] { return most >= 0 && static_cast<std::int64_t>(pieces.size()) >= most; };
  if (delimiter.empty()) {  // runs of white space
    while ((at = text.find_first_not_of(" \t\n\r\f\v", at)) != std::string::npos) {
      const std::size_t end = full() ? std::string::npos : text.find_first_of(" \t\n\r\f\v", at);
      pieces.push_back(text.substr(at, end == std::string::npos ? end : end - at));
      if (end == std::string::npos) {
        break;
      }
      at = end;
    }
    return pieces;
  }
  for (;;) {
    const std::size_t end = full() ? std::string::npos : text.find(delimiter, at);
    pieces.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    if (end == std::string::npos) {
      return pieces;
    }
    at = end + delimiter.size();
  }
}

void split(Call& call) {
  const Array& x = call.in(0);
  std::vector<std::vector<std::string>> rows;
  std::size_t widest = 0;
  std::vector<std::int64_t> counts;
  for (const std::string& text : x.read<std::string>()) {
    rows.push_back(pieces_of(text, call.text("delimiter", ""), call.integer("maxsplit", -1)));
    widest = std::max(widest, rows.back().size());
    counts.push_back(static_cast<std::int64_t>(rows.back().size()));
  }
  Dims shape = x.shape();
  shape.push_back(static_cast<std::int64_t>(widest));
  Array y(DType::kString, shape);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::copy(rows[r].begin(), rows[r].end(),
              y.write<std::string>().begin() + static_cast<std::ptrdiff_t>(r * widest));
  }
  call.set(0, y);
  call.set(1, Array::of(DType::kInt64, x.shape(), counts));
}

constexpr KernelRow kRows[] = {
    {"", "StringNormalizer", 10, kNewestOpset, normalise, Narrow::kKeep},
    {"", "TfIdfVectorizer", 9, kNewestOpset, tf_idf, Narrow::kKeep},
    {"", "StringConcat", 20, kNewestOpset, concat, Narrow::kKeep},
    {"", "StringSplit", 20, kNewestOpset, split, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> text_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

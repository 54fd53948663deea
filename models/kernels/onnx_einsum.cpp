// Einstein sums: "bhqd,bhkd->bhqk", with "..." and implicit outputs.
//
// Two operands are multiplied as batched matrices; more are taken from left to right.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <map>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

// Axis letters; those that an ellipsis stands for are digits '0'…, counted from the right.
struct Operand {
  std::string letters;
  Array array;
};

std::string letters_of(const std::string& text, std::int64_t rank) {
  const std::size_t dots = text.find("...");
  if (dots == std::string::npos) {
    return text;
  }
  const std::int64_t spared = rank - (static_cast<std::int64_t>(text.size()) - 3);
  expect(spared >= 0 && spared <= 10, fmt::format("rank {} for '{}'", rank, text), "enough axes");
  std::string digits;
  for (std::int64_t i = spared; i-- > 0;) {
    digits += static_cast<char>('0' + i);
  }
  return text.substr(0, dots) + digits + text.substr(dots + 3);
}

// A letter twice in one operand is its diagonal.
Operand without_repeats(Operand operand) {
  for (std::size_t i = 0; i < operand.letters.size(); ++i) {
    const std::size_t j = operand.letters.find(operand.letters[i], i + 1);
    if (j == std::string::npos) {
      continue;
    }
    const Array& x = operand.array;
    const auto n = x.dim(static_cast<std::int64_t>(i));
    expect(x.dim(static_cast<std::int64_t>(j)) == n, to_string(x.shape()), "a square");
    std::vector<Array> parts;
    for (std::int64_t k = 0; k < n; ++k) {
      const Array row = sliced(x, static_cast<std::int64_t>(i), k, 1, 1);
      parts.push_back(squeezed(sliced(row, static_cast<std::int64_t>(j), k, 1, 1),
                               static_cast<std::int64_t>(j)));
    }
    operand.array = concatenated(parts, static_cast<std::int64_t>(i));
    operand.letters.erase(j, 1);
    --i;
  }
  return operand;
}

// Sums the axes that are not in `wanted`.
Operand summed(Operand operand, const std::string& wanted) {
  for (std::size_t i = operand.letters.size(); i-- > 0;) {
    if (wanted.find(operand.letters[i]) != std::string::npos) {
      continue;
    }
    const AroundAxis around(operand.array.shape(), static_cast<std::int64_t>(i));
    Dims shape = operand.array.shape();
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(i));
    Array sum(operand.array.type(), shape);
    by_number(sum.type(), [&]<class T>(Tag<T>) {
      const auto in = operand.array.read<T>();
      const auto out = sum.write<T>();
      for (std::int64_t e = 0; e < sum.size(); ++e) {
        using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
        Wide total = 0;
        for (std::int64_t k = 0; k < around.along; ++k) {
          total += static_cast<Wide>(in[static_cast<std::size_t>(
              (e / around.after * around.along + k) * around.after + e % around.after)]);
        }
        out[static_cast<std::size_t>(e)] = static_cast<T>(total);
      }
    });
    operand.array = sum;
    operand.letters.erase(i, 1);
  }
  return operand;
}

// Axes in the order of `letters`; missing ones have size 1.
Array arranged(const Operand& operand, const std::string& letters) {
  std::vector<std::int64_t> order;
  for (const char letter : letters) {
    const std::size_t at = operand.letters.find(letter);
    if (at != std::string::npos) {
      order.push_back(static_cast<std::int64_t>(at));
    }
  }
  Array y = transposed(operand.array, order);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (operand.letters.find(letters[i]) == std::string::npos) {
      y = unsqueezed(y, static_cast<std::int64_t>(i));
    }
  }
  return y;
}

// One product: letters of both that are wanted later are batches, those of one stay, others are
// summed.
Operand joined(Operand a, Operand b, const std::string& later) {
  a = summed(std::move(a), later + b.letters);
  b = summed(std::move(b), later + a.letters);
  std::string batch;
  std::string left;
  std::string inner;
  std::string right;
  for (const char letter : a.letters) {
    const bool shared = b.letters.find(letter) != std::string::npos;
    const bool wanted = later.find(letter) != std::string::npos;
    (!shared ? left : wanted ? batch : inner) += letter;
  }
  for (const char letter : b.letters) {
    if (a.letters.find(letter) == std::string::npos) {
      right += letter;
    }
  }
  const Array x = arranged(a, batch + left + inner);
  const Array z = arranged(b, batch + inner + right);
  const auto part = [](const Array& array, std::size_t from, std::size_t count) {
    const auto begin = array.shape().begin() + static_cast<std::ptrdiff_t>(from);
    return Dims(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  const Dims batch_x = part(x, 0, batch.size());
  const Dims batch_z = part(z, 0, batch.size());
  const Dims left_x = part(x, batch.size(), left.size());
  const Dims inner_x = part(x, batch.size() + left.size(), inner.size());
  const Dims inner_z = part(z, batch.size(), inner.size());
  const Dims right_z = part(z, batch.size() + inner.size(), right.size());
  expect(inner_x == inner_z, fmt::format("{} and {}", to_string(x.shape()), to_string(z.shape())),
         "equal sizes of the summed axes");
  Dims shape_x = batch_x;
  shape_x.insert(shape_x.end(), {elements_of(left_x), elements_of(inner_x)});
  Dims shape_z = batch_z;
  shape_z.insert(shape_z.end(), {elements_of(inner_z), elements_of(right_z)});
  const Array y = matmul(x.reshaped(shape_x), z.reshaped(shape_z));
  Dims shape(y.shape().begin(), y.shape().end() - 2);
  shape.insert(shape.end(), left_x.begin(), left_x.end());
  shape.insert(shape.end(), right_z.begin(), right_z.end());
  return {batch + left + right, y.reshaped(shape)};
}

void einsum(Call& call) {
  std::string equation;
  for (const char c : call.text("equation", "")) {
    if (c != ' ') {
      equation += c;
    }
  }
  const std::size_t arrow = equation.find("->");
  std::string terms = equation.substr(0, arrow);
  std::vector<Operand> operands;
  std::int64_t dotted = 0;  // axes behind the longest ellipsis
  for (std::size_t i = 0; i < call.count(); ++i) {
    const std::size_t comma = terms.find(',');
    const std::string term = terms.substr(0, comma);
    terms = comma == std::string::npos ? "" : terms.substr(comma + 1);
    Operand operand{letters_of(term, call.in(i).rank()), call.in(i)};
    expect(static_cast<std::int64_t>(operand.letters.size()) == operand.array.rank(),
           fmt::format("'{}' for rank {}", term, operand.array.rank()), "one letter per axis");
    if (term.find("...") != std::string::npos) {
      dotted = std::max(dotted, operand.array.rank() - static_cast<std::int64_t>(term.size()) + 3);
    }
    operands.push_back(without_repeats(std::move(operand)));
  }
  expect(terms.empty() && !operands.empty(), "'" + equation + "'",
         fmt::format("{} operands", call.count()));
  std::string result;
  if (arrow != std::string::npos) {
    const std::string written = equation.substr(arrow + 2);
    const bool dots = written.find("...") != std::string::npos;
    result = letters_of(written, dots ? dotted + static_cast<std::int64_t>(written.size()) - 3 : 0);
  } else {  // letters that occur once, in alphabetical order
    std::map<char, int> uses;
    for (const char c : equation) {
      uses[c] += std::isalpha(static_cast<unsigned char>(c)) != 0 ? 1 : 0;
    }
    for (std::int64_t i = dotted; i-- > 0;) {
      result += static_cast<char>('0' + i);
    }
    for (const auto& [letter, count] : uses) {
      result += count == 1 ? std::string(1, letter) : "";
    }
  }
  Operand total = operands.front();
  for (std::size_t i = 1; i < operands.size(); ++i) {
    std::string later = result;
    for (std::size_t k = i + 1; k < operands.size(); ++k) {
      later += operands[k].letters;
    }
    total = joined(std::move(total), operands[i], later);
  }
  total = summed(std::move(total), result);
  for (const char letter : result) {
    expect(total.letters.find(letter) != std::string::npos, fmt::format("'{}' as a result", letter),
           "a letter of an operand");
  }
  call.set(0, arranged(total, result));
}

constexpr KernelRow kRows[] = {
    {"", "Einsum", 12, kNewestOpset, einsum, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> einsum_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

// Sequences of arrays, and optional values.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

namespace joulesim::models::onnx {
namespace {

void construct(Call& call) { call.set(0, Value::sequence(call.inputs())); }

void empty(Call& call) { call.set(0, Value::sequence({})); }

std::int64_t position(const Call& call, std::size_t input, std::int64_t absent,
                      std::int64_t count) {
  if (!call.has(input)) {
    return absent;
  }
  const std::int64_t at = call.int_in(input);
  expect(at >= -count && at <= count, fmt::format("position {}", at),
         fmt::format("one of a sequence of {}", count));
  return at < 0 ? at + count : at;
}

void at(Call& call) {
  const auto& items = call.sequence(0);
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t place = position(call, 1, 0, count);
  expect(place < count, fmt::format("position {}", place),
         fmt::format("one of a sequence of {}", count));
  call.set(0, items[static_cast<std::size_t>(place)]);
}

void insert(Call& call) {
  std::vector<Value> items = call.sequence(0);
  const auto count = static_cast<std::int64_t>(items.size());
  items.insert(items.begin() + position(call, 2, count, count), call.value(1));
  call.set(0, Value::sequence(std::move(items)));
}

void erase(Call& call) {
  std::vector<Value> items = call.sequence(0);
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t place = position(call, 1, count - 1, count);
  expect(place >= 0 && place < count, fmt::format("position {}", place),
         fmt::format("one of a sequence of {}", count));
  items.erase(items.begin() + place);
  call.set(0, Value::sequence(std::move(items)));
}

void length(Call& call) {
  call.set(0, Array::scalar(static_cast<std::int64_t>(call.sequence(0).size())));
}

void split_to_sequence(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  const std::int64_t n = x.dim(axis);
  const bool one_by_one = !call.has(1);
  std::vector<std::int64_t> parts;
  if (one_by_one || call.in(1).rank() == 0) {
    const std::int64_t size = one_by_one ? 1 : call.int_in(1);
    expect(size > 0, fmt::format("parts of {}", size), "a positive size");
    for (std::int64_t done = 0; done < n; done += size) {
      parts.push_back(std::min(size, n - done));
    }
  } else {
    parts = call.ints_in(1);
  }
  std::vector<Value> items;
  std::int64_t done = 0;
  for (const std::int64_t part : parts) {
    expect(part >= 0 && part <= n - done, fmt::format("a part of {}", part),
           fmt::format("parts that sum to {}", n));
    Array piece = sliced(x, axis, done, 1, part);
    if (one_by_one && call.integer("keepdims", 1) == 0) {
      piece = squeezed(piece, axis);
    }
    items.emplace_back(piece);
    done += part;
  }
  expect(done == n, fmt::format("parts that sum to {}", done), fmt::format("{}", n));
  call.set(0, Value::sequence(std::move(items)));
}

void concat_from_sequence(Call& call) {
  const bool new_axis = call.integer("new_axis", 0) != 0;
  std::vector<Array> arrays;
  for (const Value& item : call.sequence(0)) {
    const std::int64_t rank = item.array.rank() + (new_axis ? 1 : 0);
    arrays.push_back(new_axis ? unsqueezed(item.array, axis_of(call.integer("axis"), rank))
                              : item.array);
  }
  expect(!arrays.empty(), "an empty sequence", "an array at least");
  call.set(0, concatenated(arrays, axis_of(call.integer("axis"), arrays.front().rank())));
}

// Every input is a sequence, cut item by item, or an array that stays.
void map_sequence(Call& call) {
  const std::size_t count = call.sequence(0).size();
  std::vector<std::vector<Value>> results(call.output_count());
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Value> inputs;
    for (const Value& input : call.inputs()) {
      if (input.kind == Value::Kind::kSequence) {
        expect(input.items->size() == count, fmt::format("a sequence of {}", input.items->size()),
               fmt::format("{}", count));
        inputs.push_back((*input.items)[i]);
      } else {
        inputs.push_back(input);
      }
    }
    std::vector<Value> one = call.run(call.graph("body"), std::move(inputs));
    expect(one.size() >= results.size(), fmt::format("{} results", one.size()),
           fmt::format("{}", results.size()));
    for (std::size_t k = 0; k < results.size(); ++k) {
      results[k].push_back(std::move(one[k]));
    }
  }
  for (std::size_t k = 0; k < results.size(); ++k) {
    call.set(k, Value::sequence(std::move(results[k])));
  }
}

void optional(Call& call) { call.set(0, call.count() == 0 ? Value() : call.value(0)); }

void optional_element(Call& call) {
  expect(call.has(0), "an empty optional", "one with an element");
  call.set(0, call.value(0));
}

void optional_has(Call& call) {
  call.set(0, Array::of(DType::kBool, {},
                        std::vector<std::uint8_t>{static_cast<std::uint8_t>(call.has(0) ? 1 : 0)}));
}

constexpr KernelRow kRows[] = {
    {"", "SequenceConstruct", 11, kNewestOpset, construct, Narrow::kKeep},
    {"", "SequenceEmpty", 11, kNewestOpset, empty, Narrow::kKeep},
    {"", "SequenceAt", 11, kNewestOpset, at, Narrow::kKeep},
    {"", "SequenceInsert", 11, kNewestOpset, insert, Narrow::kKeep},
    {"", "SequenceErase", 11, kNewestOpset, erase, Narrow::kKeep},
    {"", "SequenceLength", 11, kNewestOpset, length, Narrow::kKeep},
    {"", "SplitToSequence", 11, kNewestOpset, split_to_sequence, Narrow::kKeep},
    {"", "ConcatFromSequence", 11, kNewestOpset, concat_from_sequence, Narrow::kKeep},
    {"", "SequenceMap", 17, kNewestOpset, map_sequence, Narrow::kKeep},
    {"", "Optional", 15, kNewestOpset, optional, Narrow::kKeep},
    {"", "OptionalGetElement", 15, kNewestOpset, optional_element, Narrow::kKeep},
    {"", "OptionalHasElement", 15, kNewestOpset, optional_has, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> sequence_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

// Control flow: If, Loop, Scan.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <limits>

namespace joulesim::models::onnx {
namespace {

// A loop of a damaged file must end.
constexpr std::int64_t kMostIterations = std::int64_t{1} << 24;

bool truth_of(const Array& array) {
  expect(array.type() == DType::kBool && array.size() == 1,
         fmt::format("a condition of {} {}", name_of(array.type()), to_string(array.shape())),
         "one bool");
  return array.read<std::uint8_t>()[0] != 0;
}

void choose(Call& call) {
  std::vector<Value> results =
      call.run(call.graph(truth_of(call.in(0)) ? "then_branch" : "else_branch"), {});
  expect(results.size() >= call.output_count(), fmt::format("{} results", results.size()),
         fmt::format("{}", call.output_count()));
  for (std::size_t i = 0; i < call.output_count(); ++i) {
    call.set(i, std::move(results[i]));
  }
}

Array truth(bool value) {
  return Array::of(DType::kBool, {}, std::vector<std::uint8_t>{static_cast<std::uint8_t>(value)});
}

// Values of all iterations, one after the other along a new axis.
Array stacked(const std::vector<Value>& items, std::int64_t axis, bool backwards) {
  std::vector<Array> rows;
  for (const Value& item : items) {
    const std::int64_t rank = item.array.rank() + 1;
    rows.push_back(unsqueezed(item.array, axis_of(axis, rank)));
  }
  if (backwards) {
    std::reverse(rows.begin(), rows.end());
  }
  return concatenated(rows, axis_of(axis, rows.front().rank()));
}

// The body takes (iteration, condition, carried…) and gives (condition, carried…, scanned…).
void loop(Call& call) {
  const Graph& body = call.graph("body");
  const bool counted = call.has(0);
  const std::int64_t most = counted ? call.int_in(0) : std::numeric_limits<std::int64_t>::max();
  bool goes_on = !call.has(1) || truth_of(call.in(1));
  const std::size_t carried_count = call.count() < 2 ? 0 : call.count() - 2;
  std::vector<Value> carried(
      call.inputs().begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, call.count())),
      call.inputs().end());
  const std::size_t scans =
      call.output_count() < carried_count ? 0 : call.output_count() - carried_count;
  std::vector<std::vector<Value>> scanned(scans);
  for (std::int64_t i = 0; i < most && goes_on; ++i) {
    expect(i < kMostIterations, fmt::format("{} iterations", i), "an end");
    std::vector<Value> inputs{Array::scalar(i), truth(goes_on)};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    std::vector<Value> results = call.run(body, std::move(inputs));
    expect(results.size() == 1 + carried_count + scans, fmt::format("{} results", results.size()),
           fmt::format("{}", 1 + carried_count + scans));
    goes_on = truth_of(results[0].array);
    for (std::size_t k = 0; k < carried_count; ++k) {
      carried[k] = std::move(results[1 + k]);
    }
    for (std::size_t k = 0; k < scans; ++k) {
      scanned[k].push_back(std::move(results[1 + carried_count + k]));
    }
  }
  for (std::size_t k = 0; k < std::min(carried_count, call.output_count()); ++k) {
    call.set(k, std::move(carried[k]));
  }
  for (std::size_t k = 0; k < scans; ++k) {
    if (scanned[k].empty()) {  // no iteration: an empty array of the declared type
      const ValueInfo& info = body.outputs.at(1 + carried_count + k);
      Dims shape{0};
      for (const Dimension& dim : info.shape) {
        shape.push_back(dim.value.value_or(0));
      }
      call.set(carried_count + k,
               Array(dtype_of_code(info.type_code).value_or(DType::kFloat), shape));
    } else {
      call.set(carried_count + k, stacked(scanned[k], 0, false));
    }
  }
}

std::int64_t entry(const std::vector<std::int64_t>& list, std::size_t i) {
  return i < list.size() ? list[i] : 0;
}

// States, then scanned inputs, cut along an axis; version 8 has a batch axis of its own.
std::vector<Value> scan_once(const Call& call, std::vector<Value> inputs, std::size_t scans,
                             const std::vector<std::int64_t>& input_axes,
                             const std::vector<std::int64_t>& input_directions,
                             const std::vector<std::int64_t>& output_axes,
                             const std::vector<std::int64_t>& output_directions) {
  const Graph& body = call.graph("body");
  const std::size_t states = inputs.size() - scans;
  std::vector<Value> state(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(states));
  std::int64_t length = -1;
  std::vector<std::int64_t> axes;
  for (std::size_t k = 0; k < scans; ++k) {
    const Array& x = inputs[states + k].array;
    axes.push_back(axis_of(entry(input_axes, k), x.rank()));
    expect(length < 0 || length == x.dim(axes[k]), fmt::format("{} steps", x.dim(axes[k])),
           fmt::format("{}", length));
    length = x.dim(axes[k]);
  }
  expect(body.outputs.size() >= states, fmt::format("{} results", body.outputs.size()),
         fmt::format("{} states at least", states));
  std::vector<std::vector<Value>> scanned(body.outputs.size() - states);
  for (std::int64_t t = 0; t < length; ++t) {
    std::vector<Value> values = state;
    for (std::size_t k = 0; k < scans; ++k) {
      const std::int64_t at = entry(input_directions, k) == 0 ? t : length - 1 - t;
      values.emplace_back(squeezed(sliced(inputs[states + k].array, axes[k], at, 1, 1), axes[k]));
    }
    std::vector<Value> results = call.run(body, std::move(values));
    for (std::size_t k = 0; k < states; ++k) {
      state[k] = std::move(results[k]);
    }
    for (std::size_t k = 0; k < scanned.size(); ++k) {
      scanned[k].push_back(std::move(results[states + k]));
    }
  }
  for (std::size_t k = 0; k < scanned.size(); ++k) {
    expect(!scanned[k].empty(), "no step", "one at least");
    state.emplace_back(
        stacked(scanned[k], entry(output_axes, k), entry(output_directions, k) != 0));
  }
  return state;
}

std::size_t scan_count(const Call& call) {
  const std::int64_t scans = call.integer("num_scan_inputs");
  expect(scans > 0 && static_cast<std::size_t>(scans) <= call.count(),
         fmt::format("{} scanned inputs", scans), fmt::format("1 to {}", call.count()));
  return static_cast<std::size_t>(scans);
}

void set_all(Call& call, std::vector<Value> results) {
  for (std::size_t i = 0; i < std::min(results.size(), call.output_count()); ++i) {
    call.set(i, std::move(results[i]));
  }
}

void scan(Call& call) {
  set_all(call, scan_once(call, call.inputs(), scan_count(call), call.integers("scan_input_axes"),
                          call.integers("scan_input_directions"), call.integers("scan_output_axes"),
                          call.integers("scan_output_directions")));
}

void scan_8(Call& call) {
  expect(!call.has(0), "sequence lengths", "none");
  std::vector<Value> inputs(call.inputs().begin() + 1, call.inputs().end());
  expect(!inputs.empty() && inputs[0].array.rank() > 0, "no batch", "one");
  std::vector<std::vector<Value>> per_output;
  for (std::int64_t b = 0; b < inputs[0].array.dim(0); ++b) {
    std::vector<Value> one;
    for (const Value& input : inputs) {
      one.emplace_back(squeezed(sliced(input.array, 0, b, 1, 1), 0));
    }
    std::vector<Value> results =
        scan_once(call, std::move(one), scan_count(call), {}, call.integers("directions"), {}, {});
    per_output.resize(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      per_output[i].push_back(std::move(results[i]));
    }
  }
  for (std::size_t i = 0; i < std::min(per_output.size(), call.output_count()); ++i) {
    call.set(i, stacked(per_output[i], 0, false));
  }
}

constexpr KernelRow kRows[] = {
    {"", "If", 1, kNewestOpset, choose, Narrow::kKeep},
    {"", "Loop", 1, kNewestOpset, loop, Narrow::kKeep},
    {"", "Scan", 9, kNewestOpset, scan, Narrow::kKeep},
    {"", "Scan", 8, 8, scan_8, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> control_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

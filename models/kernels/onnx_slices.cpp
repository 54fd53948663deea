// Parts of arrays and arrays from parts: slices, splits, padding, reversal.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <numeric>

namespace joulesim::models::onnx {
namespace {

void slice(Call& call) {
  Array y = call.in(0);
  const bool by_attribute = call.opset() < 10;
  const auto list = [&](const char* name, std::size_t i) {
    return by_attribute  ? call.integers(name)
           : call.has(i) ? call.ints_in(i)
                         : std::vector<std::int64_t>{};
  };
  const std::vector<std::int64_t> starts = list("starts", 1);
  const std::vector<std::int64_t> ends = list("ends", 2);
  std::vector<std::int64_t> axes = list("axes", 3);
  std::vector<std::int64_t> steps = by_attribute ? std::vector<std::int64_t>{} : list("steps", 4);
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  steps.resize(steps.empty() ? starts.size() : steps.size(), 1);
  expect(
      ends.size() == starts.size() && axes.size() == starts.size() && steps.size() == starts.size(),
      "lists of different lengths", "as many ends, axes and steps as starts");
  axes = axes_of(std::move(axes), y.rank());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t n = y.dim(axes[i]);
    const std::int64_t step = steps[i];
    expect(step != 0, "a step of 0", "another");
    const auto from_end = [&](std::int64_t at) { return at < 0 ? at + n : at; };
    std::int64_t count = 0;
    std::int64_t first = 0;
    if (step > 0) {
      first = std::clamp<std::int64_t>(from_end(starts[i]), 0, n);
      const std::int64_t end = std::clamp<std::int64_t>(from_end(ends[i]), 0, n);
      count = end > first ? (end - first - 1) / step + 1 : 0;
    } else if (n > 0) {
      first = std::clamp<std::int64_t>(from_end(starts[i]), 0, n - 1);
      if (from_end(starts[i]) < 0) {
        first = -1;
      }
      const std::int64_t end = std::clamp<std::int64_t>(from_end(ends[i]), -1, n - 1);
      // The most negative step has no opposite; any beyond the axis does the same.
      const std::int64_t back = step < -n ? n : -step;
      count = first > end ? (first - end - 1) / back + 1 : 0;
    }
    y = sliced(y, axes[i], count > 0 ? first : 0, count > 1 ? step : 1, count);
  }
  call.set(0, y);
}

void split(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  std::vector<std::int64_t> parts = call.opset() < 13 ? call.integers("split")
                                    : call.has(1)     ? call.ints_in(1)
                                                      : std::vector<std::int64_t>{};
  const std::int64_t n = x.dim(axis);
  if (parts.empty()) {
    const auto count = static_cast<std::int64_t>(call.output_count());
    expect(call.opset() >= 18 || n % count == 0, fmt::format("{} elements", n),
           fmt::format("a multiple of {}", count));
    const std::int64_t size = (n + count - 1) / count;
    for (std::int64_t i = 0; i < count; ++i) {
      parts.push_back(std::clamp<std::int64_t>(n - i * size, 0, size));
    }
  }
  expect(parts.size() == call.output_count(), fmt::format("{} parts", parts.size()),
         fmt::format("{}", call.output_count()));
  std::int64_t at = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    expect(parts[i] >= 0 && parts[i] <= n - at, fmt::format("a part of {}", parts[i]),
           fmt::format("parts that sum to {}", n));
    call.set(i, sliced(x, axis, at, 1, parts[i]));
    at += parts[i];
  }
  expect(at == n, fmt::format("parts that sum to {}", at), fmt::format("{}", n));
}

// Where an index outside of 0 … n - 1 takes its element from.
std::int64_t folded_index(std::int64_t i, std::int64_t n, const std::string& mode) {
  if (mode == "edge") {
    return std::clamp<std::int64_t>(i, 0, n - 1);
  }
  if (mode == "wrap") {
    return ((i % n) + n) % n;
  }
  if (n == 1) {
    return 0;
  }
  const std::int64_t period = 2 * (n - 1);
  const std::int64_t at = ((i % period) + period) % period;
  return at < n ? at : period - at;
}

Array padded_with(const Array& x, std::int64_t axis, std::int64_t before, std::int64_t after,
                  const Array& value) {
  std::vector<Array> parts;
  const auto block = [&](std::int64_t count) {
    Dims shape = x.shape();
    shape[static_cast<std::size_t>(axis)] = count;
    return broadcast_to(value, shape);
  };
  if (before > 0) {
    parts.push_back(block(before));
  }
  parts.push_back(x);
  if (after > 0) {
    parts.push_back(block(after));
  }
  return concatenated(parts, axis);
}

Array pad_axis(const Array& x, std::int64_t axis, std::int64_t before, std::int64_t after,
               const std::string& mode, const Array& value) {
  const std::int64_t n = x.dim(axis);
  // Negative padding cuts away.
  const std::int64_t first = std::min(std::max<std::int64_t>(0, -before), n);
  const std::int64_t kept =
      std::max<std::int64_t>(0, n - first - std::max<std::int64_t>(0, -after));
  const Array inner = kept == n ? x : sliced(x, axis, first, 1, kept);
  const std::int64_t more = std::max<std::int64_t>(0, before);
  const std::int64_t end = std::max<std::int64_t>(0, after);
  if (more == 0 && end == 0) {
    return inner;
  }
  std::int64_t total = 0;
  expect(!__builtin_add_overflow(more, end, &total) && total <= kMostArrayBytes,
         fmt::format("padding of {} and {}", before, after), "less");
  if (mode == "constant") {
    return padded_with(inner, axis, more, end, value);
  }
  expect(kept > 0, "nothing to repeat", "an element at least");
  Dims shape = inner.shape();
  shape[static_cast<std::size_t>(axis)] = more + kept + end;
  (void)elements_of(shape);
  std::vector<std::int64_t> indices;
  for (std::int64_t i = -more; i < kept + end; ++i) {
    indices.push_back(folded_index(i, kept, mode));
  }
  return taken(inner, axis, indices);
}

void pad(Call& call) {
  Array y = call.in(0);
  const bool by_attribute = call.opset() < 11;
  const std::string mode = call.text("mode", "constant");
  expect(mode == "constant" || mode == "edge" || mode == "reflect" || mode == "wrap",
         "mode '" + mode + "'", "constant, edge, reflect or wrap");
  const std::vector<std::int64_t> pads =
      by_attribute ? call.integers(call.opset() < 2 ? "paddings" : "pads") : call.ints_in(1);
  std::vector<std::int64_t> axes;
  if (call.has(3)) {
    axes = axes_of(call.ints_in(3), y.rank());
  } else {
    axes.resize(static_cast<std::size_t>(y.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  expect(pads.size() == 2 * axes.size(), fmt::format("{} pads", pads.size()),
         fmt::format("{}", 2 * axes.size()));
  Array value(y.type(), {});
  if (by_attribute) {
    value = cast(Array::of(DType::kDouble, {}, std::vector<double>{call.number("value", 0.0)}),
                 y.type());
  } else if (call.has(2) && call.in(2).size() > 0) {
    expect(call.in(2).size() == 1 && call.in(2).type() == y.type(),
           fmt::format("a value of {}", name_of(call.in(2).type())),
           fmt::format("one {}", name_of(y.type())));
    value = call.in(2).reshaped({});
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    y = pad_axis(y, axes[i], pads[i], pads[axes.size() + i], mode, value);
  }
  call.set(0, y);
}

void center_crop_pad(Call& call) {
  Array y = call.in(0);
  std::vector<std::int64_t> axes = call.integers("axes");
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(y.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  axes = axes_of(std::move(axes), y.rank());
  const std::vector<std::int64_t> wanted = call.ints_in(1);
  expect(wanted.size() == axes.size(), fmt::format("{} sizes", wanted.size()),
         fmt::format("{}", axes.size()));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t n = y.dim(axes[i]);
    expect(wanted[i] >= 0, fmt::format("a size of {}", wanted[i]), "0 or more");
    if (wanted[i] <= n) {
      y = sliced(y, axes[i], (n - wanted[i]) / 2, 1, wanted[i]);
    } else {
      const std::int64_t before = (wanted[i] - n) / 2;
      y = pad_axis(y, axes[i], before, wanted[i] - n - before, "constant", Array(y.type(), {}));
    }
  }
  call.set(0, y);
}

void reverse_sequence(Call& call) {
  const Array& x = call.in(0);
  const std::vector<std::int64_t> lengths = call.ints_in(1);
  const std::int64_t batch_axis = call.integer("batch_axis", 1);
  const std::int64_t time_axis = call.integer("time_axis", 0);
  expect(x.rank() >= 2 && batch_axis + time_axis == 1 && batch_axis * time_axis == 0,
         fmt::format("axes {} and {}", batch_axis, time_axis), "0 and 1");
  expect(static_cast<std::int64_t>(lengths.size()) == x.dim(batch_axis),
         fmt::format("{} lengths", lengths.size()), fmt::format("{}", x.dim(batch_axis)));
  Array y(x.type(), x.shape());
  const std::int64_t times = x.dim(time_axis);
  const std::int64_t after = x.size() == 0 ? 0 : x.size() / (x.dim(0) * x.dim(1));
  by_width(x.type(), [&]<class T>(Tag<T>) {
    for (std::int64_t b = 0; b < x.dim(batch_axis); ++b) {
      const std::int64_t length = lengths[static_cast<std::size_t>(b)];
      expect(length >= 0 && length <= times, fmt::format("a length of {}", length),
             fmt::format("0 to {}", times));
      for (std::int64_t t = 0; t < times; ++t) {
        const std::int64_t from = t < length ? length - 1 - t : t;
        const auto at = [&](std::int64_t time) {
          return (batch_axis == 0 ? b * times + time : time * x.dim(batch_axis) + b) * after;
        };
        std::copy_n(x.template read<T>().begin() + at(from), after,
                    y.template write<T>().begin() + at(t));
      }
    }
  });
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "Slice", 1, kNewestOpset, slice, Narrow::kKeep},
    {"", "Split", 2, kNewestOpset, split, Narrow::kKeep},
    {"", "Pad", 1, kNewestOpset, pad, Narrow::kKeep},
    {"", "CenterCropPad", 18, kNewestOpset, center_crop_pad, Narrow::kKeep},
    {"", "ReverseSequence", 10, kNewestOpset, reverse_sequence, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> slice_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

// Operators that change or tell an array's shape.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <numeric>

namespace joulesim::models::onnx {
namespace {

void reshape(Call& call) {
  const Array& x = call.in(0);
  Dims shape = call.opset() < 5 ? call.integers("shape") : call.ints_in(1);
  const bool zero_is_zero = call.integer("allowzero", 0) != 0;
  std::int64_t known = 1;
  std::int64_t* open = nullptr;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0 && !zero_is_zero) {
      expect(d < x.shape().size(), fmt::format("a shape of {}", to_string(shape)),
             fmt::format("no 0 beyond rank {}", x.rank()));
      shape[d] = x.shape()[d];
    }
    if (shape[d] == -1) {
      expect(open == nullptr, fmt::format("a shape of {}", to_string(shape)), "one -1 at most");
      open = &shape[d];
    } else {
      expect(shape[d] >= 0 && !__builtin_mul_overflow(known, shape[d], &known),
             fmt::format("a shape of {}", to_string(shape)), "dimensions of this size");
    }
  }
  if (open != nullptr) {
    expect(known > 0 && x.size() % known == 0, fmt::format("{} elements", x.size()),
           fmt::format("a multiple of {}", known));
    *open = x.size() / known;
  }
  call.set(0, x.reshaped(shape));
}

void flatten(Call& call) {
  const Array& x = call.in(0);
  std::int64_t axis = call.integer("axis", 1);
  axis = axis < 0 ? axis + x.rank() : axis;
  expect(axis >= 0 && axis <= x.rank(), fmt::format("axis {}", axis),
         fmt::format("0 to {}", x.rank()));
  const Dims outer(x.shape().begin(), x.shape().begin() + axis);
  const std::int64_t rows = elements_of(outer);
  const Dims inner(x.shape().begin() + axis, x.shape().end());
  call.set(0, x.reshaped({rows, elements_of(inner)}));
}

std::vector<std::int64_t> axes_argument(const Call& call, std::int64_t since) {
  return call.opset() < since ? call.integers("axes")
         : call.has(1)        ? call.ints_in(1)
                              : std::vector<std::int64_t>{};
}

void squeeze(Call& call) {
  const Array& x = call.in(0);
  std::vector<std::int64_t> axes = axes_of(axes_argument(call, 13), x.rank());
  const bool all = axes.empty() && !call.has_attribute("axes") && !call.has(1);
  Dims shape;
  for (std::int64_t d = 0; d < x.rank(); ++d) {
    const bool named = std::find(axes.begin(), axes.end(), d) != axes.end();
    expect(!named || x.dim(d) == 1, fmt::format("{} along axis {}", x.dim(d), d), "1");
    if (!(named || (all && x.dim(d) == 1))) {
      shape.push_back(x.dim(d));
    }
  }
  call.set(0, x.reshaped(shape));
}

void unsqueeze(Call& call) {
  const Array& x = call.in(0);
  std::vector<std::int64_t> axes = axes_argument(call, 13);
  const std::int64_t rank = x.rank() + static_cast<std::int64_t>(axes.size());
  axes = axes_of(std::move(axes), rank);
  std::sort(axes.begin(), axes.end());
  Dims shape = x.shape();
  for (const std::int64_t axis : axes) {
    shape.insert(shape.begin() + axis, 1);
  }
  call.set(0, x.reshaped(shape));
}

void transpose(Call& call) {
  const Array& x = call.in(0);
  std::vector<std::int64_t> axes = call.integers("perm");
  if (!call.has_attribute("perm")) {
    axes.resize(static_cast<std::size_t>(x.rank()));
    std::iota(axes.rbegin(), axes.rend(), 0);
  }
  call.set(0, transposed(x, axes));
}

void concat(Call& call) {
  const std::int64_t axis =
      axis_of(call.opset() < 4 ? call.integer("axis", 1) : call.integer("axis"), call.in(0).rank());
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < call.count(); ++i) {
    arrays.push_back(call.in(i));
  }
  call.set(0, concatenated(arrays, axis));
}

void expand(Call& call) {
  const Dims shape = broadcast_shape({call.in(0).shape(), call.ints_in(1)});
  call.set(0, broadcast_to(call.in(0), shape));
}

void tile(Call& call) {
  Array y = call.in(0);
  std::vector<std::int64_t> repeats;
  if (call.opset() < 6) {
    expect(y.rank() > 0, "a scalar", "an axis to repeat");
    repeats.assign(static_cast<std::size_t>(y.rank()), 1);
    repeats.at(static_cast<std::size_t>(axis_of(call.int_in(2), y.rank()))) = call.int_in(1);
  } else {
    repeats = call.ints_in(1);
  }
  expect(static_cast<std::int64_t>(repeats.size()) == y.rank(),
         fmt::format("{} repeats", repeats.size()), fmt::format("{}", y.rank()));
  Dims whole = y.shape();
  for (std::size_t d = 0; d < repeats.size(); ++d) {
    expect(repeats[d] >= 0 && !__builtin_mul_overflow(whole[d], repeats[d], &whole[d]),
           fmt::format("{} repeats", repeats[d]), "some");
  }
  (void)Array(y.type(), whole);  // refuses what is too large before any of it is made
  for (std::int64_t d = y.rank(); d-- > 0;) {
    const auto along = static_cast<std::size_t>(d);
    if (repeats[along] == 1) {
      continue;
    }
    Array row = unsqueezed(y, d);
    Dims shape = row.shape();
    shape[along] = repeats[along];
    Dims joined = y.shape();
    joined[along] *= repeats[along];
    y = broadcast_to(row, shape).reshaped(joined);
  }
  call.set(0, y);
}

void shape_of(Call& call) {
  const Dims& shape = call.in(0).shape();
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto bound = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = bound(call.integer("start", 0));
  const std::int64_t end = std::max(start, bound(call.integer("end", rank)));
  call.set(0, Array::of_ints({shape.begin() + start, shape.begin() + end}));
}

void size_of(Call& call) { call.set(0, Array::scalar(call.in(0).size())); }

void identity(Call& call) { call.set(0, call.value(0)); }

// Inference: the input passes unchanged, nothing is masked.
void dropout(Call& call) {
  if (call.has(2)) {
    const Array training = cast(call.in(2), DType::kBool);
    const bool drops = training.size() == 1 && training.read<std::uint8_t>()[0] != 0 &&
                       (!call.has(1) || call.number_in(1) != 0.0);
    expect(!drops, "training_mode true with a ratio above 0", "inference");
  }
  call.set(0, call.value(0));
  if (call.wants(1)) {
    const DType type = call.opset() < 10 ? call.in(0).type() : DType::kBool;
    const Array ones = Array::of(DType::kInt64, {}, std::vector<std::int64_t>{1});
    call.set(1, broadcast_to(cast(ones, type), call.in(0).shape()));
  }
}

void depth_to_space(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t b = call.integer("blocksize");
  expect(x.rank() == 4 && b > 0 && x.dim(1) % (b * b) == 0, to_string(x.shape()),
         "[n,c,h,w] with c a multiple of the block's size");
  const std::int64_t c = x.dim(1) / (b * b);
  const std::string mode = call.text("mode", "DCR");
  expect(mode == "DCR" || mode == "CRD", "mode '" + mode + "'", "DCR or CRD");
  const Array y =
      mode == "DCR"
          ? transposed(x.reshaped({x.dim(0), b, b, c, x.dim(2), x.dim(3)}), {0, 3, 4, 1, 5, 2})
          : transposed(x.reshaped({x.dim(0), c, b, b, x.dim(2), x.dim(3)}), {0, 1, 4, 2, 5, 3});
  call.set(0, y.reshaped({x.dim(0), c, x.dim(2) * b, x.dim(3) * b}));
}

void space_to_depth(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t b = call.integer("blocksize");
  expect(x.rank() == 4 && b > 0 && x.dim(2) % b == 0 && x.dim(3) % b == 0, to_string(x.shape()),
         "[n,c,h,w] with h and w multiples of the block's size");
  const Array y = transposed(x.reshaped({x.dim(0), x.dim(1), x.dim(2) / b, b, x.dim(3) / b, b}),
                             {0, 3, 5, 1, 2, 4});
  call.set(0, y.reshaped({x.dim(0), x.dim(1) * b * b, x.dim(2) / b, x.dim(3) / b}));
}

constexpr KernelRow kRows[] = {
    {"", "Reshape", 1, kNewestOpset, reshape, Narrow::kKeep},
    {"", "Flatten", 1, kNewestOpset, flatten, Narrow::kKeep},
    {"", "Squeeze", 1, kNewestOpset, squeeze, Narrow::kKeep},
    {"", "Unsqueeze", 1, kNewestOpset, unsqueeze, Narrow::kKeep},
    {"", "Transpose", 1, kNewestOpset, transpose, Narrow::kKeep},
    {"", "Concat", 1, kNewestOpset, concat, Narrow::kKeep},
    {"", "Expand", 8, kNewestOpset, expand, Narrow::kKeep},
    {"", "Tile", 1, kNewestOpset, tile, Narrow::kKeep},
    {"", "Shape", 1, kNewestOpset, shape_of, Narrow::kKeep},
    {"", "Size", 1, kNewestOpset, size_of, Narrow::kKeep},
    {"", "Identity", 1, kNewestOpset, identity, Narrow::kKeep},
    {"", "Dropout", 1, kNewestOpset, dropout, Narrow::kKeep},
    {"", "DepthToSpace", 1, kNewestOpset, depth_to_space, Narrow::kKeep},
    {"", "SpaceToDepth", 1, kNewestOpset, space_to_depth, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> shape_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

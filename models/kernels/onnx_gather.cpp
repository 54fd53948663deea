// Choosing elements by index: gathers, one-hot, compress, non-zero positions, distinct elements.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <map>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

std::int64_t index_within(std::int64_t index, std::int64_t n) {
  if (index < -n || index >= n) {
    refuse(fmt::format("index {}", index), fmt::format("one of {} elements", n));
  }
  return index < 0 ? index + n : index;
}

void gather(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  std::vector<std::int64_t> indices = call.ints_in(1);
  for (std::int64_t& index : indices) {
    index = index_within(index, x.dim(axis));
  }
  Dims shape(x.shape().begin(), x.shape().begin() + axis);
  shape.insert(shape.end(), call.in(1).shape().begin(), call.in(1).shape().end());
  shape.insert(shape.end(), x.shape().begin() + axis + 1, x.shape().end());
  call.set(0, taken(x, axis, indices).reshaped(shape));
}

void gather_elements(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  const std::vector<std::int64_t> indices = call.ints_in(1);
  const Dims& shape = call.in(1).shape();
  expect(static_cast<std::int64_t>(shape.size()) == x.rank(), to_string(shape),
         fmt::format("indices of rank {}", x.rank()));
  for (std::int64_t d = 0; d < x.rank(); ++d) {
    expect(d == axis || shape[static_cast<std::size_t>(d)] <= x.dim(d), to_string(shape),
           "indices within " + to_string(x.shape()));
  }
  const Dims strides = strides_of(x.shape());
  Array y(x.type(), shape);
  by_width(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.template read<T>();
    const auto out = y.template write<T>();
    Dims at(shape.size(), 0);
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::int64_t from = 0;
      for (std::size_t d = 0; d < at.size(); ++d) {
        const bool chosen = static_cast<std::int64_t>(d) == axis;
        from += strides[d] * (chosen ? index_within(indices[i], x.shape()[d]) : at[d]);
      }
      out[i] = in[static_cast<std::size_t>(from)];
      for (std::size_t d = at.size(); d-- > 0 && ++at[d] == shape[d];) {
        at[d] = 0;
      }
    }
  });
  call.set(0, y);
}

void gather_nd(Call& call) {
  const Array& x = call.in(0);
  const std::vector<std::int64_t> indices = call.ints_in(1);
  const Dims& index_shape = call.in(1).shape();
  const std::int64_t batch = call.integer("batch_dims", 0);
  expect(
      !index_shape.empty() && batch >= 0 && batch < static_cast<std::int64_t>(index_shape.size()),
      "indices of " + to_string(index_shape), "a last axis beyond the batch's");
  const std::int64_t depth = index_shape.back();
  expect(depth >= 1 && batch + depth <= x.rank(), fmt::format("{} coordinates", depth),
         fmt::format("1 to {}", x.rank() - batch));
  std::int64_t batches = 1;
  for (std::int64_t d = 0; d < batch; ++d) {
    expect(index_shape[static_cast<std::size_t>(d)] == x.dim(d), "batches of different sizes",
           "the same");
    batches *= x.dim(d);
  }
  Dims shape(index_shape.begin(), index_shape.end() - 1);
  shape.insert(shape.end(), x.shape().begin() + batch + depth, x.shape().end());
  Array y(x.type(), shape);
  const Dims strides = strides_of(x.shape());
  const std::int64_t chunk = elements_of(Dims(x.shape().begin() + batch + depth, x.shape().end()));
  const std::int64_t tuples = static_cast<std::int64_t>(indices.size()) / depth;
  const std::int64_t per_batch = batches == 0 ? 0 : tuples / batches;
  by_width(x.type(), [&]<class T>(Tag<T>) {
    for (std::int64_t i = 0; i < tuples; ++i) {
      std::int64_t from = per_batch == 0 || batch == 0
                              ? 0
                              : i / per_batch * strides[static_cast<std::size_t>(batch - 1)];
      for (std::int64_t k = 0; k < depth; ++k) {
        from += strides[static_cast<std::size_t>(batch + k)] *
                index_within(indices[static_cast<std::size_t>(i * depth + k)], x.dim(batch + k));
      }
      std::copy_n(x.template read<T>().begin() + from, chunk,
                  y.template write<T>().begin() + i * chunk);
    }
  });
  call.set(0, y);
}

void one_hot(Call& call) {
  const Array where = cast(call.in(0), DType::kInt64);
  const auto depth = static_cast<std::int64_t>(call.number_in(1));
  const Array& values = call.in(2);
  expect(depth > 0 && values.size() == 2, fmt::format("a depth of {}", depth),
         "a positive one, and two values");
  const std::int64_t axis = axis_of(call.integer("axis", -1), where.rank() + 1);
  Dims shape = where.shape();
  shape.insert(shape.begin() + axis, depth);
  Array y(values.type(), shape);
  const AroundAxis around(shape, axis);
  by_width(values.type(), [&]<class T>(Tag<T>) {
    const auto out = y.template write<T>();
    const auto choice = values.template read<T>();
    std::fill(out.begin(), out.end(), choice[0]);
    const auto index = where.template read<std::int64_t>();
    for (std::size_t i = 0; i < index.size(); ++i) {
      if (index[i] >= -depth && index[i] < depth) {
        const std::int64_t hot = index[i] < 0 ? index[i] + depth : index[i];
        const auto at = static_cast<std::int64_t>(i);
        const std::int64_t to =
            (at / around.after * depth + hot) * around.after + at % around.after;
        out[static_cast<std::size_t>(to)] = choice[1];
      }
    }
  });
  call.set(0, y);
}

void compress(Call& call) {
  Array x = call.in(0);
  if (!call.has_attribute("axis")) {
    x = x.reshaped({x.size()});
  }
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  const auto condition = call.in(1).read<std::uint8_t>();
  std::vector<std::int64_t> indices;
  for (std::size_t i = 0; i < condition.size(); ++i) {
    if (condition[i] != 0) {
      indices.push_back(index_within(static_cast<std::int64_t>(i), x.dim(axis)));
    }
  }
  call.set(0, taken(x, axis, indices));
}

void non_zero(Call& call) {
  const Array truth = cast(call.in(0), DType::kBool);
  const auto flags = truth.read<std::uint8_t>();
  const Dims strides = strides_of(truth.shape());
  const auto rank = static_cast<std::size_t>(truth.rank());
  std::vector<std::vector<std::int64_t>> coordinates(rank);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i] != 0) {
      ++count;
      for (std::size_t d = 0; d < rank; ++d) {
        coordinates[d].push_back(static_cast<std::int64_t>(i) / strides[d] % truth.shape()[d]);
      }
    }
  }
  std::vector<std::int64_t> all;
  for (const auto& along : coordinates) {
    all.insert(all.end(), along.begin(), along.end());
  }
  call.set(0, Array::of(DType::kInt64, {truth.rank(), count}, all));
}

// Distinct slices along an axis (or elements), with their first places, counts and the inverse.
void unique(Call& call) {
  Array x = call.in(0);
  if (!call.has_attribute("axis")) {
    x = x.reshaped({x.size()});
  }
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  const bool sorted = call.integer("sorted", 1) != 0;
  std::vector<std::int64_t> firsts;
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> inverse;
  const auto find = [&]<class T>(Tag<T>) {
    const AroundAxis around(x.shape(), axis);
    const auto in = x.template read<T>();
    std::map<std::vector<T>, std::size_t> known;
    for (std::int64_t i = 0; i < around.along; ++i) {
      std::vector<T> key;
      for (std::int64_t b = 0; b < around.before; ++b) {
        const auto from = in.begin() + (b * around.along + i) * around.after;
        key.insert(key.end(), from, from + around.after);
      }
      const auto [slot, is_new] = known.try_emplace(std::move(key), firsts.size());
      if (is_new) {
        firsts.push_back(i);
        counts.push_back(0);
      }
      ++counts[slot->second];
      inverse.push_back(static_cast<std::int64_t>(slot->second));
    }
    if (sorted) {
      std::vector<std::int64_t> place(firsts.size());
      std::vector<std::int64_t> old_firsts = firsts;
      std::vector<std::int64_t> old_counts = counts;
      std::size_t next = 0;
      for (const auto& [key, old] : known) {
        firsts[next] = old_firsts[old];
        counts[next] = old_counts[old];
        place[old] = static_cast<std::int64_t>(next++);
      }
      for (std::int64_t& i : inverse) {
        i = place[static_cast<std::size_t>(i)];
      }
    }
  };
  if (x.type() == DType::kString) {
    find(Tag<std::string>{});
  } else if (x.type() == DType::kBool) {
    find(Tag<std::uint8_t>{});
  } else {
    by_number(x.type(), find);
  }
  call.set(0, taken(x, axis, firsts));
  call.set(1, Array::of_ints(firsts));
  call.set(2, Array::of_ints(inverse));
  call.set(3, Array::of_ints(counts));
}

constexpr KernelRow kRows[] = {
    {"", "Gather", 1, kNewestOpset, gather, Narrow::kKeep},
    {"", "GatherElements", 11, kNewestOpset, gather_elements, Narrow::kKeep},
    {"", "GatherND", 11, kNewestOpset, gather_nd, Narrow::kKeep},
    {"", "OneHot", 9, kNewestOpset, one_hot, Narrow::kKeep},
    {"", "Compress", 9, kNewestOpset, compress, Narrow::kKeep},
    {"", "NonZero", 9, kNewestOpset, non_zero, Narrow::kKeep},
    {"", "Unique", 11, kNewestOpset, unique, Narrow::kWidenFirst},
};

}  // namespace

std::span<const KernelRow> gather_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

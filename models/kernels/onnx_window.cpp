#include "models/kernels/onnx_window.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::models::onnx {

bool advance(Dims& index, const Dims& shape) {
  for (std::size_t d = index.size(); d-- > 0;) {
    if (++index[d] < shape[d]) {
      return true;
    }
    index[d] = 0;
  }
  return false;
}

Dims spatial(const Array& x) {
  expect(x.rank() >= 3, to_string(x.shape()), "[n,c,…]");
  return {x.shape().begin() + 2, x.shape().end()};
}

Window window_of(const Call& call, Dims in, Dims kernel) {
  Window w;
  w.in = std::move(in);
  w.kernel = std::move(kernel);
  const std::size_t rank = w.kernel.size();
  expect(w.in.size() == rank, fmt::format("a kernel of {}", to_string(w.kernel)),
         fmt::format("{} axes", w.in.size()));
  const auto list = [&](const char* name) {
    std::vector<std::int64_t> values = call.integers(name);
    values.resize(values.empty() ? rank : values.size(), 1);
    expect(values.size() == rank &&
               std::all_of(values.begin(), values.end(),
                           [](std::int64_t v) { return v > 0 && v < (std::int64_t{1} << 31); }),
           fmt::format("{} of {}", name, to_string(values)),
           fmt::format("{} positive numbers", rank));
    return values;
  };
  w.stride = list("strides");
  w.dilation = list("dilations");
  std::vector<std::int64_t> pads = call.integers("pads");
  pads.resize(pads.empty() ? 2 * rank : pads.size(), 0);
  expect(pads.size() == 2 * rank, fmt::format("{} pads", pads.size()), fmt::format("{}", 2 * rank));
  const std::string automatic = call.text("auto_pad", "NOTSET");
  const bool ceil = call.integer("ceil_mode", 0) != 0;
  for (std::size_t d = 0; d < rank; ++d) {
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    expect(w.kernel[d] > 0 && w.kernel[d] < kMost && std::abs(pads[d]) < kMost &&
               std::abs(pads[rank + d]) < kMost,
           fmt::format("a kernel of {} with pads of {}", to_string(w.kernel), to_string(pads)),
           "positive sizes below 2^31");
    const std::int64_t reach = w.dilation[d] * (w.kernel[d] - 1) + 1;
    std::int64_t before = pads[d];
    std::int64_t after = pads[rank + d];
    if (automatic == "VALID") {
      before = after = 0;
    } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const std::int64_t out = (w.in[d] + w.stride[d] - 1) / w.stride[d];
      const std::int64_t total =
          std::max<std::int64_t>(0, (out - 1) * w.stride[d] + reach - w.in[d]);
      before = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      after = total - before;
    } else {
      expect(automatic == "NOTSET" || automatic.empty(), "auto_pad '" + automatic + "'",
             "NOTSET, VALID, SAME_UPPER or SAME_LOWER");
    }
    const std::int64_t room = w.in[d] + before + after - reach;
    expect(room >= 0, fmt::format("a window of {} over {}", reach, w.in[d] + before + after),
           "one that fits");
    std::int64_t out = room / w.stride[d] + 1;
    if (ceil && room % w.stride[d] != 0 && out * w.stride[d] < w.in[d] + before) {
      ++out;  // a window that starts in the padding at the end would see nothing
    }
    w.before.push_back(before);
    w.after.push_back(after);
    w.out.push_back(out);
  }
  return w;
}

}  // namespace joulesim::models::onnx

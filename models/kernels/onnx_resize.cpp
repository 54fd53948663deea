// Resize and Upsample: nearest, linear and cubic interpolation, axis by axis.
//
// Models:     every coordinate transformation, antialiasing, exclude_outside, crop and resize,
//             aspect-ratio policies.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

struct Axis {
  std::int64_t in = 0;
  std::int64_t out = 0;
  double scale = 1;
  double first = 0;  // region of interest, for tf_crop_and_resize
  double last = 1;
};

struct Settings {
  std::string mode;
  std::string transform;
  std::string nearest;
  double cubic = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double extrapolation = 0;
};

double source_of(const Settings& s, const Axis& a, std::int64_t i) {
  const auto x = static_cast<double>(i);
  const auto in = static_cast<double>(a.in);
  const auto out = static_cast<double>(a.out);
  if (s.transform == "half_pixel") {
    return (x + 0.5) / a.scale - 0.5;
  }
  if (s.transform == "half_pixel_symmetric") {
    // The output may be smaller than in * scale; centre what is left.
    const double adjustment = out / (a.scale * in);
    const double centre = in / 2;
    return centre * (1 - adjustment) + (x + 0.5) / a.scale - 0.5;
  }
  if (s.transform == "pytorch_half_pixel") {
    return a.out > 1 ? (x + 0.5) / a.scale - 0.5 : 0.0;
  }
  if (s.transform == "align_corners") {
    return a.out > 1 ? x * (in - 1) / (out - 1) : 0.0;
  }
  if (s.transform == "asymmetric") {
    return x / a.scale;
  }
  if (s.transform == "tf_half_pixel_for_nn") {
    return (x + 0.5) / a.scale;
  }
  if (s.transform == "tf_crop_and_resize") {
    return a.out > 1 ? a.first * (in - 1) + x * (a.last - a.first) * (in - 1) / (out - 1)
                     : 0.5 * (a.first + a.last) * (in - 1);
  }
  refuse("coordinate_transformation_mode '" + s.transform + "'", "one of the standard's");
}

struct Tap {
  std::int64_t index;
  double weight;
};

double cubic_weight(double distance, double a) {
  const double x = std::fabs(distance);
  if (x <= 1) {
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  }
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
}

std::int64_t nearest_of(const Settings& s, double x) {
  if (s.nearest == "floor") {
    return static_cast<std::int64_t>(std::floor(x));
  }
  if (s.nearest == "ceil") {
    return static_cast<std::int64_t>(std::ceil(x));
  }
  if (s.nearest == "round_prefer_ceil") {
    return static_cast<std::int64_t>(std::floor(x + 0.5));
  }
  return static_cast<std::int64_t>(std::ceil(x - 0.5));
}

// Elements that make one output, with weights that sum to one.
std::vector<Tap> taps_of(const Settings& s, const Axis& a, double x) {
  std::vector<Tap> taps;
  if (s.mode == "nearest") {
    taps.push_back({nearest_of(s, x), 1.0});
  } else {
    const bool cubic = s.mode == "cubic";
    // Antialiasing widens the filter when shrinking.
    const double stretch = s.antialias && a.scale < 1 ? 1 / a.scale : 1.0;
    const double reach = (cubic ? 2.0 : 1.0) * stretch;
    double sum = 0;
    const auto low = static_cast<std::int64_t>(std::floor(x - reach)) + 1;
    const auto high = static_cast<std::int64_t>(std::ceil(x + reach)) - 1;
    for (std::int64_t i = low; i <= std::max(low, high); ++i) {
      const double distance = (static_cast<double>(i) - x) / stretch;
      double weight =
          cubic ? cubic_weight(distance, s.cubic) : std::max(0.0, 1 - std::fabs(distance));
      const bool outside = i < 0 || i >= a.in;
      if (outside && (s.exclude_outside || (s.antialias && stretch > 1))) {
        weight = 0;
      }
      sum += weight;
      taps.push_back({i, weight});
    }
    for (Tap& tap : taps) {
      tap.weight /= sum;
    }
  }
  for (Tap& tap : taps) {
    tap.index = std::clamp<std::int64_t>(tap.index, 0, a.in - 1);
  }
  return taps;
}

Array resized(const Array& x, std::int64_t axis, const Axis& a, const Settings& s) {
  const AroundAxis around(x.shape(), axis);
  Dims shape = x.shape();
  shape[static_cast<std::size_t>(axis)] = a.out;
  Array y(DType::kDouble, shape);
  const auto in = x.read<double>();
  const auto out = y.write<double>();
  for (std::int64_t i = 0; i < a.out; ++i) {
    const double place = source_of(s, a, i);
    const bool beyond =
        s.transform == "tf_crop_and_resize" && (place < 0 || place > static_cast<double>(a.in - 1));
    const std::vector<Tap> taps = taps_of(s, a, place);
    for (std::int64_t b = 0; b < around.before; ++b) {
      for (std::int64_t k = 0; k < around.after; ++k) {
        double sum = 0;
        for (const Tap& tap : taps) {
          sum += tap.weight *
                 in[static_cast<std::size_t>((b * around.along + tap.index) * around.after + k)];
        }
        out[static_cast<std::size_t>((b * a.out + i) * around.after + k)] =
            beyond ? s.extrapolation : sum;
      }
    }
  }
  return y;
}

// Before version 13 outputs outside of the region are judged once all axes are done; the same.
Array resize_all(const Array& given, const std::vector<std::int64_t>& axes,
                 const std::vector<Axis>& sizes, const Settings& s) {
  Dims whole = given.shape();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    whole[static_cast<std::size_t>(axes[i])] = sizes[i].out;
  }
  if (elements_of(whole) == 0 || given.size() == 0) {
    return Array(given.type(), whole);
  }
  Array y = cast(given, DType::kDouble);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool same =
        sizes[i].out == sizes[i].in && sizes[i].scale == 1 && s.transform != "tf_crop_and_resize";
    if (!same) {
      y = resized(y, axes[i], sizes[i], s);
    }
  }
  if (is_integer(given.type())) {
    const bool with_sign = given.type() == DType::kInt8;
    for (double& v : y.write<double>()) {
      v = given.type() == DType::kInt8 || given.type() == DType::kUint8
              ? std::clamp(std::trunc(v), with_sign ? -128.0 : 0.0, with_sign ? 127.0 : 255.0)
              : v;
    }
  }
  return cast(y, given.type());
}

std::int64_t size_from(double scale, std::int64_t in) {
  const double out = std::floor(static_cast<double>(in) * scale);
  expect(scale > 0 && out < 1e9, fmt::format("a scale of {}", scale), "a positive one");
  return static_cast<std::int64_t>(out);
}

void upsample(Call& call) {
  const Array& x = call.in(0);
  std::vector<double> scales;
  if (call.opset() < 9) {
    const std::vector<float> written = call.numbers("scales");
    scales.assign(written.begin(), written.end());
  } else {
    scales = converted<double>(call.in(1));
  }
  expect(static_cast<std::int64_t>(scales.size()) == x.rank(),
         fmt::format("{} scales", scales.size()), fmt::format("{}", x.rank()));
  Settings s;
  s.mode = call.text("mode", "nearest");
  s.transform = "asymmetric";
  s.nearest = "floor";
  std::vector<std::int64_t> axes(scales.size());
  std::iota(axes.begin(), axes.end(), 0);
  std::vector<Axis> sizes;
  for (std::size_t d = 0; d < scales.size(); ++d) {
    sizes.push_back({x.shape()[d], size_from(scales[d], x.shape()[d]), scales[d], 0, 1});
  }
  call.set(0, resize_all(x, axes, sizes, s));
}

// Outputs of the sizes given, or of one common scale that keeps the picture's proportions.
void set_sizes(const Call& call, const std::vector<std::int64_t>& wanted,
               std::vector<Axis>& sizes) {
  const std::string policy = call.text("keep_aspect_ratio_policy", "stretch");
  expect(wanted.size() == sizes.size(), fmt::format("{} sizes", wanted.size()),
         fmt::format("{}", sizes.size()));
  double common = policy == "not_larger" ? 1e30 : 0.0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    expect(wanted[i] >= 0 && wanted[i] < (std::int64_t{1} << 31),
           fmt::format("a size of {}", wanted[i]), "0 to 2^31");
    sizes[i].out = wanted[i];
    sizes[i].scale = static_cast<double>(wanted[i]) / static_cast<double>(sizes[i].in);
    common = policy == "not_larger" ? std::min(common, sizes[i].scale)
                                    : std::max(common, sizes[i].scale);
  }
  if (policy != "stretch") {
    expect(policy == "not_larger" || policy == "not_smaller", "policy '" + policy + "'",
           "stretch, not_larger or not_smaller");
    for (Axis& axis : sizes) {
      axis.scale = common;
      axis.out = std::llround(common * static_cast<double>(axis.in));
    }
  }
}

void resize(Call& call) {
  const Array& x = call.in(0);
  if (call.opset() < 11) {
    upsample(call);
    return;
  }
  Settings s;
  s.mode = call.text("mode", "nearest");
  s.transform = call.text("coordinate_transformation_mode", "half_pixel");
  s.nearest = call.text("nearest_mode", "round_prefer_floor");
  s.cubic = call.number("cubic_coeff_a", -0.75);
  s.exclude_outside = call.integer("exclude_outside", 0) != 0;
  s.antialias = call.integer("antialias", 0) != 0;
  s.extrapolation = call.number("extrapolation_value", 0.0);
  expect(s.mode == "nearest" || s.mode == "linear" || s.mode == "cubic", "mode '" + s.mode + "'",
         "nearest, linear or cubic");
  std::vector<std::int64_t> axes = call.integers("axes");
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  axes = axes_of(std::move(axes), x.rank());
  std::vector<Axis> sizes;
  for (const std::int64_t axis : axes) {
    sizes.push_back({x.dim(axis), x.dim(axis), 1, 0, 1});
  }
  if (s.transform == "tf_crop_and_resize") {
    const std::vector<double> roi = converted<double>(call.in(1));
    expect(roi.size() == 2 * axes.size(), fmt::format("a region of {} numbers", roi.size()),
           fmt::format("{}", 2 * axes.size()));
    for (std::size_t i = 0; i < axes.size(); ++i) {
      sizes[i].first = roi[i];
      sizes[i].last = roi[axes.size() + i];
    }
  }
  if (call.has(3) && call.in(3).size() > 0) {
    set_sizes(call, call.ints_in(3), sizes);
  } else {
    const std::vector<double> scales = converted<double>(call.in(2));
    expect(scales.size() == sizes.size(), fmt::format("{} scales", scales.size()),
           fmt::format("{}", sizes.size()));
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sizes[i].scale = scales[i];
      const double span = s.transform == "tf_crop_and_resize" ? sizes[i].last - sizes[i].first : 1;
      sizes[i].out = size_from(scales[i] * span, sizes[i].in);
    }
  }
  call.set(0, resize_all(x, axes, sizes, s));
}

constexpr KernelRow kRows[] = {
    {"", "Resize", 10, kNewestOpset, resize, Narrow::kWiden},
    {"", "Upsample", 7, 9, upsample, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> resize_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

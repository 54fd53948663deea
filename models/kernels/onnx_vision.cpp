// Operators of vision networks' heads: box suppression, sampling at places.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_window.hpp"

#include <cmath>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

struct Box {
  double top, left, bottom, right;
  [[nodiscard]] double area() const { return (bottom - top) * (right - left); }
};

Box box_of(std::span<const float> b, bool by_centre) {
  if (by_centre) {  // x, y, width, height
    return {b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2};
  }
  return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
}

double overlap(const Box& a, const Box& b) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0 || width <= 0) {
    return 0;
  }
  const double both = height * width;
  return both / (a.area() + b.area() - both);
}

// boxes [batch, n, 4], scores [batch, classes, n], most per class, IoU limit, score limit
void non_max_suppression(Call& call) {
  const Array& boxes = call.in(0);
  const Array& scores = call.in(1);
  expect(boxes.rank() == 3 && boxes.dim(2) == 4 && scores.rank() == 3 &&
             scores.dim(0) == boxes.dim(0) && scores.dim(2) == boxes.dim(1),
         fmt::format("{} and {}", to_string(boxes.shape()), to_string(scores.shape())),
         "[batch,n,4] and [batch,classes,n]");
  const std::int64_t most = call.has(2) ? call.int_in(2) : 0;
  const double most_overlap = call.has(3) ? call.number_in(3) : 0.0;
  const bool by_centre = call.integer("center_point_box", 0) != 0;
  std::vector<std::int64_t> chosen;
  const std::int64_t n = boxes.dim(1);
  for (std::int64_t b = 0; b < boxes.dim(0); ++b) {
    std::vector<Box> all;
    for (std::int64_t i = 0; i < n; ++i) {
      all.push_back(box_of(
          boxes.read<float>().subspan(static_cast<std::size_t>((b * n + i) * 4), 4), by_centre));
    }
    for (std::int64_t c = 0; c < scores.dim(1); ++c) {
      const auto row = scores.read<float>().subspan(
          static_cast<std::size_t>((b * scores.dim(1) + c) * n), static_cast<std::size_t>(n));
      std::vector<std::size_t> order;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (!call.has(4) || static_cast<double>(row[i]) > call.number_in(4)) {
          order.push_back(i);
        }
      }
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t i, std::size_t j) { return row[i] > row[j]; });
      std::vector<std::size_t> kept;
      for (const std::size_t i : order) {
        if (static_cast<std::int64_t>(kept.size()) >= most) {
          break;
        }
        const bool hidden = std::any_of(kept.begin(), kept.end(), [&](std::size_t k) {
          return overlap(all[i], all[k]) > most_overlap;
        });
        if (!hidden) {
          kept.push_back(i);
          chosen.insert(chosen.end(), {b, c, static_cast<std::int64_t>(i)});
        }
      }
    }
  }
  call.set(0, Array::of(DType::kInt64, {static_cast<std::int64_t>(chosen.size() / 3), 3}, chosen));
}

struct Sampling {
  std::string mode;
  std::string padding;
  bool corners;
};

double reflected(double x, double low, double high) {
  const double span = high - low;
  if (span <= 0) {
    return low;
  }
  const double beyond = x < low ? low - x : x > high ? x - high : 0.0;
  if (beyond == 0.0) {
    return x;
  }
  const double turns = std::floor(beyond / span);
  const double rest = beyond - turns * span;
  const bool even = std::fmod(turns, 2) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

// Weights of the elements around x along one axis.
std::vector<std::pair<std::int64_t, double>> taps_of(const Sampling& s, double x) {
  const double base = std::floor(x);
  const double t = x - base;
  const auto i = static_cast<std::int64_t>(base);
  if (s.mode == "nearest") {
    return {{static_cast<std::int64_t>(std::nearbyint(x)), 1.0}};
  }
  if (s.mode == "linear" || s.mode == "bilinear") {
    return {{i, 1 - t}, {i + 1, t}};
  }
  constexpr double kA = -0.75;
  const auto near = [](double d) { return ((kA + 2) * d - (kA + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA; };
  return {{i - 1, far(t + 1)}, {i, near(t)}, {i + 1, near(1 - t)}, {i + 2, far(2 - t)}};
}

void grid_sample(Call& call) {
  const Array x = cast(call.in(0), DType::kDouble);
  const Array grid = cast(call.in(1), DType::kDouble);
  const Sampling s{call.text("mode", call.opset() < 20 ? "bilinear" : "linear"),
                   call.text("padding_mode", "zeros"), call.integer("align_corners", 0) != 0};
  const Dims in = spatial(x);
  const auto rank = static_cast<std::int64_t>(in.size());
  expect(grid.rank() == x.rank() && grid.dim(0) == x.dim(0) && grid.dim(grid.rank() - 1) == rank,
         to_string(grid.shape()), fmt::format("places with {} coordinates", rank));
  expect(s.mode == "nearest" || s.mode == "linear" || s.mode == "bilinear" || s.mode == "cubic" ||
             s.mode == "bicubic",
         "mode '" + s.mode + "'", "nearest, linear or cubic");
  Dims shape{x.dim(0), x.dim(1)};
  shape.insert(shape.end(), grid.shape().begin() + 1, grid.shape().end() - 1);
  Array y(DType::kDouble, shape);
  const std::int64_t places = x.dim(0) * x.dim(1) == 0 ? 0 : y.size() / (x.dim(0) * x.dim(1));
  const std::int64_t plane = elements_of(in);
  for (std::int64_t e = 0; e < y.size(); ++e) {
    const std::int64_t n = e / places / x.dim(1);
    const std::int64_t p = e % places;
    // Coordinates come last axis first.
    std::vector<std::vector<std::pair<std::int64_t, double>>> taps;
    Dims counts;
    for (std::int64_t d = 0; d < rank; ++d) {
      const auto size = static_cast<double>(in[static_cast<std::size_t>(d)]);
      const double g =
          grid.read<double>()[static_cast<std::size_t>((n * places + p) * rank + rank - 1 - d)];
      double at = s.corners ? (g + 1) / 2 * (size - 1) : ((g + 1) * size - 1) / 2;
      const double low = s.corners ? 0.0 : -0.5;
      const double high = s.corners ? size - 1 : size - 0.5;
      if (s.padding == "border" && s.mode != "cubic" && s.mode != "bicubic") {
        at = std::clamp(at, 0.0, size - 1);
      } else if (s.padding == "reflection") {
        at = reflected(at, low, high);
      }
      at = std::isfinite(at) ? std::clamp(at, -1e9, 1e9) : -1e9;
      taps.push_back(taps_of(s, at));
      for (auto& [index, weight] : taps.back()) {
        const auto most = static_cast<std::int64_t>(size) - 1;
        if (s.padding == "border") {
          index = std::clamp<std::int64_t>(index, 0, most);
        } else if (s.padding == "reflection") {
          const auto turned =
              static_cast<std::int64_t>(reflected(static_cast<double>(index), low, high));
          index = std::clamp<std::int64_t>(turned, 0, most);
        } else if (index < 0 || index > most) {
          weight = 0;
          index = 0;
        }
      }
      counts.push_back(static_cast<std::int64_t>(taps.back().size()));
    }
    double sum = 0;
    Dims k(static_cast<std::size_t>(rank), 0);
    do {
      double weight = 1;
      std::int64_t from = 0;
      for (std::size_t d = 0; d < k.size(); ++d) {
        const auto& [index, part] = taps[d][static_cast<std::size_t>(k[d])];
        weight *= part;
        from = from * in[d] + index;
      }
      sum += weight * x.read<double>()[static_cast<std::size_t>(e / places * plane + from)];
    } while (advance(k, counts));
    y.write<double>()[static_cast<std::size_t>(e)] = sum;
  }
  call.set(0, cast(y, call.in(0).type()));
}

// x [n, c, h, w], regions [r, 4] in input coordinates, the image of each
void roi_align(Call& call) {
  const Array& x = call.in(0);
  const Array& regions = call.in(1);
  const std::vector<std::int64_t> images = call.ints_in(2);
  const std::int64_t out_h = call.integer("output_height", 1);
  const std::int64_t out_w = call.integer("output_width", 1);
  const std::int64_t ratio = call.integer("sampling_ratio", 0);
  const double scale = call.number("spatial_scale", 1.0);
  const bool half = call.opset() >= 16 &&
                    call.text("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const bool largest = call.text("mode", "avg") == "max";
  expect(x.rank() == 4 && regions.rank() == 2 && regions.dim(1) == 4 &&
             static_cast<std::int64_t>(images.size()) == regions.dim(0) && out_h > 0 && out_w > 0,
         fmt::format("{} and regions {}", to_string(x.shape()), to_string(regions.shape())),
         "[n,c,h,w] and [r,4]");
  const std::int64_t h = x.dim(2);
  const std::int64_t w = x.dim(3);
  Array y(DType::kFloat, {regions.dim(0), x.dim(1), out_h, out_w});
  std::size_t to = 0;
  for (std::int64_t r = 0; r < regions.dim(0); ++r) {
    const std::int64_t image = images[static_cast<std::size_t>(r)];
    expect(image >= 0 && image < x.dim(0), fmt::format("image {}", image), "one of the batch");
    const auto box = regions.read<float>().subspan(static_cast<std::size_t>(r * 4), 4);
    const double shift = half ? 0.5 : 0.0;
    const double left = static_cast<double>(box[0]) * scale - shift;
    const double top = static_cast<double>(box[1]) * scale - shift;
    double width = static_cast<double>(box[2]) * scale - shift - left;
    double height = static_cast<double>(box[3]) * scale - shift - top;
    if (!half) {
      width = std::max(width, 1.0);
      height = std::max(height, 1.0);
    }
    const double cell_h = height / static_cast<double>(out_h);
    const double cell_w = width / static_cast<double>(out_w);
    const auto samples = [&](double cell) {
      return std::clamp<std::int64_t>(
          ratio > 0 ? ratio : static_cast<std::int64_t>(std::ceil(cell)), 1, 1 << 10);
    };
    const std::int64_t rows = samples(cell_h);
    const std::int64_t columns = samples(cell_w);
    for (std::int64_t c = 0; c < x.dim(1); ++c) {
      const auto plane =
          x.read<float>().subspan(static_cast<std::size_t>((image * x.dim(1) + c) * h * w),
                                  static_cast<std::size_t>(h * w));
      for (std::int64_t i = 0; i < out_h * out_w; ++i) {
        double total = 0;
        double best = -1e300;
        for (std::int64_t k = 0; k < rows * columns; ++k) {
          double py = top + static_cast<double>(i / out_w) * cell_h +
                      (static_cast<double>(k / columns) + 0.5) * cell_h / static_cast<double>(rows);
          double px =
              left + static_cast<double>(i % out_w) * cell_w +
              (static_cast<double>(k % columns) + 0.5) * cell_w / static_cast<double>(columns);
          if (!(py >= -1.0 && py <= static_cast<double>(h) && px >= -1.0 &&
                px <= static_cast<double>(w))) {
            continue;
          }
          py = std::clamp(py, 0.0, static_cast<double>(h - 1));
          px = std::clamp(px, 0.0, static_cast<double>(w - 1));
          const auto y0 = static_cast<std::int64_t>(py);
          const auto x0 = static_cast<std::int64_t>(px);
          const std::int64_t y1 = std::min(y0 + 1, h - 1);
          const std::int64_t x1 = std::min(x0 + 1, w - 1);
          const double ty = py - static_cast<double>(y0);
          const double tx = px - static_cast<double>(x0);
          const auto at = [&](std::int64_t row, std::int64_t column) {
            return static_cast<double>(plane[static_cast<std::size_t>(row * w + column)]);
          };
          const double corners[] = {(1 - ty) * (1 - tx) * at(y0, x0), (1 - ty) * tx * at(y0, x1),
                                    ty * (1 - tx) * at(y1, x0), ty * tx * at(y1, x1)};
          for (const double corner : corners) {
            total += corner;
            best = std::max(best, corner);
          }
        }
        const double mean = total / static_cast<double>(rows * columns);
        y.write<float>()[to++] = static_cast<float>(largest ? std::max(best, -1e300) : mean);
      }
    }
  }
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "NonMaxSuppression", 10, kNewestOpset, non_max_suppression, Narrow::kKeep},
    {"", "GridSample", 16, kNewestOpset, grid_sample, Narrow::kKeep},
    {"", "RoiAlign", 10, kNewestOpset, roi_align, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> vision_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

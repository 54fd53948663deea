// Linear quantisation: per array, per axis, in blocks; to 8, 16 and 4 bits and 8-bit floats.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <limits>

namespace joulesim::models::onnx {
namespace {

struct Range {
  double low;
  double high;
};

Range range_of(DType type) {
  switch (type) {
    case DType::kInt8:
      return {-128, 127};
    case DType::kUint8:
      return {0, 255};
    case DType::kInt16:
      return {-32768, 32767};
    case DType::kUint16:
      return {0, 65535};
    case DType::kInt4:
      return {-8, 7};
    case DType::kUint4:
      return {0, 15};
    case DType::kInt32:
      return {-2147483648.0, 2147483647.0};
    default:
      refuse(std::string(name_of(type)), "an integer of 4 to 32 bits");
  }
}

// Which element of the scales belongs to element i of x.
class ScalePlace {
 public:
  ScalePlace(const Call& call, const Array& x, const Array& scale) : around_(x.shape(), 0) {
    if (scale.size() == 1 && scale.rank() <= 1) {
      kind_ = Kind::kOne;
      return;
    }
    const std::int64_t axis = axis_of(call.integer("axis", 1), x.rank());
    around_ = AroundAxis(x.shape(), axis);
    block_ = call.integer("block_size", 0);
    if (scale.rank() == 1 && block_ == 0) {
      expect(scale.size() == around_.along, fmt::format("{} scales", scale.size()),
             fmt::format("{}", around_.along));
      kind_ = Kind::kAxis;
      return;
    }
    expect(scale.rank() == x.rank() && block_ > 0, "scales of " + to_string(scale.shape()),
           "one, one per place on the axis, or blocks");
    along_ = scale.dim(axis);
    Dims expected = x.shape();
    expected[static_cast<std::size_t>(axis)] = along_;
    expect(scale.shape() == expected && along_ == (around_.along + block_ - 1) / block_,
           "scales of " + to_string(scale.shape()), fmt::format("one per block of {}", block_));
    kind_ = Kind::kBlocks;
  }
  [[nodiscard]] std::size_t operator()(std::int64_t i) const {
    switch (kind_) {
      case Kind::kOne:
        return 0;
      case Kind::kAxis:
        return static_cast<std::size_t>(i / around_.after % around_.along);
      case Kind::kBlocks:
        break;
    }
    const std::int64_t k = i / around_.after % around_.along;
    const std::int64_t before = i / around_.after / around_.along;
    return static_cast<std::size_t>((before * along_ + k / block_) * around_.after +
                                    i % around_.after);
  }

 private:
  enum class Kind : std::uint8_t { kOne, kAxis, kBlocks };
  Kind kind_ = Kind::kOne;
  AroundAxis around_;
  std::int64_t block_ = 0;
  std::int64_t along_ = 0;
};

DType target_type(const Call& call) {
  if (call.has(2)) {
    return call.in(2).type();
  }
  const std::int64_t code = call.integer("output_dtype", 0);
  const auto type = dtype_of_code(code == 0 ? static_cast<std::int64_t>(DType::kUint8) : code);
  expect(type.has_value(), fmt::format("type {}", code), "one of ONNX's element types");
  return *type;
}

std::vector<double> zeros_of(const Call& call, std::size_t count) {
  std::vector<double> zeros =
      call.has(2) ? converted<double>(call.in(2)) : std::vector<double>(count, 0.0);
  expect(zeros.size() == count, fmt::format("{} zero points", zeros.size()),
         fmt::format("{}, as many as scales", count));
  return zeros;
}

void quantize(Call& call) {
  const Array x = cast(call.in(0), DType::kFloat);
  const Array& scale = call.in(1);
  const DType type = target_type(call);
  const std::vector<float> scales = converted<float>(scale);
  const std::vector<double> zeros = zeros_of(call, scales.size());
  const ScalePlace place(call, x, scale);
  const auto in = x.read<float>();
  if (is_float(type)) {  // 8-bit floats have no zero point but zero
    Array steps(DType::kFloat, x.shape());
    for (std::size_t i = 0; i < in.size(); ++i) {
      steps.write<float>()[i] = in[i] / scales[place(static_cast<std::int64_t>(i))];
    }
    call.set(0, cast(steps, type, call.integer("saturate", 1) != 0));
    return;
  }
  const Range range = range_of(type);
  Array codes(DType::kDouble, x.shape());
  const auto out = codes.write<double>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t s = place(static_cast<std::int64_t>(i));
    const double step = std::nearbyint(in[i] / scales[s]) + zeros[s];
    out[i] = std::isnan(step) ? zeros[s] : std::clamp(step, range.low, range.high);
  }
  call.set(0, cast(codes, type));
}

void dequantize(Call& call) {
  const Array& codes = call.in(0);
  const Array& scale = call.in(1);
  const std::vector<double> scales = converted<double>(scale);
  const std::vector<double> zeros = zeros_of(call, scales.size());
  const ScalePlace place(call, codes, scale);
  const std::vector<double> in = converted<double>(codes);
  Array y(DType::kFloat, codes.shape());
  const auto out = y.write<float>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t s = place(static_cast<std::int64_t>(i));
    out[i] = static_cast<float>((in[i] - zeros[s]) * scales[s]);
  }
  // Microsoft's form and the standard's: the result has the scales' type.
  call.set(0, cast(y, scale.type()));
}

// To uint8 over the range of the data, zero included.
void dynamic_quantize(Call& call) {
  const auto x = call.in(0).read<float>();
  float low = 0.0F;
  float high = 0.0F;
  for (const float v : x) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const float scale = (high - low) / 255.0F;
  const float divisor = scale == 0.0F ? 1.0F : scale;
  const float zero = std::nearbyint(std::clamp(-low / divisor, 0.0F, 255.0F));
  Array y(DType::kUint8, call.in(0).shape());
  const auto out = y.write<std::uint8_t>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    out[i] =
        static_cast<std::uint8_t>(std::clamp(std::nearbyint(x[i] / divisor) + zero, 0.0F, 255.0F));
  }
  call.set(0, y);
  call.set(1, Array::of(DType::kFloat, {}, std::vector<float>{divisor}));
  call.set(2, cast(Array::of(DType::kFloat, {}, std::vector<float>{zero}), DType::kUint8));
}

constexpr KernelRow kRows[] = {
    {"", "QuantizeLinear", 10, kNewestOpset, quantize, Narrow::kKeep},
    {"", "DequantizeLinear", 10, kNewestOpset, dequantize, Narrow::kKeep},
    {"", "DynamicQuantizeLinear", 11, kNewestOpset, dynamic_quantize, Narrow::kKeep},
    {"com.microsoft", "QuantizeLinear", 1, 1, quantize, Narrow::kKeep},
    {"com.microsoft", "DequantizeLinear", 1, 1, dequantize, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> quantisation_kernels() { return kRows; }

}  // namespace joulesim::models::onnx

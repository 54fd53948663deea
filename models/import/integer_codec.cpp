#include "models/import/integer_codec.hpp"

#include "models/import/codec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace joulesim::models {
namespace {

template <class T>
void append(std::vector<std::byte>& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  std::memcpy(out.data() + at, &value, sizeof(T));
}

template <class T>
T take(std::span<const std::byte>& from) {
  T value{};
  std::memcpy(&value, from.data(), sizeof(T));
  from = from.subspan(sizeof(T));
  return value;
}

std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::size_t group_of(const IntegerFormat& format, std::size_t columns) {
  return format.group > 0 ? static_cast<std::size_t>(format.group) : columns;
}

// Elements that a group of `elements` fills up to, so that codes end with a whole byte.
std::size_t padded_of(const IntegerFormat& format, std::size_t elements) {
  if (format.group > 0) {
    return static_cast<std::size_t>(format.group);
  }
  const auto bits = static_cast<std::size_t>(format.bits);
  std::size_t padded = elements;
  while (padded * bits % 8 != 0) {
    ++padded;
  }
  return padded;
}

}  // namespace

std::optional<IntegerFormat> integer_format_of(const Format& format) {
  std::string_view rest = format.name;
  if (!rest.starts_with("int")) {
    return std::nullopt;
  }
  rest.remove_prefix(3);
  const auto bits = take_number(rest);
  if (!bits || *bits < 2 || *bits > 8) {
    return std::nullopt;
  }
  IntegerFormat found;
  found.bits = static_cast<int>(*bits);
  if (rest.starts_with("_g")) {
    rest.remove_prefix(2);
    const auto group = take_number(rest);
    if (!group || *group < 1) {
      return std::nullopt;
    }
    found.group = *group;
  }
  found.zero_point = rest == "_zp";
  found.wide_scale = rest == "_fp32";
  return rest.empty() || found.zero_point || found.wide_scale ? std::optional(found) : std::nullopt;
}

GroupScale scale_of(const IntegerFormat& format, std::span<const float> group, float shrink) {
  const auto stored = [&](float scale) {
    return format.wide_scale ? scale : fp16_to_float(float_to_fp16(scale));
  };
  if (format.zero_point) {
    float low = 0.0F;
    float high = 0.0F;
    for (const float x : group) {
      low = std::min(low, x);
      high = std::max(high, x);
    }
    const auto codes = static_cast<float>((1 << format.bits) - 1);
    const float scale = stored((high - low) * shrink / codes);
    if (scale == 0.0F) {
      return {};
    }
    return {scale, std::clamp(std::nearbyint(-low * shrink / scale), 0.0F, codes)};
  }
  float extreme = 0.0F;
  for (const float x : group) {
    if (std::fabs(x) > std::fabs(extreme)) {
      extreme = x;
    }
  }
  if (format.bits == 8) {
    return {stored(std::fabs(extreme) * shrink / 127.0F), 0.0F};
  }
  return {stored(extreme * shrink / static_cast<float>(format.lowest())), 0.0F};
}

int code_of(const IntegerFormat& format, GroupScale scale, float value) {
  if (scale.scale == 0.0F) {
    return static_cast<int>(scale.zero);
  }
  const float lowest =
      format.bits == 8 && !format.zero_point ? -127.0F : static_cast<float>(format.lowest());
  return static_cast<int>(std::clamp(std::nearbyint(value / scale.scale) + scale.zero, lowest,
                                     static_cast<float>(format.highest())));
}

void pack_group(const IntegerFormat& format, GroupScale scale, std::span<const int> codes,
                std::size_t padded, std::vector<std::byte>& out) {
  if (format.wide_scale) {
    append(out, scale.scale);
  } else {
    append(out, float_to_fp16(scale.scale));
  }
  if (format.zero_point) {
    append(out, float_to_fp16(scale.zero));
  }
  const auto bits = static_cast<unsigned>(format.bits);
  const unsigned mask = (1U << bits) - 1U;
  unsigned held = 0;
  unsigned waiting = 0;
  for (std::size_t i = 0; i < padded; ++i) {
    const unsigned code = i < codes.size() ? static_cast<unsigned>(codes[i]) & mask : 0U;
    waiting |= code << held;
    held += bits;
    while (held >= 8) {
      out.push_back(static_cast<std::byte>(waiting & 0xffU));
      waiting >>= 8U;
      held -= 8;
    }
  }
  if (held > 0) {
    out.push_back(static_cast<std::byte>(waiting & 0xffU));
  }
}

void decode_integer_row(const IntegerFormat& format, std::span<const std::byte> row,
                        std::span<float> out) {
  const std::size_t group = group_of(format, out.size());
  const auto bits = static_cast<unsigned>(format.bits);
  const int sign = format.zero_point ? 0 : 1 << (format.bits - 1);
  for (std::size_t start = 0; start < out.size(); start += group) {
    const std::size_t length = std::min(group, out.size() - start);
    GroupScale scale;
    scale.scale = format.wide_scale ? take<float>(row) : fp16_to_float(take<std::uint16_t>(row));
    scale.zero = format.zero_point ? fp16_to_float(take<std::uint16_t>(row)) : 0.0F;
    const std::size_t bytes = (padded_of(format, length) * bits + 7) / 8;
    const auto* codes = reinterpret_cast<const std::uint8_t*>(row.data());
    unsigned held = 0;
    unsigned waiting = 0;
    for (std::size_t i = 0; i < length; ++i) {
      while (held < bits) {
        waiting |= static_cast<unsigned>(*codes++) << held;
        held += 8;
      }
      const auto code = static_cast<int>(waiting & ((1U << bits) - 1U));
      waiting >>= bits;
      held -= bits;
      out[start + i] = value_of(scale, (code ^ sign) - sign);  // two's complement
    }
    row = row.subspan(bytes);
  }
}

void encode_integer_row(const IntegerFormat& format, std::span<const float> row,
                        std::vector<std::byte>& out) {
  const std::size_t group = group_of(format, row.size());
  std::vector<int> codes;
  for (std::size_t start = 0; start < row.size(); start += group) {
    const auto part = row.subspan(start, std::min(group, row.size() - start));
    const GroupScale scale = scale_of(format, part);
    codes.clear();
    for (const float value : part) {
      codes.push_back(code_of(format, scale, value));
    }
    pack_group(format, scale, codes, padded_of(format, part.size()), out);
  }
}

}  // namespace joulesim::models

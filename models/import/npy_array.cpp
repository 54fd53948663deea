#include "models/import/npy_array.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/codec.hpp"
#include "models/import/mapped_file.hpp"
#include "models/import/small_floats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <string_view>

namespace joulesim::models {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Code {
  std::string_view text;  // without the byte order
  DType type;
};
constexpr std::array kCodes{
    Code{"f4", DType::kFloat},  Code{"f8", DType::kDouble}, Code{"f2", DType::kFloat16},
    Code{"i1", DType::kInt8},   Code{"i2", DType::kInt16},  Code{"i4", DType::kInt32},
    Code{"i8", DType::kInt64},  Code{"u1", DType::kUint8},  Code{"u2", DType::kUint16},
    Code{"u4", DType::kUint32}, Code{"u8", DType::kUint64}, Code{"b1", DType::kBool},
};

struct Header {
  std::string descr;
  bool fortran = false;
  Dims shape;
};

[[noreturn]] void refuse_header(const std::string& text) {
  throw BinaryFault(kMagic.size() + 4, "header " + text,
                    "a dictionary of descr, fortran_order and shape");
}

std::string_view after(std::string_view text, std::string_view key, const std::string& whole) {
  const std::size_t at = text.find(key);
  const std::size_t colon = at == std::string_view::npos ? at : text.find(':', at);
  if (colon == std::string_view::npos) {
    refuse_header(whole);
  }
  text.remove_prefix(colon + 1);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

Header parse_header(const std::string& text) {
  Header header;
  std::string_view descr = after(text, "'descr'", text);
  if (descr.empty() || descr[0] != '\'' || descr.find('\'', 1) == std::string_view::npos) {
    refuse_header(text);
  }
  header.descr = std::string(descr.substr(1, descr.find('\'', 1) - 1));
  header.fortran = after(text, "'fortran_order'", text).starts_with("True");
  std::string_view shape = after(text, "'shape'", text);
  const std::size_t close = shape.find(')');
  if (!shape.starts_with('(') || close == std::string_view::npos) {
    refuse_header(text);
  }
  shape = shape.substr(1, close - 1);
  while (!shape.empty()) {
    if (shape[0] == ' ' || shape[0] == ',') {
      shape.remove_prefix(1);
      continue;
    }
    std::int64_t dim = 0;
    const auto [end, error] = std::from_chars(shape.data(), shape.data() + shape.size(), dim);
    if (error != std::errc{} || dim < 0) {
      refuse_header(text);
    }
    header.shape.push_back(dim);
    shape.remove_prefix(static_cast<std::size_t>(end - shape.data()));
  }
  return header;
}

// NumPy's strings: code points of four bytes, padded with zeros.
std::string utf8_of(std::span<const std::byte> points) {
  std::string text;
  for (std::size_t i = 0; i + 4 <= points.size(); i += 4) {
    std::uint32_t c = 0;
    std::memcpy(&c, points.data() + i, 4);
    if (c == 0) {
      break;
    }
    const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (c < 0x80U) {
      put(c);
    } else if (c < 0x800U) {
      put(0xC0U | c >> 6U);
      put(0x80U | (c & 63U));
    } else if (c < 0x10000U) {
      put(0xE0U | c >> 12U);
      put(0x80U | (c >> 6U & 63U));
      put(0x80U | (c & 63U));
    } else {
      put(0xF0U | (c >> 18U & 7U));
      put(0x80U | (c >> 12U & 63U));
      put(0x80U | (c >> 6U & 63U));
      put(0x80U | (c & 63U));
    }
  }
  return text;
}

std::vector<std::uint32_t> points_of(const std::string& text) {
  std::vector<std::uint32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead >= 0xF0U ? 3 : lead >= 0xE0U ? 2 : lead >= 0xC0U ? 1 : 0;
    std::uint32_t c = more == 0 ? lead : lead & (0x3FU >> more);
    for (std::size_t k = 1; k <= more && i + k < text.size(); ++k) {
      c = c << 6U | (static_cast<unsigned char>(text[i + k]) & 63U);
    }
    points.push_back(c);
    i += more + 1;
  }
  return points;
}

// Elements of `width` bytes from the file's order into row-major, native order.
void copy_elements(std::span<const std::byte> data, std::span<std::byte> out, std::size_t width,
                   const Header& header, bool swap) {
  const std::size_t count = width == 0 ? 0 : out.size() / width;
  const std::size_t rank = header.shape.size();
  Dims index(rank, 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t from = i;
    if (header.fortran) {
      from = 0;
      for (std::size_t d = rank; d-- > 0;) {
        from =
            from * static_cast<std::size_t>(header.shape[d]) + static_cast<std::size_t>(index[d]);
      }
      for (std::size_t d = rank; d-- > 0;) {
        if (++index[d] < header.shape[d]) {
          break;
        }
        index[d] = 0;
      }
    }
    const auto element = data.subspan(from * width, width);
    const auto target = out.subspan(i * width, width);
    if (swap) {
      std::reverse_copy(element.begin(), element.end(), target.begin());
    } else {
      std::copy(element.begin(), element.end(), target.begin());
    }
  }
}

Array parse(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  if (reader.text(kMagic.size(), "the magic text") != kMagic) {
    throw BinaryFault(0, "no NumPy array", "\"\\x93NUMPY\"");
  }
  const auto major = reader.number<std::uint8_t>("the version");
  (void)reader.number<std::uint8_t>("the version");
  if (major < 1 || major > 3) {
    throw BinaryFault(kMagic.size(), fmt::format("version {}", major), "1 to 3");
  }
  const std::uint64_t length = major == 1 ? reader.number<std::uint16_t>("the header's length")
                                          : reader.number<std::uint32_t>("the header's length");
  const Header header = parse_header(reader.text(length, "the header"));
  const std::size_t letters = header.descr.find_first_not_of("<>=|");
  const std::string descr = letters == std::string::npos ? "" : header.descr.substr(letters);
  const auto count = static_cast<std::uint64_t>(elements_of(header.shape));
  if (count > bytes.size()) {
    throw BinaryFault(reader.offset(), fmt::format("{} elements", count), "as many bytes at least");
  }
  const bool swap = header.descr.starts_with('>');
  if (descr.starts_with('U')) {
    std::uint64_t width = 0;
    std::from_chars(descr.data() + 1, descr.data() + descr.size(), width);
    if (swap || width > bytes.size()) {
      throw BinaryFault(kMagic.size(), "type '" + header.descr + "'", "little-endian strings");
    }
    const auto data = reader.take(count * width * 4, "the array");
    Array array(DType::kString, header.shape);
    for (std::size_t i = 0; i < count; ++i) {
      array.write<std::string>()[i] = utf8_of(data.subspan(i * width * 4, width * 4));
    }
    return array;
  }
  const auto* code =
      std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& c) { return c.text == descr; });
  if (code == kCodes.end()) {
    throw BinaryFault(kMagic.size(), "type '" + header.descr + "'",
                      "a float, integer, truth value or text type");
  }
  Array array(code->type, header.shape);
  const std::size_t width = bytes_of(code->type);
  const auto data = reader.take(count * width, "the array");
  const std::span<std::byte> out(const_cast<std::byte*>(array.bytes().data()), data.size());
  copy_elements(data, out, width, header, swap && width > 1);
  if (code->type == DType::kBool) {
    for (std::uint8_t& truth : array.write<std::uint8_t>()) {
      truth = truth == 0 ? 0 : 1;
    }
  }
  return array;
}

// A type that NumPy has, for one that it lacks.
Array numpy_form(const Array& array) {
  switch (array.type()) {
    case DType::kInt4:
      return array.retyped(DType::kInt8);
    case DType::kUint4:
      return array.retyped(DType::kUint8);
    case DType::kBfloat16: {
      Array wide(DType::kFloat, array.shape());
      const auto in = array.read<std::uint16_t>();
      std::transform(in.begin(), in.end(), wide.write<float>().begin(), bf16_to_float);
      return wide;
    }
    case DType::kFloat8E4m3fn:
    case DType::kFloat8E4m3fnuz:
    case DType::kFloat8E5m2:
    case DType::kFloat8E5m2fnuz: {
      Array wide(DType::kFloat, array.shape());
      const auto in = array.read<std::uint8_t>();
      std::transform(in.begin(), in.end(), wide.write<float>().begin(),
                     [&](std::uint8_t bits) { return float8_to_float(array.type(), bits); });
      return wide;
    }
    default:
      return array;
  }
}

}  // namespace

Array read_npy_array(const std::string& path) {
  const auto file = MappedFile::open(path);
  try {
    return parse(file->bytes());
  } catch (const BinaryFault& fault) {
    refuse_file(path, fault.what());
  } catch (const ArrayFault& fault) {
    refuse_file(path, fault.what());
  }
}

void write_npy_array(const std::string& path, const Array& given) {
  const Array array = numpy_form(given);
  std::string descr;
  std::string text;
  if (array.type() == DType::kString) {
    std::size_t widest = 1;
    for (const std::string& item : array.read<std::string>()) {
      widest = std::max(widest, points_of(item).size());
    }
    for (const std::string& item : array.read<std::string>()) {
      std::vector<std::uint32_t> points = points_of(item);
      points.resize(widest);
      text.append(reinterpret_cast<const char*>(points.data()), widest * 4);
    }
    descr = fmt::format("<U{}", widest);
  } else {
    const auto* code = std::find_if(kCodes.begin(), kCodes.end(),
                                    [&](const Code& c) { return c.type == array.type(); });
    descr = fmt::format("{}{}", bytes_of(array.type()) == 1 ? '|' : '<', code->text);
    text.assign(reinterpret_cast<const char*>(array.bytes().data()), array.bytes().size());
  }
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                  fmt::join(array.shape(), ", "), array.rank() == 1 ? "," : "");
  const std::size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append((64 - unpadded % 64) % 64, ' ');
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  const char length[2] = {static_cast<char>(header.size() & 255U),
                          static_cast<char>(header.size() >> 8U)};
  out << kMagic << '\x01' << '\x00';
  out.write(length, 2);
  out << header << text;
  out.flush();
  if (!out) {
    refuse_file(path, "cannot be written");
  }
}

}  // namespace joulesim::models

#include "models/import/gguf.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/codec.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <limits>

namespace joulesim::models {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint64_t kLongestName = 65'535;
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::uint64_t kLeastValueBytes = 8 + 4 + 1;           // an empty key, a type, one byte
constexpr std::uint64_t kLeastTensorBytes = 8 + 4 + 8 + 4 + 8;  // an empty name and one dimension

enum ValueType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

struct TypeName {
  std::uint32_t id;
  const char* format;
};
constexpr std::array kTypes = {
    TypeName{0, "fp32"},  TypeName{1, "fp16"},    TypeName{2, "q4_0"},    TypeName{3, "q4_1"},
    TypeName{6, "q5_0"},  TypeName{7, "q5_1"},    TypeName{8, "q8_0"},    TypeName{10, "q2_k"},
    TypeName{11, "q3_k"}, TypeName{12, "q4_k"},   TypeName{13, "q5_k"},   TypeName{14, "q6_k"},
    TypeName{15, "q8_k"}, TypeName{20, "iq4_nl"}, TypeName{23, "iq4_xs"}, TypeName{24, "i8"},
    TypeName{30, "bf16"}, TypeName{34, "tq1_0"},  TypeName{35, "tq2_0"},  TypeName{39, "mxfp4"},
};

class Parser {
 public:
  explicit Parser(std::shared_ptr<const MappedFile> file) : reader_(file->bytes()) {
    gguf_.file = std::move(file);
  }

  GgufFile parse() {
    if (const auto magic = reader_.number<std::uint32_t>("the magic number"); magic != kMagic) {
      throw BinaryFault(0, fmt::format("magic number 0x{:08x}", magic), "\"GGUF\"");
    }
    const auto version = reader_.number<std::uint32_t>("the version");
    if (version != 2 && version != 3) {
      throw BinaryFault(4, fmt::format("version {}", version), "2 or 3");
    }
    const auto tensors = count("tensors", kLeastTensorBytes);
    const auto values = count("key-values", kLeastValueBytes);
    for (std::uint64_t i = 0; i < values; ++i) {
      key_value();
    }
    std::vector<Entry> entries;
    for (std::uint64_t i = 0; i < tensors; ++i) {
      entries.push_back(directory_entry());
    }
    place(entries);
    unpack();
    return std::move(gguf_);
  }

 private:
  struct Entry {
    GgufTensor tensor;
    std::uint64_t offset = 0;    // from the start of the data
    std::size_t written_at = 0;  // of the entry, for messages
  };

  // A count of things of at least `each` bytes, refused when they cannot fit.
  std::uint64_t count(const std::string& what, std::uint64_t each) {
    const std::size_t at = reader_.offset();
    const auto n = reader_.number<std::uint64_t>("the number of " + what);
    if (n > reader_.left() / each) {
      throw BinaryFault(at, fmt::format("{} {}", n, what),
                        fmt::format("at most {}, which fill the {} bytes left",
                                    reader_.left() / each, reader_.left()));
    }
    return n;
  }

  std::string text(const std::string& what) {
    return reader_.text(reader_.number<std::uint64_t>("the length of " + what), what);
  }

  std::string name(const std::string& what) {
    const std::size_t at = reader_.offset();
    std::string found = text(what);
    if (found.empty() || found.size() > kLongestName) {
      throw BinaryFault(at, fmt::format("{} of {} bytes", what, found.size()),
                        fmt::format("1 to {}", kLongestName));
    }
    return found;
  }

  void key_value() {
    const std::size_t at = reader_.offset();
    std::string key = name("a key");
    const std::size_t type_at = reader_.offset();
    const auto type = reader_.number<std::uint32_t>("the type of '" + key + "'");
    GgufValue value = type == kArray ? array(key) : scalar(type, type_at, key);
    if (!gguf_.values.emplace(key, std::move(value)).second) {
      throw BinaryFault(at, "key '" + key + "' a second time", "each key once");
    }
  }

  GgufValue scalar(std::uint32_t type, std::size_t type_at, const std::string& key) {
    const std::string what = "the value of '" + key + "'";
    switch (type) {
      case kBool:
        return boolean(what);
      case kString:
        return text(what);
      case kFloat32:
      case kFloat64:
        return real(type, what);
      default:
        return integer(type, type_at, what);
    }
  }

  bool boolean(const std::string& what) {
    const std::size_t at = reader_.offset();
    const auto byte = reader_.number<std::uint8_t>(what);
    if (byte > 1) {
      throw BinaryFault(at, fmt::format("boolean {}", byte), "0 or 1");
    }
    return byte == 1;
  }

  double real(std::uint32_t type, const std::string& what) {
    return type == kFloat32 ? static_cast<double>(reader_.number<float>(what))
                            : reader_.number<double>(what);
  }

  std::int64_t integer(std::uint32_t type, std::size_t type_at, const std::string& what) {
    const std::size_t at = reader_.offset();
    switch (type) {
      case kUint8:
        return reader_.number<std::uint8_t>(what);
      case kInt8:
        return reader_.number<std::int8_t>(what);
      case kUint16:
        return reader_.number<std::uint16_t>(what);
      case kInt16:
        return reader_.number<std::int16_t>(what);
      case kUint32:
        return reader_.number<std::uint32_t>(what);
      case kInt32:
        return reader_.number<std::int32_t>(what);
      case kInt64:
        return reader_.number<std::int64_t>(what);
      case kUint64: {
        const auto n = reader_.number<std::uint64_t>(what);
        if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
          throw BinaryFault(at, fmt::format("{}", n), "a number below 2^63");
        }
        return static_cast<std::int64_t>(n);
      }
      default:
        throw BinaryFault(type_at, fmt::format("value type {}", type), "0 to 12");
    }
  }

  // The number of items is checked against the bytes left before anything is allocated.
  GgufValue array(const std::string& key) {
    const std::size_t type_at = reader_.offset();
    const auto type = reader_.number<std::uint32_t>("the item type of '" + key + "'");
    const std::string what = "an item of '" + key + "'";
    if (type == kArray) {
      throw BinaryFault(type_at, "an array of arrays in '" + key + "'", "an array of plain values");
    }
    if (type > kFloat64) {
      throw BinaryFault(type_at, fmt::format("item type {} in '{}'", type, key), "0 to 12");
    }
    constexpr std::array<std::uint64_t, 13> kBytes = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
    const std::uint64_t n = count("items of '" + key + "'", kBytes[type]);
    const auto fill = [&](auto items, auto read) -> GgufValue {
      items.reserve(n);
      for (std::uint64_t i = 0; i < n; ++i) {
        items.push_back(read());
      }
      return items;
    };
    switch (type) {
      case kBool:
        return fill(std::vector<bool>{}, [&] { return boolean(what); });
      case kString:
        return fill(std::vector<std::string>{}, [&] { return text(what); });
      case kFloat32:
      case kFloat64:
        return fill(std::vector<double>{}, [&] { return real(type, what); });
      default:
        return fill(std::vector<std::int64_t>{}, [&] { return integer(type, type_at, what); });
    }
  }

  Entry directory_entry() {
    Entry entry;
    entry.written_at = reader_.offset();
    GgufTensor& tensor = entry.tensor;
    tensor.name = name("a tensor's name");
    const std::string of = " of '" + tensor.name + "'";
    const std::size_t at = reader_.offset();
    const auto dimensions = reader_.number<std::uint32_t>("the number of dimensions" + of);
    if (dimensions < 1 || dimensions > kMostDimensions) {
      throw BinaryFault(at, fmt::format("{} dimensions{}", dimensions, of),
                        fmt::format("1 to {}", kMostDimensions));
    }
    std::uint64_t elements = 1;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const std::size_t dimension_at = reader_.offset();
      const auto n = reader_.number<std::uint64_t>("a dimension" + of);
      constexpr std::uint64_t kMostElements = std::uint64_t{1} << 48U;
      if (n == 0 || n > kMostElements / elements) {
        throw BinaryFault(dimension_at, fmt::format("a dimension of {}{}", n, of),
                          fmt::format("1 to {}", kMostElements / elements));
      }
      elements *= n;
      tensor.dimensions.push_back(n);
    }
    tensor.shape.columns = static_cast<std::int64_t>(tensor.dimensions[0]);
    tensor.shape.rows = static_cast<std::int64_t>(elements / tensor.dimensions[0]);
    tensor.format = format(of);
    if (tensor.shape.columns % tensor.format.block_elements != 0) {
      throw BinaryFault(entry.written_at,
                        fmt::format("rows of {} elements{}", tensor.shape.columns, of),
                        fmt::format("a multiple of the {} block of {}", tensor.format.name,
                                    tensor.format.block_elements));
    }
    entry.offset = reader_.number<std::uint64_t>("the offset" + of);
    return entry;
  }

  Format format(const std::string& of) {
    const std::size_t at = reader_.offset();
    const auto id = reader_.number<std::uint32_t>("the type" + of);
    for (const TypeName& type : kTypes) {
      if (type.id == id) {
        return known_format(type.format);
      }
    }
    std::string known;
    for (const TypeName& type : kTypes) {
      known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", type.id, type.format);
    }
    throw BinaryFault(at, fmt::format("tensor type {}{}", id, of), "one of " + known);
  }

  std::uint64_t alignment() {
    constexpr std::int64_t kDefault = 32;
    const auto found = gguf_.values.find("general.alignment");
    if (found == gguf_.values.end()) {
      return kDefault;
    }
    const auto* value = std::get_if<std::int64_t>(&found->second);
    if (value == nullptr || *value < 1 || *value > (1 << 30) ||
        !std::has_single_bit(static_cast<std::uint64_t>(*value))) {
      throw BinaryFault(reader_.offset(), "a 'general.alignment' that is no power of two",
                        "a power of two up to 2^30");
    }
    return static_cast<std::uint64_t>(*value);
  }

  void place(std::vector<Entry>& entries) {
    if (entries.empty()) {
      return;
    }
    const std::uint64_t align = alignment();
    const std::size_t start = (reader_.offset() + align - 1) / align * align;
    reader_.skip_to(start, "the tensor data");
    const auto data = reader_.take(reader_.left(), "the tensor data");
    for (Entry& entry : entries) {
      GgufTensor& tensor = entry.tensor;
      const auto size =
          static_cast<std::uint64_t>(tensor.format.bytes(tensor.shape.rows, tensor.shape.columns));
      if (entry.offset % align != 0) {
        throw BinaryFault(entry.written_at,
                          fmt::format("'{}' at data offset {}", tensor.name, entry.offset),
                          fmt::format("a multiple of {}", align));
      }
      if (entry.offset > data.size() || size > data.size() - entry.offset) {
        throw BinaryFault(
            entry.written_at,
            fmt::format("'{}' of {} bytes at data offset {}", tensor.name, size, entry.offset),
            fmt::format("it to end within the {} bytes of data", data.size()));
      }
      tensor.data = data.subspan(entry.offset, size);
      const std::string name = tensor.name;
      if (!gguf_.tensors.emplace(name, std::move(tensor)).second) {
        throw BinaryFault(entry.written_at, "tensor '" + name + "' a second time",
                          "each name once");
      }
    }
  }

  // Tensors of plain bytes that hold a format without a GGUF type: see
  // models/kernels/gguf_writer.hpp.
  void unpack() {
    const std::string prefix = "joulesim.packed.";
    const auto refuse = [&](const std::string& found, const std::string& expected) {
      throw BinaryFault(reader_.offset(), found, expected);
    };
    if (!gguf_.values.contains(prefix + "names")) {
      return;
    }
    const auto texts = [&](const char* key) {
      const auto found = gguf_.values.find(prefix + key);
      const auto* list = found != gguf_.values.end()
                             ? std::get_if<std::vector<std::string>>(&found->second)
                             : nullptr;
      return list != nullptr ? *list : std::vector<std::string>();
    };
    const auto numbers = [&](const char* key) {
      const auto found = gguf_.values.find(prefix + key);
      const auto* list = found != gguf_.values.end()
                             ? std::get_if<std::vector<std::int64_t>>(&found->second)
                             : nullptr;
      return list != nullptr ? *list : std::vector<std::int64_t>();
    };
    const auto names = texts("names");
    const auto formats = texts("formats");
    const auto rows = numbers("rows");
    const auto columns = numbers("columns");
    if (formats.size() != names.size() || rows.size() != names.size() ||
        columns.size() != names.size()) {
      refuse(fmt::format("'{}names' without as many formats, rows and columns", prefix),
             "one of each for every name");
    }
    constexpr std::int64_t kWidest = 1 << 24;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto format = find_format(formats[i]);
      const auto tensor = gguf_.tensors.find(names[i]);
      const bool sized =
          rows[i] >= 1 && rows[i] <= kWidest && columns[i] >= 1 && columns[i] <= kWidest;
      if (!format || !can_decode(*format) || !sized || tensor == gguf_.tensors.end() ||
          tensor->second.format.name != "i8" ||
          tensor->second.data.size() !=
              static_cast<std::uint64_t>(format->bytes(rows[i], columns[i]))) {
        refuse(fmt::format("'{}' packed as {} of {}x{}", names[i], formats[i], rows[i], columns[i]),
               "a known format that fills a tensor of plain bytes");
      }
      tensor->second.format = *format;
      tensor->second.shape = {rows[i], columns[i]};
      tensor->second.dimensions = {static_cast<std::uint64_t>(columns[i])};
      if (rows[i] > 1) {
        tensor->second.dimensions.push_back(static_cast<std::uint64_t>(rows[i]));
      }
    }
  }

  ByteReader reader_;
  GgufFile gguf_;
};

}  // namespace

bool is_gguf(std::span<const std::byte> bytes) {
  std::uint32_t magic = 0;
  if (bytes.size() < sizeof(magic)) {
    return false;
  }
  std::memcpy(&magic, bytes.data(), sizeof(magic));
  return magic == kMagic;
}

GgufFile parse_gguf(std::shared_ptr<const MappedFile> file) {
  return Parser(std::move(file)).parse();
}

}  // namespace joulesim::models

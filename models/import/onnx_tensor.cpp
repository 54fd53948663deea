// TensorProto's encodings made arrays; tensor files; external data.
#include "models/import/mapped_file.hpp"
#include "models/import/onnx_model.hpp"
#include "models/import/onnx_wire.hpp"
#include "sim/base/diagnostics.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace joulesim::models::onnx {

namespace {

namespace fs = std::filesystem;

DType type_of(const Tensor& tensor) {
  const auto type = dtype_of_code(tensor.type_code);
  if (!type) {
    throw ArrayFault(
        fmt::format("tensor '{}': found element type {}; expected one of ONNX's types "
                    "but complex numbers and 2- or 4-bit floats",
                    tensor.name, tensor.type_code));
  }
  return *type;
}

[[noreturn]] void refuse_count(const Tensor& tensor, std::size_t found, std::size_t expected,
                               const char* unit) {
  throw ArrayFault(fmt::format("tensor '{}': found {} {}; expected {} for {}", tensor.name, found,
                               unit, expected, to_string(tensor.dims)));
}

bool is_4bit(DType type) { return type == DType::kInt4 || type == DType::kUint4; }

// Two to a byte, the low half first.
Array unpack_4bit(const Tensor& tensor, DType type, std::span<const std::byte> packed) {
  Array array(type, tensor.dims);
  const auto out = array.write<std::int8_t>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const unsigned byte = std::to_integer<unsigned>(packed[i / 2]);
    const unsigned nibble = (i % 2 == 0 ? byte : byte >> 4U) & 15U;
    const bool negative = type == DType::kInt4 && nibble >= 8;
    out[i] = static_cast<std::int8_t>(negative ? static_cast<int>(nibble) - 16
                                               : static_cast<int>(nibble));
  }
  return array;
}

Array of_bytes(const Tensor& tensor, DType type, std::span<const std::byte> bytes,
               std::shared_ptr<const void> owner) {
  const auto count = static_cast<std::size_t>(elements_of(tensor.dims));
  const std::size_t expected = is_4bit(type)          ? count / 2 + count % 2
                               : count > bytes.size() ? count  // too many whatever their width
                                                      : count * bytes_of(type);
  if (type == DType::kString) {
    throw ArrayFault(fmt::format("tensor '{}': found raw bytes; expected strings", tensor.name));
  }
  if (bytes.size() != expected) {
    refuse_count(tensor, bytes.size(), expected, "bytes");
  }
  if (is_4bit(type)) {
    return unpack_4bit(tensor, type, bytes);
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % bytes_of(type) == 0;
  if (aligned && type != DType::kBool && owner != nullptr) {
    return Array::view(type, tensor.dims, bytes, std::move(owner));
  }
  Array array(type, tensor.dims);
  if (type == DType::kBool) {  // any byte but zero means true
    std::transform(bytes.begin(), bytes.end(), array.write<std::uint8_t>().begin(),
                   [](std::byte b) { return b == std::byte{0} ? 0 : 1; });
  } else if (!bytes.empty()) {
    std::memcpy(const_cast<std::byte*>(array.bytes().data()), bytes.data(), bytes.size());
  }
  return array;
}

template <class T, class Source>
Array of_values(const Tensor& tensor, DType type, const std::vector<Source>& values) {
  const auto count = static_cast<std::size_t>(elements_of(tensor.dims));
  if (values.size() != count) {
    refuse_count(tensor, values.size(), count, "values");
  }
  Array array(type, tensor.dims);
  const auto out = array.write<T>();
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = static_cast<T>(values[i]);
  }
  return array;
}

// One of the typed fields, which of them depends on the type.
Array of_fields(const Tensor& tensor, DType type) {
  switch (type) {
    case DType::kFloat:
      return of_values<float>(tensor, type, tensor.floats);
    case DType::kDouble:
      return of_values<double>(tensor, type, tensor.doubles);
    case DType::kInt64:
      return of_values<std::int64_t>(tensor, type, tensor.ints);
    case DType::kInt32:
      return of_values<std::int32_t>(tensor, type, tensor.ints);
    case DType::kUint32:
      return of_values<std::uint32_t>(tensor, type, tensor.unsigned_ints);
    case DType::kUint64:
      return of_values<std::uint64_t>(tensor, type, tensor.unsigned_ints);
    case DType::kString:
      return of_values<std::string>(tensor, type, tensor.strings);
    case DType::kInt4:
    case DType::kUint4: {
      std::vector<std::byte> packed;
      for (const std::int64_t value : tensor.ints) {
        packed.push_back(static_cast<std::byte>(value & 255));
      }
      const auto count = static_cast<std::size_t>(elements_of(tensor.dims));
      if (packed.size() != count / 2 + count % 2) {
        refuse_count(tensor, packed.size(), count / 2 + count % 2, "values");
      }
      return unpack_4bit(tensor, type, packed);
    }
    case DType::kBool: {
      std::vector<std::int64_t> truths = tensor.ints;
      for (std::int64_t& truth : truths) {
        truth = truth == 0 ? 0 : 1;
      }
      return of_values<std::uint8_t>(tensor, type, truths);
    }
    default:
      break;
  }
  return bytes_of(type) == 1 ? of_values<std::uint8_t>(tensor, type, tensor.ints)
                             : of_values<std::uint16_t>(tensor, type, tensor.ints);
}

std::uint64_t external_number(const Tensor& tensor, const std::string& key, std::uint64_t missing) {
  const auto found = tensor.external_data.find(key);
  if (found == tensor.external_data.end() || found->second.empty()) {
    return missing;
  }
  std::uint64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw ArrayFault(fmt::format("tensor '{}': found {} '{}' of its external data; expected bytes",
                                 tensor.name, key, text));
  }
  return value;
}

// The file that external data names: a relative path that stays inside the model's folder, links
// included.
fs::path external_path(const Tensor& tensor, const Model& model) {
  const auto found = tensor.external_data.find("location");
  const std::string location = found == tensor.external_data.end() ? "" : found->second;
  const auto refuse = [&](const char* expected) {
    throw ArrayFault(fmt::format("tensor '{}': found external data at '{}'; expected {}",
                                 tensor.name, location, expected));
  };
  const fs::path written(location);
  if (location.empty() || written.is_absolute() ||
      std::find(written.begin(), written.end(), "..") != written.end()) {
    refuse("a file below the model's folder");
  }
  std::error_code fault;
  const fs::path parent = fs::path(model.path).parent_path();
  const fs::path folder = fs::canonical(parent.empty() ? fs::path(".") : parent, fault);
  const fs::path file = fault ? fs::path() : fs::canonical(folder / written, fault);
  if (fault) {
    refuse("a file that exists");
  }
  const fs::path below = file.lexically_relative(folder);
  if (below.empty() || *below.begin() == "..") {
    refuse("a file below the model's folder");
  }
  return file;
}

Array of_external(const Tensor& tensor, const Model& model, DType type) {
  const auto file = MappedFile::open(external_path(tensor, model).string());
  const std::uint64_t size = file->bytes().size();
  const std::uint64_t offset = external_number(tensor, "offset", 0);
  const auto count = static_cast<std::uint64_t>(elements_of(tensor.dims));
  if (offset > size || count / 2 > size) {
    throw ArrayFault(
        fmt::format("tensor '{}': found external data at offset {} of {} bytes; "
                    "expected it to lie within the file",
                    tensor.name, offset, size));
  }
  const std::uint64_t needed = is_4bit(type) ? count / 2 + count % 2 : count * bytes_of(type);
  const std::uint64_t length = external_number(tensor, "length", needed);
  if (length > size - offset) {
    throw ArrayFault(
        fmt::format("tensor '{}': found {} bytes of external data at offset {} of {}; "
                    "expected them to lie within the file",
                    tensor.name, length, offset, size));
  }
  return of_bytes(
      tensor, type,
      file->bytes().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)),
      file);
}

// Runs a reader of a file; its faults get the file's name.
template <class Read>
auto reading(const std::string& path, Read read) {
  const auto file = MappedFile::open(path);
  try {
    return read(file);
  } catch (const protozero::exception& fault) {
    refuse_file(path, fmt::format("found damaged protobuf ({})", fault.what()));
  } catch (const InputError&) {
    throw;
  } catch (const std::runtime_error& fault) {
    refuse_file(path, fault.what());
  }
}

Wire wire_of(const MappedFile& file, const char* what) {
  return {{reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, what};
}

Array array_of_view(protozero::data_view view) {
  return array_of(parse_tensor({reinterpret_cast<const std::byte*>(view.data()), view.size()}),
                  Model());
}

TensorList sequence_of(Wire wire) {
  TensorList list;
  list.is_sequence = true;
  while (wire.next()) {
    if (wire.field() == 3) {
      list.arrays.push_back(array_of_view(wire.bytes()));
    } else {
      wire.skip();
    }
  }
  return list;
}

}  // namespace

Array array_of(const Tensor& tensor, const Model& model) {
  const DType type = type_of(tensor);
  if (tensor.external) {
    return of_external(tensor, model, type);
  }
  return tensor.has_raw ? of_bytes(tensor, type, tensor.raw, model.owner) : of_fields(tensor, type);
}

Array read_tensor_file(const std::string& path) {
  return reading(path, [](const std::shared_ptr<const MappedFile>& file) {
    Model alone;
    alone.owner = file;
    return array_of(parse_tensor(file->bytes()), alone);
  });
}

TensorList read_sequence_file(const std::string& path) {
  return reading(path, [](const std::shared_ptr<const MappedFile>& file) {
    return sequence_of(wire_of(*file, "SequenceProto"));
  });
}

TensorList read_optional_file(const std::string& path) {
  return reading(path, [](const std::shared_ptr<const MappedFile>& file) {
    TensorList list;
    Wire wire = wire_of(*file, "OptionalProto");
    while (wire.next()) {
      if (wire.field() == 3) {
        list.arrays.push_back(array_of_view(wire.bytes()));
      } else if (wire.field() == 5) {
        list = sequence_of(wire.message("SequenceProto"));
      } else {
        wire.skip();
      }
    }
    return list;
  });
}

}  // namespace joulesim::models::onnx

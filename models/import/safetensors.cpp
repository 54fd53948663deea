#include "models/import/safetensors.hpp"

#include "models/import/byte_reader.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>

namespace joulesim::models {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMostDimensions = 8;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 48U;

class Parser {
 public:
  Parser(std::shared_ptr<const MappedFile> file, std::map<std::string, WeightMatrix>& tensors)
      : file_(std::move(file)), reader_(file_->bytes()), tensors_(tensors) {}

  void parse() {
    const auto size = reader_.number<std::uint64_t>("the header's length");
    if (size > kLargestHeader) {
      throw BinaryFault(0, fmt::format("a header of {} bytes", size),
                        fmt::format("at most {}", kLargestHeader));
    }
    const std::string text = reader_.text(size, "the header");
    const Json header = Json::parse(text, nullptr, false);
    if (!header.is_object()) {
      throw BinaryFault(sizeof(size), "a header that is no JSON object", "one");
    }
    data_ = reader_.take(reader_.left(), "the data");
    for (const auto& [name, entry] : header.items()) {
      if (name != "__metadata__") {
        add(name, entry);
      }
    }
  }

 private:
  [[noreturn]] static void refuse(const std::string& name, const std::string& found,
                                  const std::string& expected) {
    throw BinaryFault(sizeof(std::uint64_t), found + " of '" + name + "'", expected);
  }

  static Format format(const std::string& name, const Json& entry) {
    const std::string type = entry.contains("dtype") && entry["dtype"].is_string()
                                 ? entry["dtype"].get<std::string>()
                                 : std::string();
    for (const auto& [theirs, ours] : {std::pair{"F32", "fp32"},
                                       {"F16", "fp16"},
                                       {"BF16", "bf16"},
                                       {"F8_E4M3", "fp8_e4m3"},
                                       {"F8_E5M2", "fp8_e5m2"}}) {
      if (type == theirs) {
        return known_format(ours);
      }
    }
    refuse(name, "type '" + type + "'", "F32, F16, BF16, F8_E4M3 or F8_E5M2");
  }

  static std::vector<std::uint64_t> numbers(const std::string& name, const Json& entry,
                                            const char* key, std::size_t most) {
    std::vector<std::uint64_t> found;
    const bool listed = entry.contains(key) && entry[key].is_array() && entry[key].size() <= most;
    if (!listed) {
      refuse(name, fmt::format("no '{}'", key), fmt::format("a list of at most {} numbers", most));
    }
    for (const Json& item : entry[key]) {
      if (!item.is_number_unsigned()) {
        refuse(name, fmt::format("a '{}' that is no list of whole numbers", key), "one");
      }
      found.push_back(item.get<std::uint64_t>());
    }
    return found;
  }

  static Shape shape(const std::string& name, const std::vector<std::uint64_t>& dimensions) {
    std::uint64_t elements = 1;
    for (const std::uint64_t n : dimensions) {
      if (n == 0 || n > kMostElements / elements) {
        refuse(name, fmt::format("a dimension of {}", n),
               fmt::format("1 to {}", kMostElements / elements));
      }
      elements *= n;
    }
    const std::uint64_t columns = dimensions.empty() ? 1 : dimensions.back();
    return {static_cast<std::int64_t>(elements / columns), static_cast<std::int64_t>(columns)};
  }

  void add(const std::string& name, const Json& entry) {
    if (!entry.is_object()) {
      refuse(name, "no JSON object", "dtype, shape and data_offsets");
    }
    WeightMatrix weight;
    weight.format = format(name, entry);
    weight.shape = shape(name, numbers(name, entry, "shape", kMostDimensions));
    const auto offsets = numbers(name, entry, "data_offsets", 2);
    const auto size =
        static_cast<std::uint64_t>(weight.format.bytes(weight.shape.rows, weight.shape.columns));
    if (offsets.size() != 2 || offsets[1] > data_.size() || offsets[0] > offsets[1] ||
        offsets[1] - offsets[0] != size) {
      refuse(name, fmt::format("data offsets {}", entry["data_offsets"].dump()),
             fmt::format("{} bytes within the {} of the data", size, data_.size()));
    }
    weight.data = data_.subspan(offsets[0], size);
    weight.owner = file_;
    if (!tensors_.emplace(name, std::move(weight)).second) {
      refuse(name, "a second tensor", "each name once in all files of the model");
    }
  }

  std::shared_ptr<const MappedFile> file_;
  ByteReader reader_;
  std::span<const std::byte> data_;
  std::map<std::string, WeightMatrix>& tensors_;
};

}  // namespace

void read_safetensors(const std::string& path, std::map<std::string, WeightMatrix>& tensors) {
  try {
    Parser(MappedFile::open(path), tensors).parse();
  } catch (const BinaryFault& fault) {
    refuse_file(path, fault.what());
  }
}

}  // namespace joulesim::models

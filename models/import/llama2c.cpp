#include "models/import/llama2c.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/codec.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <functional>
#include <optional>

namespace joulesim::models {
namespace {

constexpr std::uint32_t kMagic = 0x616b3432;
constexpr std::size_t kHeaderBytes = 256;  // of versions 1 and 2
constexpr std::size_t kInts = 7;
// Fixed by the format's own reader, not written in the file.
constexpr double kNormEpsilon = 1e-5;
constexpr double kRopeBase = 10'000.0;

struct Header {
  std::int64_t hidden, ffn, layers, heads, kv_heads, vocab, positions;
  bool tied;

  [[nodiscard]] std::int64_t head_dim() const { return hidden / heads; }
  [[nodiscard]] std::int64_t kv_width() const { return kv_heads * head_dim(); }
};

// What contradicts itself, or nothing.
std::optional<std::string> fault_of(const Header& h) {
  constexpr std::int64_t kMost = 1 << 24;
  for (const std::int64_t n :
       {h.hidden, h.ffn, h.layers, h.heads, h.kv_heads, h.vocab, h.positions}) {
    if (n < 1 || n > kMost) {
      return fmt::format("a dimension of {}", n);
    }
  }
  if (h.hidden % h.heads != 0 || h.heads % h.kv_heads != 0 || h.head_dim() % 2 != 0) {
    return fmt::format("a width of {} for {} heads and {} key-value heads", h.hidden, h.heads,
                       h.kv_heads);
  }
  return std::nullopt;
}

Header read_ints(ByteReader& reader) {
  std::array<std::int64_t, kInts> n{};
  for (std::int64_t& value : n) {
    value = reader.number<std::int32_t>("the header");
  }
  const bool tied = n[5] > 0;
  return {n[0], n[1], n[2], n[3], n[4], tied ? n[5] : -n[5], n[6], tied};
}

// Names and shapes of the matrices that every version stores, in the order of versions 1 and 2.
struct Group {
  const char* name;
  Shape shape;
};
std::array<Group, 7> layer_matrices(const Header& h) {
  return {{{"attn.query", {h.hidden, h.hidden}},
           {"attn.key", {h.kv_width(), h.hidden}},
           {"attn.value", {h.kv_width(), h.hidden}},
           {"attn.out", {h.hidden, h.hidden}},
           {"ffn.gate", {h.ffn, h.hidden}},
           {"ffn.down", {h.hidden, h.ffn}},
           {"ffn.up", {h.ffn, h.hidden}}}};
}

class Reader {
 public:
  Reader(std::shared_ptr<const MappedFile> file, Model& model)
      : file_(std::move(file)), reader_(file_->bytes()), model_(model) {}

  void read() {
    std::uint32_t magic = 0;
    std::memcpy(&magic, file_->bytes().data(), sizeof(magic));
    if (magic != kMagic) {
      header_ = read_ints(reader_);
      check_header();
      read_version_0();
      return;
    }
    reader_.number<std::uint32_t>("the magic number");
    const auto version = reader_.number<std::int32_t>("the version");
    if (version != 1 && version != 2) {
      throw BinaryFault(4, fmt::format("version {}", version), "1 or 2");
    }
    header_ = read_ints(reader_);
    header_.tied = reader_.number<std::uint8_t>("the sharing flag") != 0;
    std::optional<std::int64_t> group;  // none = fp32
    if (version == 2) {
      group = reader_.number<std::int32_t>("the group size");
    }
    check_header();
    reader_.skip_to(kHeaderBytes, "the weights");
    read_vectors("attn.norm");
    read_vectors("ffn.norm");
    add("final_norm", fp32({1, header_.hidden}));
    read_matrices(group);
  }

  [[nodiscard]] const Header& header() const { return header_; }

 private:
  void check_header() {
    if (const auto fault = fault_of(header_)) {
      throw BinaryFault(0, *fault, "a llama2.c header");
    }
    // A layer holds at least one float, so a short file cannot ask for many.
    if (static_cast<std::size_t>(header_.layers) > file_->bytes().size()) {
      throw BinaryFault(0, fmt::format("{} layers", header_.layers),
                        "as many as the file can hold");
    }
  }

  void add(const std::string& name, WeightMatrix weight) {
    model_.spec.format_of.emplace(name, weight.format);
    model_.weights.emplace(name, std::move(weight));
  }

  WeightMatrix fp32(Shape shape) {
    const Format format = known_format("fp32");
    const auto size = static_cast<std::uint64_t>(format.bytes(shape.rows, shape.columns));
    return {format, shape, reader_.take(size, "a matrix of " + to_string(shape)), file_};
  }

  // int8 codes of the whole matrix, then its scales: interleaved here so that a block is in one
  // place.
  WeightMatrix int8(Shape shape, std::int64_t group) {
    if (group < 1 || shape.columns % group != 0) {
      throw BinaryFault(reader_.offset(),
                        fmt::format("groups of {} in rows of {}", group, shape.columns),
                        "rows of whole groups");
    }
    const auto format = find_format(fmt::format("int8_g{}_fp32", group));
    if (!format) {
      throw BinaryFault(reader_.offset(), fmt::format("groups of {}", group), "smaller groups");
    }
    const auto elements = static_cast<std::uint64_t>(shape.elements());
    const auto width = static_cast<std::size_t>(group);
    const auto codes = reader_.take(elements, "the codes of a matrix of " + to_string(shape));
    const auto scales = reader_.take(elements / width * sizeof(float), "the scales of a matrix");
    auto bytes = std::make_shared<std::vector<std::byte>>();
    bytes->reserve(codes.size() + scales.size());
    for (std::size_t i = 0; i < codes.size() / width; ++i) {
      const auto scale = scales.subspan(i * sizeof(float), sizeof(float));
      const auto block = codes.subspan(i * width, width);
      bytes->insert(bytes->end(), scale.begin(), scale.end());
      bytes->insert(bytes->end(), block.begin(), block.end());
    }
    const std::span<const std::byte> data(*bytes);
    return {*format, shape, data, std::move(bytes)};
  }

  void read_vectors(const char* name) {
    for (std::int64_t layer = 0; layer < header_.layers; ++layer) {
      add(fmt::format("block.{}.{}", layer, name), fp32({1, header_.hidden}));
    }
  }

  void read_layers(const Group& matrix, std::optional<std::int64_t> group) {
    for (std::int64_t layer = 0; layer < header_.layers; ++layer) {
      add(fmt::format("block.{}.{}", layer, matrix.name),
          group ? int8(matrix.shape, *group) : fp32(matrix.shape));
    }
  }

  void read_matrices(std::optional<std::int64_t> group) {
    const Shape table{header_.vocab, header_.hidden};
    add("embedding", group ? int8(table, *group) : fp32(table));
    for (const Group& matrix : layer_matrices(header_)) {
      read_layers(matrix, group);
    }
    if (!header_.tied) {
      add("head", group ? int8(table, *group) : fp32(table));
    }
  }

  void read_version_0() {
    const Shape table{header_.vocab, header_.hidden};
    const auto matrices = layer_matrices(header_);
    add("embedding", fp32(table));
    read_vectors("attn.norm");
    for (std::size_t i = 0; i < 4; ++i) {
      read_layers(matrices[i], std::nullopt);
    }
    read_vectors("ffn.norm");
    for (std::size_t i = 4; i < matrices.size(); ++i) {
      read_layers(matrices[i], std::nullopt);
    }
    add("final_norm", fp32({1, header_.hidden}));
    fp32({header_.positions, header_.head_dim()});  // two rotary tables of half that width each
    if (!header_.tied) {
      add("head", fp32(table));
    }
  }

  std::shared_ptr<const MappedFile> file_;
  ByteReader reader_;
  Model& model_;
  Header header_{};
};

// Bytes of a version 0 file with this header.
std::int64_t version_0_bytes(const Header& h) {
  std::int64_t per_layer = 2 * h.hidden;
  for (const Group& matrix : layer_matrices(h)) {
    per_layer += matrix.shape.elements();
  }
  const std::int64_t table = h.vocab * h.hidden;
  const std::int64_t floats =
      table * (h.tied ? 1 : 2) + h.layers * per_layer + h.hidden + h.positions * h.head_dim();
  return static_cast<std::int64_t>(kInts * sizeof(std::int32_t)) + 4 * floats;
}

}  // namespace

bool is_llama2c(std::span<const std::byte> bytes) {
  if (bytes.size() < kInts * sizeof(std::int32_t)) {
    return false;
  }
  ByteReader reader(bytes);
  std::uint32_t magic = 0;
  std::memcpy(&magic, bytes.data(), sizeof(magic));
  if (magic == kMagic) {
    return true;
  }
  const Header header = read_ints(reader);
  // 2^24 per dimension keeps the products below 2^63 only for real headers: check sizes in double
  // first.
  return !fault_of(header) &&
         static_cast<double>(header.layers) * static_cast<double>(header.hidden) *
                 static_cast<double>(header.hidden + header.ffn) <
             0x1.0p56 &&
         version_0_bytes(header) == static_cast<std::int64_t>(bytes.size());
}

Model model_from_llama2c(std::shared_ptr<const MappedFile> file, const std::string& path) {
  Model model;
  Reader reader(std::move(file), model);
  reader.read();
  const Header& header = reader.header();
  ModelSpec& spec = model.spec;
  const std::size_t slash = path.find_last_of('/');
  spec.id = slash == std::string::npos ? path : path.substr(slash + 1);
  spec.title = spec.id;
  spec.hidden = header.hidden;
  spec.head_dim = header.head_dim();
  spec.vocab = header.vocab;
  spec.max_context = header.positions;
  spec.stack.assign(static_cast<std::size_t>(header.layers),
                    {header.heads, header.kv_heads, header.ffn});
  spec.tied = header.tied;
  spec.norm_epsilon = kNormEpsilon;
  spec.rope_base = kRopeBase;
  spec.rotary = spec.head_dim;
  spec.rope_layout = RopeLayout::kAdjacent;
  spec.formats = uniform_formats(known_format("fp32"));
  for (const std::string& fault : weight_faults(model)) {
    refuse_file(path, fault);
  }
  return model;
}

TokenTable read_llama2c_tokens(const std::string& path, std::int64_t vocab) {
  const auto file = MappedFile::open(path);
  TokenTable table;
  table.kind = "llama";
  table.space_prefix = true;
  table.unknown_id = 0;
  table.begin_id = 1;
  table.end_id = 2;
  try {
    ByteReader reader(file->bytes());
    reader.number<std::int32_t>("the longest token");
    for (std::int64_t id = 0; id < vocab; ++id) {
      table.scores.push_back(reader.number<float>("a token's score"));
      const std::size_t at = reader.offset();
      const auto length = reader.number<std::int32_t>("a token's length");
      if (length < 0) {
        throw BinaryFault(at, fmt::format("a token of {} bytes", length), "none below zero");
      }
      table.tokens.push_back(reader.text(static_cast<std::uint64_t>(length), "a token"));
    }
  } catch (const BinaryFault& fault) {
    refuse_file(path, fault.what());
  }
  return table;
}

}  // namespace joulesim::models

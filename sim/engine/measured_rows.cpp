#include "sim/engine/measured_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>

namespace joulesim::engine {
namespace {

std::vector<std::string> fields_of(std::string line) {
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// Reads the fields of one row and remembers the first that is wrong.
class RowReader {
 public:
  RowReader(const MeasuredTable& table, std::size_t row) : table_(table), row_(row) {}

  std::int64_t count(const char* column, std::int64_t otherwise = -1) {
    constexpr double kMost = 1e13;
    const std::string& text = table_.field(row_, column);
    if (text.empty() && otherwise >= 0) {
      return otherwise;
    }
    const auto value = number_of(text);
    const double least =
        otherwise >= 0 ? static_cast<double>(std::min<std::int64_t>(otherwise, 1)) : 1;
    if (!value || *value < least || *value > kMost) {
      fail(fmt::format("{} is '{}'; expected a count", column, text));
      return 1;
    }
    return std::llround(*value);
  }
  double positive(const char* column) {
    const std::string& text = table_.field(row_, column);
    const auto value = number_of(text);
    if (!value || *value <= 0) {
      fail(fmt::format("{} is '{}'; expected a positive number", column, text));
      return 1;
    }
    return *value;
  }
  StoredType type(const char* column, const char* otherwise = "fp16") {
    const std::string& text = table_.field(row_, column);
    const auto found = stored_type(text.empty() ? otherwise : text);
    if (!found) {
      fail(fmt::format("{} is '{}', which is no known type", column, text));
      return {};
    }
    return *found;
  }
  void fail(const std::string& reason) {
    if (fault_.empty()) {
      fault_ = reason;
    }
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] const std::string& text(const char* column) const {
    return table_.field(row_, column);
  }

 private:
  const MeasuredTable& table_;
  std::size_t row_;
  std::string fault_;
};

// Wide activations under narrow weights: the product runs in the wide type. Narrow activations
// arrive wide and are quantised by a kernel before.
void set_types(hw::KernelRequest& request, const StoredType& activation, const StoredType& weight) {
  constexpr double kWide = 16;
  request.type = activation.type;
  request.weight_bits = weight.bits;
  request.activation_bits = std::max(kWide, activation.bits);
  request.output_bits = request.activation_bits;
}

hw::KernelRequest gemm_of(RowReader& row) {
  hw::KernelRequest request;
  request.op = hw::KernelOp::gemm;
  request.m = row.count("m");
  request.n = row.count("n");
  request.k = row.count("k");
  set_types(request, row.type("dtype_a"), row.type("dtype_w"));
  return request;
}

hw::KernelRequest attention_of(RowReader& row) {
  hw::KernelRequest request;
  request.op = hw::KernelOp::attention;
  request.batch = row.count("batch");
  request.q_len = row.count("q_len");
  request.kv_len = row.count("kv_len");
  request.heads = row.count("heads");
  request.kv_heads = row.count("kv_heads");
  request.head_dim = row.count("head_dim");
  request.window = row.count("window", 0);
  const StoredType type = row.type("dtype", "bf16");
  request.type = type.type;
  request.activation_bits = request.output_bits = std::max(16.0, type.bits);
  request.kv_bits = row.type("kv_dtype", "bf16").bits;
  if (request.heads % std::max<std::int64_t>(1, request.kv_heads) != 0) {
    row.fail(
        fmt::format("{} heads do not share {} KV heads evenly", request.heads, request.kv_heads));
  }
  if (request.q_len > request.kv_len) {
    row.fail("q_len is more than kv_len, which includes it");
  }
  return request;
}

hw::KernelRequest elementwise_of(RowReader& row) {
  constexpr std::array<std::pair<const char*, hw::VectorOp>, 14> kOps = {
      {{"add", hw::VectorOp::add},
       {"residual_add", hw::VectorOp::add},
       {"gelu", hw::VectorOp::gelu},
       {"relu", hw::VectorOp::gelu},
       {"silu", hw::VectorOp::gelu},
       {"act", hw::VectorOp::gelu},
       {"silu_mul", hw::VectorOp::silu_mul},
       {"rmsnorm", hw::VectorOp::rmsnorm},
       {"layernorm", hw::VectorOp::layernorm},
       {"softmax", hw::VectorOp::softmax},
       {"rope", hw::VectorOp::rope},
       {"embedding", hw::VectorOp::embedding},
       {"mul", hw::VectorOp::add},
       {"elementwise", hw::VectorOp::add}}};
  hw::KernelRequest request;
  request.op = hw::KernelOp::elementwise;
  const std::string& name = row.text("op");
  const auto* found =
      std::find_if(kOps.begin(), kOps.end(), [&](const auto& op) { return name == op.first; });
  if (found == kOps.end()) {
    row.fail(fmt::format("op is '{}', which is no known vector operator", name));
  } else {
    request.vector = found->second;
  }
  request.rows = row.count("rows");
  request.width = row.count("width");
  const StoredType type = row.type("dtype");
  request.type = type.type;
  request.activation_bits = request.output_bits = type.bits;
  request.eager = row.text("variant").starts_with("eager");
  return request;
}

hw::KernelRequest moe_of(RowReader& row) {
  hw::KernelRequest request;
  request.op = hw::KernelOp::moe;
  request.tokens = row.count("tokens");
  request.hidden = row.count("hidden");
  request.inter = row.count("inter");
  request.topk = row.count("topk");
  request.experts = row.count("experts");
  request.tensor_shards = row.count("moe_tp", 1);
  request.expert_shards = row.count("moe_ep", 1);
  const std::string& dtype = row.text("dtype");
  const StoredType type = row.type("dtype", "bf16");
  const bool only_weights = dtype.ends_with("_wo") || dtype.starts_with("w4a16");
  set_types(request, only_weights ? StoredType{hw::DataType::bf16, 16} : type, type);
  if (!only_weights) {
    request.activation_bits = std::max(16.0, type.bits);
  }
  const std::string& routing = row.text("routing");
  constexpr std::string_view kPower = "power_law_";
  if (routing.starts_with(kPower)) {
    const auto skew = number_of(routing.substr(kPower.size()));
    if (skew && *skew >= 0) {
      request.skew = *skew;
    } else {
      row.fail(fmt::format("routing is '{}'; expected an exponent after power_law_", routing));
    }
  } else if (!routing.empty() && routing != "uniform" && routing != "balanced") {
    row.fail(fmt::format("routing is '{}'; expected uniform, balanced or power_law_A", routing));
  }
  if (request.experts % std::max<std::int64_t>(1, request.expert_shards) != 0 ||
      request.topk > request.experts || request.tensor_shards > request.inter) {
    row.fail("experts do not divide over the shards, or fewer than topk");
  }
  return request;
}

}  // namespace

const std::string& MeasuredTable::field(std::size_t row, const std::string& column) const {
  static const std::string none;
  const auto found = std::find(columns.begin(), columns.end(), column);
  return found == columns.end()
             ? none
             : rows.at(row).at(static_cast<std::size_t>(found - columns.begin()));
}

MeasuredTable read_measured(const std::string& path, const std::string& kind) {
  Diagnostics faults;
  std::ifstream in(path);
  MeasuredTable table;
  table.path = path;
  table.kind = kind;
  std::string line;
  if (!in || !std::getline(in, line) || line.empty()) {
    faults.error(path, "found no header line; expected comma-separated column names");
    throw InputError(std::move(faults));
  }
  table.columns = fields_of(line);
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line == "\r") {
      continue;
    }
    auto fields = fields_of(line);
    if (fields.size() != table.columns.size()) {
      faults.error(fmt::format("{}:{}", path, number),
                   fmt::format("found {} fields; expected {} as in the header", fields.size(),
                               table.columns.size()));
    } else {
      table.rows.push_back(std::move(fields));
    }
  }
  for (const char* column : {"gpu"}) {
    if (std::find(table.columns.begin(), table.columns.end(), column) == table.columns.end()) {
      faults.error(path, fmt::format("found no column '{}'", column));
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return table;
}

MeasuredRow measured_row(const MeasuredTable& table, std::size_t index) {
  RowReader reader(table, index);
  MeasuredRow row;
  row.measured_us = table.field(index, "time_us").empty() ? 0 : reader.positive("time_us");
  if (table.kind == "gemm") {
    row.kernel = gemm_of(reader);
  } else if (table.kind.starts_with("attention")) {
    row.kernel = attention_of(reader);
  } else if (table.kind == "elementwise_norm") {
    row.kernel = elementwise_of(reader);
  } else if (table.kind == "moe") {
    row.kernel = moe_of(reader);
  } else {
    AllReduceRequest request;
    request.bytes = Bytes(static_cast<double>(reader.count("bytes")));
    request.gpus = reader.count("n_gpus");
    request.boxes = reader.count("n_nodes", 1);
    if (reader.text("op") != "all_reduce" && !reader.text("op").empty()) {
      reader.fail(fmt::format("op is '{}'; expected all_reduce", reader.text("op")));
    }
    row.all_reduce = request;
  }
  if (!reader.fault().empty()) {
    row.skipped = reader.fault();
    row.kernel.reset();
    row.all_reduce.reset();
  }
  return row;
}

}  // namespace joulesim::engine

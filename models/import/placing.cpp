#include "models/import/placing.hpp"

#include "models/arch/build_graph.hpp"
#include "models/import/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

namespace joulesim::models {
namespace {

// The numbers that stand where the pattern has '#'.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view name) {
  std::vector<std::string> numbers;
  while (!pattern.empty()) {
    if (pattern.front() == '#') {
      const std::size_t digits = name.find_first_not_of("0123456789");
      const std::size_t count = digits == std::string_view::npos ? name.size() : digits;
      if (count == 0 || count > 6) {
        return std::nullopt;
      }
      numbers.emplace_back(name.substr(0, count));
      name.remove_prefix(count);
    } else if (name.empty() || name.front() != pattern.front()) {
      return std::nullopt;
    } else {
      name.remove_prefix(1);
    }
    pattern.remove_prefix(1);
  }
  return name.empty() ? std::optional(numbers) : std::nullopt;
}

using Bytes = std::vector<std::byte>;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

bool is_plain(const Format& format) {
  return format.block_elements == 1 && format.row_bytes == 0 && format.tensor_bytes == 0;
}

WeightMatrix owned(const Format& format, Shape shape, Bytes bytes) {
  auto owner = std::make_shared<Bytes>(std::move(bytes));
  const std::span<const std::byte> data(*owner);
  return {format, shape, data, std::move(owner)};
}

// A vector is split like the rows of a matrix.
WeightMatrix as_rows(WeightMatrix w) {
  if (w.shape.rows == 1) {
    w.shape = {w.shape.columns, 1};
  }
  return w;
}
WeightMatrix as_vector(WeightMatrix w) {
  w.shape = {1, w.shape.rows};
  return w;
}

WeightMatrix rows_of(const WeightMatrix& w, const std::vector<std::int64_t>& rows) {
  const auto bytes = size(w.format.bytes_of_row(w.shape.columns));
  const Shape shape{static_cast<std::int64_t>(rows.size()), w.shape.columns};
  if (!rows.empty() && rows.back() - rows.front() + 1 == shape.rows) {
    return {w.format, shape, w.data.subspan(size(rows.front()) * bytes, bytes * rows.size()),
            w.owner};
  }
  Bytes made;
  made.reserve(bytes * rows.size());
  for (const std::int64_t row : rows) {
    const auto from = w.data.subspan(size(row) * bytes, bytes);
    made.insert(made.end(), from.begin(), from.end());
  }
  return owned(w.format, shape, std::move(made));
}

std::vector<std::int64_t> range(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    rows.push_back(first + i);
  }
  return rows;
}

WeightMatrix transposed(const WeightMatrix& w) {
  const auto bytes = size(w.format.block_bytes);
  Bytes made(w.data.size());
  const std::size_t rows = size(w.shape.rows);
  const std::size_t columns = size(w.shape.columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      std::memcpy(made.data() + (c * rows + r) * bytes, w.data.data() + (r * columns + c) * bytes,
                  bytes);
    }
  }
  return owned(w.format, {w.shape.columns, w.shape.rows}, std::move(made));
}

WeightMatrix mapped(const WeightMatrix& w, const std::function<double(double)>& change) {
  std::vector<float> values = w.all();
  for (float& value : values) {
    value = static_cast<float>(change(value));
  }
  return WeightMatrix::encode(known_format("fp32"), w.shape, values);
}

class Placer {
 public:
  Placer(const NameOf& name_of, Model& model, std::vector<std::string>& faults)
      : name_of_(name_of), model_(model), faults_(faults) {
    const OperatorGraph graph = build_graph(model.spec, whole_phase(model.spec));
    for (const Storage& storage : graph.storages()) {
      if (storage.kind == TensorKind::kWeight) {
        wanted_[storage.name] = storage.shape;
      }
    }
  }

  void place(const std::string& theirs, WeightMatrix w) {
    const auto name = name_of_(theirs);
    if (!name) {
      faults_.push_back(
          fmt::format("found tensor '{}'; expected only tensors of the model", theirs));
      return;
    }
    const bool moves = name->change != Change::kNone && name->change != Change::kIgnore &&
                       name->change != Change::kSplitQkv && name->change != Change::kSplitHeads &&
                       name->change != Change::kSplitGateUp && name->change != Change::kExpert;
    if (moves && !is_plain(w.format)) {
      faults_.push_back(
          fmt::format("found '{}' of format {}; expected plain numbers", theirs, w.format.name));
      return;
    }
    const std::size_t before = faults_.size();
    change(*name, std::move(w));
    for (std::size_t i = before; i < faults_.size(); ++i) {
      faults_[i] += fmt::format(" (tensor '{}')", theirs);
    }
  }

  void finish() {
    for (auto& [name, experts] : experts_) {
      join_experts(name, experts);
    }
  }

 private:
  // Under our name, in the graph's shape where only the grouping of elements differs.
  void put(const std::string& name, WeightMatrix w) {
    const auto wanted = wanted_.find(name);
    const bool tied_copy = model_.spec.tied && name == "head";  // some tools write it twice
    if (tied_copy) {
      return;
    }
    if (wanted != wanted_.end() && w.shape != wanted->second && is_plain(w.format) &&
        w.shape.elements() == wanted->second.elements() && !is_transpose(w.shape, wanted->second)) {
      w.shape = wanted->second;
    }
    model_.spec.format_of.insert_or_assign(name, w.format);
    model_.weights.insert_or_assign(name, std::move(w));
  }

  static bool is_transpose(Shape a, Shape b) {
    return a.rows == b.columns && a.columns == b.rows && a.rows > 1 && a.columns > 1;
  }

  void put_slice(const TheirTensor& name, const char* part, const WeightMatrix& w,
                 const std::vector<std::int64_t>& rows) {
    WeightMatrix piece = rows_of(w, rows);
    put(name.ours + part + name.bias, name.bias.empty() ? std::move(piece) : as_vector(piece));
  }

  // Rows of query, key and value of one layer, and whether the tensor has as many.
  struct Widths {
    std::int64_t heads = 0, kv_heads = 0, query = 0, key = 0;
  };
  std::optional<Widths> widths(const TheirTensor& name, const WeightMatrix& w) {
    std::size_t layer = 0;
    const std::size_t digit = name.ours.find_first_of("0123456789");
    if (digit == std::string::npos) {
      return std::nullopt;
    }
    std::from_chars(name.ours.data() + digit, name.ours.data() + name.ours.size(), layer);
    if (layer >= model_.spec.stack.size()) {
      faults_.push_back(
          fmt::format("found layer {}; expected less than {}", layer, model_.spec.stack.size()));
      return std::nullopt;
    }
    const LayerShape& shape = model_.spec.stack[layer];
    const std::int64_t head = model_.spec.head_dim;
    const Widths made{shape.heads, shape.kv_heads, shape.heads * head, shape.kv_heads * head};
    if (w.shape.rows != made.query + 2 * made.key) {
      faults_.push_back(fmt::format("found {} rows of query, key and value; expected {}",
                                    w.shape.rows, made.query + 2 * made.key));
      return std::nullopt;
    }
    return made;
  }

  void split_qkv(const TheirTensor& name, const WeightMatrix& w) {
    if (const auto width = widths(name, w)) {
      put_slice(name, "query", w, range(0, width->query));
      put_slice(name, "key", w, range(width->query, width->key));
      put_slice(name, "value", w, range(width->query + width->key, width->key));
    }
  }

  void split_heads(const TheirTensor& name, const WeightMatrix& w) {
    const auto width = widths(name, w);
    if (!width) {
      return;
    }
    const std::int64_t head = model_.spec.head_dim;
    const std::int64_t queries = width->heads / width->kv_heads * head;
    std::vector<std::int64_t> q;
    std::vector<std::int64_t> k;
    std::vector<std::int64_t> v;
    for (std::int64_t group = 0; group < width->kv_heads; ++group) {
      const std::int64_t first = group * (queries + 2 * head);
      const auto add = [](std::vector<std::int64_t>& to, std::vector<std::int64_t> more) {
        to.insert(to.end(), more.begin(), more.end());
      };
      add(q, range(first, queries));
      add(k, range(first + queries, head));
      add(v, range(first + queries + head, head));
    }
    put_slice(name, "query", w, q);
    put_slice(name, "key", w, k);
    put_slice(name, "value", w, v);
  }

  void split_gate_up(const TheirTensor& name, const WeightMatrix& w) {
    if (w.shape.rows % 2 != 0) {
      faults_.push_back(
          fmt::format("found {} rows of gate and up; expected an even number", w.shape.rows));
      return;
    }
    put_slice(name, "gate", w, range(0, w.shape.rows / 2));
    put_slice(name, "up", w, range(w.shape.rows / 2, w.shape.rows / 2));
  }

  void split_latent(const TheirTensor& name, const WeightMatrix& w) {
    const LatentShape& latent = model_.spec.latent;
    const std::int64_t head = latent.plain_dim + latent.value_dim;
    if (head == 0 || w.shape.rows % head != 0 || w.shape.columns != latent.kv_rank) {
      faults_.push_back(fmt::format("found {}; expected heads of {} rows of {}", to_string(w.shape),
                                    head, latent.kv_rank));
      return;
    }
    Bytes keys;
    std::vector<std::int64_t> values;
    const std::int64_t heads = w.shape.rows / head;
    for (std::int64_t h = 0; h < heads; ++h) {
      const WeightMatrix turned = transposed(rows_of(w, range(h * head, latent.plain_dim)));
      keys.insert(keys.end(), turned.data.begin(), turned.data.end());
      const auto more = range(h * head + latent.plain_dim, latent.value_dim);
      values.insert(values.end(), more.begin(), more.end());
    }
    put(name.ours + "key_up",
        owned(w.format, {heads * latent.kv_rank, latent.plain_dim}, std::move(keys)));
    put(name.ours + "value_up", rows_of(w, values));
  }

  // [5][rank][hidden], in the order in which the mixes are made.
  void split_shares(const TheirTensor& name, const WeightMatrix& w) {
    const std::int64_t rank = model_.spec.rwkv.mix_rank;
    if (w.shape.rows != 5 * rank) {
      faults_.push_back(fmt::format("found {} rows; expected five times {}", w.shape.rows, rank));
      return;
    }
    std::int64_t first = 0;
    for (const char* part :
         {"mix_out_decay", "mix_out_key", "mix_out_value", "mix_out_receptance", "mix_out_gate"}) {
      put(name.ours + part, transposed(rows_of(w, range(first, rank))));
      first += rank;
    }
  }

  void change(const TheirTensor& name, WeightMatrix w) {
    switch (name.change) {
      case Change::kNone:
        return put(name.ours, std::move(w));
      case Change::kIgnore:
        return;
      case Change::kTranspose:
        return put(name.ours, transposed(w));
      case Change::kPlusOne:
        return put(name.ours, mapped(w, [](double v) { return v + 1.0; }));
      case Change::kNegativeExp:
        return put(name.ours, mapped(w, [](double v) { return -std::exp(v); }));
      case Change::kOneMinus:
        return put(name.ours, mapped(w, [](double v) { return 1.0 - v; }));
      case Change::kDecay:
        return put(name.ours, mapped(w, [](double v) { return std::exp(-std::exp(v)); }));
      case Change::kSplitQkv:
        return split_qkv(name, as_rows(std::move(w)));
      case Change::kSplitQkvIn:
        return split_qkv(name, transposed(w));
      case Change::kSplitHeads:
        return split_heads(name, as_rows(std::move(w)));
      case Change::kSplitGateUp:
        return split_gate_up(name, as_rows(std::move(w)));
      case Change::kSplitLatent:
        return split_latent(name, w);
      case Change::kSplitShares:
        return split_shares(name, w);
      case Change::kExpert:
        experts_[name.ours][name.expert] = std::move(w);
        return;
    }
  }

  void join_experts(const std::string& name, const std::map<std::int64_t, WeightMatrix>& experts) {
    Bytes all;
    const WeightMatrix& first = experts.begin()->second;
    std::int64_t next = 0;
    for (const auto& [number, w] : experts) {
      if (number != next++ || w.shape != first.shape || w.format != first.format) {
        faults_.push_back(
            fmt::format("found expert {} of '{}' of {} {}; expected expert {} of {} {}", number,
                        name, to_string(w.shape), w.format.name, next - 1, to_string(first.shape),
                        first.format.name));
        return;
      }
      all.insert(all.end(), w.data.begin(), w.data.end());
    }
    put(name, owned(first.format, {first.shape.rows * next, first.shape.columns}, std::move(all)));
  }

  const NameOf& name_of_;
  Model& model_;
  std::vector<std::string>& faults_;
  std::map<std::string, Shape> wanted_;
  std::map<std::string, std::map<std::int64_t, WeightMatrix>> experts_;
};

}  // namespace

std::optional<TheirTensor> find_name(const std::vector<NameRow>& rows, std::string_view name) {
  for (const NameRow& row : rows) {
    const auto numbers = match(row.theirs, name);
    if (!numbers) {
      continue;
    }
    TheirTensor found;
    found.change = row.change;
    for (const char* c = row.ours; *c != '\0'; ++c) {
      found.ours += *c == '#' ? numbers->front() : std::string(1, *c);
    }
    if (numbers->size() > 1) {
      std::from_chars(numbers->back().data(), numbers->back().data() + numbers->back().size(),
                      found.expert);
    }
    found.bias = name.ends_with(".bias") ? ".bias" : "";
    return found;
  }
  return std::nullopt;
}

void place_tensors(const NameOf& name_of, std::map<std::string, WeightMatrix> tensors, Model& model,
                   std::vector<std::string>& faults) {
  Placer placer(name_of, model, faults);
  for (auto& [name, tensor] : tensors) {
    placer.place(name, std::move(tensor));
  }
  placer.finish();
}

}  // namespace joulesim::models

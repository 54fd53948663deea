#include "sim/engine/published_rows.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace joulesim::engine {
namespace {

using Json = nlohmann::json;

class RowReader {
 public:
  RowReader(const std::string& path, std::size_t index, const Json& row, Diagnostics& faults)
      : path_(path), index_(index), row_(row), faults_(faults) {}

  std::string text(const char* key) const {
    const Json* field = find(key);
    if (field == nullptr) {
      return {};
    }
    if (!field->is_string()) {
      fault(key, "a text");
      return {};
    }
    return field->get<std::string>();
  }
  std::optional<std::string> text_if(const char* key) const {
    std::string value = text(key);
    return value.empty() ? std::nullopt : std::optional(std::move(value));
  }
  std::optional<double> number(const char* key) const {
    const Json* field = find(key);
    if (field == nullptr) {
      return std::nullopt;
    }
    if (!field->is_number()) {
      fault(key, "a number");
      return std::nullopt;
    }
    return field->get<double>();
  }
  std::int64_t whole(const char* key, std::int64_t otherwise) const {
    const std::optional<double> value = number(key);
    constexpr double kMost = 1e12;
    if (value && !(std::fabs(*value) < kMost)) {
      fault(key, "a whole number");
      return otherwise;
    }
    return value ? std::llround(*value) : otherwise;
  }

 private:
  const Json* find(const char* key) const {
    const auto found = row_.find(key);
    return found == row_.end() || found->is_null() ? nullptr : &*found;
  }
  void fault(const char* key, const char* expected) const {
    faults_.error(path_, fmt::format("row {}: '{}' is {}; expected {} or null", index_ + 1, key,
                                     row_.at(key).dump(), expected));
  }
  const std::string& path_;
  std::size_t index_;
  const Json& row_;
  Diagnostics& faults_;
};

// "beam search width 4"; one where the note says nothing.
double beams_of(const std::string& note) {
  static const std::string kWords = "beam search width ";
  constexpr double kMost = 64;
  const std::size_t at = note.find(kWords);
  const double beams = at == std::string::npos ? 1 : std::atof(note.c_str() + at + kWords.size());
  return beams >= 1 && beams <= kMost ? beams : 1;
}

}  // namespace

PublishedTable read_published(const std::string& path) {
  PublishedTable table;
  table.path = path;
  Diagnostics faults;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    faults.error(path, "cannot be read");
    throw InputError(std::move(faults));
  }
  std::ostringstream text;
  text << in.rdbuf();
  table.text = text.str();
  const Json list = Json::parse(table.text, nullptr, false);
  if (list.is_discarded() || !list.is_array()) {
    faults.error(path, list.is_discarded() ? "is no JSON; expected a list of rows"
                                           : "holds no list; expected a list of rows");
    throw InputError(std::move(faults));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) {
      faults.error(path, fmt::format("row {} is no object", i + 1));
      continue;
    }
    const RowReader reader(table.path, i, list[i], faults);
    PublishedRow row;
    row.id = reader.text("id");
    row.source = reader.text("source");
    row.device = reader.text("device");
    row.model = reader.text("model");
    row.precision = reader.text("precision");
    row.runtime = reader.text("runtime");
    row.unit = reader.text("unit_used");
    row.metric = reader.text("metric");
    row.value_unit = reader.text("unit");
    row.kind = reader.text("kind");
    row.note = reader.text("note");
    row.device_id = reader.text_if("device_id");
    row.model_id = reader.text_if("model_id");
    row.weight_bits = reader.number("weight_bits");
    row.beams = beams_of(row.note);
    row.batch = reader.number("batch").value_or(0);
    row.devices = reader.whole("n_devices", 1);
    row.gpu_cores = reader.whole("gpu_cores", 0);
    row.prompt = reader.whole("prompt_len", -1);
    row.answer = reader.whole("gen_len", -1);
    table.rows.push_back(std::move(row));
    table.values.push_back(
        reader.number("value").value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return table;
}

}  // namespace joulesim::engine

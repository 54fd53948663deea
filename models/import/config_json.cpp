#include "models/import/config_json.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/mapped_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::models {

const char* ConfigJson::first(std::initializer_list<const char*> keys) const {
  const auto* found = std::find_if(keys.begin(), keys.end(), [&](const char* k) { return has(k); });
  return found == keys.end() ? nullptr : *found;
}

std::optional<ConfigJson> ConfigJson::inside(const char* key) const {
  if (!has(key) || !json_[key].is_object()) {
    return std::nullopt;
  }
  return ConfigJson(json_[key], path_, faults_);
}

std::int64_t ConfigJson::whole(std::initializer_list<const char*> keys,
                               std::optional<std::int64_t> fallback, std::int64_t most,
                               std::int64_t least) const {
  const char* key = first(keys);
  if (key == nullptr) {
    if (!fallback) {
      fault(fmt::format("found no '{}'; expected a whole number", *keys.begin()));
    }
    return fallback.value_or(least);
  }
  const Json& value = json_[key];
  // Some tools write whole numbers with a point.
  const bool is_whole =
      value.is_number_integer() ||
      (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>());
  if (!is_whole || value.get<double>() < static_cast<double>(least) ||
      value.get<double>() > static_cast<double>(most)) {
    fault(fmt::format("found '{}' of {}; expected {} to {}", key, value.dump(), least, most));
    return least;
  }
  return value.get<std::int64_t>();
}

double ConfigJson::positive(std::initializer_list<const char*> keys,
                            std::optional<double> fallback) const {
  const char* key = first(keys);
  if (key == nullptr) {
    if (!fallback) {
      fault(fmt::format("found no '{}'; expected a positive number", *keys.begin()));
    }
    return fallback.value_or(1.0);
  }
  const Json& value = json_[key];
  if (!value.is_number() || !(value.get<double>() > 0.0) || !std::isfinite(value.get<double>())) {
    fault(fmt::format("found '{}' of {}; expected a positive number", key, value.dump()));
    return 1.0;
  }
  return value.get<double>();
}

std::string ConfigJson::text(std::initializer_list<const char*> keys) const {
  const char* key = first(keys);
  return key != nullptr && json_[key].is_string() ? json_[key].get<std::string>() : std::string();
}

nlohmann::json read_json_object(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    nlohmann::json json = nlohmann::json::parse(text, text + bytes.size());
    if (!json.is_object()) {
      refuse_file(path, "found JSON that is no object; expected one");
    }
    return json;
  } catch (const nlohmann::json::parse_error& error) {
    refuse_file(path, fmt::format("offset {}: found no JSON; expected a JSON object", error.byte));
  }
}

}  // namespace joulesim::models

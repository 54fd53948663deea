// Typed look-ups in a Hugging Face config.json that collect what is missing or wrong.
//
// Checked by: tests/unit/models_containers.cpp, tests/unit/models_families.cpp
#pragma once

#include "sim/base/diagnostics.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace joulesim::models {

inline constexpr std::int64_t kWidest = 1 << 24;
inline constexpr std::int64_t kMostLayers = 10'000;
inline constexpr std::int64_t kMostPositions = std::int64_t{1} << 40;

class ConfigJson {
 public:
  using Json = nlohmann::json;

  // All three outlive it.
  ConfigJson(const Json& json, std::string path, Diagnostics& faults)
      : json_(json), path_(std::move(path)), faults_(faults) {}

  void fault(const std::string& message) const { faults_.error(path_, message); }
  [[nodiscard]] const Json& json() const { return json_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool has(const char* key) const {
    return json_.contains(key) && !json_[key].is_null();
  }
  // A nested object; nothing when there is none.
  [[nodiscard]] std::optional<ConfigJson> inside(const char* key) const;

  // The first of these keys that is there; without one the fallback, or a fault.
  [[nodiscard]] std::int64_t whole(std::initializer_list<const char*> keys,
                                   std::optional<std::int64_t> fallback = std::nullopt,
                                   std::int64_t most = kWidest, std::int64_t least = 1) const;
  [[nodiscard]] double positive(std::initializer_list<const char*> keys,
                                std::optional<double> fallback = std::nullopt) const;
  [[nodiscard]] bool flag(const char* key, bool fallback) const {
    return has(key) && json_[key].is_boolean() ? json_[key].get<bool>() : fallback;
  }
  [[nodiscard]] std::string text(std::initializer_list<const char*> keys) const;

 private:
  [[nodiscard]] const char* first(std::initializer_list<const char*> keys) const;

  const Json& json_;
  std::string path_;
  Diagnostics& faults_;
};

// The JSON object in a file; throws InputError when it holds none.
nlohmann::json read_json_object(const std::string& path);

}  // namespace joulesim::models

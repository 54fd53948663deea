// Typed look-ups in a GGUF file's key-values that collect what is missing or of the wrong type.
//
// Checked by: tests/unit/models_gguf.cpp
#pragma once

#include "models/import/gguf.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace joulesim::models {

inline constexpr std::int64_t kMostGgufLayers = 10'000;
inline constexpr std::int64_t kWidestGguf = 1 << 24;

class GgufValues {
 public:
  GgufValues(const GgufFile& gguf, std::string path, Diagnostics& faults)
      : gguf_(gguf), path_(std::move(path)), faults_(faults) {}

  void fault(const std::string& message) { faults_.error(path_, message); }

  template <class T>
  const T* find(const std::string& key) {
    const auto found = gguf_.values.find(key);
    if (found == gguf_.values.end()) {
      return nullptr;
    }
    const T* value = std::get_if<T>(&found->second);
    if (value == nullptr) {
      fault(fmt::format("found '{}' of another type; expected {}", key, type_name<T>()));
    }
    return value;
  }

  std::optional<std::int64_t> whole_if(const std::string& key, std::int64_t low,
                                       std::int64_t high) {
    const auto* value = find<std::int64_t>(key);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (*value < low || *value > high) {
      fault(fmt::format("found '{}' of {}; expected {} to {}", key, *value, low, high));
      return std::nullopt;
    }
    return *value;
  }

  std::int64_t whole(const std::string& key, std::int64_t low, std::int64_t high) {
    if (!gguf_.values.contains(key)) {
      fault(fmt::format("found no '{}'; expected a whole number", key));
    }
    return whole_if(key, low, high).value_or(low);
  }

  std::optional<double> positive_if(const std::string& key) {
    const auto* value = find<double>(key);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (!(*value > 0.0) || !std::isfinite(*value)) {
      fault(fmt::format("found '{}' of {}; expected a positive number", key, *value));
      return std::nullopt;
    }
    return *value;
  }

  // One number for all layers, or an array with one for each.
  std::vector<std::int64_t> per_layer(const std::string& key, std::size_t layers) {
    const auto found = gguf_.values.find(key);
    if (found != gguf_.values.end()) {
      if (const auto* list = std::get_if<std::vector<std::int64_t>>(&found->second)) {
        const bool fits = list->size() == layers &&
                          std::all_of(list->begin(), list->end(),
                                      [](auto n) { return n >= 1 && n <= kWidestGguf; });
        if (!fits) {
          fault(fmt::format("found '{}' with {} items; expected {}, all from 1 to {}", key,
                            list->size(), layers, kWidestGguf));
          return std::vector<std::int64_t>(layers, 1);
        }
        return *list;
      }
    }
    return std::vector<std::int64_t>(layers, whole(key, 1, kWidestGguf));
  }

 private:
  template <class T>
  static const char* type_name() {
    if constexpr (std::is_same_v<T, std::string>) {
      return "a text";
    } else if constexpr (std::is_same_v<T, bool>) {
      return "a boolean";
    } else if constexpr (std::is_same_v<T, double>) {
      return "a real number";
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      return "a whole number";
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      return "an array of texts";
    } else {
      return "an array of numbers";
    }
  }

  const GgufFile& gguf_;
  std::string path_;
  Diagnostics& faults_;
};

}  // namespace joulesim::models

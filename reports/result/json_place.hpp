// A value of a JSON document together with its place: typed reading that collects every fault.
//
// A missing member or one of another type is noted as "path: error: at /energy/3/joules: found a
// string; expected a number" and reads as empty, so that one pass finds all faults.
// Checked by: tests/unit/result_json.cpp.
#pragma once

#include "reports/result/display.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joulesim::reports {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostFaults = 20;

inline std::string kind_of(const Json& json) {
  const std::string name = json.type_name();
  return name == "null" ? name : (json.is_structured() ? "an " : "a ") + name;
}

// The file while it is read: where faults are collected.
struct File {
  std::string path;
  Diagnostics diagnostics;

  void fault(const std::string& place, const std::string& message) {
    if (diagnostics.error_count() < kMostFaults) {
      diagnostics.error(path, fmt::format("at {}: {}", place.empty() ? "/" : place, message));
    }
  }
};

// One value of the document and the JSON pointer to it.
class Place {
 public:
  Place(File& file, const Json& json, std::string pointer)
      : file_(&file), json_(&json), pointer_(std::move(pointer)) {}

  [[nodiscard]] std::string text(const char* key) const {
    const Json* found = member(key);
    if (found == nullptr || !expect(found->is_string(), key, *found, "a string")) {
      return {};
    }
    return found->get<std::string>();
  }

  [[nodiscard]] double number(const char* key, bool may_be_negative = false) const {
    const Json* found = member(key);
    if (found == nullptr || !expect(found->is_number(), key, *found, "a number")) {
      return 0;
    }
    const double value = found->get<double>();
    if (!may_be_negative && value < 0) {
      file_->fault(pointer_ + "/" + key,
                   fmt::format("found {}; expected zero or more", found->dump()));
      return 0;
    }
    return value;
  }

  [[nodiscard]] std::optional<double> optional_number(const char* key) const {
    const auto found = json_->is_object() ? json_->find(key) : json_->end();
    if (found == json_->end() || found->is_null()) {
      return std::nullopt;
    }
    return number(key, true);
  }

  [[nodiscard]] std::int64_t integer(const char* key) const {
    const Json* found = member(key);
    const bool fits =
        found != nullptr && found->is_number_integer() &&
        (!found->is_number_unsigned() ||
         found->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    if (found == nullptr || !expect(fits, key, *found, "a whole number")) {
      return 0;
    }
    return found->get<std::int64_t>();
  }

  [[nodiscard]] std::uint64_t seed(const char* key) const {
    const Json* found = member(key);
    if (found == nullptr || !expect(found->is_number_unsigned(), key, *found, "a whole number")) {
      return 0;
    }
    return found->get<std::uint64_t>();
  }

  [[nodiscard]] Dim unit(const char* key) const {
    const std::string name = text(key);
    const auto dim = dim_of_unit(name);
    if (!dim) {
      file_->fault(pointer_ + "/" + key,
                   fmt::format("found the unit \"{}\"; expected an SI unit without prefix", name));
    }
    return dim.value_or(Dim{});
  }

  [[nodiscard]] std::vector<double> numbers(const char* key) const {
    std::vector<double> out;
    each(key, [&](const Place& place) {
      if (place.json_->is_number()) {
        out.push_back(place.json_->get<double>());
      } else {
        file_->fault(place.pointer_, fmt::format("found {}; expected a number", place.kind()));
      }
    });
    return out;
  }

  [[nodiscard]] std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> out;
    each(key, [&](const Place& place) {
      if (place.json_->is_string()) {
        out.push_back(place.json_->get<std::string>());
      } else {
        file_->fault(place.pointer_, fmt::format("found {}; expected a string", place.kind()));
      }
    });
    return out;
  }

  template <typename Visit>
  void each(const char* key, Visit visit) const {
    const Json* found = member(key);
    if (found == nullptr || !expect(found->is_array(), key, *found, "a list")) {
      return;
    }
    std::size_t index = 0;
    for (const Json& item : *found) {
      visit(Place(*file_, item, fmt::format("{}/{}/{}", pointer_, key, index++)));
    }
  }

  template <typename Row, typename Read>
  [[nodiscard]] std::vector<Row> rows(const char* key, Read read) const {
    std::vector<Row> out;
    each(key, [&](const Place& place) { out.push_back(read(place)); });
    return out;
  }

  template <typename Visit>
  void entries(const char* key, Visit visit) const {
    const Place object = inside(key);
    if (object.json_->is_object()) {
      for (const auto& [name, item] : object.json_->items()) {
        visit(name, Place(*file_, item, object.pointer_ + "/" + name));
      }
    }
  }

  [[nodiscard]] Place inside(const char* key) const {
    static const Json kEmpty = Json::object();
    const Json* found = member(key);
    const bool good = found != nullptr && expect(found->is_object(), key, *found, "an object");
    return {*file_, good ? *found : kEmpty, pointer_ + "/" + key};
  }

  [[nodiscard]] bool has(const char* key) const {
    return json_->is_object() && json_->contains(key);
  }
  void fault(const std::string& message) const { file_->fault(pointer_, message); }

 private:
  [[nodiscard]] std::string kind() const { return kind_of(*json_); }

  [[nodiscard]] const Json* member(const char* key) const {
    if (!json_->is_object()) {
      file_->fault(pointer_, fmt::format("found {}; expected an object", kind()));
      return nullptr;
    }
    const auto found = json_->find(key);
    if (found == json_->end()) {
      file_->fault(pointer_, fmt::format("\"{}\" is missing", key));
      return nullptr;
    }
    return &*found;
  }

  [[nodiscard]] bool expect(bool good, const char* key, const Json& found,
                            const char* wanted) const {
    if (!good) {
      file_->fault(pointer_ + "/" + key,
                   fmt::format("found {}; expected {}", kind_of(found), wanted));
    }
    return good;
  }

  File* file_;
  const Json* json_;
  std::string pointer_;
};

}  // namespace joulesim::reports

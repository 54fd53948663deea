// The parsed form of a TOML file, free of the TOML library: values with their places.
#pragma once

#include "sim/base/config.hpp"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joulesim {

struct ConfigTree {
  enum class Kind { text, integer, number, flag, array, table, other };
  Kind kind = Kind::other;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
  bool flag = false;
  Region region;
  Region key_region;
  std::vector<ConfigTree> items;                                             // array
  std::vector<std::pair<std::string, std::unique_ptr<ConfigTree>>> entries;  // table, file order
  mutable std::set<std::string> asked;  // keys that a loader wanted
  mutable bool read = false;

  [[nodiscard]] const ConfigTree* find(const std::string& key) const;
  [[nodiscard]] std::string kind_name() const;  // "a text", "an integer", …
  // A "?" that a new file is written with, for its owner to replace.
  [[nodiscard]] bool open() const { return kind == Kind::text && text.starts_with('?'); }
};

struct ConfigDocument {
  std::shared_ptr<const SourceText> file;
  std::vector<std::shared_ptr<const SourceText>> bases;  // inherited from, nearest first
  std::string owner;
  ConfigTree root;
  std::map<std::string, std::shared_ptr<const Source>> sources;
  std::set<std::string> used_sources;
  std::vector<Figure> figures;
  Diagnostics diagnostics;
  bool finished = false;
};

// "timing" and "tRCD": "timing.tRCD".
inline std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

inline std::string still_open(const std::string& key, const std::string& expected) {
  return "'" + key + "' is still to be filled in; expected " + expected;
}

// Parses with toml++; throws InputError with the parser's place and reason.
std::shared_ptr<ConfigDocument> parse_toml(const std::string& text, const std::string& path);

}  // namespace joulesim

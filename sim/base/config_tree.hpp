// The parsed form of a TOML file, free of the TOML library: values with their places.
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/config_probe.hpp"

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

// Stands where a file would and notes what it is asked (config_probe.hpp).
struct ConfigProbe {
  bool all = false;                            // every key is there
  std::pair<std::string, std::string> alone;   // or this one only: table and key
  std::pair<std::string, std::string> absent;  // a section that is not there
  std::pair<std::string, std::string> choice_at;
  std::string choice;  // what is chosen there; elsewhere the first name
  std::vector<AskedTable> tables;
  std::set<std::pair<std::string, std::string>> optional;  // asked whether they are there

  AskedKey& ask(const std::string& path, const std::string& key);
  bool has(const std::string& path, const std::string& key);
  [[nodiscard]] bool present(const std::string& path, const std::string& key) const;
  // Notes the type; whether the reader is to find a value.
  bool leaf(const std::string& path, const std::string& key, const AskedKey& asked);
  [[nodiscard]] std::string chosen(const std::string& path, const std::string& key,
                                   const std::vector<std::string>& names) const;
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
  ConfigProbe* probe = nullptr;  // instead of a file
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

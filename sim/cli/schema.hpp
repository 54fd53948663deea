// The formats of scenario, device, part and model files, as their readers ask for them.
//
// Checked by: tests/cli/schema.py (every file of the catalogue conforms, unknown keys are refused
// by schema and reader alike, the reference pages are what is generated).
#pragma once

#include "sim/base/config_probe.hpp"
#include "sim/engine/library.hpp"

#include <string>
#include <vector>

namespace joulesim::cli {

// One kind of file. A part file's format depends on its `model`, so there is one for each.
struct Format {
  std::string kind;   // "scenario", "device", "part" or "model"
  std::string model;  // of a part
  std::string title;
  bool inherits = false;  // `base` may stand for what is required
  std::vector<AskedTable> tables;

  [[nodiscard]] const AskedTable* table(const std::string& path) const;
  // Any figure in the table: it may then name a `source` for plain values.
  [[nodiscard]] bool has_figures(const AskedTable& table) const;
};

std::vector<Format> formats_of(const engine::Library& library, const std::string& kind);

// JSON Schema, draft 2020-12; a reference page in Markdown.
std::string json_schema(const engine::Library& library, const std::string& kind);
std::string reference_page(const engine::Library& library, const std::string& kind);

// What a key is for, in a few words; empty where its name says it.
std::string note_of(const Format& format, const std::string& path, const std::string& key);
// Notes about keys that no reader asks for: there must be none.
std::vector<std::string> stray_notes(const engine::Library& library);

inline const std::vector<std::string>& file_kinds() {
  static const std::vector<std::string> kinds = {"scenario", "device", "part", "model"};
  return kinds;
}

}  // namespace joulesim::cli

// schema: the formats of files as JSON Schema for editors, and as reference pages.
#include "sim/cli/schema.hpp"

#include "models/arch/model_file.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/scenario.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <iostream>

namespace joulesim::cli {
namespace {

using Json = nlohmann::ordered_json;
using Type = AskedKey::Type;

constexpr const char* kDraft = "https://json-schema.org/draft/2020-12/schema";

// "a bandwidth": "bandwidth"; "an energy per byte or bit": "energy_per_byte_or_bit".
std::string slug(Dim dim) {
  std::string name = dimension_name(dim);
  name = name.substr(name.find(' ') + 1);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class SchemaWriter {
 public:
  Json table(const Format& format, const std::string& path) {
    Json out{{"type", "object"}};
    Json properties = Json::object();
    Json others = false;
    if (const AskedTable* asked = format.table(path)) {
      for (const auto& [name, key] : asked->keys) {
        Json value = key_schema(format, path, name, key);
        if (const std::string note = note_of(format, path, name); !note.empty()) {
          value["description"] = note;
        }
        (name == "*" ? others : properties[name]) = std::move(value);
      }
      if (format.has_figures(*asked)) {
        properties["source"] = {{"type", "string"},
                                {"description", "source of plain values in this section"}};
      }
    }
    if (path.empty()) {
      properties["sources"] = {{"$ref", "#/$defs/sources"}};
      if (format.inherits) {
        properties["base"] = {{"type", "string"},
                              {"description", "fills in what this file leaves out"}};
      }
    }
    out["properties"] = std::move(properties);
    out["additionalProperties"] = std::move(others);
    return out;
  }

  // Only what must be there, table by table.
  static Json demands(const Format& format, const std::string& path) {
    Json out = Json::object();
    const AskedTable* asked = format.table(path);
    if (asked == nullptr) {
      return out;
    }
    Json required = Json::array();
    Json properties = Json::object();
    for (const auto& [name, key] : asked->keys) {
      if (key.required && name != "*") {
        required.push_back(name);
      }
      if (key.type == Type::table || key.type == Type::tables) {
        const bool many = key.type == Type::tables;
        Json inner = demands(format, inner_path(path, name, many));
        if (inner.empty()) {
          continue;
        }
        if (many) {
          inner = {{"if", {{"type", "array"}}}, {"then", {{"items", inner}}}, {"else", inner}};
        }
        if (name == "*") {
          out["additionalProperties"] = std::move(inner);
        } else {
          properties[name] = std::move(inner);
        }
      }
    }
    if (!required.empty()) {
      out["required"] = std::move(required);
    }
    if (!properties.empty()) {
      out["properties"] = std::move(properties);
    }
    return out;
  }

  [[nodiscard]] Json definitions() const {
    Json defs = defs_;
    Json kinds = Json::array();
    for (const std::string& kind : source_kinds()) {
      kinds.push_back(kind);
    }
    defs["sources"] = {
        {"type", "object"},
        {"additionalProperties",
         {{"type", "object"},
          {"properties", {{"kind", {{"enum", kinds}}}, {"title", {{"type", "string"}}}}},
          {"required", {"kind", "title"}},
          {"if", {{"properties", {{"kind", {{"const", "assumed"}}}}}}},
          {"then", {{"required", {"reason"}}}}}}};
    return defs;
  }

 private:
  static std::string inner_path(const std::string& path, const std::string& key, bool many) {
    return (path.empty() ? key : path + "." + key) + (many ? "[]" : "");
  }

  Json key_schema(const Format& format, const std::string& path, const std::string& name,
                  const AskedKey& key) {
    const Json text{{"type", "string"}};
    switch (key.type) {
      case Type::text:
        return text;
      case Type::texts:
        return {{"anyOf", {text, {{"type", "array"}, {"items", text}}}}};
      case Type::integer:
        return whole(key);
      case Type::integers:
        return {{"type", "array"}, {"items", {{"type", "integer"}}}};
      case Type::number:
        return {
            {"anyOf", {{{"type", "number"}, {"minimum", key.low}, {"maximum", key.high}}, text}}};
      case Type::flag:
        return {{"type", "boolean"}};
      case Type::choice:
        return {{"enum", key.choices}};
      case Type::quantity:
        return quantity(key.dim);
      case Type::figure:
        return figure(key);
      case Type::table:
        return table(format, inner_path(path, name, false));
      case Type::tables: {
        const Json one = table(format, inner_path(path, name, true));
        return {{"anyOf", {{{"type", "array"}, {"items", one}}, one}}};
      }
      case Type::unknown:
        break;
    }
    return Json::object();
  }

  static Json whole(const AskedKey& key) {
    Json out{{"type", "integer"}, {"minimum", static_cast<std::int64_t>(key.low)}};
    constexpr double kMost = 9e15;
    if (key.high < kMost) {
      out["maximum"] = static_cast<std::int64_t>(key.high);
    }
    return out;
  }

  Json quantity(Dim dim) {
    const std::string name = slug(dim);
    Json text{
        {"type", "string"},
        {"pattern", "^[-+]?[0-9]"},
        {"examples", Json::array({example_of(dim)})},
        {"description", fmt::format("{}, such as \"{}\"", dimension_name(dim), example_of(dim))}};
    defs_[name] = dim == Dim{} ? Json{{"anyOf", {Json{{"type", "number"}}, text}}} : text;
    return {{"$ref", "#/$defs/" + name}};
  }

  Json figure(const AskedKey& key) {
    Json value = quantity(key.dim);
    std::string name = "figure_" + slug(key.dim);
    if (key.whole) {
      value = {{"anyOf", {whole(key), Json{{"type", "string"}, {"pattern", "^[0-9]"}}}}};
      name = fmt::format("figure_whole_{:.0f}_{:.0f}", key.low, key.high);
    }
    if (!defs_.contains(name)) {
      const Json text{{"type", "string"}};
      const Json end = quantity(key.dim);
      const Json full{
          {"type", "object"},
          {"properties",
           {{"value", value},
            {"source", text},
            {"range", {{"type", "array"}, {"items", end}, {"minItems", 2}, {"maxItems", 2}}},
            {"at", text},
            {"note", text},
            {"equals", text}}},
          {"required", {"value"}},
          {"additionalProperties", false}};
      defs_[name] = {{"anyOf", {value, full}}};
    }
    return {{"$ref", "#/$defs/" + name}};
  }

  Json defs_ = Json::object();
};

// The file's own keys with what must be there; a file with a base gets the rest from it.
Json file_schema(SchemaWriter& writer, const Format& format) {
  Json out = writer.table(format, "");
  const Json demands = SchemaWriter::demands(format, "");
  if (format.inherits) {
    out["if"] = {{"not", {{"required", {"base"}}}}};
    out["then"] = demands;
  } else {
    out["allOf"] = Json::array({demands});
  }
  return out;
}

}  // namespace

const AskedTable* Format::table(const std::string& path) const {
  for (const AskedTable& table : tables) {
    if (table.path == path) {
      return &table;
    }
  }
  return nullptr;
}

bool Format::has_figures(const AskedTable& table) const {
  return std::any_of(table.keys.begin(), table.keys.end(),
                     [](const auto& key) { return key.second.type == Type::figure; });
}

std::vector<Format> formats_of(const engine::Library& library, const std::string& kind) {
  if (kind == "scenario") {
    return {{kind, "", "A scenario: a model, a machine and a workload", false,
             asked_tables([](const ConfigNode& root) {
               engine::Scenario scenario;
               engine::read_scenario_keys(root, scenario);
             })}};
  }
  if (kind == "device") {
    return {
        {kind, "", "A device: parts by name, and what only the whole knows", true,
         asked_tables([&](const ConfigNode& root) { engine::read_machine_keys(library, root); })}};
  }
  if (kind == "model") {
    return {{kind, "", "A model: its dimensions, blocks and formats", false,
             asked_tables([](const ConfigNode& root) {
               models::ModelFile model;
               models::read_model_keys(root, nullptr, model);
             })}};
  }
  std::vector<Format> formats;
  for (const auto& [model, component] : library.registry().all()) {
    formats.push_back({kind, model, component.description, true,
                       asked_tables([&c = component](const ConfigNode& root) {
                         (void)root.text("model");
                         c.check(root);
                       })});
  }
  return formats;
}

std::string json_schema(const engine::Library& library, const std::string& kind) {
  SchemaWriter writer;
  Json out{{"$schema", kDraft}, {"title", "joulesim " + kind + " file"}};
  const std::vector<Format> formats = formats_of(library, kind);
  if (formats.size() == 1) {
    out.update(file_schema(writer, formats.front()));
    out["$defs"] = writer.definitions();
    return out.dump(2) + "\n";
  }
  Json names = Json::array();
  Json branches = Json::array();
  Json parts = Json::object();
  for (const Format& format : formats) {
    names.push_back(format.model);
    parts["part_" + format.model] = file_schema(writer, format);
    branches.push_back(
        {{"if", {{"properties", {{"model", {{"const", format.model}}}}}, {"required", {"model"}}}},
         {"then", {{"$ref", "#/$defs/part_" + format.model}}}});
  }
  out["type"] = "object";
  out["required"] = {"part", "model"};
  out["properties"] = {{"model", {{"enum", names}}}};
  out["allOf"] = std::move(branches);
  out["$defs"] = writer.definitions();
  out["$defs"].update(parts);
  return out.dump(2) + "\n";
}

int schema(const Common& common, const std::string& kind, bool page) {
  const engine::Library library = engine::Library::open(common.plugins);
  if (const auto stray = stray_notes(library); !stray.empty()) {
    throw std::logic_error(
        fmt::format("notes about keys that nothing reads: {}", fmt::join(stray, ", ")));
  }
  if (!kind.empty()) {
    std::cout << (page ? reference_page(library, kind) : json_schema(library, kind));
    return 0;
  }
  Json all = Json::object();
  for (const std::string& each : file_kinds()) {
    if (page) {
      std::cout << reference_page(library, each) << "\n";
    } else {
      all[each] = Json::parse(json_schema(library, each));
    }
  }
  if (!page) {
    std::cout << all.dump(2) << "\n";
  }
  return 0;
}

}  // namespace joulesim::cli

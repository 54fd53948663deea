// TOML text -> ConfigTree. The only file that sees toml++.
#include "sim/base/config_tree.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace joulesim {
namespace {

Region region_of(const toml::source_region& r, const std::shared_ptr<const SourceText>& file) {
  Region region{file, r.begin.line, r.begin.column, 1};
  if (r.end.line == r.begin.line && r.end.column > r.begin.column) {
    region.length = r.end.column - r.begin.column;
  }
  return region;
}

ConfigTree convert(const toml::node& node, const std::shared_ptr<const SourceText>& file) {
  ConfigTree tree;
  tree.region = region_of(node.source(), file);
  tree.key_region = tree.region;
  if (const auto* text = node.as_string()) {
    tree.kind = ConfigTree::Kind::text;
    tree.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    tree.kind = ConfigTree::Kind::integer;
    tree.integer = integer->get();
    tree.number = static_cast<double>(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    tree.kind = ConfigTree::Kind::number;
    tree.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    tree.kind = ConfigTree::Kind::flag;
    tree.flag = flag->get();
  } else if (const auto* array = node.as_array()) {
    tree.kind = ConfigTree::Kind::array;
    for (const auto& item : *array) {
      tree.items.push_back(convert(item, file));
    }
  } else if (const auto* table = node.as_table()) {
    tree.kind = ConfigTree::Kind::table;
    for (const auto& [key, value] : *table) {
      auto child = std::make_unique<ConfigTree>(convert(value, file));
      child->key_region = region_of(key.source(), file);
      tree.entries.emplace_back(std::string(key.str()), std::move(child));
    }
    // toml++ sorts by key; the file's order is the reader's.
    std::stable_sort(tree.entries.begin(), tree.entries.end(), [](const auto& a, const auto& b) {
      const Region& x = a.second->key_region;
      const Region& y = b.second->key_region;
      return std::pair(x.line, x.column) < std::pair(y.line, y.column);
    });
  }
  return tree;
}

}  // namespace

const ConfigTree* ConfigTree::find(const std::string& key) const {
  for (const auto& [name, child] : entries) {
    if (name == key) {
      return child.get();
    }
  }
  return nullptr;
}

std::string ConfigTree::kind_name() const {
  switch (kind) {
    case Kind::text:
      return fmt::format("the text \"{}\"", text);
    case Kind::integer:
      return fmt::format("the number {}", integer);
    case Kind::number:
      return fmt::format("the number {}", number);
    case Kind::flag:
      return flag ? "true" : "false";
    case Kind::array:
      return "a list";
    case Kind::table:
      return "a table";
    case Kind::other:
      break;
  }
  return "a date or time";
}

std::shared_ptr<ConfigDocument> parse_toml(const std::string& text, const std::string& path) {
  auto document = std::make_shared<ConfigDocument>();
  auto file = std::make_shared<const SourceText>(SourceText{path, text});
  document->file = file;
  try {
    const toml::table table = toml::parse(text, path);
    document->root = convert(table, file);
    document->root.kind = ConfigTree::Kind::table;
  } catch (const toml::parse_error& fault) {
    Diagnostics diagnostics;
    diagnostics.error(region_of(fault.source(), file), std::string(fault.description()));
    throw InputError(std::move(diagnostics));
  }
  return document;
}

ConfigFile ConfigFile::read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) {
    text << in.rdbuf();
  }
  if (!in || in.bad()) {
    Diagnostics diagnostics;
    diagnostics.error(path, "found no readable file; expected a TOML file");
    throw InputError(std::move(diagnostics));
  }
  return parse(text.str(), path);
}

}  // namespace joulesim

#include "sim/base/config.hpp"

#include "sim/base/config_tree.hpp"
#include "sim/base/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace joulesim {

ConfigNode::ConfigNode(std::shared_ptr<ConfigDocument> document, const ConfigTree* tree,
                       std::string path)
    : document_(std::move(document)), tree_(tree), path_(std::move(path)) {
  if (tree_ != nullptr) {
    tree_->read = true;
  }
}

bool ConfigNode::has(const std::string& key) const {
  if (document_->probe != nullptr) {
    return document_->probe->has(path_, key);
  }
  return tree_ != nullptr && tree_->find(key) != nullptr;
}

Region ConfigNode::region() const {
  return tree_ != nullptr ? tree_->key_region : Region{document_->file, 0, 0, 0};
}

Region ConfigNode::region(const std::string& key) const {
  const ConfigTree* child = tree_ != nullptr ? tree_->find(key) : nullptr;
  return child != nullptr ? child->region : region();
}

void ConfigNode::note_asked(const std::string& key) const {
  if (document_->probe != nullptr) {
    document_->probe->ask(path_, key);
  }
  if (tree_ != nullptr) {
    tree_->asked.insert(key);
  }
}

const ConfigTree* ConfigNode::find(const std::string& key) const {
  note_asked(key);
  const ConfigTree* child = tree_ != nullptr ? tree_->find(key) : nullptr;
  if (child != nullptr) {
    child->read = true;
  }
  return child;
}

const ConfigTree* ConfigNode::require(const std::string& key, const std::string& expected) const {
  if (document_->probe != nullptr) {
    document_->probe->ask(path_, key).required = true;
    return nullptr;
  }
  const ConfigTree* child = find(key);
  if (child == nullptr && tree_ != nullptr) {
    document_->diagnostics.error(
        region(), fmt::format("'{}' has no '{}'; expected {}",
                              path_.empty() ? document_->file->path : path_, key, expected));
  }
  return child;
}

std::optional<std::string> ConfigNode::text_if(const std::string& key) const {
  if (document_->probe != nullptr) {
    return document_->probe->leaf(path_, key, AskedKey(AskedKey::Type::text)) ? std::optional("x")
                                                                              : std::nullopt;
  }
  const ConfigTree* child = find(key);
  if (child == nullptr) {
    return std::nullopt;
  }
  if (child->kind != ConfigTree::Kind::text) {
    error(key, fmt::format("'{}' is {}; expected a text", key, child->kind_name()));
    return std::nullopt;
  }
  if (child->open()) {
    error(key, still_open(key, "a text"));
    return std::nullopt;
  }
  return child->text;
}

std::string ConfigNode::text(const std::string& key) const {
  require(key, "a text");
  return text_if(key).value_or("");
}

std::vector<std::string> ConfigNode::texts(const std::string& key) const {
  if (document_->probe != nullptr) {
    const bool there = document_->probe->leaf(path_, key, AskedKey(AskedKey::Type::texts));
    return std::vector<std::string>(there ? 1 : 0, "x");
  }
  const ConfigTree* child = find(key);
  std::vector<std::string> result;
  if (child == nullptr) {
    return result;
  }
  if (child->kind == ConfigTree::Kind::text) {
    return {child->text};
  }
  if (child->kind != ConfigTree::Kind::array) {
    error(key, fmt::format("'{}' is {}; expected a list of texts", key, child->kind_name()));
    return result;
  }
  for (const ConfigTree& item : child->items) {
    item.read = true;
    if (item.kind != ConfigTree::Kind::text) {
      document_->diagnostics.error(item.region,
                                   fmt::format("found {}; expected a text", item.kind_name()));
    } else {
      result.push_back(item.text);
    }
  }
  return result;
}

std::vector<std::int64_t> ConfigNode::integers(const std::string& key) const {
  if (document_->probe != nullptr) {
    const bool there = document_->probe->leaf(path_, key, AskedKey(AskedKey::Type::integers));
    return std::vector<std::int64_t>(there ? 1 : 0, 1);
  }
  const ConfigTree* child = find(key);
  std::vector<std::int64_t> result;
  if (child == nullptr) {
    return result;
  }
  if (child->kind != ConfigTree::Kind::array) {
    error(key,
          fmt::format("'{}' is {}; expected a list of whole numbers", key, child->kind_name()));
    return result;
  }
  for (const ConfigTree& item : child->items) {
    item.read = true;
    if (item.kind != ConfigTree::Kind::integer) {
      document_->diagnostics.error(
          item.region, fmt::format("found {}; expected a whole number", item.kind_name()));
    } else {
      result.push_back(item.integer);
    }
  }
  return result;
}

std::optional<std::int64_t> ConfigNode::integer_if(const std::string& key, std::int64_t low,
                                                   std::int64_t high) const {
  if (document_->probe != nullptr) {
    AskedKey asked(AskedKey::Type::integer);
    asked.low = static_cast<double>(low);
    asked.high = static_cast<double>(high);
    return document_->probe->leaf(path_, key, asked) ? std::optional(low) : std::nullopt;
  }
  const ConfigTree* child = find(key);
  if (child == nullptr) {
    return std::nullopt;
  }
  if (child->kind != ConfigTree::Kind::integer) {
    error(key, child->open()
                   ? still_open(key, "a whole number")
                   : fmt::format("'{}' is {}; expected a whole number", key, child->kind_name()));
    return std::nullopt;
  }
  if (child->integer < low || child->integer > high) {
    error(key, fmt::format("'{}' is {}; expected a whole number {}", key, child->integer,
                           high == std::numeric_limits<std::int64_t>::max()
                               ? fmt::format("of at least {}", low)
                               : fmt::format("from {} to {}", low, high)));
    return std::nullopt;
  }
  return child->integer;
}

std::int64_t ConfigNode::integer(const std::string& key, std::int64_t low,
                                 std::int64_t high) const {
  require(key, "a whole number");
  return integer_if(key, low, high).value_or(std::max<std::int64_t>(low, 0));
}

std::optional<double> ConfigNode::number_if(const std::string& key, double low, double high) const {
  if (document_->probe != nullptr) {
    AskedKey asked(AskedKey::Type::number);
    asked.low = low;
    asked.high = high;
    return document_->probe->leaf(path_, key, asked) ? std::optional(low) : std::nullopt;
  }
  const ConfigTree* child = find(key);
  if (child == nullptr) {
    return std::nullopt;
  }
  double value = child->number;
  if (child->open()) {
    error(key, still_open(key, "a number"));
    return std::nullopt;
  }
  if (child->kind == ConfigTree::Kind::text) {
    const auto parsed = value_of(*child, key);
    if (!parsed) {
      return std::nullopt;
    }
    if (parsed->dim != Dim{}) {
      error(key, fmt::format("'{}' is \"{}\", {}; expected a pure number", key, child->text,
                             dimension_name(parsed->dim)));
      return std::nullopt;
    }
    value = parsed->si;
  } else if (child->kind != ConfigTree::Kind::number && child->kind != ConfigTree::Kind::integer) {
    error(key, fmt::format("'{}' is {}; expected a number", key, child->kind_name()));
    return std::nullopt;
  }
  if (!(value >= low && value <= high)) {
    error(key, fmt::format("'{}' is {}; expected a number from {} to {}", key, value, low, high));
    return std::nullopt;
  }
  return value;
}

double ConfigNode::number(const std::string& key, double low, double high) const {
  require(key, "a number");
  return number_if(key, low, high).value_or(low);
}

std::optional<bool> ConfigNode::flag_if(const std::string& key) const {
  if (document_->probe != nullptr) {
    return document_->probe->leaf(path_, key, AskedKey(AskedKey::Type::flag)) ? std::optional(true)
                                                                              : std::nullopt;
  }
  const ConfigTree* child = find(key);
  if (child == nullptr) {
    return std::nullopt;
  }
  if (child->kind != ConfigTree::Kind::flag) {
    error(key, fmt::format("'{}' is {}; expected true or false", key, child->kind_name()));
    return std::nullopt;
  }
  return child->flag;
}

bool ConfigNode::flag(const std::string& key) const {
  require(key, "true or false");
  return flag_if(key).value_or(false);
}

std::optional<std::string> ConfigNode::choice_if(const std::string& key,
                                                 const std::vector<std::string>& names) const {
  if (document_->probe != nullptr) {
    AskedKey asked(AskedKey::Type::choice);
    asked.choices = names;
    return document_->probe->leaf(path_, key, asked)
               ? std::optional(document_->probe->chosen(path_, key, names))
               : std::nullopt;
  }
  const ConfigTree* child = find(key);
  if (child != nullptr && child->open()) {
    error(key, still_open(key, fmt::format("one of {}", fmt::join(names, ", "))));
    return std::nullopt;
  }
  auto value = text_if(key);
  if (value && std::find(names.begin(), names.end(), *value) == names.end()) {
    error(key, fmt::format("'{}' is '{}'; expected {}{}", key, *value, fmt::join(names, ", "),
                           did_you_mean(*value, names)));
    return std::nullopt;
  }
  return value;
}

std::string ConfigNode::choice(const std::string& key,
                               const std::vector<std::string>& names) const {
  require(key, fmt::format("one of {}", fmt::join(names, ", ")));
  return choice_if(key, names).value_or(names.front());
}

std::optional<ConfigNode> ConfigNode::table_if(const std::string& key) const {
  if (document_->probe != nullptr) {
    document_->probe->leaf(path_, key, AskedKey(AskedKey::Type::table));
    return document_->probe->absent == std::pair(path_, key)
               ? std::nullopt
               : std::optional(ConfigNode(document_, nullptr, joined(path_, key)));
  }
  const ConfigTree* child = find(key);
  if (child == nullptr) {
    return std::nullopt;
  }
  if (child->kind != ConfigTree::Kind::table) {
    error(key, fmt::format("'{}' is {}; expected a table [{}]", key, child->kind_name(),
                           joined(path_, key)));
    return std::nullopt;
  }
  return ConfigNode(document_, child, joined(path_, key));
}

ConfigNode ConfigNode::table(const std::string& key) const {
  require(key, fmt::format("a table [{}]", joined(path_, key)));
  auto result = table_if(key);
  return result ? *result : ConfigNode(document_, nullptr, joined(path_, key));
}

std::vector<ConfigNode> ConfigNode::tables(const std::string& key) const {
  std::vector<ConfigNode> result;
  if (document_->probe != nullptr) {
    if (document_->probe->leaf(path_, key, AskedKey(AskedKey::Type::tables))) {
      result.emplace_back(document_, nullptr, joined(path_, key) + "[]");
    }
    return result;
  }
  const ConfigTree* child = find(key);
  if (child == nullptr) {
    return result;
  }
  if (child->kind == ConfigTree::Kind::table) {
    result.emplace_back(document_, child, joined(path_, key));
    return result;
  }
  for (const ConfigTree& item : child->items) {
    item.read = true;
    if (item.kind != ConfigTree::Kind::table) {
      document_->diagnostics.error(item.region,
                                   fmt::format("found {}; expected a table", item.kind_name()));
      continue;
    }
    result.emplace_back(document_, &item, fmt::format("{}[{}]", joined(path_, key), result.size()));
  }
  if (child->kind != ConfigTree::Kind::array) {
    error(key, fmt::format("'{}' is {}; expected tables [[{}]]", key, child->kind_name(),
                           joined(path_, key)));
  }
  return result;
}

std::vector<std::pair<std::string, ConfigNode>> ConfigNode::children() const {
  std::vector<std::pair<std::string, ConfigNode>> result;
  if (document_->probe != nullptr) {
    document_->probe->leaf(path_, "*", AskedKey(AskedKey::Type::table));
    result.emplace_back("*", ConfigNode(document_, nullptr, joined(path_, "*")));
    return result;
  }
  if (tree_ == nullptr) {
    return result;
  }
  for (const auto& [key, child] : tree_->entries) {
    if (child->kind == ConfigTree::Kind::table) {
      note_asked(key);
      result.emplace_back(key, ConfigNode(document_, child.get(), joined(path_, key)));
    }
  }
  return result;
}

std::vector<std::string> ConfigNode::keys() const {
  std::vector<std::string> result;
  if (document_->probe != nullptr) {
    return {"*"};
  }
  if (tree_ != nullptr) {
    for (const auto& [key, child] : tree_->entries) {
      result.push_back(key);
    }
  }
  return result;
}

void ConfigNode::error(const std::string& key, const std::string& message) const {
  document_->diagnostics.error(key.empty() ? region() : region(key), message);
}

void ConfigNode::warning(const std::string& key, const std::string& message) const {
  document_->diagnostics.warning(key.empty() ? region() : region(key), message);
}

bool ConfigNode::ok() const { return document_->diagnostics.ok(); }

}  // namespace joulesim

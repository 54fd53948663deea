// Values with units, figures with sources, and the checks written beside them.
#include "sim/base/config.hpp"
#include "sim/base/config_tree.hpp"
#include "sim/base/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace joulesim {

// A text "34.1 GB/s", or a bare number (a count).
std::optional<AnyQuantity> ConfigNode::value_of(const ConfigTree& tree,
                                                const std::string& key) const {
  tree.read = true;
  if (tree.kind == ConfigTree::Kind::integer || tree.kind == ConfigTree::Kind::number) {
    if (!std::isfinite(tree.number)) {
      document_->diagnostics.error(
          tree.region, fmt::format("'{}' is {}; expected a finite number", key, tree.number));
      return std::nullopt;
    }
    return AnyQuantity{tree.number, {}};
  }
  if (tree.kind == ConfigTree::Kind::text) {
    try {
      return parse_quantity(tree.text);
    } catch (const std::invalid_argument& fault) {
      document_->diagnostics.error(tree.region, fmt::format("'{}': {}", key, fault.what()));
      return std::nullopt;
    }
  }
  document_->diagnostics.error(
      tree.region, fmt::format("'{}' is {}; expected a value with a unit, such as \"34.1 GB/s\"",
                               key, tree.kind_name()));
  return std::nullopt;
}

namespace {
std::string wrong_dimension(const std::string& key, const ConfigTree& tree, Dim found,
                            Dim expected) {
  const std::string shown = tree.kind == ConfigTree::Kind::text ? "\"" + tree.text + "\""
                                                                : fmt::format("{}", tree.number);
  if (found == Dim{}) {
    return fmt::format("'{}' is {} without a unit; expected {}, such as \"{}\"", key, shown,
                       dimension_name(expected), example_of(expected));
  }
  return fmt::format("'{}' is {}, {}; expected {}, such as \"{}\"", key, shown,
                     dimension_name(found), dimension_name(expected), example_of(expected));
}
}  // namespace

std::optional<double> ConfigNode::quantity_of(const std::string& key, Dim dim,
                                              bool required) const {
  const std::string expected =
      fmt::format("{}, such as \"{}\"", dimension_name(dim), example_of(dim));
  const ConfigTree* child = required ? require(key, expected) : find(key);
  if (document_->probe != nullptr) {
    AskedKey asked(AskedKey::Type::quantity);
    asked.dim = dim;
    return document_->probe->leaf(path_, key, asked) ? std::optional(1.0) : std::nullopt;
  }
  if (child == nullptr) {
    return std::nullopt;
  }
  if (child->open()) {
    error(key, still_open(key, expected));
    return std::nullopt;
  }
  const auto value = value_of(*child, key);
  if (!value) {
    return std::nullopt;
  }
  if (value->dim != dim) {
    error(key, wrong_dimension(key, *child, value->dim, dim));
    return std::nullopt;
  }
  if (!(value->si > 0)) {
    error(key, fmt::format("'{}' is {}; expected more than zero", key, child->text));
    return std::nullopt;
  }
  return value->si;
}

ConfigNode::RawFigure ConfigNode::figure_of(const std::string& key, Dim dim, bool required,
                                            bool zero_allowed) const {
  RawFigure raw;
  const std::string expected = fmt::format(
      "{} with its source, such as {{ value = \"{}\", source "
      "= \"…\" }}",
      dimension_name(dim), example_of(dim));
  const ConfigTree* child = required ? require(key, expected) : find(key);
  if (document_->probe != nullptr) {
    AskedKey asked(AskedKey::Type::figure);
    asked.dim = dim;
    asked.zero = zero_allowed;
    document_->probe->leaf(path_, key, asked);
    return raw;
  }
  if (child == nullptr) {
    return raw;
  }
  const ConfigTree* value_tree = child;
  const ConfigTree* source_tree = tree_->find("source");  // the section's own, if any
  std::string at;
  if (source_tree != nullptr) {
    source_tree->read = true;
  }
  if (child->kind == ConfigTree::Kind::table) {
    for (const char* known : {"value", "source", "range", "at", "equals", "note"}) {
      child->asked.insert(known);
    }
    value_tree = child->find("value");
    if (const ConfigTree* own = child->find("source")) {
      own->read = true;
      source_tree = own;
    }
    for (const char* note : {"at", "note"}) {
      if (const ConfigTree* place = child->find(note)) {
        place->read = true;
        at += (at.empty() ? "" : "; ") + place->text;
      }
    }
    if (value_tree == nullptr) {
      document_->diagnostics.error(child->region,
                                   fmt::format("'{}' has no value; expected {}", key, expected));
      return raw;
    }
  }
  raw.region = value_tree->region;
  if (value_tree->open()) {
    value_tree->read = true;
    for (const char* beside : {"range", "equals"}) {
      if (const ConfigTree* tree = child->find(beside)) {
        tree->read = true;
      }
    }
    document_->diagnostics.error(
        value_tree->region,
        still_open(key, fmt::format("{}, such as \"{}\"", dimension_name(dim), example_of(dim))));
    if (source_tree != nullptr) {
      document_->used_sources.insert(source_tree->text);
    }
    return raw;
  }
  const auto value = value_of(*value_tree, key);
  if (value && value->dim != dim) {
    document_->diagnostics.error(value_tree->region,
                                 wrong_dimension(key, *value_tree, value->dim, dim));
    return raw;
  }
  if (source_tree == nullptr) {
    document_->diagnostics.error(
        child->region, fmt::format("'{}' has no source; every figure names one of [sources]", key));
  } else {
    const auto source = document_->sources.find(source_tree->text);
    if (source == document_->sources.end()) {
      std::vector<std::string> known;
      for (const auto& [id, unused] : document_->sources) {
        known.push_back(id);
      }
      document_->diagnostics.error(source_tree->region,
                                   fmt::format("unknown source '{}'{}", source_tree->text,
                                               did_you_mean(source_tree->text, known)));
    } else {
      raw.source = source->second;
      document_->used_sources.insert(source_tree->text);
    }
  }
  if (!value) {
    return raw;
  }
  if (value->si < 0 || (value->si == 0 && !zero_allowed)) {
    document_->diagnostics.error(
        value_tree->region,
        fmt::format("'{}' is {}; expected more than zero (leave out what is not known)", key,
                    value->si));
    return raw;
  }
  raw.value = value->si;
  if (child->kind == ConfigTree::Kind::table) {
    if (const ConfigTree* range = child->find("range")) {
      range->read = true;
      std::vector<double> ends;
      for (const ConfigTree& item : range->items) {
        const auto end = value_of(item, key + ".range");
        if (end && end->dim != dim) {
          document_->diagnostics.error(item.region,
                                       wrong_dimension(key + ".range", item, end->dim, dim));
        } else if (end) {
          ends.push_back(end->si);
        }
      }
      if (range->items.size() != 2) {
        document_->diagnostics.error(range->region,
                                     fmt::format("'{}' has a range of {} values; expected [low, "
                                                 "high]",
                                                 key, range->items.size()));
      } else if (ends.size() == 2) {
        if (!(ends[0] <= raw.value && raw.value <= ends[1])) {
          document_->diagnostics.error(
              range->region,
              fmt::format("'{}' lies outside its own range; expected low <= value <= high", key));
        }
        raw.low = ends[0];
        raw.high = ends[1];
      }
    }
    check_equals(*child, key, raw.value, dim);
  }
  Figure figure;
  figure.owner = document_->owner;
  figure.key = joined(path_, key);
  figure.value = {raw.value, dim};
  if (raw.low) {
    figure.low = AnyQuantity{*raw.low, dim};
    figure.high = AnyQuantity{*raw.high, dim};
  }
  figure.source = raw.source;
  figure.at = at;
  figure.region = raw.region;
  const bool known = std::any_of(document_->figures.begin(), document_->figures.end(),
                                 [&](const Figure& other) { return other.key == figure.key; });
  if (!known) {
    document_->figures.push_back(std::move(figure));
  }
  return raw;
}

// `equals = "data_rate * bus_width"`: names are keys of the same table, or paths from the root.
void ConfigNode::check_equals(const ConfigTree& holder, const std::string& key, double value,
                              Dim dim) const {
  const ConfigTree* rule = holder.find("equals");
  if (rule == nullptr) {
    return;
  }
  rule->read = true;
  bool unknown = false;  // a term that is still to be filled in, which is said elsewhere
  const auto lookup = [&](const std::string& name) -> std::optional<AnyQuantity> {
    const ConfigTree* tree = tree_->find(name);
    if (tree == nullptr) {
      tree = &document_->root;
      std::size_t begin = 0;
      while (tree != nullptr && begin <= name.size()) {
        const auto end = std::min(name.find('.', begin), name.size());
        tree = tree->find(name.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    if (tree != nullptr && tree->kind == ConfigTree::Kind::table) {
      tree = tree->find("value");
    }
    unknown = unknown || (tree != nullptr && tree->open());
    return tree != nullptr && !tree->open() ? value_of(*tree, name) : std::nullopt;
  };
  const Evaluated result = evaluate_expression(rule->text, lookup);
  if (!result.value) {
    if (!unknown) {
      document_->diagnostics.error(rule->region, fmt::format("'{}': {}", key, result.fault));
    }
    return;
  }
  if (result.value->dim != dim) {
    document_->diagnostics.error(
        rule->region, fmt::format("'{}' is {}, but {} is {}", key, dimension_name(dim), rule->text,
                                  dimension_name(result.value->dim)));
    return;
  }
  constexpr double kTolerance = 0.01;
  if (!(std::fabs(result.value->si - value) <= kTolerance * std::fabs(value))) {
    document_->diagnostics.error(
        holder.find("value")->region,
        fmt::format("'{}' is {}, but {} gives {}; expected them to agree within 1 %", key,
                    format(AnyQuantity{value, dim}), rule->text, format(*result.value)));
  }
}

Sourced<double> ConfigNode::count(const std::string& key) const {
  const RawFigure raw = figure_of(key, Dim{}, true, false);
  return {raw.value, raw.low, raw.high, raw.source, raw.region};
}

std::optional<Sourced<double>> ConfigNode::count_if(const std::string& key) const {
  if (!has(key)) {
    note_asked(key);
    return std::nullopt;
  }
  return count(key);
}

std::int64_t ConfigNode::whole(const std::string& key, std::int64_t low, std::int64_t high) const {
  if (document_->probe != nullptr) {
    AskedKey asked(AskedKey::Type::figure);
    asked.whole = true;
    asked.low = static_cast<double>(low);
    asked.high = static_cast<double>(high);
    asked.zero = low <= 0;
    require(key, "");
    document_->probe->leaf(path_, key, asked);
    return low;
  }
  const std::size_t faults = document_->diagnostics.error_count();
  const bool present = has(key);
  const RawFigure raw = figure_of(key, Dim{}, true, low <= 0);
  if (document_->diagnostics.error_count() != faults) {
    return low;  // said once
  }
  const auto value = static_cast<std::int64_t>(std::clamp(raw.value, -9e18, 9e18));
  if (present && (static_cast<double>(value) != raw.value || value < low || value > high)) {
    error(key, fmt::format("'{}' is {}; expected a whole number from {} to {}", key, raw.value, low,
                           high));
  }
  return std::clamp(value, low, high);
}

std::optional<std::int64_t> ConfigNode::whole_if(const std::string& key, std::int64_t low,
                                                 std::int64_t high) const {
  if (!has(key)) {
    note_asked(key);
    return std::nullopt;
  }
  return whole(key, low, high);
}

}  // namespace joulesim

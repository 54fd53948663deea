// TOML files as typed, sourced values: the only door through which a number enters.
//
// A ConfigFile is read once; loaders walk it with ConfigNode cursors. Every fault is recorded with
// its place (file:line:column) and reading goes on, so that one run reports them all. Keys that no
// loader asked for are faults too. A loader must not use what it read before `require_ok()` has
// returned.
//
//   capacity = { value = "8 GiB", source = "vendor-ds", range = ["6 GiB", "8 GiB"], at = "table 3"
//   } peak     = { value = "34.1 GB/s", source = "vendor-ds", equals = "data_rate * bus_width" }
//
// A section may say `source = "id"` once; its plain values ("18 ns", 8) then carry that source.
//
// Checked by: tests/unit/base_config.cpp, tests/golden (messages).
#pragma once

#include "sim/base/diagnostics.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joulesim {

// Where a figure comes from. Kinds: standard, datasheet, measured, paper, derived, assumed.
struct Source {
  std::string id, kind, title, detail;
  Region region;
  [[nodiscard]] bool assumed() const { return kind == "assumed"; }
};

// One physical number as read: what `show`, `explain` and a result's source list are made of.
struct Figure {
  std::string owner;  // the part, device or model it belongs to
  std::string key;    // "timing.tRCD"
  AnyQuantity value;
  std::optional<AnyQuantity> low, high;
  std::shared_ptr<const Source> source;
  std::string at;
  Region region;
};

template <class Q>
struct Sourced {
  Q value{};
  std::optional<Q> low, high;
  std::shared_ptr<const Source> source;
  Region region;
};

struct ConfigTree;  // one parsed value; see config_tree.hpp
struct ConfigDocument;

class ConfigNode {
 public:
  ConfigNode(std::shared_ptr<ConfigDocument> document, const ConfigTree* tree, std::string path);

  [[nodiscard]] bool has(const std::string& key) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Region region() const;
  [[nodiscard]] Region region(const std::string& key) const;  // of the value, or the table itself

  std::string text(const std::string& key) const;
  std::optional<std::string> text_if(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;      // empty when absent
  std::vector<std::int64_t> integers(const std::string& key) const;  // empty when absent
  std::int64_t integer(const std::string& key, std::int64_t low = 0,
                       std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  std::optional<std::int64_t> integer_if(
      const std::string& key, std::int64_t low = 0,
      std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  double number(const std::string& key, double low, double high) const;
  std::optional<double> number_if(const std::string& key, double low, double high) const;
  bool flag(const std::string& key) const;
  std::optional<bool> flag_if(const std::string& key) const;
  // One of the names, with a nearest spelling in the message.
  std::string choice(const std::string& key, const std::vector<std::string>& names) const;
  std::optional<std::string> choice_if(const std::string& key,
                                       const std::vector<std::string>& names) const;

  // A quantity that a person chooses (a scenario's input): no source needed. Must be positive.
  template <class Q>
  Q quantity(const std::string& key) const {
    return Q(quantity_of(key, Q::kDim, true).value_or(0));
  }
  template <class Q>
  std::optional<Q> quantity_if(const std::string& key) const {
    const auto v = quantity_of(key, Q::kDim, false);
    return v ? std::optional<Q>(Q(*v)) : std::nullopt;
  }

  // A physical figure: value, unit and source. Must be positive; `figure_or_zero` allows nought.
  template <class Q>
  Sourced<Q> figure(const std::string& key) const {
    return sourced_as<Q>(figure_of(key, Q::kDim, true, false));
  }
  template <class Q>
  Sourced<Q> figure_or_zero(const std::string& key) const {
    return sourced_as<Q>(figure_of(key, Q::kDim, true, true));
  }
  template <class Q>
  std::optional<Sourced<Q>> figure_if(const std::string& key) const {
    if (!has(key)) {
      note_asked(key);
      return std::nullopt;
    }
    return sourced_as<Q>(figure_of(key, Q::kDim, true, false));
  }
  // A sourced number without dimension (banks, cores, a ratio).
  Sourced<double> count(const std::string& key) const;
  std::optional<Sourced<double>> count_if(const std::string& key) const;
  // A count that must be a whole number within limits.
  std::int64_t whole(const std::string& key, std::int64_t low, std::int64_t high) const;
  std::optional<std::int64_t> whole_if(const std::string& key, std::int64_t low,
                                       std::int64_t high) const;

  ConfigNode table(const std::string& key) const;  // an empty one, and a fault, when absent
  std::optional<ConfigNode> table_if(const std::string& key) const;
  std::vector<ConfigNode> tables(const std::string& key) const;  // array of tables; empty if absent
  // All sub-tables in file order.
  std::vector<std::pair<std::string, ConfigNode>> children() const;
  // All keys in file order; does not count as reading them.
  [[nodiscard]] std::vector<std::string> keys() const;

  void error(const std::string& key, const std::string& message) const;
  void warning(const std::string& key, const std::string& message) const;
  [[nodiscard]] bool ok() const;  // no fault so far in the whole document

 private:
  struct RawFigure {
    double value = 0;
    std::optional<double> low, high;
    std::shared_ptr<const Source> source;
    Region region;
  };
  template <class Q>
  static Sourced<Q> sourced_as(const RawFigure& raw) {
    Sourced<Q> result;
    result.value = Q(raw.value);
    if (raw.low) {
      result.low = Q(*raw.low);
    }
    if (raw.high) {
      result.high = Q(*raw.high);
    }
    result.source = raw.source;
    result.region = raw.region;
    return result;
  }
  const ConfigTree* find(const std::string& key) const;  // notes the key as asked and read
  const ConfigTree* require(const std::string& key, const std::string& expected) const;
  void note_asked(const std::string& key) const;
  std::optional<double> quantity_of(const std::string& key, Dim dim, bool required) const;
  RawFigure figure_of(const std::string& key, Dim dim, bool required, bool zero_allowed) const;
  std::optional<AnyQuantity> value_of(const ConfigTree& tree, const std::string& key) const;
  void check_equals(const ConfigTree& holder, const std::string& key, double value, Dim dim) const;

  std::shared_ptr<ConfigDocument> document_;
  const ConfigTree* tree_;
  std::string path_;
};

class ConfigFile {
 public:
  // Throws InputError when the file cannot be read or is no TOML (with the parser's place and
  // reason).
  static ConfigFile read(const std::string& path);
  static ConfigFile parse(const std::string& text, const std::string& shown_path);

  // "a.b=value" from the command line: the value is TOML, or bare text.
  void set(const std::string& assignment);

  // Fills in what this file leaves out from `base`, table by table; a figure that is given here is
  // taken whole. Names, titles and aliases are never inherited. A source id used by both is a
  // fault.
  void inherit(ConfigFile&& base);
  // The texts that were inherited from, nearest first.
  [[nodiscard]] const std::vector<std::shared_ptr<const SourceText>>& bases() const;

  [[nodiscard]] ConfigNode root() const;
  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const std::string& text() const;
  void set_owner(const std::string& name);  // the name that the figures carry

  [[nodiscard]] const std::vector<Figure>& figures() const;
  [[nodiscard]] std::vector<std::shared_ptr<const Source>> sources() const;
  [[nodiscard]] Diagnostics& diagnostics();

  // Reports keys that nobody read, sources that nobody used; throws InputError if there was any
  // fault.
  void require_ok();
  // The same check without throwing: true when there is no fault.
  bool finish();

 private:
  explicit ConfigFile(std::shared_ptr<ConfigDocument> document);
  std::shared_ptr<ConfigDocument> document_;
};

}  // namespace joulesim

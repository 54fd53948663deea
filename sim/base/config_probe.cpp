#include "sim/base/config_probe.hpp"

#include "sim/base/config_tree.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

namespace joulesim {
namespace {

AskedTable& table_in(std::vector<AskedTable>& tables, const std::string& path) {
  for (AskedTable& table : tables) {
    if (table.path == path) {
      return table;
    }
  }
  tables.push_back({path, {}});
  return tables.back();
}

AskedKey& key_in(AskedTable& table, const std::string& key) {
  for (auto& [name, asked] : table.keys) {
    if (name == key) {
      return asked;
    }
  }
  table.keys.emplace_back(key, AskedKey{});
  return table.keys.back().second;
}

// Of two answers about a key the more telling one: a choice is more than a text, a whole figure
// more than any number.
bool tells_more(const AskedKey& a, const AskedKey& b) {
  const auto rank = [](const AskedKey& key) {
    return std::tuple(key.type != AskedKey::Type::unknown, key.type == AskedKey::Type::choice,
                      key.whole);
  };
  return rank(a) > rank(b);
}

// Joins another answer: the more telling one stays, choices add up.
void join(AskedKey& known, const AskedKey& asked) {
  std::vector<std::string> choices = known.choices;
  for (const std::string& choice : asked.choices) {
    if (std::find(choices.begin(), choices.end(), choice) == choices.end()) {
      choices.push_back(choice);
    }
  }
  if (tells_more(asked, known)) {
    const bool required = known.required;
    known = asked;
    known.required = required;
  }
  known.choices = std::move(choices);
}

// What the probes so far have found.
struct Found {
  std::vector<AskedTable> tables;
  std::map<std::string, int> visits;                           // by table
  std::map<std::pair<std::string, std::string>, int> demands;  // by table and key

  void add(const ConfigProbe& probe) {
    for (const AskedTable& table : probe.tables) {
      ++visits[table.path];
      AskedTable& into = table_in(tables, table.path);
      for (const auto& [name, asked] : table.keys) {
        join(key_in(into, name), asked);
        demands[{table.path, name}] +=
            asked.required && !probe.optional.contains({table.path, name}) ? 1 : 0;
      }
    }
  }
};

void run(const std::function<void(const ConfigNode&)>& reader, ConfigProbe& probe, Found& found) {
  auto document = std::make_shared<ConfigDocument>();
  document->file = std::make_shared<const SourceText>();
  document->probe = &probe;
  // No reader may believe what it was answered.
  document->diagnostics.error(std::string("probe"), "no file");
  try {
    reader(ConfigNode(document, nullptr, ""));
  } catch (const InputError&) {  // of a name that nothing has
  }
  found.add(probe);
}

}  // namespace

AskedKey& ConfigProbe::ask(const std::string& path, const std::string& key) {
  return key_in(table_in(tables, path), key);
}

bool ConfigProbe::has(const std::string& path, const std::string& key) {
  if (!ask(path, key).required) {
    optional.insert({path, key});
  }
  return present(path, key);
}

bool ConfigProbe::present(const std::string& path, const std::string& key) const {
  const std::pair at(path, key);
  return all || alone == at || choice_at == at;
}

bool ConfigProbe::leaf(const std::string& path, const std::string& key, const AskedKey& asked) {
  join(ask(path, key), asked);
  return present(path, key);
}

std::string ConfigProbe::chosen(const std::string& path, const std::string& key,
                                const std::vector<std::string>& names) const {
  return choice_at == std::pair(path, key) ? choice : names.front();
}

const AskedKey* AskedTable::find(const std::string& key) const {
  for (const auto& [name, asked] : keys) {
    if (name == key) {
      return &asked;
    }
  }
  return nullptr;
}

std::vector<AskedTable> asked_tables(const std::function<void(const ConfigNode&)>& reader) {
  Found found;
  for (const bool all : {true, false}) {
    ConfigProbe probe;
    probe.all = all;
    run(reader, probe, found);
  }
  std::set<std::tuple<std::string, std::string, std::string>> tried;
  for (bool more = true; more;) {
    more = false;
    std::vector<ConfigProbe> probes;
    for (const AskedTable& table : found.tables) {
      for (const auto& [name, asked] : table.keys) {
        if (asked.type == AskedKey::Type::unknown && tried.insert({table.path, name, ""}).second) {
          probes.emplace_back();
          probes.back().alone = {table.path, name};
        }
        if (asked.type == AskedKey::Type::table && !asked.required &&
            tried.insert({table.path, name, ""}).second) {
          probes.emplace_back();
          probes.back().all = true;
          probes.back().absent = {table.path, name};
        }
        for (const std::string& choice : asked.choices) {
          if (!tried.insert({table.path, name, choice}).second) {
            continue;
          }
          for (const bool all : {true, false}) {
            probes.emplace_back();
            probes.back().all = all;
            probes.back().choice_at = {table.path, name};
            probes.back().choice = choice;
          }
        }
      }
    }
    for (ConfigProbe& probe : probes) {
      run(reader, probe, found);
      more = true;
    }
  }
  for (AskedTable& table : found.tables) {
    for (auto& [name, asked] : table.keys) {
      asked.required = found.demands[{table.path, name}] == found.visits[table.path];
    }
  }
  return found.tables;
}

}  // namespace joulesim

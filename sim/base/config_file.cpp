// A file as a whole: its sources, the settings laid over it, and what nobody read.
#include "sim/base/config.hpp"
#include "sim/base/config_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace joulesim {
namespace {

constexpr std::array kSourceKinds = {"standard", "datasheet", "measured",
                                     "paper",    "derived",   "assumed"};

// [sources]: id = { kind = …, title = …, anything else as detail text }.
void read_sources(ConfigDocument& document) {
  const ConfigTree* table = document.root.find("sources");
  if (table == nullptr) {
    return;
  }
  table->read = true;
  document.root.asked.insert("sources");
  for (const auto& [id, entry] : table->entries) {
    entry->read = true;
    auto source = std::make_shared<Source>();
    source->id = id;
    source->region = entry->key_region;
    const std::vector<std::string> kinds(kSourceKinds.begin(), kSourceKinds.end());
    for (const auto& [key, value] : entry->entries) {
      value->read = true;
      if (key == "kind") {
        source->kind = value->text;
        if (std::find(kinds.begin(), kinds.end(), source->kind) == kinds.end()) {
          document.diagnostics.error(
              value->region,
              fmt::format("found source kind '{}'; expected {}{}", source->kind,
                          fmt::join(kinds, ", "), did_you_mean(source->kind, kinds)));
        }
      } else if (key == "title") {
        source->title = value->text;
        if (value->open()) {
          document.diagnostics.error(
              value->region,
              fmt::format("the title of source '{}' is still to be filled in; expected the "
                          "document's name, its edition and where in it the figures stand",
                          id));
        }
      } else {
        source->detail +=
            fmt::format("{}{}: {}", source->detail.empty() ? "" : "; ", key,
                        value->kind == ConfigTree::Kind::text ? value->text : value->kind_name());
      }
    }
    if (source->kind.empty() || source->title.empty()) {
      document.diagnostics.error(entry->region,
                                 fmt::format("source '{}' has no {}; expected kind and title", id,
                                             source->kind.empty() ? "kind" : "title"));
    }
    if (source->assumed() && entry->find("reason") == nullptr) {
      document.diagnostics.error(
          entry->region,
          fmt::format("source '{}' is assumed without a reason; expected reason = \"…\"", id));
    }
    document.sources[id] = std::move(source);
  }
}

// Moves into `tree` what it lacks. A table with a `value` is one figure and stays whole, as do
// arrays.
void fill_in(ConfigTree& tree, ConfigTree& base) {
  for (auto& [key, child] : base.entries) {
    const auto found = std::find_if(tree.entries.begin(), tree.entries.end(),
                                    [&n = key](const auto& entry) { return entry.first == n; });
    if (found == tree.entries.end()) {
      tree.entries.emplace_back(key, std::move(child));
    } else if (child->kind == ConfigTree::Kind::table && child->find("value") == nullptr &&
               found->second->kind == ConfigTree::Kind::table &&
               found->second->find("value") == nullptr) {
      fill_in(*found->second, *child);
    }
  }
}

void report_unread(ConfigDocument& document, const ConfigTree& tree) {
  for (const auto& [key, child] : tree.entries) {
    if (!child->read) {
      const std::vector<std::string> asked(tree.asked.begin(), tree.asked.end());
      document.diagnostics.error(child->key_region,
                                 fmt::format("unknown key '{}'{}", key, did_you_mean(key, asked)));
      continue;
    }
    report_unread(document, *child);
  }
  for (const ConfigTree& item : tree.items) {
    if (item.read) {
      report_unread(document, item);
    }
  }
}

}  // namespace

std::vector<std::string> source_kinds() { return {kSourceKinds.begin(), kSourceKinds.end()}; }

ConfigFile::ConfigFile(std::shared_ptr<ConfigDocument> document) : document_(std::move(document)) {
  read_sources(*document_);
}

ConfigFile ConfigFile::parse(const std::string& text, const std::string& shown_path) {
  return ConfigFile(parse_toml(text, shown_path));
}

void ConfigFile::set(const std::string& assignment) {
  const auto equals = assignment.find('=');
  const std::string shown = "--set " + assignment;
  if (equals == std::string::npos || equals == 0) {
    throw InputError(fmt::format("found {}; expected --set key.path=value", shown));
  }
  const std::string key = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  std::shared_ptr<ConfigDocument> parsed;
  try {
    parsed = parse_toml(key + " = " + value, shown);
  } catch (const InputError&) {
    std::string quoted;
    for (const char c : value) {
      quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    parsed = parse_toml(fmt::format("{} = \"{}\"", key, quoted), shown);
  }
  ConfigTree* into = &document_->root;
  ConfigTree* from = &parsed->root;
  while (true) {
    auto& [name, child] = from->entries.front();
    const auto found = std::find_if(into->entries.begin(), into->entries.end(),
                                    [&n = name](const auto& e) { return e.first == n; });
    if (found == into->entries.end()) {
      into->entries.emplace_back(name, std::move(child));
      return;
    }
    if (child->kind == ConfigTree::Kind::table && child->entries.size() == 1 &&
        found->second->kind == ConfigTree::Kind::table) {
      into = found->second.get();
      from = child.get();
      continue;
    }
    found->second = std::move(child);
    return;
  }
}

void ConfigFile::inherit(ConfigFile&& base) {
  ConfigDocument& from = *base.document_;
  document_->diagnostics.append(from.diagnostics);
  for (auto& [id, source] : from.sources) {
    if (const auto own = document_->sources.find(id); own != document_->sources.end()) {
      document_->diagnostics.error(
          own->second->region,
          fmt::format("source '{}' is also one of the base file {}; expected another name", id,
                      from.file->path));
      continue;
    }
    document_->sources[id] = std::move(source);
    document_->used_sources.insert(id);  // its use is the base's business
  }
  const auto sources = std::find_if(from.root.entries.begin(), from.root.entries.end(),
                                    [](const auto& entry) { return entry.first == "sources"; });
  if (sources != from.root.entries.end()) {
    from.root.entries.erase(sources);
  }
  for (const char* own : {"part", "device", "model", "title", "aliases", "base"}) {
    std::erase_if(from.root.entries, [&](const auto& entry) { return entry.first == own; });
  }
  fill_in(document_->root, from.root);
  document_->bases.push_back(from.file);
  document_->bases.insert(document_->bases.end(), from.bases.begin(), from.bases.end());
}

const std::vector<std::shared_ptr<const SourceText>>& ConfigFile::bases() const {
  return document_->bases;
}

ConfigNode ConfigFile::root() const { return {document_, &document_->root, ""}; }
const std::string& ConfigFile::path() const { return document_->file->path; }
const std::string& ConfigFile::text() const { return document_->file->text; }
void ConfigFile::set_owner(const std::string& name) { document_->owner = name; }
const std::vector<Figure>& ConfigFile::figures() const { return document_->figures; }
Diagnostics& ConfigFile::diagnostics() { return document_->diagnostics; }

std::vector<std::shared_ptr<const Source>> ConfigFile::sources() const {
  std::vector<std::shared_ptr<const Source>> result;
  for (const auto& [id, source] : document_->sources) {
    result.push_back(source);
  }
  return result;
}

bool ConfigFile::finish() {
  if (!document_->finished) {
    document_->finished = true;
    report_unread(*document_, document_->root);
    for (const auto& [id, source] : document_->sources) {
      if (!document_->used_sources.contains(id) && document_->diagnostics.ok()) {
        document_->diagnostics.warning(source->region,
                                       fmt::format("source '{}' is used by no figure", id));
      }
    }
  }
  return document_->diagnostics.ok();
}

void ConfigFile::require_ok() {
  if (!finish()) {
    throw InputError(document_->diagnostics);
  }
}

}  // namespace joulesim

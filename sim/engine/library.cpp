#include "sim/engine/library.hpp"

#include "hw/catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

namespace joulesim::engine {
namespace fs = std::filesystem;
namespace {

// All *.toml below a folder, in a fixed order.
std::vector<fs::path> toml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;
  if (!fs::is_directory(folder, none)) {
    return files;
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder, none)) {
    if (entry.is_regular_file(none) && entry.path().extension() == ".toml") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> roots() {
  std::vector<fs::path> result;
  if (const char* own = std::getenv("JOULESIM_PATH")) {
    std::stringstream list(own);
    for (std::string folder; std::getline(list, folder, ':');) {
      if (!folder.empty()) {
        result.emplace_back(folder);
      }
    }
  }
  std::error_code fault;
  const fs::path program = fs::read_symlink("/proc/self/exe", fault);
  const fs::path installed = program.parent_path().parent_path() / "share" / "joulesim";
  if (!fault && fs::is_directory(installed, fault)) {
    result.push_back(installed);
  } else {
    result.emplace_back(JOULESIM_SOURCE_DATA);
  }
  return result;
}

const LibraryEntry* find(const std::vector<LibraryEntry>& entries, const std::string& name) {
  for (const LibraryEntry& entry : entries) {
    if (entry.id == name ||
        std::find(entry.aliases.begin(), entry.aliases.end(), name) != entry.aliases.end()) {
      return &entry;
    }
  }
  return nullptr;
}

std::vector<std::string> names_of(const std::vector<LibraryEntry>& entries) {
  std::vector<std::string> names;
  for (const LibraryEntry& entry : entries) {
    names.push_back(entry.id);
    names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
  }
  return names;
}

}  // namespace

std::string shown_path(const fs::path& path) {
  std::error_code fault;
  const fs::path absolute = fs::weakly_canonical(path, fault);
  const fs::path here = fs::current_path(fault);
  const fs::path relative = absolute.lexically_relative(here);
  if (!fault && !relative.empty() && *relative.begin() != "..") {
    return relative.string();
  }
  return path.string();
}

Library::Library() : registry_(hw::make_registry()) {}

Library Library::open(const std::vector<std::string>& plugins) {
  Library library;
  library.plugins_ = load_plugins(plugins, library.registry_);
  std::vector<std::string> zoo;
  for (const fs::path& root : roots()) {
    library.add_root(root);
    zoo.push_back((root / "models" / "zoo").string());
  }
  library.zoo_ = models::list_zoo(zoo);
  return library;
}

const LoadedPlugin* Library::plugin_of(const std::string& model) const {
  for (const LoadedPlugin& plugin : plugins_) {
    if (std::find(plugin.models.begin(), plugin.models.end(), model) != plugin.models.end()) {
      return &plugin;
    }
  }
  return nullptr;
}

std::string Library::unknown_kind(const std::string& model) const {
  return fmt::format("unknown component kind '{}'{}; a kind of a plug-in needs --plugin FILE.so",
                     model, did_you_mean(model, registry_.models()));
}

ConfigFile Library::read(const std::string& path) const {
  std::vector<std::string> chain;
  return read_on(path, chain);
}

ConfigFile Library::read_on(const std::string& path, std::vector<std::string>& chain) const {
  ConfigFile file = ConfigFile::read(path);
  const ConfigNode root = file.root();
  const bool device = root.has("device");
  if (!root.has("base") || (!device && !root.has("part"))) {
    return file;
  }
  const std::string name = root.text("base");
  chain.push_back(fs::path(path).stem().string());
  std::optional<LibraryEntry> entry = part_for(device ? "" : name, path);
  if (const LibraryEntry* known = device ? this->device(name) : nullptr) {
    entry = *known;
  }
  if (!entry) {
    root.error("base", fmt::format("unknown {} '{}'{}", device ? "device" : "part", name,
                                   did_you_mean(name, device ? device_names() : part_names())));
  } else if (std::find(chain.begin(), chain.end(), entry->id) != chain.end()) {
    root.error("base", fmt::format("'{}' inherits from itself; expected a base that does not lead "
                                   "back here",
                                   entry->id));
  } else {
    file.inherit(read_on(entry->path, chain));
  }
  return file;
}

std::string Library::stored_name(const std::string& path) const {
  std::error_code fault;
  const fs::path file = fs::weakly_canonical(path, fault);
  for (const fs::path& root : roots_) {
    const fs::path relative = file.lexically_relative(fs::weakly_canonical(root, fault));
    if (!relative.empty() && *relative.begin() != "..") {
      return relative.generic_string();
    }
  }
  return fs::path(path).filename().string();
}

void Library::add_root(const fs::path& root) {
  roots_.push_back(root);
  Diagnostics diagnostics;
  const auto add = [&](std::vector<LibraryEntry>& entries, LibraryEntry entry) {
    // An earlier root wins; within a root a name is unique.
    if (const LibraryEntry* known = find(entries, entry.id)) {
      if (known->path.starts_with(root.string())) {
        diagnostics.error(entry.path,
                          fmt::format("'{}' is also the name of {}", entry.id, known->path));
      }
      return;
    }
    entries.push_back(std::move(entry));
  };
  for (const fs::path& path : toml_files(root / "hw")) {
    try {
      const ConfigFile file = ConfigFile::read(shown_path(path));
      const ConfigNode node = file.root();
      const bool device = node.has("device");
      LibraryEntry entry;
      entry.path = shown_path(path);
      entry.id = path.stem().string();
      entry.title = node.text_if("title").value_or("");
      entry.kind = node.text_if(device ? "kind" : "model").value_or("");
      entry.aliases = node.texts("aliases");
      add(device ? devices_ : parts_, std::move(entry));
    } catch (const InputError& fault) {
      diagnostics.append(fault.diagnostics());
    }
  }
  for (const fs::path& path : toml_files(root / "scenarios")) {
    try {
      const ConfigFile file = ConfigFile::read(shown_path(path));
      LibraryEntry entry;
      entry.path = shown_path(path);
      entry.id = path.stem().string();
      entry.title = file.root().text_if("title").value_or("");
      add(scenarios_, std::move(entry));
    } catch (const InputError& fault) {
      diagnostics.append(fault.diagnostics());
    }
  }
  if (!diagnostics.ok()) {
    throw InputError(std::move(diagnostics));
  }
}

const LibraryEntry* Library::part(const std::string& name) const { return find(parts_, name); }
const LibraryEntry* Library::device(const std::string& name) const { return find(devices_, name); }
std::optional<LibraryEntry> Library::part_for(const std::string& name,
                                              const std::string& user) const {
  if (const LibraryEntry* known = part(name)) {
    return *known;
  }
  const fs::path beside = fs::path(user).parent_path() / (name + ".toml");
  std::error_code none;
  if (name.empty() || name.find('/') != std::string::npos || !fs::is_regular_file(beside, none)) {
    return std::nullopt;
  }
  LibraryEntry entry;
  entry.id = name;
  entry.path = shown_path(beside);
  const ConfigFile file = ConfigFile::read(entry.path);
  if (!file.root().has("part")) {
    return std::nullopt;
  }
  entry.title = file.root().text_if("title").value_or("");
  entry.kind = file.root().text_if("model").value_or("");
  return entry;
}

std::optional<std::string> Library::device_path(const std::string& name,
                                                const std::string& user) const {
  if (const LibraryEntry* known = device(name)) {
    return known->path;
  }
  if (!name.ends_with(".toml")) {
    return std::nullopt;
  }
  std::error_code none;
  for (const fs::path& path : {fs::path(user).parent_path() / name, fs::path(name)}) {
    if (fs::is_regular_file(path, none)) {
      return shown_path(path);
    }
  }
  return std::nullopt;
}

const LibraryEntry* Library::scenario(const std::string& name) const {
  return find(scenarios_, name);
}
const models::ZooEntry* Library::model(const std::string& name) const {
  return models::find_in_zoo(zoo_, name);
}

std::vector<std::string> Library::part_names(const std::string& kind) const {
  std::vector<std::string> names;
  for (const LibraryEntry& entry : parts_) {
    if (kind.empty() || entry.kind == kind) {
      names.push_back(entry.id);
    }
  }
  return names;
}

std::vector<std::string> Library::device_names() const { return names_of(devices_); }
std::vector<std::string> Library::scenario_names() const { return names_of(scenarios_); }

std::vector<std::string> Library::model_names() const {
  std::vector<std::string> names;
  for (const models::ZooEntry& entry : zoo_) {
    names.push_back(entry.id);
    names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
  }
  return names;
}

std::string Library::unknown_device(const std::string& name) const {
  return fmt::format("unknown device '{}'{}", name, did_you_mean(name, device_names()));
}

std::string Library::unknown_model(const std::string& name) const {
  return fmt::format("unknown model '{}'{}", name, did_you_mean(name, model_names()));
}

}  // namespace joulesim::engine

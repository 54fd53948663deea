// Where parts, devices, models and scenarios are found, by name.
//
// Roots in order: the folders of JOULESIM_PATH, then the product's own data (the source tree, or
// share/joulesim after installation). A name in an earlier root hides the same name in a later one.
#pragma once

#include "hw/component/registry.hpp"
#include "models/arch/zoo.hpp"
#include "sim/base/config.hpp"
#include "sim/engine/plugin.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct LibraryEntry {
  std::string id, title, path;
  std::string kind;  // parts: the component kind; devices: "phone", "server", …
  std::vector<std::string> aliases;
};

class Library {
 public:
  // With the kinds of these plug-ins. Throws InputError for files that are no TOML, for names used
  // twice in one root, and for plug-ins that do not load.
  static Library open(const std::vector<std::string>& plugins = {});

  [[nodiscard]] const hw::Registry& registry() const { return registry_; }
  [[nodiscard]] const std::vector<LoadedPlugin>& plugins() const { return plugins_; }
  // The plug-in that brought a component kind; null for those of the product.
  [[nodiscard]] const LoadedPlugin* plugin_of(const std::string& model) const;
  // What to say of a component kind that is not here.
  [[nodiscard]] std::string unknown_kind(const std::string& model) const;
  [[nodiscard]] const std::vector<LibraryEntry>& parts() const { return parts_; }
  [[nodiscard]] const std::vector<LibraryEntry>& devices() const { return devices_; }
  [[nodiscard]] const std::vector<LibraryEntry>& scenarios() const { return scenarios_; }
  [[nodiscard]] const std::vector<models::ZooEntry>& models() const { return zoo_; }

  [[nodiscard]] const LibraryEntry* part(const std::string& name) const;
  [[nodiscard]] const LibraryEntry* device(const std::string& name) const;  // by id or alias
  [[nodiscard]] const LibraryEntry* scenario(const std::string& name) const;
  [[nodiscard]] const models::ZooEntry* model(const std::string& name) const;

  // The part that the file `user` names: the library's, else NAME.toml in the same folder.
  [[nodiscard]] std::optional<LibraryEntry> part_for(const std::string& name,
                                                     const std::string& user) const;
  // The file of a device: the library's, or for "….toml" the file beside `user`, else from here.
  [[nodiscard]] std::optional<std::string> device_path(const std::string& name,
                                                       const std::string& user = {}) const;

  // A part or device file with what it inherits: `base = "name"` names a part (for a device: a
  // device) of the library that fills in what the file leaves out.
  [[nodiscard]] ConfigFile read(const std::string& path) const;

  // What to say of a name that is not here, with the nearest that is.
  [[nodiscard]] std::string unknown_device(const std::string& name) const;
  [[nodiscard]] std::string unknown_model(const std::string& name) const;

  // A file's name in results: relative to the library it belongs to, else its bare name, so that
  // results are the same wherever the files lie.
  [[nodiscard]] std::string stored_name(const std::string& path) const;

  [[nodiscard]] std::vector<std::string> part_names(const std::string& kind = {}) const;
  [[nodiscard]] std::vector<std::string> device_names() const;  // ids and aliases
  [[nodiscard]] std::vector<std::string> model_names() const;
  [[nodiscard]] std::vector<std::string> scenario_names() const;

 private:
  Library();
  void add_root(const std::filesystem::path& root);
  ConfigFile read_on(const std::string& path, std::vector<std::string>& chain) const;

  hw::Registry registry_;
  std::vector<LoadedPlugin> plugins_;
  std::vector<std::filesystem::path> roots_;
  std::vector<LibraryEntry> parts_, devices_, scenarios_;
  std::vector<models::ZooEntry> zoo_;
};

// A path as shown to people: relative to the working folder when it lies below it.
std::string shown_path(const std::filesystem::path& path);

}  // namespace joulesim::engine

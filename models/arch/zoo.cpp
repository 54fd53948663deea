#include "models/arch/zoo.hpp"

#include "sim/base/config.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

namespace joulesim::models {

std::vector<ZooEntry> list_zoo(const std::vector<std::string>& folders) {
  std::vector<ZooEntry> zoo;
  Diagnostics faults;
  std::map<std::string, std::string> owner;  // name -> path of the file that has it
  for (const std::string& folder : folders) {
    std::error_code ignored;
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
      if (file.path().extension() == ".toml") {
        paths.push_back(file.path().string());
      }
    }
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
      const ConfigFile file = ConfigFile::read(path);
      const ConfigNode root = file.root();
      ZooEntry entry{root.text("model"), root.text("title"), root.texts("aliases"), path};
      const std::string stem = std::filesystem::path(path).stem().string();
      if (entry.id != stem) {
        faults.error(root.region("model"),
                     "found model '" + entry.id + "'; expected '" + stem + "', the file's name");
      }
      std::vector<std::string> names = entry.aliases;
      names.push_back(entry.id);
      for (const std::string& name : names) {
        const auto [slot, is_new] = owner.emplace(name, path);
        if (!is_new) {
          faults.error(root.region("model"), "found the name '" + name + "', which " +
                                                 slot->second +
                                                 " has too; expected names of its own");
        }
      }
      zoo.push_back(std::move(entry));
    }
  }
  if (!faults.ok()) {
    throw InputError(faults);
  }
  std::sort(zoo.begin(), zoo.end(),
            [](const ZooEntry& a, const ZooEntry& b) { return a.id < b.id; });
  return zoo;
}

const ZooEntry* find_in_zoo(const std::vector<ZooEntry>& zoo, const std::string& name) {
  for (const ZooEntry& entry : zoo) {
    if (entry.id == name ||
        std::find(entry.aliases.begin(), entry.aliases.end(), name) != entry.aliases.end()) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace joulesim::models

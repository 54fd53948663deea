// Finds model files by name in folders of them.
//
// Checked by: tests/unit/models_zoo.cpp
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace joulesim::models {

struct ZooEntry {
  std::string id;  // the file's name without ".toml", which the file must repeat as `model`
  std::string title;
  std::vector<std::string> aliases;
  std::string path;
};

// Every model file of the folders, by id; a folder that does not exist holds none. Throws
// InputError when a file is no TOML, its `model` is not its file name, or a name stands for two
// models.
std::vector<ZooEntry> list_zoo(const std::vector<std::string>& folders);

// By id or alias.
const ZooEntry* find_in_zoo(const std::vector<ZooEntry>& zoo, const std::string& name);

}  // namespace joulesim::models

#include "hw/component/registry.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace joulesim::hw {

void Registry::add(ComponentKind kind) {
  const std::string model = kind.model;
  if (!kinds_.emplace(model, std::move(kind)).second) {
    throw std::logic_error(fmt::format("two component kinds are called '{}'", model));
  }
}

const ComponentKind* Registry::find(const std::string& model) const {
  const auto found = kinds_.find(model);
  return found == kinds_.end() ? nullptr : &found->second;
}

std::vector<std::string> Registry::models() const {
  std::vector<std::string> names;
  for (const auto& [model, kind] : kinds_) {
    names.push_back(model);
  }
  return names;
}

std::vector<std::string> Registry::models(const std::string& role) const {
  std::vector<std::string> names;
  for (const auto& [model, kind] : kinds_) {
    if (kind.role == role) {
      names.push_back(model);
    }
  }
  return names;
}

}  // namespace joulesim::hw

// Kinds of components by name: what `model = "…"` in a part file may say. Filled by hw/catalog.cpp
// and by plug-ins (plugin.hpp) with explicit calls; no object registers itself.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "sim/base/config.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace joulesim::hw {

struct ComponentKind {
  std::string model;  // "systolic_npu"
  std::string role;   // "unit", "memory", "cache", "storage", "display", "battery", "link", …
  std::string description;  // one sentence
  // Reads every key of a part of this kind, so that `check` can report all its faults.
  std::function<void(const ConfigNode&)> check;
  // Compute units only.
  std::function<std::shared_ptr<const ComputeUnit>(const ConfigNode&)> make_unit;
};

// A kind of compute unit: `Unit` has its name as kModel and is made from what Spec::from reads.
template <class Unit, class Spec>
ComponentKind unit_kind(std::string description) {
  return {Unit::kModel, "unit", std::move(description),
          [](const ConfigNode& part) { (void)Spec::from(part); },
          [](const ConfigNode& part) { return std::make_shared<const Unit>(Spec::from(part)); }};
}

class Registry {
 public:
  void add(ComponentKind kind);  // a name used twice is a bug here
  [[nodiscard]] const ComponentKind* find(const std::string& model) const;
  [[nodiscard]] std::vector<std::string> models() const;
  [[nodiscard]] std::vector<std::string> models(const std::string& role) const;
  [[nodiscard]] const std::map<std::string, ComponentKind>& all() const { return kinds_; }

 private:
  std::map<std::string, ComponentKind> kinds_;
};

}  // namespace joulesim::hw

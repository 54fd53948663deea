// Plug-ins with one fault each, chosen by a definition.
#include "hw/component/plugin.hpp"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace {

using namespace joulesim::hw;

constexpr std::int32_t kInterface =
#ifdef FAULT_NEXT_INTERFACE
    kPluginInterface + 1;
#else
    kPluginInterface;
#endif

constexpr std::uint64_t layout() {
#ifdef FAULT_OTHER_LAYOUT
  return plugin_layout() + 1;
#else
  return plugin_layout();
#endif
}

// A kind that would do, but for the fault: it is never asked for a unit.
[[maybe_unused]] ComponentKind kind(std::string model) {
  return {std::move(model), "unit", "for a test", [](const joulesim::ConfigNode&) {},
          [](const joulesim::ConfigNode&) { return std::shared_ptr<const ComputeUnit>(); }};
}

[[maybe_unused]] void add_kinds([[maybe_unused]] Registry& kinds) {
#if defined(FAULT_KNOWN_KIND)
  kinds.add(kind("systolic_npu"));
#elif defined(FAULT_HALF_KIND)
  ComponentKind half = kind("half");
  half.make_unit = nullptr;
  kinds.add(half);
#elif defined(FAULT_THROWING)
  throw std::runtime_error("no licence");
#elif defined(FAULT_CRASHING)
  (void)std::raise(SIGSEGV);
#elif defined(FAULT_ENDING)
  std::exit(0);
#elif !defined(FAULT_NO_KIND)
  kinds.add(kind("sound"));
#endif
}

}  // namespace

#ifndef FAULT_NO_SYMBOL
const PluginDescription joulesim_plugin{kInterface, layout(), &add_kinds};
#endif

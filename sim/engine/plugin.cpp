#include "sim/engine/plugin.hpp"

#include "hw/component/plugin.hpp"
#include "hw/component/watched_unit.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/engine/machine.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace joulesim::engine {
namespace fs = std::filesystem;
namespace {

// Why a file is no plug-in of ours.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require_kind(const hw::ComponentKind& kind) {
  if (kind.model.empty() || kind.role != "unit" || !kind.check || !kind.make_unit) {
    throw Refused(fmt::format(
        "kind '{}' is no complete compute unit; expected one made by unit_kind", kind.model));
  }
}

// Loads the library and asks it for its kinds. The loader's words name the file and the reason.
hw::Registry kinds_of(const std::string& file, std::int32_t& interface) {
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    throw Refused(
        fmt::format("found no library that can be loaded ({}); expected a plug-in built "
                    "against interface {}",
                    reason == nullptr ? "no reason given" : reason, hw::kPluginInterface));
  }
  const void* symbol = ::dlsym(library, hw::kPluginSymbol);
  if (symbol == nullptr) {
    throw Refused(
        fmt::format("found a library without the symbol '{}'; expected a plug-in, which "
                    "JOULESIM_PLUGIN of hw/component/plugin.hpp makes of it",
                    hw::kPluginSymbol));
  }
  const auto& plugin = *static_cast<const hw::PluginDescription*>(symbol);
  interface = plugin.interface;
  if (interface != hw::kPluginInterface) {
    throw Refused(fmt::format("found a plug-in of interface {}; expected interface {}", interface,
                              hw::kPluginInterface));
  }
  if (plugin.layout != hw::plugin_layout()) {
    throw Refused(
        fmt::format("found a plug-in of interface {} built against other headers (layout "
                    "{:016x}); expected layout {:016x}: build it against those of this "
                    "program",
                    interface, plugin.layout, hw::plugin_layout()));
  }
  hw::Registry kinds;
  if (plugin.add_kinds != nullptr) {
    try {
      plugin.add_kinds(kinds);
    } catch (const std::exception& fault) {
      throw Refused(fmt::format("adding its kinds failed: {}", fault.what()));
    }
  }
  if (kinds.all().empty()) {
    throw Refused("found a plug-in without kinds; expected one kind or more");
  }
  for (const auto& [model, kind] : kinds.all()) {
    require_kind(kind);
  }
  return kinds;
}

// The same in a child. What the child refuses is refused, and worded, again here.
void try_in_child(const std::string& file) {
  constexpr int kAnswered = 42;  // no status that a library's own exit() is likely to have
  const pid_t child = ::fork();
  if (child < 0) {
    throw std::runtime_error(fmt::format("cannot start a process: {}", std::strerror(errno)));
  }
  if (child == 0) {
    try {
      std::int32_t interface = 0;
      (void)kinds_of(file, interface);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the parent meets it again
    }
    ::_exit(kAnswered);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    throw Refused(
        fmt::format("found a library that crashes when it is loaded ({}); expected a "
                    "plug-in of interface {}",
                    ::strsignal(WTERMSIG(status)), hw::kPluginInterface));
  }
  if (WEXITSTATUS(status) != kAnswered) {
    throw Refused(
        fmt::format("found a library that ends the program when it is loaded; expected a "
                    "plug-in of interface {}",
                    hw::kPluginInterface));
  }
}

LoadedPlugin load(const std::string& path, const std::vector<LoadedPlugin>& others,
                  hw::Registry& registry) {
  std::error_code fault;
  const fs::path file = fs::canonical(path, fault);
  if (fault || !fs::is_regular_file(file, fault)) {
    throw Refused(fmt::format("found {}; expected a plug-in library (.so)",
                              fault ? "no such file" : "no regular file"));
  }
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in) {
    throw Refused("the file cannot be read; expected a plug-in library (.so)");
  }
  LoadedPlugin plugin{path, fnv1a(bytes.str()), 0, {}};
  try_in_child(file.string());
  const hw::Registry kinds = kinds_of(file.string(), plugin.interface);
  for (const std::string& model : kinds.models()) {
    if (registry.find(model) == nullptr) {
      continue;
    }
    std::string owner = "of joulesim";
    for (const LoadedPlugin& other : others) {
      for (const std::string& known : other.models) {
        owner = known == model ? fmt::format("of '{}'", other.path) : owner;
      }
    }
    throw Refused(fmt::format("found kind '{}', which exists already ({}); expected a new name",
                              model, owner));
  }
  for (const auto& [model, kind] : kinds.all()) {
    hw::ComponentKind own = kind;
    own.make_unit = [make = kind.make_unit, path](const ConfigNode& part) {
      return hw::watched(make(part), path);
    };
    registry.add(std::move(own));
    plugin.models.push_back(model);
  }
  return plugin;
}

}  // namespace

std::vector<LoadedPlugin> load_plugins(const std::vector<std::string>& paths,
                                       hw::Registry& registry) {
  Diagnostics faults;
  std::vector<LoadedPlugin> plugins;
  for (const std::string& path : paths) {
    try {
      plugins.push_back(load(path, plugins, registry));
    } catch (const Refused& fault) {
      faults.error(path, fault.what());
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return plugins;
}

std::string shown(const LoadedPlugin& plugin) {
  return fmt::format("{} (interface {}): {}",
                     std::filesystem::path(plugin.path).filename().string(), plugin.interface,
                     fmt::join(plugin.models, ", "));
}

}  // namespace joulesim::engine

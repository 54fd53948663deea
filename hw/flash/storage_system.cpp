#include "hw/flash/storage_system.hpp"

#include <array>
#include <cmath>
#include <utility>

namespace joulesim::hw {

const char* name_of(FilePath path) {
  constexpr std::array<const char*, 3> kNames = {"direct", "read", "mmap"};
  return kNames.at(static_cast<std::size_t>(path));
}

StorageSystemSpec StorageSystemSpec::from(const ConfigNode& part) {
  StorageSystemSpec spec;
  spec.name = part.text("part");
  part.choice("model", {kStorageSystemModel});
  spec.title = part.text("title");

  const ConfigNode memory = part.table("memory");
  spec.page = memory.figure<Bytes>("page");
  spec.two_lists = memory.choice("page_cache", {"lru", "two_lists"}) == "two_lists";
  if (spec.two_lists) {
    spec.protected_share = memory.count("protected_share").value;
    if (spec.protected_share >= 1) {
      memory.error("protected_share",
                   "'protected_share' is not below 1; expected a share of the page cache");
    }
  }

  const ConfigNode call = part.table("call");
  spec.call = call.figure<Time>("time");
  spec.copy = call.figure<Bandwidth>("copy");
  spec.read_window = call.figure<Bytes>("window");

  const ConfigNode fault = part.table("fault");
  spec.fault = fault.figure<Time>("time");
  spec.fault_maps = fault.figure<Bytes>("maps");
  spec.fault_reads = fault.figure<Bytes>("reads");
  spec.reads_ahead = fault.choice("window", {"ahead", "around"}) == "ahead";

  const ConfigNode command = part.table("command");
  spec.command = command.figure<Time>("time");
  spec.take_in = command.figure<Time>("page");
  spec.command_size = command.figure<Bytes>("size");

  spec.core = part.table("energy").figure<Power>("core");

  const auto whole_pages = [&](const ConfigNode& node, const char* key,
                               const Sourced<Bytes>& size) {
    const double pages = size.value / spec.page.value;
    if (part.ok() && (pages < 1 || pages != std::floor(pages))) {
      node.error(key, std::string("'") + key + "' is " + format(size.value) + ", and a page " +
                          format(spec.page.value) + "; expected a whole number of pages");
    }
  };
  whole_pages(call, "window", spec.read_window);
  whole_pages(fault, "maps", spec.fault_maps);
  whole_pages(fault, "reads", spec.fault_reads);
  whole_pages(command, "size", spec.command_size);
  return spec;
}

}  // namespace joulesim::hw

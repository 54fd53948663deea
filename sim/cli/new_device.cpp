// new device: a device file to fill in, shaped like a known device. What a data sheet states is
// left open as "?", which `check` asks for by place; what no data sheet states (how much of the
// memory a model gets, regulators, the rest of the board) is taken over from the known device with
// its source.
#include "sim/cli/commands.hpp"
#include "sim/cli/template_text.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <set>

namespace joulesim::cli {
namespace {

// What --kind may say: the device whose shape is taken when --like names no other.
struct Shape {
  const char* kind;
  const char* device_kind;
  const char* like;
};
constexpr std::array kShapes = {
    Shape{"phone", "phone", "galaxy_s24"},      Shape{"tablet", "tablet", "galaxy_s24"},
    Shape{"laptop", "laptop", "sdxelite"},      Shape{"desktop", "desktop", "i7_13700h"},
    Shape{"board", "board", "rk3588"},          Shape{"server", "server", "xeon_emr"},
    Shape{"desktop_gpu", "desktop", "rtx4090"}, Shape{"server_gpu", "server", "h200"},
    Shape{"server_npu", "server", "tpu_v5e"},
};

const Shape& shape_of(const std::string& kind) {
  std::vector<std::string> names;
  for (const Shape& shape : kShapes) {
    if (kind == shape.kind) {
      return shape;
    }
    names.emplace_back(shape.kind);
  }
  throw InputError(fmt::format("unknown kind '{}'; expected {}{}", kind, fmt::join(names, ", "),
                               did_you_mean(kind, names)));
}

// A figure of the known device as it is written in its file, with its source.
const Figure& figure_of(const engine::Machine& machine, const std::string& key) {
  for (const Figure& figure : machine.figures) {
    if (figure.owner == machine.id && figure.key == key) {
      return figure;
    }
  }
  throw std::logic_error("a device has no figure " + key);
}

std::string plain(const AnyQuantity& value) {
  return value.dim == Dim{} ? fmt::format("{:g}", value.si) : toml_text(format(value));
}

// "lpddr4x_4266": "lpddr4".
std::string family_of(const std::string& dram) {
  const std::size_t digit = dram.find_first_of("0123456789");
  return dram.substr(0, digit == std::string::npos ? digit : digit + 1);
}

class DeviceWriter {
 public:
  DeviceWriter(const engine::Library& library, const engine::Machine& like, std::string id,
               std::string kind)
      : library_(library), like_(like), id_(std::move(id)), kind_(std::move(kind)) {
    for (const engine::LibraryEntry& entry : library.devices()) {
      if (entry.kind == like.kind) {
        peers_.push_back(engine::load_machine_file(library, entry.path));
      }
    }
  }

  std::string write() {
    head();
    memory();
    cache();
    storage();
    units();
    display_and_battery();
    power();
    links();
    return text_.render();
  }

 private:
  void head() {
    text_.comment(fmt::format("{}: a device file to fill in, shaped like {} ({}).", id_, like_.id,
                              like_.title));
    text_.comment("Replace every \"?\", take out sections that the device does not have, then run");
    text_.comment(
        fmt::format("`joulesim check` on this file: it says what is still open and what "
                    "does not fit."));
    text_.comment(
        "A figure is { value, source }: the source is one of [sources] below; at = \"table "
        "3\" says where.");
    text_.comment(
        "A figure that you guess gets a source of kind \"assumed\" with its reason, and "
        "range = [low, high].");
    text_.comment(
        "A part that the catalogue lacks: `joulesim new part NAME --like NEAREST`, and "
        "keep it beside this");
    text_.comment(
        "file. Remarks \"like …\" show the known device's figure; they are no answer for "
        "yours.");
    text_.line("device", toml_text(id_));
    text_.line("title", "\"?\"", "the product with its chip and memory, as people call it");
    text_.line("aliases", "[]", "other names that it is known by");
    text_.line("kind", toml_text(kind_));
    text_.section("[sources]");
    text_.line("sheet", R"({ kind = "datasheet", title = "?" })",
               "document, edition; further documents on lines of their own");
    std::set<std::string> done;
    for (const std::string& key : kept_keys()) {
      const Source& source = *figure_of(like_, key).source;
      if (!done.insert(source.id).second) {
        continue;
      }
      std::string line =
          fmt::format("{{ kind = {}, title = {}", toml_text(source.kind), toml_text(source.title));
      if (!source.detail.empty()) {
        const std::size_t colon = source.detail.find(": ");
        line += fmt::format(", {} = {}", source.detail.substr(0, colon),
                            toml_text(source.detail.substr(colon + 2)));
      }
      text_.line(source.id, line + " }");
    }
  }

  [[nodiscard]] std::vector<std::string> kept_keys() const {
    std::vector<std::string> keys = {"memory.interleave_bytes", "memory.usable_share"};
    if (like_.rest) {
      keys.insert(keys.end(), {"rest.share", "rest.activity"});
    }
    return keys;
  }

  // Kept from the known device, or left open.
  void kept(const std::string& section, const std::string& key, const std::string& remark) {
    const Figure& figure = figure_of(like_, section + "." + key);
    std::string value = fmt::format("{{ value = {}, source = {}", plain(figure.value),
                                    toml_text(figure.source->id));
    if (figure.low) {
      value += fmt::format(", range = [{}, {}]", plain(*figure.low), plain(*figure.high));
    }
    text_.line(key, value + " }", remark);
  }
  void open(const std::string& key, const std::string& remark) {
    text_.line(key, R"({ value = "?", source = "sheet" })", remark);
  }

  void memory() {
    text_.section("[memory]");
    std::set<std::string> families;
    for (const engine::Machine& peer : peers_) {
      families.insert(family_of(peer.dram.name));
    }
    std::vector<std::string> parts;
    for (const std::string& name : library_.part_names(hw::DramPart::kModel)) {
      const ConfigFile file = library_.read(library_.part(name)->path);
      const bool energies = file.root().has("energy") || file.root().has("currents");
      if (energies && families.contains(family_of(name))) {
        parts.push_back(name);
      }
    }
    text_.names("One channel of the standard and data rate in MT/s:", parts);
    text_.line("part", "\"?\"", fmt::format("like {}: {}", like_.id, like_.dram.name));
    open("channels", fmt::format("bus width over the part's: like {}: {} of {}", like_.id,
                                 like_.channels, like_.dram.name));
    kept("memory", "interleave_bytes", "");
    open("capacity", fmt::format("all of it, such as {}", toml_text(format(like_.capacity.value))));
    kept("memory", "usable_share", "of the capacity, left to a model");
    open("peak", "bandwidth as stated; checked against channels x part");
    text_.line("rail", toml_text(like_.memory_rail));
  }

  void cache() {
    if (!like_.cache) {
      return;
    }
    text_.section("[cache]", "memory-side cache, if there is one");
    text_.names("Parts:", used([](const engine::Machine& m) {
                  return m.cache ? std::vector{m.cache->name} : std::vector<std::string>{};
                }));
    text_.line("part", "\"?\"", "like " + like_.id + ": " + like_.cache->name);
    text_.line("rail", toml_text(like_.cache_rail));
  }

  void storage() {
    if (!like_.storage) {
      return;
    }
    text_.section("[storage]");
    text_.names("Stores:", library_.part_names("flash"));
    text_.line("part", "\"?\"", "like " + like_.id + ": " + like_.storage->name);
    if (like_.storage_system) {
      text_.line(
          "system", toml_text(like_.storage_system->name),
          fmt::format("or {}", fmt::join(library_.part_names(hw::kStorageSystemModel), ", ")));
    }
    text_.line("rail", toml_text(like_.storage_rail));
  }

  void units() {
    for (const engine::MachineUnit& unit : like_.units) {
      text_.section("[[unit]]", "take it out if no model runs on one");
      text_.names(fmt::format("Parts called {} in other devices of the kind:", unit.name),
                  used([&](const engine::Machine& m) {
                    const engine::MachineUnit* found = m.unit(unit.name);
                    return found != nullptr ? std::vector{found->unit->name()}
                                            : std::vector<std::string>{};
                  }));
      text_.line("name", toml_text(unit.name));
      text_.line("part", "\"?\"", fmt::format("like {}: {}", like_.id, unit.unit->name()));
      text_.line("rail", toml_text(unit.rail));
      text_.line("runtime", toml_text(unit.default_runtime),
                 "the software that runs models; `joulesim list runtimes`");
    }
  }

  void display_and_battery() {
    if (like_.display) {
      text_.section("[display]");
      text_.line("part", "\"?\"", "like " + like_.id + ": " + like_.display->name);
      text_.line("rail", toml_text(like_.display_rail));
    }
    if (like_.battery) {
      text_.section("[battery]");
      text_.comment(
          fmt::format("Yours with its energy in Wh: `joulesim new part {}_battery --like "
                      "{}`",
                      id_, like_.battery->name));
      text_.line("part", "\"?\"", "like " + like_.id + ": " + like_.battery->name);
    }
  }

  void power() {
    if (like_.supply) {
      text_.section("[supply]", "regulators; the rails above are its");
      text_.line("part", toml_text(like_.supply->name));
    }
    if (like_.rest) {
      text_.section("[rest]", "what else draws power");
      text_.line("part", toml_text(like_.rest->name));
      if (!like_.rest_rail.empty()) {
        text_.line("rail", toml_text(like_.rest_rail));
      }
      kept("rest", "share", "of it that belongs to this device");
      kept("rest", "activity", "between its idle and its busy power while models run");
    }
    if (like_.wall) {
      text_.section("[wall]");
      text_.line("part", toml_text(like_.wall->name));
    }
  }

  void links() {
    for (const engine::MachineLink& link : like_.links) {
      text_.section("[[link]]", "take it out if the device has none");
      text_.names("Links:", library_.part_names("link"));
      text_.line("name", toml_text(link.name));
      text_.line("part", "\"?\"", "like " + like_.id + ": " + link.spec.name);
      text_.line("rail", toml_text(link.rail));
    }
  }

  // Names that peers use, each once, in order.
  template <class Names>
  [[nodiscard]] std::vector<std::string> used(const Names& names) const {
    std::set<std::string> all;
    for (const engine::Machine& peer : peers_) {
      for (const std::string& name : names(peer)) {
        all.insert(name);
      }
    }
    return {all.begin(), all.end()};
  }

  const engine::Library& library_;
  const engine::Machine& like_;
  std::string id_, kind_;
  std::vector<engine::Machine> peers_;
  TemplateText text_;
};

}  // namespace

void require_new_name(const engine::Library& library, const std::string& name) {
  const bool plain = !name.empty() && name.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyz"
                                          "0123456789_") == std::string::npos;
  if (!plain) {
    throw InputError(fmt::format(
        "found the name '{}'; expected small letters, digits and '_', such as my_phone", name));
  }
  if (library.device(name) != nullptr || library.part(name) != nullptr) {
    throw InputError(fmt::format("'{}' is in the catalogue already; expected a new name", name));
  }
}

int new_device(const Common& common, const NewArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  require_new_name(library, arguments.name);
  if (arguments.kind.empty() && arguments.like.empty()) {
    throw InputError("found neither --kind nor --like; expected one of them, such as --kind phone");
  }
  const std::string like_name =
      arguments.like.empty() ? shape_of(arguments.kind).like : arguments.like;
  const engine::Machine like = engine::load_machine(library, like_name, {});
  const std::string kind =
      arguments.kind.empty() ? like.kind : shape_of(arguments.kind).device_kind;
  const std::string path = arguments.out.empty() ? arguments.name + ".toml" : arguments.out;
  write_new_file(path, DeviceWriter(library, like, arguments.name, kind).write());
  if (!common.quiet) {
    std::cout << fmt::format(
        "{0}: shaped like {1}\nReplace every \"?\" in it, then: joulesim check {0}\n", path,
        like.id);
  }
  return 0;
}

}  // namespace joulesim::cli

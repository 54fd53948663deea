// new part: a part file on the base of a known one. What a data sheet of its kind states is left
// open as "?"; all other figures of the base stand there as comments with value and source, to be
// taken in where a better one is known.
#include "sim/cli/commands.hpp"
#include "sim/cli/template_text.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string_view>

namespace joulesim::cli {
namespace {

// What a data sheet states of a kind of component. `*` stands for one name.
struct Stated {
  std::string_view model, key, remark, equals;
  bool always = false;  // asked for even where the base does not say
};
constexpr std::array kStated = {
    Stated{"systolic_npu", "array.arrays", "cores or arrays", ""},
    Stated{"systolic_npu", "array.rows", "cells of one array; a square if only MACs are stated",
           ""},
    Stated{"systolic_npu", "array.columns", "", ""},
    Stated{"systolic_npu", "array.clock", "such as \"1 GHz\"", ""},
    Stated{"systolic_npu", "array.peak",
           "as stated, such as \"6 Top/s\"; checked against arrays x MACs x clock", "", true},
    Stated{"systolic_npu", "arithmetic.*.macs_per_cycle", "of one array", ""},
    Stated{"simt_gpu", "sm.count", "multiprocessors, compute units or cores", ""},
    Stated{"simt_gpu", "sm.clock", "boost clock", ""},
    Stated{"simt_gpu", "sm.peak", "dense, such as \"80 TFLOP/s\"", "count * clock * {}", true},
    Stated{"simt_gpu", "sm.tensor_rate", "FLOP a clock and multiprocessor, matrix units", ""},
    Stated{"simt_gpu", "sm.lane_rate", "FLOP a clock and multiprocessor, lanes", ""},
    Stated{"simt_gpu", "l2.capacity", "", ""},
    Stated{"simt_gpu", "power.limit", "board power", ""},
    Stated{"cpu_cluster", "core.*.count", "", ""},
    Stated{"cpu_cluster", "core.*.clock", "with all cores busy", ""},
    Stated{"cpu_cluster", "cache.capacity", "last level", ""},
    Stated{"dram", "organisation.data_rate", "such as \"6400 MT/s\"", ""},
    Stated{"dram", "organisation.peak", "of one channel", "data_rate * channel_width"},
    Stated{"dram", "clock.tCK", "of the command clock", ""},
    Stated{"flash", "organisation.capacity", "of all dies, spare blocks included", ""},
    Stated{"flash", "organisation.channels", "", ""},
    Stated{"flash", "link.lanes", "", ""},
    Stated{"flash", "link.rate", "of a lane, before coding", ""},
    Stated{"sram", "organisation.capacity", "", ""},
    Stated{"battery", "cell.capacity", "energy on the label, such as \"15.5 Wh\"", ""},
    Stated{"display", "panel.width", "pixels", ""},
    Stated{"display", "panel.height", "", ""},
    Stated{"display", "panel.refresh", "", ""},
    Stated{"link", "line.lanes", "", ""},
    Stated{"link", "line.lane_rate", "", ""},
    Stated{"link", "line.bandwidth", "one direction", "lanes * lane_rate * symbol * coding"},
    Stated{"lpu_pipeline", "chips", "", ""},
};

bool matches(std::string_view pattern, std::string_view key) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == key;
  }
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  return key.size() > head.size() + tail.size() && key.starts_with(head) && key.ends_with(tail) &&
         key.substr(head.size(), key.size() - head.size() - tail.size()).find('.') ==
             std::string_view::npos;
}

const Stated* stated(const std::string& model, const std::string& key) {
  for (const Stated& entry : kStated) {
    if (entry.model == model && matches(entry.key, key)) {
      return &entry;
    }
  }
  return nullptr;
}

std::string written(const AnyQuantity& value) {
  return value.dim == Dim{} ? fmt::format("{:g}", value.si) : toml_text(format(value));
}

std::string range_of(const Figure& figure) {
  return figure.low ? fmt::format(", range = [{}, {}]", written(*figure.low), written(*figure.high))
                    : "";
}

struct Section {
  std::string name;
  std::vector<const Figure*> figures;
};

// Figures by section, in the order of the base. Figures of lists belong to the list as a whole.
std::vector<Section> sections_of(const std::vector<Figure>& figures) {
  std::vector<Section> sections;
  for (const Figure& figure : figures) {
    if (figure.key.find('[') != std::string::npos) {
      continue;
    }
    const std::size_t dot = figure.key.rfind('.');
    const std::string name = dot == std::string::npos ? "" : figure.key.substr(0, dot);
    auto found = std::find_if(sections.begin(), sections.end(),
                              [&](const Section& section) { return section.name == name; });
    if (found == sections.end()) {
      found = sections.insert(sections.end(), {name, {}});
    }
    found->figures.push_back(&figure);
  }
  return sections;
}

std::string part_text(const std::string& id, const std::string& model,
                      const engine::LibraryEntry& base, const ConfigFile& file) {
  const std::vector<Figure>& figures = file.figures();
  TemplateText text;
  text.comment(
      fmt::format("{}: a part file to fill in, on the base of {} ({}).", id, base.id, base.title));
  text.comment(
      "Replace every \"?\". All other figures are the base's: they stand here as comments, "
      "and a line");
  text.comment(
      "that is not a comment takes their place. A figure that you guess gets a source of "
      "kind \"assumed\"");
  text.comment(
      "with its reason, and range = [low, high]. What the base has and this part lacks "
      "cannot be taken");
  text.comment("out: copy the base's file then and leave it out.");
  text.line("part", toml_text(id));
  text.line("model", toml_text(model));
  text.line("base", toml_text(base.id));
  text.line("title", "\"?\"", "the product's name and what sets it apart");
  text.section("[sources]");
  // A name that the base does not use for another document.
  std::string sheet = "sheet";
  const auto taken = [&](const auto& source) { return source->id == sheet; };
  const auto sources = file.sources();
  while (std::any_of(sources.begin(), sources.end(), taken)) {
    sheet = "own_" + sheet;
  }
  text.line(sheet, R"({ kind = "datasheet", title = "?" })",
            "document, edition; further documents on lines of their own");
  const auto has = [&](const std::string& key) {
    return std::any_of(figures.begin(), figures.end(),
                       [&](const Figure& figure) { return figure.key == key; });
  };
  const std::string rate = has("sm.tensor_rate") ? "tensor_rate" : "lane_rate";
  const auto ask = [&](const std::string& key, const Stated& entry, const std::string& base_value) {
    const std::string rule =
        entry.equals.empty()
            ? ""
            : ", equals = " + toml_text(fmt::format(fmt::runtime(std::string(entry.equals)), rate));
    const char* between = entry.remark.empty() || base_value.empty() ? "" : "; ";
    text.line(key, fmt::format("{{ value = \"?\", source = {}{} }}", toml_text(sheet), rule),
              fmt::format("{}{}{}", entry.remark, between, base_value));
  };
  for (const Section& section : sections_of(figures)) {
    const auto open = [&](const Figure* f) { return stated(model, f->key) != nullptr; };
    const bool any = std::any_of(section.figures.begin(), section.figures.end(), open);
    text.section(section.name.empty() ? "" : fmt::format("{}[{}]", any ? "" : "# ", section.name));
    for (const Figure* figure : section.figures) {
      const std::string key = figure->key.substr(figure->key.rfind('.') + 1);
      if (const Stated* entry = stated(model, figure->key)) {
        ask(key, *entry, "base: " + written(figure->value));
        continue;
      }
      text.comment(fmt::format("{} = {{ value = {}, source = …{} }}  # {}: {}", key,
                               written(figure->value), range_of(*figure), figure->source->kind,
                               figure->source->title));
    }
    for (const Stated& entry : kStated) {
      const std::string key(entry.key);
      const bool here = entry.model == model && key.starts_with(section.name + ".") &&
                        key.find('.', section.name.size() + 1) == std::string::npos;
      if (here && !has(key) && (entry.always || key == "sm." + rate)) {
        ask(key.substr(key.rfind('.') + 1), entry, "");
      }
    }
  }
  return text.render();
}

}  // namespace

int new_part(const Common& common, const NewArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  require_new_name(library, arguments.name);
  if (arguments.like.empty()) {
    throw InputError("found no --like; expected the nearest known part, such as --like rk3588_npu");
  }
  const engine::LibraryEntry* base = library.part(arguments.like);
  if (base == nullptr) {
    throw InputError(fmt::format("unknown part '{}'{}", arguments.like,
                                 did_you_mean(arguments.like, library.part_names())));
  }
  ConfigFile file = library.read(base->path);
  file.set_owner(base->id);
  engine::check_part(library, file);
  const std::string path = arguments.out.empty() ? arguments.name + ".toml" : arguments.out;
  write_new_file(path, part_text(arguments.name, base->kind, *base, file));
  if (!common.quiet) {
    std::cout << fmt::format(
        "{0}: on the base of {1}\nReplace every \"?\" in it, then: joulesim check {0}\n", path,
        base->id);
  }
  return 0;
}

}  // namespace joulesim::cli

// The reference page of a kind of file: a table of keys for each section.
#include "sim/cli/schema.hpp"

#include <fmt/format.h>

#include <cmath>

namespace joulesim::cli {
namespace {

using Type = AskedKey::Type;

std::string plain(double bound) {
  return bound == std::floor(bound) ? fmt::format("{:.0f}", bound) : fmt::format("{:g}", bound);
}

std::string bounds(const AskedKey& key) {
  constexpr double kMost = 9e15;
  return key.high < kMost ? fmt::format(" from {} to {}", plain(key.low), plain(key.high))
                          : fmt::format(" of at least {}", plain(key.low));
}

std::string type_of(const AskedKey& key) {
  switch (key.type) {
    case Type::text:
      return "text";
    case Type::texts:
      return "text or list of texts";
    case Type::integer:
      return "whole number" + bounds(key);
    case Type::integers:
      return "list of whole numbers";
    case Type::number:
      return "number" + bounds(key);
    case Type::flag:
      return "true or false";
    case Type::choice:
      return fmt::format("`{}`", fmt::join(key.choices, "`, `"));
    case Type::quantity:
      return key.dim == Dim{}
                 ? "number"
                 : fmt::format("{}, `\"{}\"`", dimension_name(key.dim), example_of(key.dim));
    case Type::figure:
      return key.whole          ? "figure: whole number" + bounds(key)
             : key.dim == Dim{} ? "figure: number"
                                : fmt::format("figure: {}, `\"{}\"`{}", dimension_name(key.dim),
                                              example_of(key.dim), key.zero ? ", or nought" : "");
    case Type::table:
      return "section";
    case Type::tables:
      return "sections, one or more";
    case Type::unknown:
      break;
  }
  return "any value";
}

// "unit[]": "[[unit]]"; "core.*.vector": "[core.NAME.vector]".
std::string heading(const std::string& path) {
  std::string name;
  for (const char c : path) {
    name += c == '*' ? std::string("NAME") : std::string(1, c);
  }
  if (name.ends_with("[]")) {
    return "[[" + name.substr(0, name.size() - 2) + "]]";
  }
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.compare(i, 2, "[]") == 0) {
      ++i;
      continue;
    }
    plain += name[i];
  }
  return "[" + plain + "]";
}

std::string rows(const Format& format, const AskedTable& table) {
  std::string out = "| key | value | needed | |\n|---|---|---|---|\n";
  for (const auto& [name, key] : table.keys) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", name == "*" ? "NAME" : name, type_of(key),
                       key.required && name != "*" ? "yes" : "", note_of(format, table.path, name));
  }
  return out;
}

const char* head_of(const std::string& kind) {
  return kind == "scenario" ? "A question: a model on a machine under a workload."
         : kind == "device" ? "A whole device composes parts by name and adds what only the whole "
                              "knows. How to write one: `hw/README.md`."
         : kind == "part"   ? "A part instantiates a component model; its `model` says which keys "
                              "it has."
                            : "A model's dimensions and blocks, from which its operator graph is "
                              "built.";
}

}  // namespace

std::string reference_page(const engine::Library& library, const std::string& kind) {
  std::string out = fmt::format(
      "<!-- Written by `joulesim schema {0} --page`; change the reader, not this page. -->\n"
      "# Format of {0} files\n\n{1}\n\n",
      kind, head_of(kind));
  out +=
      "A *figure* is `{ value = …, source = \"id\" }` with an id of `[sources]`, and may have "
      "`range = [low, high]`, `at` and `note`\n(where in the source), and `equals` (an expression "
      "over other keys that must agree within 1 %). A section may say\n`source = \"id\"` once for "
      "plain values. `[sources]` has an entry an id: `{ kind = …, title = … }` and any further "
      "text;\nkinds are ";
  out += fmt::format("`{}`; `assumed` gives its `reason`.", fmt::join(source_kinds(), "`, `"));
  if (kind == "device" || kind == "part") {
    out += fmt::format(
        " `base = \"name\"` names a {} that fills\nin what the file leaves out; *needed* means "
        "then: here or there.",
        kind);
  }
  out += "\n";
  for (const Format& format : formats_of(library, kind)) {
    if (!format.model.empty()) {
      out += fmt::format("\n## `model = \"{}\"`\n\n{}.\n", format.model, format.title);
    }
    for (const AskedTable& table : format.tables) {
      if (!table.path.empty()) {
        out += fmt::format("\n### `{}`\n", heading(table.path));
      }
      out += "\n" + rows(format, table);
    }
  }
  return out;
}

}  // namespace joulesim::cli

// What a reader of TOML files asks for: every key with its type, bounds and choices, found by
// running the reader on files that are not there.
//
// A probe stands where a file would and answers each question with a value of the right kind. The
// reader is run with all keys present, with none, with each key alone whose type is still unknown,
// without each section that may be left out, and with each name of each choice, so that branches
// that hang on a key's presence or on a choice are taken.
//
// Leaves out: keys that are asked for only when two optional keys have certain values at once.
// Checked by: tests/unit/base_probe.cpp, and by the files of the catalogue (tests/cli/schema.py).
#pragma once

#include "sim/base/config.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace joulesim {

struct AskedKey {
  enum class Type {
    unknown,
    text,
    texts,
    integer,
    integers,
    number,
    flag,
    choice,
    quantity,
    figure,  // with a source
    table,
    tables,
  };
  AskedKey() = default;
  explicit AskedKey(Type t) : type(t) {}
  Type type = Type::unknown;
  bool required = false;  // whenever its table is there
  Dim dim{};              // of quantities and figures
  bool whole = false;     // a figure that is a whole number
  bool zero = false;      // a figure that may be nought
  double low = 0, high = 0;
  std::vector<std::string> choices;
};

// One table of a file: "" the file itself, "memory", "unit[]" each of [[unit]], "core.*" each table
// in [core]. A key "*" stands for names that the file chooses.
struct AskedTable {
  std::string path;
  std::vector<std::pair<std::string, AskedKey>> keys;  // in the order of the reader
  [[nodiscard]] const AskedKey* find(const std::string& key) const;
};

// What `kind` of a source may be.
std::vector<std::string> source_kinds();

std::vector<AskedTable> asked_tables(const std::function<void(const ConfigNode&)>& reader);

}  // namespace joulesim

// Does a probe find every key that a reader asks for, with its type and whether it is needed?
#include "sim/base/config_probe.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;

namespace {

using Type = AskedKey::Type;

// Asks in all the ways that readers do, with branches on presence and on choices.
void reader(const ConfigNode& root) {
  (void)root.text("name");
  (void)root.figure_if<Bytes>("size");
  const ConfigNode core = root.table("core");
  (void)core.whole("count", 1, 64);
  const std::string kind = core.choice("kind", {"plain", "split"});
  if (kind == "split") {
    (void)core.quantity<Time>("delay");
  }
  if (const auto law = root.table_if("law")) {
    (void)law->number("share", 0, 1);
  } else {
    (void)root.flag("on");
  }
  // One of two names, the first that is there.
  for (const char* name : {"nRP", "tRP"}) {
    if (core.has(name)) {
      if (name[0] == 't') {
        (void)core.figure<Time>(name);
      } else {
        (void)core.whole(name, 0, 9);
      }
      break;
    }
  }
  for (const ConfigNode& unit : root.tables("unit")) {
    (void)unit.texts("aliases");
  }
  for (const auto& [name, rail] : root.table("rails").children()) {
    (void)rail.figure_or_zero<Power>("idle");
  }
  if (const auto ways = root.table_if("ways")) {
    for (const std::string& name : ways->keys()) {
      (void)ways->integer(name, 1, 8);
    }
  }
}

AskedKey asked(const std::vector<AskedTable>& tables, const std::string& path,
               const std::string& key) {
  INFO("[" << path << "] " << key);
  for (const AskedTable& table : tables) {
    if (table.path == path) {
      REQUIRE(table.find(key) != nullptr);
      return *table.find(key);
    }
  }
  FAIL("no such table");
  return {};
}

}  // namespace

TEST_CASE("a probe finds every key of a reader, whatever it hangs on") {
  const std::vector<AskedTable> tables = asked_tables(reader);
  CHECK(asked(tables, "", "name").type == Type::text);
  CHECK(asked(tables, "", "name").required);
  CHECK(asked(tables, "", "size").type == Type::figure);
  CHECK(asked(tables, "", "size").dim == kByte);
  CHECK_FALSE(asked(tables, "", "size").required);
  CHECK(asked(tables, "core", "count").whole);
  CHECK(asked(tables, "core", "count").high == 64);
  CHECK(asked(tables, "core", "kind").choices == std::vector<std::string>{"plain", "split"});
  CHECK(asked(tables, "core", "kind").required);
  CHECK(asked(tables, "core", "delay").type == Type::quantity);
  CHECK_FALSE(asked(tables, "core", "delay").required);
  CHECK(asked(tables, "law", "share").required);
  CHECK_FALSE(asked(tables, "", "law").required);
  CHECK(asked(tables, "", "on").type == Type::flag);
  CHECK_FALSE(asked(tables, "", "on").required);
  CHECK(asked(tables, "core", "nRP").whole);
  CHECK(asked(tables, "core", "tRP").type == Type::figure);
  CHECK_FALSE(asked(tables, "core", "tRP").required);
  CHECK(asked(tables, "", "unit").type == Type::tables);
  CHECK(asked(tables, "unit[]", "aliases").type == Type::texts);
  CHECK(asked(tables, "rails.*", "idle").zero);
  CHECK(asked(tables, "ways", "*").type == Type::integer);
  std::size_t keys = 0;
  for (const AskedTable& table : tables) {
    keys += table.keys.size();
  }
  CHECK(keys == 18);  // no other
}

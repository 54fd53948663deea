// Do messages about files look exactly as promised: place, what was found, the line, a caret?
#include "sim/base/config.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace joulesim;

TEST_CASE("an unknown source is shown under its line with a caret") {
  ConfigFile file = ConfigFile::parse(
      "[sources]\n"
      "scaled = { kind = \"derived\", title = \"scaled from another node\" }\n"
      "[energy]\n"
      "read = { value = \"4.0 pJ/bit\", source = \"scald\" }\n",
      "hw/dram/x.toml");
  (void)file.root().table("energy").figure<EnergyPerByte>("read");
  CHECK_FALSE(file.finish());
  CHECK(file.diagnostics().render() ==
        "hw/dram/x.toml:4:41: error: unknown source 'scald'; did you mean 'scaled'?\n"
        "    4 | read = { value = \"4.0 pJ/bit\", source = \"scald\" }\n"
        "      |                                         ^~~~~~~\n");
}

TEST_CASE("two faults of one file are shown in the order of its lines") {
  ConfigFile file = ConfigFile::parse(
      "[workload]\n"
      "\tprompt_tokens = \"many\"\n"
      "generate_token = 4\n",
      "s.toml");
  const ConfigNode workload = file.root().table("workload");
  (void)workload.integer("prompt_tokens", 1);
  (void)workload.integer_if("generate_tokens", 1);
  CHECK_FALSE(file.finish());
  CHECK(file.diagnostics().render() ==
        "s.toml:2:18: error: 'prompt_tokens' is the text \"many\"; expected a whole number\n"
        "    2 |  prompt_tokens = \"many\"\n"
        "      |                  ^~~~~~\n"
        "s.toml:3:1: error: unknown key 'generate_token'; did you mean 'generate_tokens'?\n"
        "    3 | generate_token = 4\n"
        "      | ^~~~~~~~~~~~~~\n");
}

TEST_CASE("a setting of the command line is shown as the file it comes from") {
  ConfigFile file = ConfigFile::parse("[engine]\nseed = 1\n", "s.toml");
  file.set("engine.seed=-4");
  (void)file.root().table("engine").integer("seed", 0);
  CHECK_FALSE(file.finish());
  CHECK(file.diagnostics().render() ==
        "--set engine.seed=-4:1:15: error: 'seed' is -4; expected a whole number of at least 0\n"
        "    1 | engine.seed = -4\n"
        "      |               ^~\n");
}

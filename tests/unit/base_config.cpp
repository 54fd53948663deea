// Does every fault of a file become a message at its place, all in one run?
#include "sim/base/config.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace joulesim;

namespace {

const std::string kSources = R"([sources]
sheet = { kind = "datasheet", title = "a data sheet" }
guess = { kind = "assumed", title = "a guess", reason = "nobody says" }
)";

using Reader = std::function<void(const ConfigNode&)>;

// What the reader and the final check have to say about a text.
std::string messages(const std::string& text, const Reader& read) {
  ConfigFile file = ConfigFile::parse(text, "f.toml");
  read(file.root());
  try {
    file.require_ok();
  } catch (const InputError& fault) {
    return fault.what();
  }
  return "";
}

std::vector<std::string> plain_messages(const std::string& text, const Reader& read) {
  ConfigFile file = ConfigFile::parse(text, "f.toml");
  read(file.root());
  file.finish();
  std::vector<std::string> result;
  for (const Diagnostic& d : file.diagnostics().all()) {
    result.push_back(d.message);
  }
  return result;
}

std::string only(const std::string& text, const Reader& read) {
  const auto all = plain_messages(text, read);
  INFO(text);
  REQUIRE(all.size() == 1);
  return all.front();
}

void capacity(const ConfigNode& root) { (void)root.figure<Bytes>("capacity"); }

std::string with_capacity(const std::string& value) { return "capacity = " + value + "\n"; }

std::string figure_fault(const std::string& value) {
  // One source is enough for a figure and the other must not be named as unused among errors.
  return only(with_capacity(value) + kSources, capacity);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a figure is read with value, range, source and place") {
  ConfigFile file = ConfigFile::parse(
      with_capacity(
          R"({ value = "8 GiB", source = "sheet", range = ["6 GiB", "8 GiB"], at = "table 3" })") +
          R"([sources]
sheet = { kind = "datasheet", title = "a data sheet", page = "12" }
)",
      "f.toml");
  file.set_owner("part");
  const auto figure = file.root().figure<Bytes>("capacity");
  file.require_ok();
  CHECK(figure.value == Bytes(8589934592.0));
  REQUIRE(figure.low);
  CHECK(*figure.low == Bytes(6442450944.0));
  CHECK(*figure.high == figure.value);
  CHECK(figure.source->kind == "datasheet");
  CHECK(figure.source->detail == "page: 12");
  CHECK_FALSE(figure.source->assumed());
  REQUIRE(file.figures().size() == 1);
  CHECK(file.figures()[0].owner == "part");
  CHECK(file.figures()[0].key == "capacity");
  CHECK(file.figures()[0].at == "table 3");
  CHECK(file.figures()[0].region.where() == "f.toml:1:22");
}

TEST_CASE("a section's source holds for its plain values") {
  ConfigFile file = ConfigFile::parse(
      "[timing]\nsource = \"sheet\"\ntRCD = \"18 ns\"\nbanks = 8\n" + kSources, "f.toml");
  const ConfigNode timing = file.root().table("timing");
  CHECK(timing.figure<Time>("tRCD").value.si() == Approx(18e-9));
  CHECK(timing.figure<Time>("tRCD").source->id == "sheet");
  CHECK(timing.whole("banks", 1, 64) == 8);
  file.require_ok();
}

TEST_CASE("an unknown key is refused with its nearest spelling") {
  CHECK(only("capacty = 3\n", [](const ConfigNode& root) { (void)root.integer_if("capacity"); }) ==
        "unknown key 'capacty'; did you mean 'capacity'?");
  CHECK(only("colour = 3\n", [](const ConfigNode& root) { (void)root.integer_if("banks"); }) ==
        "unknown key 'colour'");
  CHECK(only("[t]\nab = 1\n", [](const ConfigNode& root) {
          (void)root.table("t").integer_if("abc");
        }) == "unknown key 'ab'; did you mean 'abc'?");
}

TEST_CASE("an unknown key within a figure is refused") {
  CHECK(figure_fault(R"({ value = "8 GiB", source = "sheet", rnage = ["6 GiB", "8 GiB"] })") ==
        "unknown key 'rnage'; did you mean 'range'?");
}

TEST_CASE("a missing key says what was expected") {
  CHECK(only(kSources, capacity) ==
        "'f.toml' has no 'capacity'; expected a size with its source, such as { value = \"8 GiB\", "
        "source = \"…\" }");
}

TEST_CASE("a value of the wrong dimension names both dimensions") {
  CHECK(figure_fault(R"({ value = "8 ns", source = "sheet" })") ==
        "'capacity' is \"8 ns\", a time; expected a size, such as \"8 GiB\"");
  CHECK(figure_fault(R"({ value = 8, source = "sheet" })") ==
        "'capacity' is 8 without a unit; expected a size, such as \"8 GiB\"");
  CHECK(contains(figure_fault(R"({ value = "8 Gib", source = "sheet" })"), "unknown unit 'Gib'"));
  CHECK(contains(figure_fault(R"({ value = true, source = "sheet" })"),
                 "'capacity' is true; expected a value with a unit"));
  CHECK(contains(figure_fault(R"({ source = "sheet" })"), "'capacity' has no value"));
}

TEST_CASE("a figure without a source, or of an unknown one, does not load") {
  CHECK(figure_fault(R"({ value = "8 GiB" })") ==
        "'capacity' has no source; every figure names one of [sources]");
  CHECK(figure_fault("\"8 GiB\"") ==
        "'capacity' has no source; every figure names one of [sources]");
  CHECK(figure_fault(R"({ value = "8 GiB", source = "shet" })") ==
        "unknown source 'shet'; did you mean 'sheet'?");
}

TEST_CASE("a source needs a known kind, a title, and a reason when it is assumed") {
  const Reader nothing = [](const ConfigNode&) {};
  CHECK(contains(messages("[sources]\nx = { kind = \"asumed\", title = \"t\" }\n", nothing),
                 "found source kind 'asumed'; expected standard, datasheet, measured, paper, "
                 "derived, assumed; did you mean 'assumed'?"));
  CHECK(
      contains(messages("[sources]\nx = { title = \"t\" }\n", nothing), "source 'x' has no kind"));
  CHECK(contains(messages("[sources]\nx = { kind = \"paper\" }\n", nothing),
                 "source 'x' has no title"));
  CHECK(contains(messages("[sources]\nx = { kind = \"assumed\", title = \"t\" }\n", nothing),
                 "source 'x' is assumed without a reason"));
}

TEST_CASE("a value outside its own range, or a range that is none, is refused") {
  CHECK(figure_fault(R"({ value = "9 GiB", source = "sheet", range = ["6 GiB", "8 GiB"] })") ==
        "'capacity' lies outside its own range; expected low <= value <= high");
  CHECK(figure_fault(R"({ value = "7 GiB", source = "sheet", range = ["8 GiB", "6 GiB"] })") ==
        "'capacity' lies outside its own range; expected low <= value <= high");
  CHECK(figure_fault(R"({ value = "7 GiB", source = "sheet", range = ["6 GiB"] })") ==
        "'capacity' has a range of 1 values; expected [low, high]");
  CHECK(figure_fault(R"({ value = "7 GiB", source = "sheet", range = ["6 ns", "8 GiB"] })") ==
        "'capacity.range' is \"6 ns\", a time; expected a size, such as \"8 GiB\"");
}

TEST_CASE("nought and negative figures are refused where they make no sense") {
  CHECK(
      contains(figure_fault(R"({ value = "0 B", source = "sheet" })"), "expected more than zero"));
  CHECK(
      contains(figure_fault(R"({ value = "-1 B", source = "sheet" })"), "expected more than zero"));
  const Reader idle = [](const ConfigNode& root) { (void)root.figure_or_zero<Power>("idle"); };
  CHECK(messages("idle = { value = \"0 W\", source = \"sheet\" }\n" + kSources, idle).empty());
  CHECK(contains(messages("idle = { value = \"-1 W\", source = \"sheet\" }\n" + kSources, idle),
                 "expected more than zero"));
}

TEST_CASE("redundant figures must agree within one per cent") {
  const auto peak = [](const std::string& value, const std::string& rule) {
    return "peak = { value = \"" + value + "\", source = \"sheet\", equals = \"" + rule +
           "\" }\nrate = { value = \"4266 MT/s\", source = \"sheet\" }\nwidth = { value = \"64 "
           "bit\", source = \"guess\" }\n" +
           kSources;
  };
  const Reader read = [](const ConfigNode& root) {
    (void)root.figure<Bandwidth>("peak");
    (void)root.figure<Frequency>("rate");
    (void)root.figure<Bytes>("width");
  };
  CHECK(messages(peak("34.1 GB/s", "rate * width"), read).empty());
  CHECK(messages(peak("34.4 GB/s", "rate * width"), read).empty());
  CHECK(only(peak("34.5 GB/s", "rate * width"), read) ==
        "'peak' is 34.5 GB/s, but rate * width gives 34.1 GB/s; expected them to agree within 1 %");
  CHECK(only(peak("34.1 GB/s", "rate"), read) == "'peak' is a bandwidth, but rate is a frequency");
  CHECK(only(peak("34.1 GB/s", "rate * widht"), read) ==
        "'peak': \"rate * widht\" names 'widht', which is not here");
}

TEST_CASE("a key given twice is the reader's fault at its place") {
  std::string what;
  try {
    (void)ConfigFile::parse("a = 1\nb = 2\na = 3\n", "f.toml");
  } catch (const InputError& fault) {
    what = fault.what();
  }
  CHECK(contains(what, "f.toml:3:"));
  CHECK(contains(what, "error: "));
  CHECK(contains(what, "'a'"));
}

TEST_CASE("text that is no TOML is a fault with a place") {
  for (const char* text : {"a = ", "[t", "a = \"x", "= 3", "a = 1 b = 2", "a = 0x", "\xff = 1"}) {
    INFO(text);
    CHECK_THROWS_AS(ConfigFile::parse(text, "f.toml"), InputError);
  }
  CHECK_THROWS_AS(ConfigFile::read("/nonexistent/file.toml"), InputError);
}

TEST_CASE("several faults come out in one run and in the order of lines") {
  const std::string text =
      "capacity = { value = \"8 ns\", source = \"sheet\" }\n"
      "clock = { value = \"1 GHz\" }\n"
      "mode = \"fats\"\n"
      "stray = 1\n" +
      kSources;
  const std::string all = messages(text, [](const ConfigNode& root) {
    (void)root.choice("mode", {"fast", "slow"});
    (void)root.figure<Frequency>("clock");
    (void)root.figure<Bytes>("capacity");
  });
  const auto first = all.find("f.toml:1:");
  const auto second = all.find("f.toml:2:");
  const auto third = all.find("f.toml:3:");
  const auto fourth = all.find("f.toml:4:");
  REQUIRE(fourth != std::string::npos);
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third < fourth);
  CHECK(contains(all, "'mode' is 'fats'; expected fast, slow; did you mean 'fast'?"));
}

TEST_CASE("inputs of the wrong kind say what was found") {
  const std::string text = "a = \"x\"\nb = 3\nc = [1, \"x\"]\nd = 7\ne = 1.5\nf = \"2 s\"\n";
  CHECK(plain_messages(text,
                       [](const ConfigNode& root) {
                         (void)root.integer("a");
                         (void)root.text("b");
                         (void)root.texts("c");
                         (void)root.flag("d");
                         (void)root.integer("e");
                         (void)root.number("f", 0, 1);
                       }) == std::vector<std::string>{
                                 "'a' is the text \"x\"; expected a whole number",
                                 "'b' is the number 3; expected a text",
                                 "found the number 1; expected a text",
                                 "'d' is the number 7; expected true or false",
                                 "'e' is the number 1.5; expected a whole number",
                                 "'f' is \"2 s\", a time; expected a pure number",
                             });
  CHECK(only("n = 70\n", [](const ConfigNode& root) { (void)root.integer("n", 1, 64); }) ==
        "'n' is 70; expected a whole number from 1 to 64");
  CHECK(only("n = -1\n", [](const ConfigNode& root) { (void)root.integer("n", 0); }) ==
        "'n' is -1; expected a whole number of at least 0");
  CHECK(only("n = 1\n", [](const ConfigNode& root) { (void)root.table("n"); }) ==
        "'n' is the number 1; expected a table [n]");
  CHECK(only("n = { value = 1.5, source = \"sheet\" }\n" + kSources, [](const ConfigNode& root) {
          (void)root.whole("n", 1, 4);
        }) == "'n' is 1.5; expected a whole number from 1 to 4");
  CHECK(only("n = nan\n", [](const ConfigNode& root) { (void)root.number("n", 0, 1); }) ==
        "'n' is nan; expected a number from 0 to 1");
}

TEST_CASE("a figure that is not finite is refused") {
  const Reader count = [](const ConfigNode& root) { (void)root.count("n"); };
  for (const char* value : {"nan", "inf", "-inf"}) {
    INFO(value);
    CHECK_FALSE(
        messages("n = { value = " + std::string(value) + ", source = \"sheet\" }\n" + kSources,
                 count)
            .empty());
  }
}

TEST_CASE("a source that no figure uses is a warning, not a fault") {
  ConfigFile file = ConfigFile::parse(kSources, "f.toml");
  CHECK(file.finish());
  REQUIRE(file.diagnostics().all().size() == 2);
  CHECK(file.diagnostics().all()[0].level == Diagnostic::Level::warning);
  CHECK(file.diagnostics().all()[0].message == "source 'guess' is used by no figure");
}

TEST_CASE("settings of the command line replace values, add keys, and keep their kinds") {
  const std::string text = "[model]\nuse = \"a\"\n[work]\ntokens = 3\non = false\n";
  const auto after = [&](const std::vector<std::string>& settings, const Reader& read) {
    ConfigFile file = ConfigFile::parse(text, "f.toml");
    for (const std::string& setting : settings) {
      file.set(setting);
    }
    read(file.root());
    try {
      file.require_ok();
    } catch (const InputError& fault) {
      return std::string(fault.what());
    }
    return std::string();
  };
  const auto reader = [](std::string use, std::int64_t tokens, bool on, std::int64_t batch) {
    return [=](const ConfigNode& root) {
      CHECK(root.table("model").text("use") == use);
      const ConfigNode work = root.table("work");
      CHECK(work.integer("tokens") == tokens);
      CHECK(work.flag("on") == on);
      CHECK(work.integer_if("batch").value_or(1) == batch);
    };
  };
  CHECK(after({}, reader("a", 3, false, 1)).empty());
  CHECK(after({"model.use=b", "work.tokens=9", "work.on=true"}, reader("b", 9, true, 1)).empty());
  CHECK(after({"model.use=\"b c\"", "work.batch=4"}, reader("b c", 3, false, 4)).empty());
  CHECK(after({"model.use=dir/b-1.gguf"}, reader("dir/b-1.gguf", 3, false, 1)).empty());
  CHECK(after({"work.tokens=5", "work.tokens=6"}, reader("a", 6, false, 1)).empty());
  // A new section.
  CHECK(after({"engine.seed=7"}, [](const ConfigNode& root) {
          (void)root.table("model").text("use");
          (void)root.table("work").integer("tokens");
          (void)root.table("work").flag("on");
          CHECK(root.table("engine").integer("seed") == 7);
        }).empty());
  // Faults show the setting.
  const std::string wrong = after({"work.tokens=many"}, [](const ConfigNode& root) {
    (void)root.table("model").text("use");
    (void)root.table("work").integer("tokens");
    (void)root.table("work").flag("on");
  });
  CHECK(contains(wrong, "--set work.tokens=many"));
  CHECK(contains(wrong, "'tokens' is the text \"many\"; expected a whole number"));
  const std::string stray = after({"work.toknes=4"}, reader("a", 3, false, 1));
  CHECK(contains(stray, "unknown key 'toknes'; did you mean 'tokens'?"));
}

TEST_CASE("a setting that is no assignment is refused") {
  for (const char* setting : {"", "tokens", "=3", " =3", "a b=3", ".a=1", "a.=1", "[x]=1"}) {
    INFO(setting);
    ConfigFile file = ConfigFile::parse("a = 1\n", "f.toml");
    CHECK_THROWS_AS(file.set(setting), InputError);
  }
}

TEST_CASE("spelling is guessed only when a word is near") {
  CHECK(nearest("decod", {"prefill", "decode"}) == "decode");
  CHECK(nearest("xyz", {"prefill", "decode"}).empty());
  CHECK(did_you_mean("a", {}).empty());
}

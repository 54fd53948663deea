// Wrong input ends with exit status 1, a message on stderr that names the thing, nothing on stdout
// and no file written or changed.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::read_file;
using joulesim::cli::small_scenario;
using joulesim::cli::source_file;
using joulesim::cli::Workplace;

void refuses(const Workplace& place, const std::string& arguments,
             const std::vector<std::string>& named) {
  const auto before = place.files();
  const Outcome outcome = place.run(arguments);
  INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  CHECK(outcome.status == 1);
  CHECK(outcome.out.empty());
  for (const std::string& word : named) {
    INFO("a message that names " << word);
    CHECK(outcome.err.find(word) != std::string::npos);
  }
  CHECK(place.files() == before);
}

// The small scenario with one piece exchanged.
void refuses_scenario(const std::string& piece, const std::string& other,
                      const std::vector<std::string>& named) {
  const Workplace place;
  place.write("s.toml", exchanged(small_scenario(), piece, other));
  refuses(place, "run s.toml", named);
}

}  // namespace

TEST_CASE("a scenario that is nowhere is refused by name, with the nearest one") {
  const Workplace place;
  refuses(place, "run nowhere.toml", {"nowhere.toml"});
  refuses(place, "run mobilelm_125m_int8",
          {"mobilelm_125m_int8", "did you mean 'mobilellm_125m_int8'"});
}

TEST_CASE("a scenario that is no TOML is refused with its place") {
  const Workplace place;
  place.write("s.toml", "scenario = \"a\"\n[[[\n");
  refuses(place, "run s.toml", {"s.toml:2:"});
  refuses(place, "check s.toml", {"s.toml:2:"});
  place.write("binary.toml", std::string("\0\x01\xff\xfe scenario", 13));
  refuses(place, "run binary.toml", {"binary.toml"});
  place.write("empty.toml", "");
  refuses(place, "run empty.toml", {"empty.toml", "scenario"});
}

TEST_CASE("a folder where a scenario is expected is refused") {
  const Workplace place;
  place.write("folder/file.txt", "");
  refuses(place, "run folder", {"folder"});
  refuses(place, "check folder", {"folder"});
}

TEST_CASE("a GGUF file cut off is refused by eval, check, show and as a scenario's model") {
  const Workplace place;
  // Magic, version 3, ten tensors and five keys promised, none there.
  place.write("cut.gguf", std::string("GGUF\3\0\0\0\12\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 24));
  refuses(place, "eval cut.gguf --tokens 1,2,3", {"cut.gguf"});
  refuses(place, "eval cut.gguf --tokens 1,2,3 --logits l.npy", {"cut.gguf"});
  refuses(place, "check cut.gguf", {"cut.gguf"});
  refuses(place, "show cut.gguf", {"cut.gguf"});
  place.write("s.toml", exchanged(small_scenario(), "mobilellm_125m", "cut.gguf"));
  refuses(place, "run s.toml", {"cut.gguf"});
}

TEST_CASE("a real GGUF file cut in the middle of its weights is refused") {
  const std::string whole =
      read_file(std::string(JOULESIM_DATA_DIR) + "/models/gguf/stories260K-F16.gguf");
  if (whole.empty()) {
    WARN("no model files at " << JOULESIM_DATA_DIR << "; nothing was tried");
    return;
  }
  const Workplace place;
  place.write("cut.gguf", whole.substr(0, whole.size() * 2 / 3));
  refuses(place, "eval cut.gguf --tokens 1,2,3", {"cut.gguf"});
  place.write("s.toml", exchanged(small_scenario(), "mobilellm_125m", "cut.gguf"));
  refuses(place, "run s.toml", {"cut.gguf"});
}

TEST_CASE("a model file that is nowhere is refused by name") {
  const Workplace place;
  refuses(place, "eval nowhere.gguf --tokens 1", {"nowhere.gguf"});
  place.write("s.toml", exchanged(small_scenario(), "mobilellm_125m", "nowhere.gguf"));
  refuses(place, "run s.toml", {"nowhere.gguf"});
}

TEST_CASE("a size where a frequency is expected is refused with what was found and expected") {
  const Workplace place;
  place.write("s.toml", exchanged(source_file("scenarios/demo/search_fleet_h100.toml"),
                                  "\"5.1e9 requests/day\"", "\"30 GB\""));
  refuses(place, "run s.toml", {"s.toml:", "requests", "30 GB", "a size", "a frequency"});
}

TEST_CASE("a number without a unit is refused where a unit is due") {
  const Workplace place;
  place.write("s.toml", exchanged(source_file("scenarios/demo/search_fleet_h100.toml"),
                                  "\"5.1e9 requests/day\"", "5.1e9"));
  refuses(place, "run s.toml", {"s.toml:", "requests", "without a unit", "a frequency"});
}

TEST_CASE("a unit that nobody knows is refused") {
  const Workplace place;
  place.write("s.toml", small_scenario() + "[battery]\ntokens_per_second = \"10 furlongs\"\n");
  refuses(place, "run s.toml", {"s.toml:17:", "furlongs"});
}

TEST_CASE("a key that nobody reads is refused with the nearest spelling") {
  refuses_scenario("prompt_tokens  ", "promt_tokens",
                   {"s.toml:", "promt_tokens", "did you mean 'prompt_tokens'"});
  refuses_scenario("[machine]", "[machine]\ncolour = \"red\"", {"s.toml:", "colour"});
}

TEST_CASE(
    "devices, models, units, runtimes and formats that are unknown are refused with the nearest "
    "name") {
  refuses_scenario("iphone_13", "iphone_31",
                   {"s.toml:10:", "iphone_31", "did you mean 'iphone_13'"});
  refuses_scenario("mobilellm_125m", "mobilelm_125m",
                   {"s.toml:6:", "mobilelm_125m", "did you mean 'mobilellm_125m'"});
  refuses_scenario("\"npu\"", "\"nqu\"", {"s.toml:11:", "nqu", "npu, gpu, cpu"});
  refuses_scenario("\"int8\"", "\"int9\"", {"s.toml:7:", "int9", "did you mean 'int8'"});
  refuses_scenario("\"npu\"", "\"npu\"\nruntime = \"coremll\"",
                   {"s.toml:12:", "coremll", "did you mean 'coreml'"});
}

TEST_CASE("a part that is no runtime is refused where a runtime is expected") {
  refuses_scenario("\"npu\"", "\"npu\"\nruntime = \"iphone_13_display\"",
                   {"s.toml:12:", "iphone_13_display"});
}

TEST_CASE("a model larger than the memory is refused with both sizes") {
  const Workplace place;
  place.write("s.toml", exchanged(exchanged(small_scenario(), "mobilellm_125m", "llama_2_70b"),
                                  "int8", "fp16"));
  refuses(place, "run s.toml", {"s.toml:9:", "does not fit", "138 GB", "usable"});
}

TEST_CASE("a prompt longer than the model's context is refused with both lengths") {
  refuses_scenario("= 16", "= 5000", {"s.toml:13:", "5004", "2048"});
}

TEST_CASE("a workload of nothing is refused") {
  refuses_scenario("= 16", "= 0", {"s.toml:14:", "prompt_tokens"});
  refuses_scenario("= 16", "= -3", {"s.toml:14:", "prompt_tokens"});
  refuses_scenario("= 16", "= 99999999999999", {"s.toml:14:", "prompt_tokens"});
  refuses_scenario("generate_tokens = 4", "", {"generate_tokens"});
}

TEST_CASE("a figure without a source is refused") {
  const Workplace place;
  place.write("hw/link/own.toml", exchanged(source_file("hw/link/usb_2_0.toml"),
                                            "{ value = 1, source = \"usbif\" }", "{ value = 1 }"));
  refuses(place, "check hw/link/own.toml", {"own.toml:", "source", "lanes"});
}

TEST_CASE("a source that is not listed is refused with the nearest one") {
  const Workplace place;
  place.write("hw/link/own.toml",
              exchanged(source_file("hw/link/usb_2_0.toml"), "{ value = 1, source = \"usbif\" }",
                        "{ value = 1, source = \"usbiv\" }"));
  refuses(place, "check hw/link/own.toml", {"own.toml:", "usbiv", "did you mean 'usbif'"});
}

TEST_CASE("a figure that does not follow from its own equation is refused") {
  const Workplace place;
  place.write("hw/link/own.toml",
              exchanged(source_file("hw/link/usb_2_0.toml"), "\"60 MB/s\"", "\"61 MB/s\""));
  refuses(place, "check hw/link/own.toml", {"own.toml:", "bandwidth"});
}

TEST_CASE("a component kind that nobody models is refused") {
  const Workplace place;
  place.write("hw/link/own.toml", exchanged(source_file("hw/link/usb_2_0.toml"), "model = \"link\"",
                                            "model = \"lynk\""));
  refuses(place, "check hw/link/own.toml", {"own.toml:", "lynk"});
}

TEST_CASE("a device that names a missing part is refused, alone and under a scenario") {
  const Workplace place;
  const std::string device =
      exchanged(source_file("hw/device/iphone_13.toml"), "\"iphone_13\"", "\"my_phone\"");
  place.write("hw/device/my_phone.toml",
              exchanged(exchanged(device, "\"iphone13\"", "\"my phone\""), "\"lpddr4x_4266\"",
                        "\"lpddr4x_4626\""));
  refuses(place, "check hw/device/my_phone.toml",
          {"my_phone.toml:", "lpddr4x_4626", "did you mean 'lpddr4x_4266'"});
  place.write("s.toml", exchanged(small_scenario(), "iphone_13", "my_phone"));
  refuses(place, "run s.toml", {"my_phone.toml:", "lpddr4x_4626"});
}

TEST_CASE("several faults are reported together") {
  const Workplace place;
  place.write("s.toml", exchanged(exchanged(small_scenario(), "mobilellm_125m", "mobilelm_125m"),
                                  "iphone_13", "iphone_31"));
  refuses(place, "run s.toml", {"s.toml:6:", "s.toml:10:", "2 errors"});
  place.write("t.toml", exchanged(exchanged(small_scenario(), "int8", "int9"), "= 16", "= 0"));
  refuses(place, "run s.toml t.toml",
          {"s.toml:6:", "s.toml:10:", "t.toml:7:", "t.toml:14:", "4 errors"});
  // Names and values of one file, too.
  place.write("u.toml",
              exchanged(exchanged(exchanged(small_scenario(), "mobilellm_125m", "mobilelm_125m"),
                                  "iphone_13", "iphone_31"),
                        "= 16", "= 0"));
  refuses(place, "run u.toml",
          {"u.toml:6:", "mobilellm_125m", "u.toml:10:", "iphone_13", "u.toml:14:", "3 errors"});
}

TEST_CASE("one wrong scenario of two keeps the other from being written") {
  const Workplace place;
  place.write("good.toml", small_scenario());
  place.write("bad.toml", exchanged(exchanged(small_scenario(), "\"small\"", "\"other\""),
                                    "iphone_13", "iphone_31"));
  refuses(place, "run good.toml bad.toml", {"bad.toml:10:", "iphone_31"});
}

TEST_CASE("two scenarios of one name are refused, because one would overwrite the other") {
  const Workplace place;
  place.write("a.toml", small_scenario());
  place.write("b.toml", small_scenario());
  refuses(place, "run a.toml b.toml", {"small"});
}

TEST_CASE("a name that leads out of the results' folder is refused") {
  refuses_scenario("\"small\"", "\"../small\"", {"s.toml:1:", "../small"});
  refuses_scenario("\"small\"", "\"\"", {"s.toml:1:", "scenario"});
}

TEST_CASE("an output folder that cannot be made is refused") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  place.write("taken", "a file");
  refuses(place, "run s.toml --no-plots --out taken", {"taken"});
  refuses(place, "run s.toml --no-plots --out /proc/nowhere", {"/proc/nowhere"});
}

TEST_CASE("token lists that are none are refused") {
  const Workplace place;
  place.write("m.gguf", "GGUF");
  for (const std::string tokens : {"1,x,3", "1.5", "99999999999999999999", "-", "1,,2"}) {
    refuses(place, "eval m.gguf --tokens '" + tokens + "'", {"--tokens"});
  }
}

TEST_CASE("tokens that the model does not have are refused") {
  const std::string path = std::string(JOULESIM_DATA_DIR) + "/models/gguf/stories260K-F16.gguf";
  if (read_file(path).empty()) {
    WARN("no model files at " << JOULESIM_DATA_DIR << "; nothing was tried");
    return;
  }
  const Workplace place;
  refuses(place, "eval '" + path + "' --tokens 1,99999", {"99999"});
  refuses(place, "eval '" + path + "' --tokens=-1", {"-1"});
  refuses(place, "eval '" + path + "' --tokens 1 --datapath fp33", {"fp33"});
  refuses(place, "eval '" + path + "' --tokens 1 --logits /proc/nowhere/l.npy",
          {"/proc/nowhere/l.npy"});
}

TEST_CASE("commands, options and their values that are unknown are refused by name") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  refuses(place, "", {"--help"});
  refuses(place, "frobnicate", {"--help"});
  refuses(place, "run", {"scenario"});
  refuses(place, "run s.toml --wild", {"--wild"});
  refuses(place, "run s.toml --fidelity wild", {"wild", "train"});
  refuses(place, "run s.toml -j -3", {"-3"});
  refuses(place, "run s.toml --set nonsense", {"nonsense"});
  refuses(place, "run s.toml --set workload.promt_tokens=3", {"promt_tokens", "did you mean"});
  refuses(place, "list bananas", {"bananas", "devices"});
  refuses(place, "show iphone_31", {"iphone_31", "did you mean 'iphone_13'"});
  refuses(place, "check nowhere.toml", {"nowhere.toml"});
  refuses(place, "compare nowhere.json", {"nowhere.json"});
  refuses(place, "explain nowhere decode.tokens_per_second", {"nowhere"});
}

TEST_CASE("a result that is none is refused by compare and explain") {
  const Workplace place;
  place.write("r.json", "{\"joulesim\": ");
  refuses(place, "compare r.json", {"r.json"});
  refuses(place, "explain r.json decode.tokens_per_second", {"r.json"});
  place.write("r.json", "{}");
  refuses(place, "compare r.json", {"r.json"});
}

TEST_CASE("check prints the faults of all files it is given") {
  const Workplace place;
  place.write("good.toml", small_scenario());
  place.write("a.toml", exchanged(small_scenario(), "iphone_13", "iphone_31"));
  place.write("b.toml", exchanged(small_scenario(), "int8", "int9"));
  refuses(place, "check a.toml good.toml b.toml", {"a.toml:10:", "b.toml:7:", "2 errors"});
}

TEST_CASE("a result that is stored already survives a run that fails") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  REQUIRE(place.run("run s.toml --no-plots").status == 0);
  REQUIRE_FALSE(place.read("out/small/result.json").empty());
  place.write("s.toml", exchanged(small_scenario(), "iphone_13", "iphone_31"));
  refuses(place, "run s.toml --no-plots", {"iphone_31"});
}

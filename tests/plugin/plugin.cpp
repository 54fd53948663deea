// Plug-ins through the program: is the example's kind as good as one of the product's, do its times
// and joules follow from its figures, is everything that is no plug-in refused?
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::read_file;
using joulesim::cli::source_file;
using joulesim::cli::Workplace;
using Json = nlohmann::json;

std::string plugin(const std::string& name) {
  return " --plugin '" JOULESIM_PLUGINS "/" + name + ".so'";
}
const std::string kDot = plugin("dot_engine");

// A folder with the example's files.
class Example : public Workplace {
 public:
  Example() {
    for (const std::string name : {"dot_64.toml", "dot_board.toml", "dot.toml"}) {
      write(name, source_file("tests/plugin/" + name));
    }
  }
  [[nodiscard]] Outcome works(const std::string& arguments) const {
    Outcome outcome = run(arguments);
    INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
    REQUIRE(outcome.status == 0);
    return outcome;
  }
  [[nodiscard]] Json result() const {
    (void)works("run dot.toml --no-plots --quiet" + kDot);
    return Json::parse(read("out/dot/result.json"));
  }
  // Refused as input, in words, and nothing written.
  void refuses(const std::string& arguments, const std::vector<std::string>& words) const {
    const auto before = files();
    const Outcome outcome = run(arguments);
    INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
    CHECK(outcome.status == 1);
    for (const std::string& word : words) {
      INFO(word);
      CHECK(outcome.err.find(word) != std::string::npos);
    }
    CHECK(files() == before);
  }
};

double metric(const Json& result, const std::string& name) {
  return result.at("metrics").at(name).at("value").get<double>();
}

double energy(const Json& result, const std::string& phase, const std::string& component,
              const std::string& cause) {
  double joules = 0;
  for (const Json& row : result.at("energy")) {
    if (row.at("phase") == phase && row.at("component") == component && row.at("cause") == cause) {
      joules += row.at("joules").get<double>();
    }
  }
  return joules;
}

// SmolLM-135M: 30 layers of width 576, three of nine heads for keys and values, gated
// feed-forward of 1536, a table of 49152 tokens. Outputs of products by the length of their dot
// products, for one token; the head is counted apart.
constexpr double kLayers = 30;
constexpr double kOutputs576 = 576 + 2 * 192 + 576 + 2 * 1536;  // of a layer: q, k, v, o, gate, up
constexpr double kOutputs1536 = 576;                            // down
constexpr double kTable = 49152;
constexpr double kLayerMacs = kLayers * (kOutputs576 * 576 + kOutputs1536 * 1536);
constexpr double kHeadMacs = kTable * 576;
// The table stays in fp16, the layers' weights are a byte each.
constexpr double kWeights = kLayerMacs + 2 * kHeadMacs;
// Decoded from positions 17 to 20: per head two products of 64 for every key.
constexpr double kKeys = (17 + 18 + 19 + 20) / 4.0;
constexpr double kAttentionMacs = kLayers * 9 * 64 * 2 * kKeys;

}  // namespace

TEST_CASE("a model bound by the lanes of a plug-in's unit takes the cycles of its dot products") {
  const Example place;
  const Json result = place.result();
  constexpr double kLanes = 64;
  constexpr double kClock = 200e6;
  constexpr double kStream = 20e9;
  constexpr double kCycles =
      kLayers * (kOutputs576 * (576 / kLanes) + kOutputs1536 * (1536 / kLanes) + 9 * 2 * kKeys);
  // The head's weights of two bytes stream for longer than they are computed with.
  constexpr double kHead = 2 * kHeadMacs / kStream;
  static_assert(kHead > kTable * (576 / kLanes) / kClock);
  constexpr double kClosed = kCycles / kClock + kHead;
  const double time = metric(result, "decode.time_per_token");
  INFO(time << " s against " << kClosed << " s");
  // Beside the products there are vector operations and the first loads of operators, exposed: no
  // operator can start before its operands are there.
  CHECK(time > kClosed);
  CHECK(time < 1.03 * kClosed);
}

TEST_CASE("a model bound by the stream of a plug-in's unit takes as long as its weights") {
  const Example place;
  constexpr double kStream = 1e9;
  place.write("dot_64.toml", exchanged(place.read("dot_64.toml"), "20 GB/s", "1 GB/s"));
  const Json result = place.result();
  const double time = metric(result, "decode.time_per_token");
  constexpr double kClosed = kWeights / kStream;
  INFO(time << " s against " << kClosed << " s");
  CHECK(time > kClosed);
  CHECK(time < 1.03 * kClosed);
  CHECK(result.at("bottleneck").dump().find("dot") != std::string::npos);
}

TEST_CASE("the joules of a plug-in's unit are in the ledger under its name") {
  const Json result = Example().result();
  constexpr double kTokens = 4;
  // Head and attention multiply in fp16.
  constexpr double kInt8 = 0.12e-12;
  constexpr double kFp16 = 0.6e-12;
  CHECK(
      energy(result, "decode", "dot", "mac") ==
      Approx(kTokens * (kLayerMacs * kInt8 + (kHeadMacs + kAttentionMacs) * kFp16)).epsilon(1e-6));
  // Every byte goes in and out once, at 0.2 pJ a bit each way.
  constexpr double kBuffer = kTokens * kWeights * 8 * 2 * 0.2e-12;
  CHECK(energy(result, "decode", "dot", "buffer") > kBuffer);
  CHECK(energy(result, "decode", "dot", "buffer") < 1.02 * kBuffer);
  CHECK(energy(result, "decode", "dot", "vector") > 0);
}

TEST_CASE("a result says which plug-in took part") {
  const Example place;
  const Json result = place.result();
  bool digested = false;
  for (const Json& row : result.at("digests")) {
    digested = digested || (row.at("path") == "dot_engine.so" &&
                            row.at("fnv1a").get<std::string>().size() == 16);
  }
  CHECK(digested);
  const std::string machine = result.at("machine").dump();
  CHECK(machine.find("dot_engine.so (interface 1): dot_engine") != std::string::npos);
  CHECK(place.read("out/dot/report.html").find("dot_engine.so") != std::string::npos);

  // One that is loaded and not used took no part.
  std::string scenario = exchanged(place.read("dot.toml"), "dot_board.toml", "rk3588");
  place.write("dot.toml", scenario);
  CHECK(place.result().dump().find("dot_engine") == std::string::npos);
}

TEST_CASE("answers for one operator say which plug-in took part") {
  const Example example;
  const Json answer = Json::parse(example
                                      .works("kernel --device dot_board.toml --op gemm --m 4 --n "
                                             "1000 --k 100 --dtype int8 --json" +
                                             kDot)
                                      .out);
  REQUIRE(answer.at("plugins").size() == 1);
  CHECK(answer["plugins"][0].get<std::string>().find("dot_engine.so (interface ") == 0);
}

TEST_CASE("levels of detail agree on a plug-in's unit") {
  const Example place;
  const double train = metric(place.result(), "decode.time_per_token");
  (void)place.works("run dot.toml --no-plots --quiet --fidelity analytic" + kDot);
  const double closed =
      metric(Json::parse(place.read("out/dot/result.json")), "decode.time_per_token");
  CHECK(closed == Approx(train).epsilon(0.05));
}

TEST_CASE("every command that reads parts knows the kind of a plug-in") {
  const Example place;
  CHECK(place.works("check dot_64.toml dot_board.toml dot.toml" + kDot).out.find("no fault") !=
        std::string::npos);
  CHECK(place.works("show dot_64.toml" + kDot).out.find("200 MHz") != std::string::npos);
  CHECK(place.works("show dot_board.toml" + kDot).out.find("dot_64") != std::string::npos);
  CHECK(place.works("list components" + kDot).out.find("dot_engine") != std::string::npos);
  CHECK(place.works("list components").out.find("dot_engine") == std::string::npos);
  CHECK(place.works("schema part" + kDot).out.find("part_dot_engine") != std::string::npos);

  const std::string gemm =
      "kernel --device dot_board.toml --op gemm --m 4 --n 1000 --k 100 --dtype int8" + kDot;
  // A row of 100 takes two cycles of 64 lanes, the tree of adders six more at the end.
  const double time = Json::parse(place.works(gemm).out).at("time_us").get<double>();
  constexpr double kBusy = (4 * 1000 * 2 + 6) / 200.0;
  CHECK(time >= kBusy);
  CHECK(time < 1.02 * kBusy);

  place.write("twin.toml", exchanged(place.read("dot.toml"), "\"dot\"", "\"twin\""));
  (void)place.works("compare dot.toml twin.toml --no-plots --quiet --fidelity analytic" + kDot);
}

TEST_CASE("without its plug-in a kind is unknown, and the message says what may be missing") {
  const Example place;
  const std::vector<std::string> words{"dot_64.toml:3:9", "unknown component kind 'dot_engine'",
                                       "--plugin"};
  for (const std::string command :
       {"check dot_64.toml", "check dot_board.toml", "check dot.toml", "show dot_64.toml",
        "show dot_board.toml", "run dot.toml --no-plots",
        "kernel --device dot_board.toml --op gemm --m 1 --n 1 --k 1"}) {
    place.refuses(command, words);
  }
}

TEST_CASE("faults of a plug-in's part are shown like those of any part") {
  const Example place;
  place.write("dot_64.toml",
              exchanged(exchanged(place.read("dot_64.toml"), "count  = 64", "count  = 65537"),
                        "20 GB/s", "20 GB"));
  place.refuses("check dot_64.toml" + kDot, {"dot_64.toml:11", "65536 lanes", "bandwidth"});
}

TEST_CASE("libraries that are no plug-ins are refused as wrong input") {
  const Example place;
  const auto refused = [&](const std::string& name, const std::vector<std::string>& words) {
    place.refuses("check dot_board.toml" + plugin(name), words);
    place.refuses("list components" + plugin(name), words);
  };
  refused("next_interface", {"next_interface.so: error:", "interface 2", "expected interface 1"});
  refused("other_layout", {"other_layout.so: error:", "interface 1", "other headers"});
  refused("known_kind",
          {"known_kind.so: error:", "'systolic_npu'", "exists already (of joulesim)"});
  refused("half_kind", {"half_kind.so: error:", "'half'", "expected one made by unit_kind"});
  refused("no_kind", {"no_kind.so: error:", "without kinds"});
  refused("no_symbol", {"no_symbol.so: error:", "symbol 'joulesim_plugin'"});
  refused("throwing", {"throwing.so: error:", "no licence"});
  refused("crashing", {"crashing.so: error:", "crashes when it is loaded", "interface 1"});
  refused("ending", {"ending.so: error:", "ends the program", "interface 1"});
  refused("missing", {"missing.so: error:", "no such file"});
}

TEST_CASE("a unit that breaks the interface ends the run as the plug-in's fault") {
  const Example place;
  const std::string part = R"(part = "dot_64"
model = "unsound"
title = "TITLE"
[sources]
t = { kind = "assumed", title = "t", reason = "test" }
[unit]
clock = { value = "1 GHz", source = "t" }
[arithmetic.int8]
macs_per_cycle = { value = 64, source = "t" }
energy = { value = "1 pJ/MAC", source = "t" }
[arithmetic.fp16]
macs_per_cycle = { value = 64, source = "t" }
energy = { value = "1 pJ/MAC", source = "t" }
[vector]
rate = { value = "1 Gop/s", source = "t" }
energy = { value = "1 pJ/op", source = "t" }
[control]
energy = { value = "1 pJ/op", source = "t" }
[power]
idle = { value = "1 W", source = "t" }
active = { value = "1 W", source = "t" }
)";
  const std::vector<std::pair<std::string, std::string>> faults{
      {"throws", "out of ideas"},       {"joules", "nan J"},
      {"causes", "joules of 4 causes"}, {"time", "of -1000000000000 ps"},
      {"stream", "a move of stream"},   {"port", "no bandwidth"},
      {"scaled", "found no unit"}};
  for (const auto& [title, words] : faults) {
    place.write("dot_64.toml", exchanged(part, "TITLE", title));
    place.refuses("run dot.toml --no-plots --fidelity analytic" + plugin("unsound"),
                  {"unsound.so: error:", words});
  }
}

TEST_CASE("files that are no libraries are refused, all at once") {
  const Example place;
  const std::string library = read_file(JOULESIM_PLUGINS "/dot_engine.so");
  place.write("text.so", "no library");
  place.write("empty.so", "");
  place.write("short.so", library.substr(0, 100));
  place.write("half.so", library.substr(0, 12288));  // its code is missing
  std::string garbled = library;
  for (std::size_t i = 64; i < garbled.size(); i += 7) {
    garbled[i] = '\x5a';
  }
  place.write("garbled.so", garbled);
  place.refuses(
      "list components --plugin text.so --plugin empty.so --plugin short.so --plugin half.so "
      "--plugin garbled.so --plugin .",
      {"text.so: error:", "empty.so: error:", "short.so: error:", "half.so: error:",
       "garbled.so: error:", ".: error: found no regular file", "expected a plug-in"});
  // The same kind from two files.
  place.write("copy.so", library);
  place.refuses("list components" + kDot + " --plugin copy.so",
                {"copy.so: error:", "kind 'dot_engine', which exists already (of '"});
}

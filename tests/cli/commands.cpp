// What each command prints, writes and ends with when its input is right.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::read_file;
using joulesim::cli::small_scenario;
using joulesim::cli::Workplace;
using Json = nlohmann::json;

Outcome works(const Workplace& place, const std::string& arguments) {
  Outcome outcome = place.run(arguments);
  INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE_FALSE(outcome.out.empty());
  return outcome;
}

bool contains(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

Json result_of(const Workplace& place, const std::string& run) {
  works(place, "run " + run);
  return Json::parse(place.read("out/small/result.json"));
}

double metric(const Json& result, const std::string& name) {
  return result.at("metrics").at(name).at("value").get<double>();
}

}  // namespace

TEST_CASE("run prints a summary and writes result, summary, report and metrics, and nothing else") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const Outcome outcome = works(place, "run s.toml --no-plots");
  CHECK(contains(outcome.out, "A small model on a phone"));
  CHECK(contains(outcome.out, "tokens/s"));
  CHECK(contains(outcome.out, "out/small/report.html"));
  const auto files = place.files();
  for (const char* name : {"result.json", "summary.md", "report.html", "metrics.csv"}) {
    INFO(name);
    REQUIRE(files.count("out/small/" + std::string(name)) == 1);
    CHECK_FALSE(files.at("out/small/" + std::string(name)).empty());
  }
  CHECK(contains(files.at("out/small/report.html"), "</html>"));
  for (const auto& [name, text] : files) {
    INFO(name);
    CHECK((name == "s.toml" || name == "out" || name.rfind("out/small", 0) == 0));
  }
}

TEST_CASE("plots are written when they are asked for") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const Outcome outcome = works(place, "run s.toml --plots");
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0) {
    WARN("no gnuplot; plots were not looked at");
    return;
  }
  CHECK(contains(place.read("out/small/plots/energy.svg"), "</svg>"));
}

TEST_CASE("a run leaves stderr empty when it is asked to be quiet") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  CHECK(works(place, "run s.toml --no-plots --quiet").err.empty());
}

TEST_CASE("two runs give the same bytes in every file") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  works(place, "run s.toml --out a");
  works(place, "run s.toml --out b");
  const auto files = place.files();
  std::size_t compared = 0;
  for (const auto& [name, text] : files) {
    if (name.rfind("a/", 0) == 0) {
      INFO(name);
      REQUIRE(files.count("b/" + name.substr(2)) == 1);
      CHECK(files.at("b/" + name.substr(2)) == text);
      ++compared;
    }
  }
  CHECK(compared >= 5);
}

TEST_CASE("one worker and two give the same bytes, whatever the order of scenarios") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  place.write("t.toml",
              exchanged(exchanged(small_scenario(), "\"small\"", "\"other\""), "int8", "int4"));
  works(place, "run s.toml t.toml --no-plots -j1 --out a");
  works(place, "run t.toml s.toml --no-plots -j2 --out b");
  for (const std::string name : {"small", "other"}) {
    INFO(name);
    CHECK_FALSE(place.read("a/" + name + "/result.json").empty());
    CHECK(place.read("a/" + name + "/result.json") == place.read("b/" + name + "/result.json"));
  }
}

TEST_CASE("a result does not depend on the folder that a run is started from") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  place.write("below/s.toml", small_scenario());
  works(place, "run s.toml --no-plots --out a");
  const std::string from = "cd '" + (place.folder() / "below").string() +
                           "' && '" JOULESIM_PROGRAM
                           "' run s.toml --no-plots --out ../b >/dev/null";
  REQUIRE(std::system(from.c_str()) == 0);
  const Json a = Json::parse(place.read("a/small/result.json"));
  const Json b = Json::parse(place.read("b/small/result.json"));
  CHECK(a.at("metrics") == b.at("metrics"));
  CHECK(a.at("energy") == b.at("energy"));
  CHECK(a.at("time") == b.at("time"));
}

TEST_CASE("the option --json prints what result.json holds") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const Outcome outcome = works(place, "run s.toml --no-plots --json");
  CHECK(Json::parse(outcome.out) == Json::parse(place.read("out/small/result.json")));
}

TEST_CASE("a result has the sections and metrics that readers rely on") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const Json result = result_of(place, "s.toml --no-plots");
  for (const char* section : {"joulesim", "scenario", "digests", "fidelity", "seed", "model",
                              "machine", "workload", "metrics", "energy", "time", "memory",
                              "bottleneck", "timeline", "sources", "assumptions", "warnings"}) {
    INFO(section);
    CHECK(result.contains(section));
  }
  for (const char* name :
       {"decode.tokens_per_second", "decode.time_per_token", "prefill.tokens_per_second",
        "prefill.time_to_first_token", "energy.per_token", "energy.per_request", "power.average",
        "power.peak", "memory.footprint", "memory.kv_cache", "memory.dram_utilisation"}) {
    INFO(name);
    CHECK(metric(result, name) > 0);
  }
  CHECK(metric(result, "decode.tokens_per_second") * metric(result, "decode.time_per_token") ==
        Approx(1.0));
}

TEST_CASE("the option --set changes an input and the answer, and the file stays as it was") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const Json small = result_of(place, "s.toml --no-plots");
  const Json longer = result_of(place, "s.toml --no-plots --set workload.prompt_tokens=256");
  CHECK(metric(longer, "prefill.time_to_first_token") >
        metric(small, "prefill.time_to_first_token"));
  CHECK(metric(longer, "memory.kv_cache") > metric(small, "memory.kv_cache"));
  const Json narrow = result_of(place, "s.toml --no-plots --set model.weights=int4");
  CHECK(metric(narrow, "memory.footprint") < metric(small, "memory.footprint"));
  CHECK(place.read("s.toml") == small_scenario());
}

TEST_CASE("the option --set says the same as the file does") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  place.write("t.toml", exchanged(small_scenario(), "= 16", "= 256"));
  const Json set = result_of(place, "s.toml --no-plots --set workload.prompt_tokens=256");
  const Json written = result_of(place, "t.toml --no-plots");
  CHECK(set.at("metrics") == written.at("metrics"));
  CHECK(set.at("digests") != written.at("digests"));
}

TEST_CASE("every level of detail answers, and the result names its level") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const Json train = result_of(place, "s.toml --no-plots --fidelity train");
  for (const std::string level : {"analytic", "train"}) {
    const Json result = result_of(place, "s.toml --no-plots --fidelity " + level);
    INFO(level);
    CHECK(contains(result.at("fidelity").dump(), level));
    CHECK(metric(result, "decode.tokens_per_second") ==
          Approx(metric(train, "decode.tokens_per_second")).epsilon(0.5));
  }
}

TEST_CASE("scenarios are known by name from any folder") {
  const Workplace place;
  works(place, "run mobilellm_125m_int8 --no-plots");
  CHECK_FALSE(place.read("out/mobilellm_125m_int8/result.json").empty());
}

TEST_CASE("parts, devices, models and scenarios in folders of one's own are known by name") {
  const Workplace place;
  place.write("hw/device/my_phone.toml",
              exchanged(exchanged(joulesim::cli::source_file("hw/device/iphone_13.toml"),
                                  "\"iphone_13\"", "\"my_phone\""),
                        "\"iphone13\"", "\"my phone\""));
  place.write("scenarios/mine.toml", exchanged(exchanged(small_scenario(), "iphone_13", "my_phone"),
                                               "\"small\"", "\"mine\""));
  CHECK(contains(works(place, "list devices").out, "my_phone"));
  CHECK(contains(works(place, "list scenarios").out, "mine"));
  works(place, "run mine --no-plots");
  CHECK_FALSE(place.read("out/mine/result.json").empty());
}

TEST_CASE("list of each kind prints one line each, and as JSON the same names") {
  const Workplace place;
  const std::map<std::string, std::string> known = {
      {"devices", "iphone_13"},         {"parts", "lpddr4x_4266"}, {"models", "llama_2_7b"},
      {"scenarios", "llama_2_7b_int4"}, {"components", "runtime"}, {"runtimes", "coreml"},
      {"metrics", "energy.per_token"}};
  for (const auto& [kind, member] : known) {
    INFO(kind);
    const std::string text = works(place, "list " + kind).out;
    const Json json = Json::parse(works(place, "list " + kind + " --json").out);
    CHECK(json.size() == static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
    bool found = false;
    for (const Json& row : json) {
      const std::string name = row.at("name").get<std::string>();
      CHECK(contains(text, name));
      CHECK_FALSE(row.at("description").get<std::string>().empty());
      found = found || name == member;
    }
    INFO("expected " << member);
    CHECK(found);
  }
}

TEST_CASE("show prints every figure of a device, a part and a model with its source") {
  const Workplace place;
  const Outcome device = works(place, "show iphone_13");
  CHECK(contains(device.out, "34.1 GB/s"));
  CHECK(contains(device.out, "capacity"));
  for (const std::string thing : {"iphone_13", "lpddr4x_4266"}) {
    const Json json = Json::parse(works(place, "show --json " + thing).out);
    INFO(thing);
    CHECK(json.at("figures").size() > 10);
    for (const Json& figure : json.at("figures")) {
      INFO(figure.dump());
      CHECK(figure.contains("source"));
      CHECK(figure.contains("unit"));
    }
  }
  const Outcome model = works(place, "show llama_2_7b");
  CHECK(contains(model.out, "6738415616"));  // parameters, as published
  CHECK(Json::parse(works(place, "show llama_2_7b --json").out).at("parameters") == 6738415616);
  CHECK(contains(works(place, "show llama_2_7b_int4").out, "Llama-2-7B"));
}

TEST_CASE("show --dot prints a graph") {
  const Workplace place;
  const std::string dot = works(place, "show mobilellm_125m --dot").out;
  CHECK(dot.rfind("digraph", 0) == 0);
  CHECK(contains(dot, "->"));
}

TEST_CASE("explain names mechanism, terms and assumptions of a metric") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  works(place, "run s.toml --no-plots");
  for (const std::string metric : {"energy.per_token", "decode.tokens_per_second"}) {
    INFO(metric);
    CHECK(contains(works(place, "explain out/small " + metric).out, "assumed"));
    const Json json =
        Json::parse(works(place, "explain --json out/small/result.json " + metric).out);
    CHECK(json.at("metric") == metric);
    CHECK_FALSE(json.at("mechanism").get<std::string>().empty());
    CHECK(json.at("terms").size() > 1);
  }
  const Outcome wrong = place.run("explain out/small energy.per_tokens");
  CHECK(wrong.status == 1);
  CHECK(contains(wrong.err, "did you mean 'energy.per_token'"));
}

TEST_CASE("compare sets stored results and scenarios side by side") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  place.write("t.toml",
              exchanged(exchanged(small_scenario(), "\"small\"", "\"other\""), "int8", "int4"));
  works(place, "run s.toml --no-plots --out stored");
  const Outcome outcome = works(place, "compare stored/small t.toml --no-plots --out both");
  CHECK(contains(outcome.out, "both/comparison.html"));
  CHECK(contains(place.read("both/comparison.html"), "</html>"));
  CHECK(Json::parse(works(place, "compare stored/small t.toml --no-plots --json --out both").out)
            .size() == 2);
}

TEST_CASE("check accepts good files of every kind") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  const std::string root = JOULESIM_SOURCE_DIR;
  const Outcome outcome =
      works(place, "check s.toml '" + root + "/hw/device/iphone_13.toml' '" + root +
                       "/hw/dram/lpddr4x_4266.toml' '" + root + "/models/zoo/llama_2_7b.toml'");
  CHECK(contains(outcome.out, "4 files: no fault"));
  CHECK(place.files().size() == 1);
}

TEST_CASE("help and version end well and go to stdout") {
  const Workplace place;
  const std::string help = works(place, "--help").out;
  for (const char* command :
       {"run", "compare", "demo", "check", "list", "show", "explain", "eval"}) {
    INFO(command);
    CHECK(contains(help, command));
    CHECK(contains(works(place, std::string(command) + " --help").out, "--json"));
  }
  CHECK(contains(works(place, "--version").out, "."));
}

TEST_CASE("eval computes a real model file and writes its logits") {
  const std::string path = std::string(JOULESIM_DATA_DIR) + "/models/gguf/stories260K-F16.gguf";
  if (read_file(path).empty()) {
    WARN("no model files at " << JOULESIM_DATA_DIR << "; nothing was tried");
    return;
  }
  const Workplace place;
  const Json json = Json::parse(
      works(place, "eval '" + path + "' --tokens 1,2,3 --greedy 4 --json --logits l.npy").out);
  CHECK(json.at("greedy_ids").size() == 4);
  CHECK(json.at("logits_shape").at(0) == 6);
  // Three tokens given, three more computed on the way to the fourth.
  const std::size_t vocabulary = json.at("logits_shape").at(1).get<std::size_t>();
  CHECK(place.read("l.npy").size() > 6 * vocabulary * sizeof(float));
  CHECK(place.read("l.npy").size() % 64 == (6 * vocabulary * sizeof(float)) % 64);
}

TEST_CASE("compare prints Markdown or LaTeX when asked to, the same as it writes") {
  const Workplace place;
  place.write("s.toml", small_scenario());
  place.write("t.toml",
              exchanged(exchanged(small_scenario(), "\"small\"", "\"other\""), "int8", "int4"));
  const Outcome markdown = works(place, "compare s.toml t.toml --no-plots --format markdown");
  CHECK(markdown.out == place.read("out/comparison.md"));
  const Outcome latex = works(place, "compare s.toml t.toml --no-plots --format latex");
  CHECK(latex.out == place.read("out/comparison.tex"));
  CHECK(contains(latex.out, "\\begin{tabular}{lrr}"));
}

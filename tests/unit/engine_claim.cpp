// The [claim] section: what it reads, what its formulas know, where ranges lead.
#include "sim/engine/claim.hpp"

#include <catch2/catch.hpp>

namespace joulesim::engine {
namespace {

ClaimWish wish_of(const std::string& text) {
  ConfigFile file = ConfigFile::parse(text, "claim.toml");
  ClaimWish wish = read_claim(*file.root().table_if("claim"));
  file.require_ok();
  return wish;
}

const char* const kHead = R"([claim]
id = "X1"
statement = "s"
source = "X"
sentence = "{n} and {double_speed}"
)";

reports::Result result_of(double speed, double low, double high) {
  reports::Result result;
  reports::Metric metric;
  metric.name = "decode.tokens_per_second";
  metric.value = {speed, kToken / kSecond};
  metric.low = low;
  metric.high = high;
  result.metrics.push_back(metric);
  result.energy = {{"prefill", "dram", "read", "movement", 2.0, 0},
                   {"decode", "dram", "read", "movement", 3.0, 0},
                   {"decode", "npu", "mac", "arithmetic", 1.0, 0}};
  reports::OperatorRow attention;
  attention.phase = "prefill";
  attention.name = "attention";
  attention.ops = 10;
  reports::OperatorRow head = attention;
  head.name = "head";
  head.ops = 5;
  result.operators = {attention, head};
  result.memory.push_back({});
  result.memory.back().footprint = {{"kv cache", 64}};
  result.model = {{"parameters", "Parameters", {7, {}}, ""}};
  return result;
}

}  // namespace

TEST_CASE("formulas know inputs, earlier figures, metrics, energy, operators, footprints, facts") {
  const ClaimWish wish = wish_of(std::string(kHead) + R"(
[claim.inputs.n]
value = "3"
source = "counted"
[claim.figures.double_speed]
label = "a"
value = "base.decode.tokens_per_second * 2"
[claim.figures.moved]
label = "b"
value = "base.energy.movement / base.energy.decode.movement"
[claim.figures.share]
label = "c"
value = "base.operators.prefill.attention.ops / base.operators.prefill.ops"
[claim.figures.all]
label = "d"
value = "n * share * base.model.parameters"
[claim.figures.cache]
label = "e"
value = "base.footprint.kv_cache"
)");
  const reports::Claim claim = evaluate_claim(wish, {{"base", result_of(10, 8, 12)}});
  CHECK(claim.figures[0].value.si == Approx(20));
  CHECK(claim.figures[0].value.dim == kToken / kSecond);
  CHECK(claim.figures[1].value.si == Approx(5.0 / 3));
  CHECK(claim.figures[2].value.si == Approx(2.0 / 3));
  CHECK(claim.figures[3].value.si == Approx(14));
  CHECK(claim.figures[4].value.si == Approx(64));
  CHECK(claim.sentence == "3.00 and 20.0 tokens/s");
}

TEST_CASE("ranges: inputs move singly, a metric moves together in all runs") {
  const ClaimWish wish = wish_of(R"([claim]
id = "X1"
statement = "s"
source = "X"
sentence = "none"
[claim.inputs.n]
value = "2"
range = ["1", "4"]
source = "guessed"
[claim.runs.other]
set = ["workload.batch=2"]
[claim.figures.scaled]
label = "a"
value = "n / base.decode.tokens_per_second"
[claim.figures.ratio]
label = "b"
value = "base.decode.tokens_per_second / other.decode.tokens_per_second"
[claim.figures.plain]
label = "c"
value = "base.model.parameters"
)");
  const reports::Claim claim =
      evaluate_claim(wish, {{"base", result_of(10, 5, 20)}, {"other", result_of(20, 10, 40)}});
  CHECK(claim.figures[0].low->si == Approx(1.0 / 20));
  CHECK(claim.figures[0].high->si == Approx(4.0 / 5));
  CHECK(claim.figures[1].low->si == Approx(0.5));
  CHECK(claim.figures[1].high->si == Approx(0.5));
  CHECK_FALSE(claim.figures[2].low.has_value());
}

TEST_CASE("a curve's input takes the place of the stated one") {
  const ClaimWish wish = wish_of(std::string(kHead) + R"(
[claim.inputs.n]
value = "3"
source = "counted"
[claim.figures.double_speed]
label = "a"
value = "n * base.decode.tokens_per_second"
[claim.curves.c]
label = "c"
over = "n"
values = ["1", "2"]
figure = "double_speed"
)");
  CHECK(evaluate_figure(wish, "double_speed", {{"base", result_of(10, 5, 20)}}, {{"n", {7, {}}}})
            .si == Approx(70));
}

TEST_CASE("faults of a claim name their place") {
  const auto fault_of = [](const std::string& text) {
    try {
      const ClaimWish wish = wish_of(text);
      evaluate_claim(wish, {{"base", result_of(10, 8, 12)}});
    } catch (const InputError& fault) {
      return fault.diagnostics().render();
    }
    return std::string();
  };
  const std::string figure =
      std::string(kHead) + "[claim.inputs.n]\nvalue = \"3\"\nsource = \"c\"\n";
  CHECK_THAT(
      fault_of(figure + "[claim.figures.double_speed]\nlabel = \"a\"\nvalue = \"base.speed\"\n"),
      Catch::Contains("claim.toml:11:9") && Catch::Contains("'base.speed', which is not here"));
  CHECK_THAT(
      fault_of(figure + "[claim.figures.double_speed]\nlabel = \"a\"\nvalue = \"n\"\nexpected "
                        "= \"9 Wh\"\n"),
      Catch::Contains("compared with an energy"));
  CHECK_THAT(fault_of(figure + "[claim.figures.double_speed]\nlabel = \"a\"\nvalue = \"n\"\n"
                               "expected = \"9\"\nat_least = \"1\"\n"),
             Catch::Contains("more than one of"));
  CHECK_THAT(fault_of(figure), Catch::Contains("the sentence names 'double_speed'"));
  CHECK_THAT(fault_of("[claim]\nid = \"X\"\nstatement = \"s\"\nsource = \"x\"\nsentence = "
                      "\"\"\nverdict = \"not_yet\"\n"),
             Catch::Contains("needs a 'reason'"));
}

}  // namespace joulesim::engine

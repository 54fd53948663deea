// Parsers of text: TOML with figures and sources, model files, results.
#include "models/arch/model_file.hpp"
#include "reports/result/result_json.hpp"
#include "sim/base/config.hpp"
#include "tests/fuzz/targets.hpp"

namespace joulesim::fuzz {
namespace {

void parse_toml(std::span<const std::byte> input) {
  ConfigFile file = ConfigFile::parse(text_of(input), "fuzz.toml");
  file.set("a.b=1");
  file.require_ok();
}

void parse_model_file(std::span<const std::byte> input) {
  ConfigFile file = ConfigFile::parse(text_of(input), "fuzz.toml");
  static_cast<void>(models::read_model_file(file));
}

void parse_result(std::span<const std::byte> input) {
  static_cast<void>(reports::from_json(text_of(input), "fuzz.json"));
}

std::vector<Bytes> toml_corpus() {
  return {
      bytes_of("part = \"a\"\nrate = { value = \"3200 MT/s\", source = \"s\" }\n"
               "width = \"64 bit\"\nlist = [1, 2.5, \"x\"]\n[sources]\n"
               "s = { kind = \"datasheet\", title = \"t\" }\n[[rows]]\na = 1\n[[rows]]\na = 2\n"),
      bytes_of(
          "a = { b = true }\nc = 1979-05-27T07:32:00Z\n'quoted key' = \"\"\"\nlong\n\"\"\"\n")};
}

std::vector<Bytes> model_file_corpus() {
  return {bytes_of(R"(model = "tiny"
title = "A tiny llama"
aliases = ["Tiny"]
[sources]
made = { kind = "assumed", title = "made up", reason = "for a test" }
[shape]
source = "made"
layers = 2
hidden = 64
heads = 4
kv_heads = 2
head_dim = 16
ffn = 96
vocab = 128
max_context = 64
tied = true
[attention]
position = "rope"
rope_base = { value = 10000, source = "made" }
[block]
norm = "rms"
norm_epsilon = { value = 1e-05, source = "made" }
gated = true
activation = "silu"
[formats]
linear = "int4_g32"
activation = "fp16"
[published]
source = "made"
parameters = 100000
tolerance = 0.5
)")};
}

std::vector<Bytes> result_corpus() {
  reports::Result result;
  result.name = "tiny";
  result.version = "0";
  result.metrics.push_back({});
  result.metrics.back().name = "energy.per_token";
  result.energy.push_back({});
  result.energy.back().component = "dram";
  result.warnings = {"none"};
  return {bytes_of(reports::to_json(result))};
}

}  // namespace

std::vector<Target> text_targets() {
  return {{"toml", parse_toml, toml_corpus},
          {"model_file", parse_model_file, model_file_corpus},
          {"result_json", parse_result, result_corpus}};
}

}  // namespace joulesim::fuzz

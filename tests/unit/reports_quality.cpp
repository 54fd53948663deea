// Does a quality table say the same in JSON, Markdown and HTML?
#include "reports/data/quality_table.hpp"
#include "reports/html/quality.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace joulesim::reports;

namespace {

QualityTable sample_table() {
  QualityTable table;
  table.title = "m.gguf: quality";
  table.model = "m.gguf";
  table.text = "a text";
  table.calibration = "another <text>";
  table.device = "a_phone";
  table.version = "0.1";
  table.scored = 1000;
  table.rows = {
      {"as stored", "", "as stored", "fp16", "fp16", 32, 1e6, 3.25, 0, 1, 2e-3, 100},
      {"int4 gptq", "gptq", "int4_g32", "fp16", "fp16", 4.5, 2e5, 3.5, 0.07, 0.91, 1e-3, 150}};
  return table;
}

}  // namespace

TEST_CASE("a quality table's JSON reads back with every figure") {
  const auto json = nlohmann::json::parse(quality_json(sample_table()));
  CHECK(json["scored_tokens"] == 1000);
  REQUIRE(json["rows"].size() == 2);
  CHECK(json["rows"][1]["numerics.perplexity"] == 3.5);
  CHECK(json["rows"][1]["energy.per_token"] == 1e-3);
  CHECK(json["rows"][1]["method"] == "gptq");
}

TEST_CASE("a quality table has a line for every row, energy only where it was simulated") {
  QualityTable table = sample_table();
  const std::string with_energy = quality_markdown(table);
  CHECK(with_energy.find("| int4 gptq | 4.50 |") != std::string::npos);
  CHECK(with_energy.find("1.00 mJ") != std::string::npos);
  for (QualityRow& row : table.rows) {
    row.joules_per_token = 0;
  }
  CHECK(quality_markdown(table).find("energy per token") == std::string::npos);
  CHECK(quality_cells(table, table.rows[0]).size() == quality_heads(table).size());
}

TEST_CASE("a quality page escapes what it was told and shows every row") {
  const std::string page = quality_page(sample_table());
  CHECK(page.find("another &lt;text&gt;") != std::string::npos);
  CHECK(page.find("int4 gptq") != std::string::npos);
  CHECK(page.find("{{") == std::string::npos);
}

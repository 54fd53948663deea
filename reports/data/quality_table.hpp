// Quality beside cost: one row for every way to store or compute a model, as JSON and Markdown.
//
// Checked by: tests/unit/reports_quality.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::reports {

struct QualityRow {
  std::string name;    // "int4 gptq"
  std::string method;  // "rtn", "gptq", "ternary"; empty where weights are as they came
  std::string weights, activations, kv_cache;  // formats
  double bits_per_weight = 0;                  // of the linear layers, scales included
  double weight_bytes = 0;                     // of the whole model
  double perplexity = 0, kl_divergence = 0, top1_agreement = 0;
  double joules_per_token = 0, tokens_per_second = 0;  // of decode; 0: not simulated
};

struct QualityTable {
  std::string title, model, text, calibration, device, version;
  std::int64_t scored = 0;  // tokens of the text that were predicted
  std::vector<QualityRow> rows;
};

std::string quality_json(const QualityTable& table);
std::string quality_markdown(const QualityTable& table);

// Heads and cells as a person reads them; the first row is what others are compared with.
std::vector<std::string> quality_heads(const QualityTable& table);
std::vector<std::string> quality_cells(const QualityTable& table, const QualityRow& row);

}  // namespace joulesim::reports

#include "reports/data/quality_table.hpp"

#include "reports/result/display.hpp"
#include "sim/base/quantity.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace joulesim::reports {

std::string quality_json(const QualityTable& table) {
  using Json = nlohmann::ordered_json;
  Json rows = Json::array();
  for (const QualityRow& row : table.rows) {
    Json json{{"name", row.name},
              {"method", row.method},
              {"weights", row.weights},
              {"activations", row.activations},
              {"kv_cache", row.kv_cache},
              {"bits_per_weight", row.bits_per_weight},
              {"weight_bytes", row.weight_bytes},
              {"numerics.perplexity", row.perplexity},
              {"numerics.kl_divergence", row.kl_divergence},
              {"numerics.top1_agreement", row.top1_agreement}};
    if (row.joules_per_token > 0) {
      json["energy.per_token"] = row.joules_per_token;
      json["decode.tokens_per_second"] = row.tokens_per_second;
    }
    rows.push_back(std::move(json));
  }
  return Json{{"joulesim", table.version},
              {"model", table.model},
              {"text", table.text},
              {"calibration", table.calibration},
              {"scored_tokens", table.scored},
              {"device", table.device},
              {"rows", std::move(rows)}}
             .dump(2) +
         "\n";
}

std::vector<std::string> quality_heads(const QualityTable& table) {
  std::vector<std::string> heads = {"weights",    "bits/weight",   "size",
                                    "perplexity", "KL divergence", "top-1"};
  if (!table.rows.empty() && table.rows.front().joules_per_token > 0) {
    heads.insert(heads.end(), {"energy per token", "tokens/s"});
  }
  return heads;
}

std::vector<std::string> quality_cells(const QualityTable& table, const QualityRow& row) {
  std::vector<std::string> cells = {row.name,
                                    significant(row.bits_per_weight),
                                    joulesim::format(Bytes(row.weight_bytes)),
                                    significant(row.perplexity, 4),
                                    significant(row.kl_divergence),
                                    percent(row.top1_agreement)};
  if (quality_heads(table).size() > cells.size()) {
    cells.push_back(joulesim::format(Energy(row.joules_per_token)));
    cells.push_back(significant(row.tokens_per_second));
  }
  return cells;
}

std::string quality_markdown(const QualityTable& table) {
  std::string out =
      fmt::format("# {}\n\n{} predicted tokens of {}", table.title, table.scored, table.text);
  out += table.calibration.empty() ? "" : fmt::format("; calibrated on {}", table.calibration);
  out += table.device.empty() ? ".\n\n" : fmt::format("; energy on {}.\n\n", table.device);
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) {
      text += " " + cell + " |";
    }
    return text + "\n";
  };
  const std::vector<std::string> heads = quality_heads(table);
  out += line(heads) + "|---|";
  for (std::size_t i = 1; i < heads.size(); ++i) {
    out += "--:|";
  }
  out += "\n";
  for (const QualityRow& row : table.rows) {
    out += line(quality_cells(table, row));
  }
  return out;
}

}  // namespace joulesim::reports

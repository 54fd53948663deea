#include "sim/engine/quality.hpp"

#include "models/import/model.hpp"
#include "models/import/tokenizer.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/engine/library.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace joulesim::engine {
namespace {

std::string beside(const std::string& scenario_path, const std::filesystem::path& file) {
  return file.is_absolute() ? file.string()
                            : (std::filesystem::path(scenario_path).parent_path() / file).string();
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    throw InputError(fmt::format("{}: error: cannot be read; expected a text", shown_path(path)));
  }
  return std::move(text).str();
}

void read_datapaths(const ConfigNode& node, QualityWish& wish) {
  wish.datapaths = node.texts("datapaths");
  const std::vector<std::string> known = models::datapath_names();
  for (const std::string& datapath : wish.datapaths) {
    if (std::find(known.begin(), known.end(), datapath) == known.end()) {
      node.error("datapaths", fmt::format("unknown datapath '{}'; expected {}{}", datapath,
                                          fmt::join(known, ", "), did_you_mean(datapath, known)));
    }
  }
  if (wish.datapaths.empty()) {
    node.error("datapaths",
               fmt::format("there is no datapath; expected some of {}", fmt::join(known, ", ")));
  }
}

}  // namespace

QualityWish read_quality(const ConfigNode& node, const std::string& scenario_path,
                         const std::string& model) {
  QualityWish wish;
  const std::string file = node.text_if("file").value_or(model);
  if (file.empty()) {
    node.error("file",
               "the scenario's model has no weights; expected the name of a model file that has");
  }
  wish.file = beside(scenario_path, file);
  if (const auto text = node.text_if("text")) {
    wish.text = beside(scenario_path, *text);
    wish.window = node.integer_if("window", 2, 1 << 20).value_or(0);
  } else {
    wish.tokens = node.integers("tokens");
    if (node.ok() && wish.tokens.empty()) {
      node.error("tokens", "there are no tokens; expected a list of token ids, or a text");
    }
    wish.greedy = node.integer_if("greedy", 0, 100000).value_or(0);
  }
  read_datapaths(node, wish);
  return wish;
}

std::vector<QualityRun> judge(const QualityWish& wish) {
  const models::Model model = models::load_model(shown_path(wish.file));
  std::vector<QualityRun> runs;
  if (wish.text.empty()) {
    const std::vector<std::int32_t> tokens(wish.tokens.begin(), wish.tokens.end());
    for (const std::string& datapath : wish.datapaths) {
      const models::EvalResult result = models::evaluate(model, tokens, wish.greedy, {datapath});
      runs.push_back({datapath, result.comparison.value_or(models::Comparison{0, 0, 0, 1}),
                      std::nullopt, std::nullopt});
    }
    return runs;
  }
  const std::vector<std::int32_t> tokens =
      models::Tokenizer(model.tokens).encode(read_text(wish.text));
  for (const std::string& datapath : wish.datapaths) {
    const models::TextQuality quality =
        models::judge_text(model, model, tokens, {datapath}, wish.window);
    runs.push_back(
        {datapath, quality.comparison, quality.perplexity, quality.reference_perplexity});
  }
  return runs;
}

}  // namespace joulesim::engine

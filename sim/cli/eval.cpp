// eval: a real model file, computed.
#include "models/import/llama2c.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/import/tokenizer.hpp"
#include "models/import/unicode_text.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/quality.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/cli/commands.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

namespace joulesim::cli {
namespace {

std::vector<std::int32_t> parse_tokens(const std::string& text) {
  std::vector<std::int32_t> tokens;
  std::stringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    std::size_t end = 0;
    int id = 0;
    try {
      id = std::stoi(item, &end);
    } catch (const std::exception&) {
      end = 0;
    }
    if (end == 0 || end != item.size()) {
      throw InputError(
          fmt::format("--tokens: found '{}'; expected token ids such as 1,385,328", item));
    }
    tokens.push_back(id);
  }
  return tokens;
}

// The table of the model file or the one that was named; without a prompt none is fine.
std::optional<models::Tokenizer> tokenizer_of(const models::Model& model,
                                              const EvalArguments& arguments) {
  const bool own = arguments.tokenizer.empty();
  const bool needed = !arguments.prompt.empty() || !arguments.text.empty();
  if (!needed && own && model.tokens.tokens.empty()) {
    return std::nullopt;
  }
  try {
    return models::Tokenizer(
        own ? model.tokens
        : arguments.tokenizer.ends_with(".bin")
            ? models::read_llama2c_tokens(arguments.tokenizer, model.spec.vocab)
            : models::load_tokens(arguments.tokenizer));
  } catch (const InputError&) {
    if (needed) {
      throw;
    }
    return std::nullopt;
  }
}

// JSON holds Unicode: bytes that are none become the replacement character.
std::string printable(const std::string& text) {
  std::string result;
  for (const char32_t point : models::code_points(text)) {
    models::append_utf8(result, point >= 0xD800 && point <= 0xDFFF ? 0xFFFD : point);
  }
  return result;
}

void print(const models::Comparison& against) {
  std::cout << fmt::format(
      "against fp32: max |error| {:.3g}, RMS {:.3g}, KL divergence {:.3g} nats, top-1 agreement "
      "{:.1f} %\n",
      against.max_abs_error, against.rms_error, against.kl_divergence,
      100 * against.top1_agreement);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InputError(fmt::format("{}: error: found no such file; expected a text", path));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

models::EvalOptions options_of(const EvalArguments& arguments) {
  return {arguments.datapath, arguments.kernels == "reference", arguments.jobs};
}

int judge(const Common& common, const EvalArguments& arguments) {
  const models::Model model = models::load_model(arguments.model);
  const std::optional<models::Tokenizer> tokenizer = tokenizer_of(model, arguments);
  const std::vector<std::int32_t> tokens = tokenizer->encode(read_text(arguments.text));
  const models::TextQuality quality =
      models::judge_text(model, model, tokens, options_of(arguments), arguments.window);
  const models::Comparison& against = quality.comparison;
  if (common.json) {
    const nlohmann::ordered_json json{
        {"model", arguments.model},
        {"datapath", arguments.datapath},
        {"text", arguments.text},
        {"tokens", tokens.size()},
        {"scored_tokens", quality.scored},
        {"numerics.perplexity", quality.perplexity},
        {"numerics.reference_perplexity", quality.reference_perplexity},
        {"numerics.max_abs_error", against.max_abs_error},
        {"numerics.rms_error", against.rms_error},
        {"numerics.kl_divergence", against.kl_divergence},
        {"numerics.top1_agreement", against.top1_agreement}};
    std::cout << json.dump(2) << "\n";
    return 0;
  }
  std::cout << fmt::format("{} ({}) on {}: perplexity {:.4f} over {} tokens", arguments.model,
                           arguments.datapath, arguments.text, quality.perplexity, quality.scored);
  if (arguments.datapath != "fp32") {
    std::cout << fmt::format(", {:.4f} in fp32", quality.reference_perplexity);
  }
  std::cout << "\n";
  if (arguments.datapath != "fp32") {
    print(against);
  }
  return 0;
}

}  // namespace

int eval(const Common& common, const EvalArguments& arguments) {
  if (arguments.model.ends_with(".onnx")) {
    return eval_onnx(common, arguments);
  }
  if (!arguments.inputs.empty() || !arguments.outputs.empty()) {
    throw InputError("found --input or --outputs; expected them with an ONNX graph alone");
  }
  if (arguments.tokens.empty() + arguments.prompt.empty() + arguments.text.empty() != 2) {
    throw InputError(
        "found none or several of --tokens, --prompt and --text; expected one of them\n");
  }
  if (!arguments.text.empty()) {
    return judge(common, arguments);
  }
  std::vector<std::int32_t> tokens = parse_tokens(arguments.tokens);
  const models::Model model = models::load_model(arguments.model);
  // A text needs the file's own token table; ids do not.
  const std::optional<models::Tokenizer> tokenizer = tokenizer_of(model, arguments);
  if (!arguments.prompt.empty()) {
    tokens = tokenizer->encode(arguments.prompt);
  }
  const models::EvalResult result =
      models::evaluate(model, tokens, arguments.greedy, options_of(arguments));
  if (!arguments.logits.empty()) {
    models::write_npy(arguments.logits, result.logits);
  }
  if (common.json) {
    nlohmann::ordered_json json{{"model", model.spec.id.empty() ? arguments.model : model.spec.id},
                                {"datapath", arguments.datapath},
                                {"tokens", tokens},
                                {"greedy_ids", result.greedy_ids},
                                {"logits_shape", {result.logits.rows, result.logits.columns}}};
    if (!arguments.logits.empty()) {
      json["logits"] = arguments.logits;
    }
    if (tokenizer) {
      json["greedy_text"] = printable(tokenizer->decode(result.greedy_ids));
    }
    if (result.comparison) {
      json["numerics.max_abs_error"] = result.comparison->max_abs_error;
      json["numerics.rms_error"] = result.comparison->rms_error;
      json["numerics.kl_divergence"] = result.comparison->kl_divergence;
      json["numerics.top1_agreement"] = result.comparison->top1_agreement;
    }
    std::cout << json.dump(2) << "\n";
    return 0;
  }
  std::cout << fmt::format("{} ({}): {} positions, vocabulary {}\n", arguments.model,
                           arguments.datapath, result.logits.rows, result.logits.columns);
  if (!result.greedy_ids.empty()) {
    std::cout << fmt::format("greedy ids: {}\n", fmt::join(result.greedy_ids, ","));
    if (tokenizer) {
      std::cout << fmt::format("greedy text: {}{}\n", arguments.prompt,
                               tokenizer->decode(result.greedy_ids));
    }
  }
  if (result.comparison) {
    print(*result.comparison);
  }
  return 0;
}

}  // namespace joulesim::cli

#include "sim/cli/text_source.hpp"

#include "models/import/llama2c.hpp"
#include "models/import/tokenizer.hpp"
#include "models/kernels/quality.hpp"
#include "models/transform/sample.hpp"
#include "reports/result/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace joulesim::cli {

models::Model load_for_text(const std::string& path, const TextArguments& arguments) {
  models::Model model = models::load_model(path);
  if (!arguments.tokenizer.empty()) {
    model.tokens = models::read_llama2c_tokens(arguments.tokenizer, model.spec.vocab);
  }
  return model;
}

Text text_of(const models::Model& model, const std::string& file, const TextArguments& arguments,
             std::uint64_t seed) {
  const std::int64_t length = std::min(arguments.length, model.spec.max_context);
  if (file.empty()) {
    return {models::sample(model, arguments.samples, length, seed),
            fmt::format("{} sequences of {} tokens that the model wrote (seed {})",
                        arguments.samples, length, seed)};
  }
  constexpr std::size_t kLargest = std::size_t{1} << 28U;
  const models::Tokenizer tokenizer(model.tokens);
  const std::vector<std::int32_t> tokens = tokenizer.encode(reports::read_text(file, kLargest));
  return {models::windows_of(tokens, length, model.tokens.begin_id),
          std::filesystem::path(file).filename().string()};
}

}  // namespace joulesim::cli

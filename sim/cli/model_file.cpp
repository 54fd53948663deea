#include "sim/cli/model_file.hpp"

#include "models/kernels/evaluate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

// A file that goes when it was not kept.
class Draft {
 public:
  explicit Draft(fs::path path) : path_(std::move(path)) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  Draft(Draft&&) = delete;
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    std::error_code none;
    fs::remove(path_, none);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

models::FloatArray some_logits(const models::Model& model) {
  std::array<std::int32_t, 4> tokens{};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] =
        static_cast<std::int32_t>((1 + 37 * i) % static_cast<std::size_t>(model.spec.vocab));
  }
  return models::evaluate(model, tokens).logits;
}

}  // namespace

void write_model(const models::Model& model, const std::string& path) {
  const std::vector<std::byte> bytes = models::gguf_bytes_as_stored(model);
  const Draft draft(path + ".unchecked");
  reports::write_atomically(draft.path().string(),
                            std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::string fault;
  try {
    const models::Model again = models::load_model(draft.path().string());
    constexpr double kSame = 1e-4;  // of the largest logit
    const models::FloatArray expected = some_logits(model);
    double largest = 0;
    for (const float logit : expected.values) {
      largest = std::max(largest, std::fabs(static_cast<double>(logit)));
    }
    const double off = models::compare(expected, some_logits(again)).max_abs_error;
    if (!(off <= kSame * std::max(1.0, largest))) {
      fault = fmt::format("its logits differ by {:.3g}", off);
    }
  } catch (const InputError& refused) {
    fault = refused.what();
  }
  if (!fault.empty()) {
    throw InputError(
        fmt::format("{}: found a model that a plain llama's file does not hold; "
                    "expected one that is the same when it is read back ({})",
                    path, fault));
  }
  std::error_code failed;
  fs::rename(draft.path(), path, failed);
  if (failed) {
    throw InputError(fmt::format("{}: cannot be written: {}", path, failed.message()));
  }
}

}  // namespace joulesim::cli

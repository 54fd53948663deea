#include "sim/engine/measured.hpp"

#include "sim/engine/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace joulesim::engine {
namespace {

// How much of a row's texts a harness speaks of: names by their beginning, methods by a part.
int match_of(const hw::Harness& harness, const std::string& framework, const std::string& method,
             const std::string& source) {
  constexpr int kFramework = 4;
  constexpr int kMethod = 2;
  constexpr int kSource = 1;
  int score = 0;
  for (const std::string& name : harness.frameworks) {
    if (framework.starts_with(name)) {
      score = std::max(score, kFramework);
    }
  }
  const auto in = [](const std::vector<std::string>& parts, const std::string& text) {
    return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
      return text.find(part) != std::string::npos;
    });
  };
  score += in(harness.methods, method) ? kMethod : 0;
  score += in(harness.sources, source) ? kSource : 0;
  return score;
}

std::string number_text(double value) {
  return value > 0 ? fmt::format("{:.6g}", value) : std::string();
}

// A mapping or a reason as one field: no commas.
std::string plain(std::string text) {
  std::replace(text.begin(), text.end(), ',', ';');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string what_of(const MeasuredTable& table, std::size_t row) {
  constexpr std::array kShown = {"op",       "variant", "m",        "n",      "k",       "dtype_a",
                                 "dtype_w",  "batch",   "q_len",    "kv_len", "heads",   "kv_heads",
                                 "head_dim", "rows",    "width",    "tokens", "hidden",  "inter",
                                 "topk",     "experts", "moe_tp",   "moe_ep", "routing", "bytes",
                                 "n_gpus",   "n_nodes", "framework"};
  std::string text;
  for (const char* column : kShown) {
    const std::string& value = table.field(row, column);
    if (!value.empty()) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", column, value);
    }
  }
  return text;
}

}  // namespace

MeasuredSetting::MeasuredSetting(const Library& library) : library_(library) {
  for (const LibraryEntry& entry : library.parts()) {
    if (entry.kind == "runtime") {
      hw::RuntimeSpec spec = load_runtime(library, entry.id, {}).spec;
      (spec.harness ? runtimes_ : stacks_).push_back(std::move(spec));
    }
  }
  plain_.name = "unknown stack";
  plain_.kernel_gap = Time(0);
  plain_.harness = hw::Harness{};
}

const Machine* MeasuredSetting::machine(const std::string& gpu, std::string& reason) {
  const auto known = machines_.find(gpu);
  if (known != machines_.end()) {
    reason = reasons_[gpu];
    return known->second.get();
  }
  std::unique_ptr<Machine>& slot = machines_[gpu];
  if (library_.device(gpu) == nullptr) {
    reason = reasons_[gpu] = fmt::format("no device is called '{}'", gpu);
    return nullptr;
  }
  slot = std::make_unique<Machine>(load_machine(library_, gpu, {}));
  return slot.get();
}

const hw::RuntimeSpec& MeasuredSetting::runtime(const std::string& framework,
                                                const std::string& method,
                                                const std::string& source) {
  const hw::RuntimeSpec* best = &plain_;
  int most = 0;
  for (const hw::RuntimeSpec& spec : runtimes_) {
    const int score = match_of(*spec.harness, framework, method, source);
    if (score > most) {
      most = score;
      best = &spec;
    }
  }
  return *best;
}

const hw::RuntimeSpec& MeasuredSetting::serving_runtime(const std::string& framework,
                                                        const std::string& otherwise) {
  const std::string wanted = lower(framework);
  const hw::RuntimeSpec* named = &plain_;
  for (const hw::RuntimeSpec& spec : stacks_) {
    if (std::find(spec.aliases.begin(), spec.aliases.end(), wanted) != spec.aliases.end()) {
      return spec;
    }
    if (spec.name == otherwise) {
      named = &spec;
    }
  }
  return *named;
}

std::vector<Prediction> predict(MeasuredSetting& setting, const MeasuredTable& table) {
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    Prediction prediction;
    const MeasuredRow row = measured_row(table, i);
    prediction.skipped = row.skipped;
    const Machine* machine = nullptr;
    if (row.skipped.empty()) {
      machine = setting.machine(table.field(i, "gpu"), prediction.skipped);
    }
    if (machine != nullptr) {
      const hw::RuntimeSpec& runtime = setting.runtime(
          table.field(i, "framework"), table.field(i, "method"), table.field(i, "source"));
      prediction.runtime = runtime.name;
      prediction.answer = row.kernel ? answer_kernel(*machine, *row.kernel, runtime)
                                     : answer_all_reduce(*machine, *row.all_reduce, runtime);
      prediction.skipped = prediction.answer.refusal;
    }
    predictions.push_back(std::move(prediction));
  }
  return predictions;
}

std::string predictions_csv(const MeasuredTable& table,
                            const std::vector<Prediction>& predictions) {
  std::string text = fmt::format("{},predicted_us,roofline_us,bound,mapping,runtime,skipped\n",
                                 fmt::join(table.columns, ","));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Prediction& p = predictions[i];
    const bool known = p.skipped.empty();
    text += fmt::format("{},{},{},{},{},{},{}\n", fmt::join(table.rows[i], ","),
                        known ? number_text(p.answer.time.si() * 1e6) : "",
                        known ? number_text(p.answer.roofline.si() * 1e6) : "",
                        known ? plain(p.answer.bound) : "", known ? plain(p.answer.mapping) : "",
                        p.runtime, plain(p.skipped));
  }
  return text;
}

void add_errors(const MeasuredTable& table, const std::vector<Prediction>& predictions,
                reports::Validation& into) {
  std::map<std::string, std::size_t> skips;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Prediction& p = predictions[i];
    if (!p.skipped.empty()) {
      ++skips[p.skipped];
      continue;
    }
    const double measured = measured_row(table, i).measured_us;
    if (measured <= 0) {
      continue;
    }
    reports::ValidationPoint point;
    point.device = table.field(i, "gpu");
    point.kind = table.kind;
    point.what = what_of(table, i);
    point.measured = measured;
    point.predicted = p.answer.time.si() * 1e6;
    point.roofline = p.answer.roofline.si() * 1e6;
    point.bound = p.answer.bound;
    point.mapping = p.answer.mapping;
    point.runtime = p.runtime;
    into.points.push_back(std::move(point));
  }
  for (const auto& [reason, rows] : skips) {
    into.skips.push_back({table.kind, reason, rows});
  }
}

}  // namespace joulesim::engine

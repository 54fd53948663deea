#include "sim/engine/measured_serving.hpp"

#include "models/arch/model_file.hpp"
#include "sim/engine/serving_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace joulesim::engine {
namespace {

double number_or(const std::string& text, double otherwise) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size() && value > 0 ? value : otherwise;
}

std::string plain_name(std::string name) {
  const auto slash = name.rfind('/');
  name = slash == std::string::npos ? name : name.substr(slash + 1);
  std::string result;
  for (const char c : name) {
    const auto u = static_cast<unsigned char>(c);
    result += std::isalnum(u) != 0 ? static_cast<char>(std::tolower(u)) : '_';
  }
  // Tuned and quantised copies have their base model's dimensions.
  constexpr std::array kEndings = {"_instruct", "_chat", "_it", "_fp8", "_thinking", "_base"};
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string ending : kEndings) {
      if (result.ends_with(ending)) {
        result.resize(result.size() - ending.size());
        cut = true;
      }
    }
  }
  return result;
}

const models::ZooEntry* model_entry(const Library& library, const std::string& published) {
  const std::string wanted = plain_name(published);
  for (const models::ZooEntry& entry : library.models()) {
    if (plain_name(entry.id) == wanted ||
        std::any_of(entry.aliases.begin(), entry.aliases.end(),
                    [&](const std::string& alias) { return plain_name(alias) == wanted; })) {
      return &entry;
    }
  }
  return nullptr;
}

struct Measure {
  const char* column;
  const char* kind;
  double ServingPrediction::*predicted;
};
constexpr std::array<Measure, 4> kMeasures = {
    {{"itl_ms", "serving_itl_ms", &ServingPrediction::itl_ms},
     {"tokens_per_s", "serving_tokens_per_s", &ServingPrediction::tokens_per_s},
     {"power_w", "serving_power_w", &ServingPrediction::power_w},
     {"joule_per_token", "serving_joule_per_token", &ServingPrediction::joule_per_token}}};

}  // namespace

std::vector<ServingPrediction> predict_serving(const Library& library, MeasuredSetting& setting,
                                               const MeasuredTable& table) {
  std::vector<ServingPrediction> predictions;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    ServingPrediction p;
    const Machine* machine = setting.machine(table.field(i, "gpu"), p.skipped);
    const models::ZooEntry* entry = model_entry(library, table.field(i, "model"));
    const double batch = number_or(table.field(i, "batch"), 0);
    if (machine != nullptr && entry == nullptr) {
      p.skipped = fmt::format("no model is called '{}'", table.field(i, "model"));
    } else if (machine != nullptr && batch <= 0) {
      p.skipped = "the row has no mean batch";
    } else if (machine != nullptr) {
      models::ModelSpec model = models::read_model_file(entry->path).spec;
      const std::string& dtype = table.field(i, "weight_dtype");
      if (dtype == "fp8" || dtype == "float8") {
        models::set_linear_format(model, models::known_format("fp8_e4m3"));
      }
      ServingLoad load;
      load.shards = static_cast<std::int64_t>(number_or(table.field(i, "tp"), 1));
      const double replicas = number_or(table.field(i, "dp"), 1);
      const double gpus = number_or(table.field(i, "n_gpus"), 1);
      load.batch = batch / replicas;
      const double prompt = number_or(table.field(i, "prompt_len"), 0);
      set_prompt(load, prompt > 0 ? std::optional(prompt) : std::nullopt);
      load.answer = number_or(table.field(i, "avg_output_len"), kChatPrompt);
      const ServingStep step =
          serving_step(*machine, model, load,
                       setting.serving_runtime(table.field(i, "framework"),
                                               machine->units.front().default_runtime));
      p.skipped = step.refusal;
      if (step.refusal.empty()) {
        p.itl_ms = step.usual.si() * 1e3;
        p.tokens_per_s = batch / step.time.si();
        p.power_w = step.power.si() * gpus;
        p.joule_per_token = p.power_w / p.tokens_per_s;
        p.bound = step.bound;
      }
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

std::string serving_csv(const MeasuredTable& table,
                        const std::vector<ServingPrediction>& predictions) {
  std::string text = fmt::format(
      "{},predicted_itl_ms,predicted_tokens_per_s,predicted_power_w,predicted_joule_per_token,"
      "bound,skipped\n",
      fmt::join(table.columns, ","));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const ServingPrediction& p = predictions[i];
    text += fmt::format("{},", fmt::join(table.rows[i], ","));
    if (p.skipped.empty()) {
      text += fmt::format("{:.6g},{:.6g},{:.6g},{:.6g},{},\n", p.itl_ms, p.tokens_per_s, p.power_w,
                          p.joule_per_token, p.bound);
    } else {
      std::string reason = p.skipped;
      std::replace(reason.begin(), reason.end(), ',', ';');
      text += fmt::format(",,,,,{}\n", reason);
    }
  }
  return text;
}

void add_serving_errors(const MeasuredTable& table,
                        const std::vector<ServingPrediction>& predictions,
                        reports::Validation& into) {
  std::map<std::string, std::size_t> skips;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const ServingPrediction& p = predictions[i];
    if (!p.skipped.empty()) {
      ++skips[p.skipped];
      continue;
    }
    for (const Measure& measure : kMeasures) {
      const double measured = number_or(table.field(i, measure.column), 0);
      if (measured > 0) {
        reports::ValidationPoint point;
        point.device = table.field(i, "gpu");
        point.kind = measure.kind;
        point.what = fmt::format("{}, batch {}, tp {}", table.field(i, "model"),
                                 table.field(i, "batch"), table.field(i, "tp"));
        point.measured = measured;
        point.predicted = p.*measure.predicted;
        point.bound = p.bound;
        point.runtime = table.field(i, "framework");
        into.points.push_back(std::move(point));
      }
    }
  }
  for (const auto& [reason, rows] : skips) {
    into.skips.push_back({table.kind, reason, rows});
  }
}

}  // namespace joulesim::engine

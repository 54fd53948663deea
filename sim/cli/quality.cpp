// quality: every way to store a model's weights, with what it costs in meaning and in joules.
#include "reports/html/quality.hpp"

#include "models/graph/format.hpp"
#include "models/kernels/quality.hpp"
#include "models/transform/activations.hpp"
#include "models/transform/quantise.hpp"
#include "reports/data/quality_table.hpp"
#include "reports/result/files.hpp"
#include "reports/terminal/progress.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/text_source.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

namespace joulesim::cli {
namespace {

namespace fs = std::filesystem;

// One row before it is judged.
struct Variant {
  std::string name;
  std::optional<models::QuantiseOptions> weights;
  std::string activations;  // a format of linear layers' inputs, or empty
  bool fixed_scales = false;
  std::string kv_cache;  // a format, or empty
};

std::vector<Variant> variants_of(const QualityArguments& arguments) {
  std::vector<Variant> variants{{"as stored", std::nullopt, "", false, ""}};
  std::vector<models::Method> methods;
  for (const std::string& name : arguments.methods) {
    methods.push_back(models::find_method(name));
  }
  const auto options_of = [&](models::Method method, int bits) {
    models::QuantiseOptions options;
    options.method = method;
    options.bits = bits;
    options.group = arguments.group;
    options.zero_point = arguments.zero_point;
    options.rounding.clip = arguments.clip;
    options.rounding.act_order = arguments.act_order;
    (void)models::format_of(options);
    return options;
  };
  for (const int bits : arguments.bits) {
    for (const models::Method method : methods) {
      if (method != models::Method::kTernary) {
        variants.push_back({fmt::format("int{} {}", bits, models::name_of(method)),
                            options_of(method, bits), "", false, ""});
      }
    }
  }
  if (std::find(methods.begin(), methods.end(), models::Method::kTernary) != methods.end()) {
    variants.push_back({"ternary absmean", options_of(models::Method::kTernary, 2), "", false, ""});
  }
  const auto eight = options_of(models::Method::kNearest, 8);
  variants.push_back({"int8 rtn, int8 inputs", eight, "int8", false, ""});
  variants.push_back({"int8 rtn, int8 inputs, fixed scales", eight, "int8", true, ""});
  for (const char* cache : {"int8_head", "int4_head", "fp8_e4m3"}) {
    variants.push_back({fmt::format("as stored, {} cache", cache), std::nullopt, "", false, cache});
  }
  return variants;
}

class Table {
 public:
  Table(const Common& common, const QualityArguments& arguments)
      : common_(common),
        arguments_(arguments),
        library_(engine::Library::open(common.plugins)),
        variants_(variants_of(arguments)),
        model_(load_for_text(arguments.model, arguments.text)) {}

  reports::QualityTable make() {
    // The machine first: what is wrong with it shows before minutes of arithmetic.
    if (!arguments_.device.empty()) {
      (void)engine::prepare(library_, scenario_of({}), model_.spec);
    }
    const std::uint64_t seed = arguments_.text.seed;
    calibration_ = text_of(model_, arguments_.text.calibration, arguments_.text, seed);
    const Text text = text_of(model_, arguments_.text.text, arguments_.text, seed + 1);
    windows_ = text.windows;
    reports::QualityTable table;
    table.model = fs::path(arguments_.model).filename().string();
    table.title = fmt::format("{}: quality and energy by number format", table.model);
    table.text = text.description;
    table.calibration = calibration_.description;
    table.device = arguments_.device;
    table.version = JOULESIM_VERSION;
    reports::ProgressBar bar("quality", common_.quiet);
    for (const Variant& variant : variants_) {
      table.rows.push_back(row_of(variant, table.scored));
      bar.update(static_cast<double>(table.rows.size()) / static_cast<double>(variants_.size()));
    }
    return table;
  }

 private:
  reports::QualityRow row_of(const Variant& variant, std::int64_t& scored) {
    models::Model model =
        variant.weights ? models::quantise(model_, *variant.weights, calibration_.windows) : model_;
    const auto exact = models::make_unit({});
    std::map<std::string, models::InputStatistics> fixed;
    if (variant.fixed_scales) {
      models::InputRecorder recorder(*exact, {}, false);
      (void)models::logits_of(model, recorder, calibration_.windows);
      fixed = recorder.statistics();
    }
    std::unique_ptr<models::Datapath> rounded;
    if (!variant.activations.empty()) {
      constexpr int kBits = 8;
      rounded = std::make_unique<models::RoundedInputs>(*exact, kBits, std::move(fixed));
    }
    std::vector<models::FloatArray> logits =
        models::logits_of(model, rounded ? *rounded : *exact, windows_, variant.kv_cache);
    if (reference_.empty()) {
      reference_ = logits;
    }
    const models::Judgement judged = models::judge(windows_, reference_, logits);
    scored = judged.scored;

    reports::QualityRow row;
    row.name = variant.name;
    row.method = variant.weights ? std::string(models::name_of(variant.weights->method)) : "";
    row.weights = variant.weights ? models::format_of(*variant.weights).name : "as stored";
    row.activations = variant.activations.empty() ? arguments_.activations : variant.activations;
    row.kv_cache = variant.kv_cache.empty() ? arguments_.activations : variant.kv_cache;
    double bits = 0;
    double elements = 0;
    for (const auto& [name, weight] : model.weights) {
      row.weight_bytes += static_cast<double>(weight.data.size());
      if (models::is_linear_weight(name, weight.shape)) {
        bits += 8.0 * static_cast<double>(weight.data.size());
        elements += static_cast<double>(weight.shape.elements());
      }
    }
    row.bits_per_weight = elements > 0 ? bits / elements : 0;
    row.perplexity = judged.perplexity;
    row.kl_divergence = judged.kl_divergence;
    row.top1_agreement = judged.top1_agreement;
    if (!arguments_.device.empty()) {
      simulate(model.spec, variant, row);
    }
    return row;
  }

  [[nodiscard]] engine::Scenario scenario_of(const Variant& variant) const {
    engine::Scenario scenario;
    scenario.id = "quality";
    scenario.title = "Quality against energy";
    scenario.path = "quality";
    scenario.text = variant.name;
    scenario.device = arguments_.device;
    if (!arguments_.unit.empty()) {
      scenario.unit = arguments_.unit;
    }
    if (!arguments_.runtime.empty()) {
      scenario.runtime = arguments_.runtime;
    }
    // Activations first, then what linear layers read where that is narrower.
    scenario.activations = arguments_.activations;
    scenario.kv_cache = arguments_.activations;
    if (!variant.kv_cache.empty()) {
      scenario.transforms.push_back({"kv_cache", variant.kv_cache});
    }
    const std::int64_t half = std::max<std::int64_t>(
        1, std::min<std::int64_t>(arguments_.text.length, model_.spec.max_context) / 2);
    scenario.prompt_tokens = half;
    scenario.generate_tokens = half;
    for (const auto level : {engine::FidelityLevel::analytic, engine::FidelityLevel::train,
                             engine::FidelityLevel::burst}) {
      if (arguments_.fidelity == engine::name_of(level)) {
        scenario.fidelity = level;
      }
    }
    return scenario;
  }

  void simulate(const models::ModelSpec& spec, const Variant& variant,
                reports::QualityRow& row) const {
    engine::Scenario scenario = scenario_of(variant);
    models::ModelSpec simulated = spec;
    if (!variant.activations.empty()) {
      simulated.formats.activation = models::find_format(arguments_.activations).value();
      scenario.activations = variant.activations;
    }
    engine::RunOptions options;
    options.what_if = false;
    const auto prepared = engine::prepare(library_, scenario, simulated);
    const reports::Result result = engine::compose(*prepared, engine::simulate(*prepared, options));
    if (const reports::Metric* energy = result.metric("energy.per_token")) {
      row.joules_per_token = energy->value.si;
    }
    if (const reports::Metric* rate = result.metric("decode.tokens_per_second")) {
      row.tokens_per_second = rate->value.si;
    }
  }

  const Common& common_;
  const QualityArguments& arguments_;
  engine::Library library_;
  std::vector<Variant> variants_;
  models::Model model_;
  Text calibration_;
  std::vector<std::vector<std::int32_t>> windows_;
  std::vector<models::FloatArray> reference_;
};

}  // namespace

int quality(const Common& common, const QualityArguments& arguments) {
  const auto activations = models::find_format(arguments.activations);
  if (!activations || activations->element > models::Element::kBf16) {
    throw InputError(fmt::format("--activations: found '{}'; expected fp32, fp16 or bf16",
                                 arguments.activations));
  }
  const reports::QualityTable table = Table(common, arguments).make();
  if (!arguments.out.empty()) {
    const fs::path folder = arguments.out;
    reports::write_atomically((folder / "quality.json").string(), reports::quality_json(table));
    reports::write_atomically((folder / "quality.md").string(), reports::quality_markdown(table));
    reports::write_atomically((folder / "quality.html").string(), reports::quality_page(table));
  }
  std::cout << (common.json ? reports::quality_json(table) : reports::quality_markdown(table));
  return 0;
}

}  // namespace joulesim::cli

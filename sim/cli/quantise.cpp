// quantise: a model file with its weights in fewer bits.
#include "models/transform/quantise.hpp"

#include "models/graph/format.hpp"
#include "reports/result/files.hpp"
#include "reports/terminal/progress.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/quantity.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/model_file.hpp"
#include "sim/cli/text_source.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>

namespace joulesim::cli {

int quantise(const Common& common, const QuantiseArguments& arguments) {
  models::QuantiseOptions options;
  options.method = models::find_method(arguments.method);
  options.bits = arguments.bits;
  options.group = arguments.group;
  options.zero_point = arguments.zero_point;
  options.rounding = {arguments.clip, arguments.act_order, arguments.damping};
  if (!arguments.embedding.empty()) {
    options.embedding = models::find_format(arguments.embedding);
    if (!options.embedding) {
      throw InputError(fmt::format(
          "--embedding: found format '{}'; expected one like fp16, q8_0 "
          "or int4_g32{}",
          arguments.embedding, did_you_mean(arguments.embedding, models::format_names())));
    }
  }
  const models::Format format = models::format_of(options);
  const models::Model model = load_for_text(arguments.model, arguments.text);
  Text calibration;
  if (options.method == models::Method::kGptq) {
    calibration = text_of(model, arguments.text.calibration, arguments.text, arguments.text.seed);
  }
  reports::ProgressBar bar("quantise", common.quiet);
  const models::Model small = models::quantise(
      model, options, calibration.windows, [&](std::int64_t done, std::int64_t all) {
        bar.update(static_cast<double>(done) / static_cast<double>(all));
      });
  write_model(small, arguments.out);
  std::int64_t before = 0;
  std::int64_t after = 0;
  for (const auto& [name, weight] : model.weights) {
    before += static_cast<std::int64_t>(weight.data.size());
    after += static_cast<std::int64_t>(small.weights.at(name).data.size());
  }
  if (common.json) {
    std::cout << nlohmann::ordered_json{{"model", arguments.model},
                                        {"method", arguments.method},
                                        {"format", format.name},
                                        {"calibration", calibration.description},
                                        {"weight_bytes_before", before},
                                        {"weight_bytes", after},
                                        {"out", arguments.out}}
                     .dump(2)
              << "\n";
    return 0;
  }
  std::cout << fmt::format("{}: {} by {}, weights {} instead of {}\n", arguments.out, format.name,
                           arguments.method, joulesim::format(Bytes(static_cast<double>(after))),
                           joulesim::format(Bytes(static_cast<double>(before))));
  if (!calibration.description.empty()) {
    std::cout << "calibrated on " << calibration.description << "\n";
  }
  return 0;
}

}  // namespace joulesim::cli

#include "sim/engine/published_metrics.hpp"

#include <array>

namespace joulesim::engine {

std::optional<double> unit_factor(const std::string& unit) {
  struct Unit {
    const char* name;
    double factor;
  };
  constexpr std::array<Unit, 33> kUnits = {{{"tok/s", 1},
                                            {"tokens/s", 1},
                                            {"token/s", 1},
                                            {"ms", 1e3},
                                            {"ms/token", 1e3},
                                            {"s", 1},
                                            {"us", 1e6},
                                            {"min", 1.0 / 60},
                                            {"J/token", 1},
                                            {"mJ/token", 1e3},
                                            {"J", 1},
                                            {"Wh", 1.0 / 3600},
                                            {"kWh", 1 / 3.6e6},
                                            {"W", 1},
                                            {"kW", 1e-3},
                                            {"mW", 1e3},
                                            {"fraction", 1},
                                            {"GB", 1e-9},
                                            {"MB", 1e-6},
                                            {"MiB", 1.0 / 1048576},
                                            {"GiB", 1.0 / 1073741824},
                                            {"sequences", 1},
                                            {"req/s", 1},
                                            {"J/request", 1},
                                            {"s/token", 1},
                                            {"Wh/request", 1.0 / 3600},
                                            {"%", 100},
                                            {"GPU-h", 1.0 / 3600},
                                            {"h", 1.0 / 3600},
                                            {"days", 1.0 / 86400},
                                            {"t", 1e-6},
                                            {"mAh", 1 / 3.6},
                                            {"mAh/token", 1 / 3.6}}};
  for (const Unit& known : kUnits) {
    if (unit == known.name) {
      return known.factor;
    }
  }
  return std::nullopt;
}

std::string group_of_metric(const std::string& metric) {
  struct Known {
    const char* metric;
    const char* group;
  };
  static constexpr std::array<Known, 34> kKnown = {
      {{"decode_throughput", "decode"},
       {"decode_throughput_per_user", "decode"},
       {"decode_latency", "decode"},
       {"median_inter_token_latency", "decode"},
       {"prefill_throughput", "prefill"},
       {"prefill_latency", "prefill"},
       {"time_to_first_token", "prefill"},
       {"output_throughput", "throughput"},
       {"output_throughput_max_load", "throughput"},
       {"throughput", "throughput"},
       {"throughput_server", "throughput"},
       {"throughput_offline", "throughput"},
       {"end_to_end_latency", "latency"},
       {"p90_latency", "latency"},
       {"inference_latency", "latency"},
       {"energy_per_output_token", "energy"},
       {"energy_per_token", "energy"},
       {"energy_per_token_whole_device", "energy of the device"},
       {"energy_per_request", "energy of the device"},
       {"battery_charge_per_token", "energy of the device"},
       {"avg_power_all_gpus", "power"},
       {"avg_power_fraction_of_TDP", "power"},
       {"peak_system_wall_power", "power"},
       {"gpu_memory", "memory"},
       {"resident_memory", "memory"},
       {"non_embedding_memory", "memory"},
       {"model_file_size", "memory"},
       {"max_batch", "memory"},
       {"load_time", "load"},
       {"init_time", "load"},
       {"execute_time", "decode"},
       {"kernel_latency", "kernel"},
       {"training_gpu_hours", "training"},
       {"training_co2eq_location_based", "training"}}};
  if (metric.starts_with("training_time_") && metric.ends_with("_tokens")) {
    return "training";
  }
  for (const Known& known : kKnown) {
    if (metric == known.metric) {
      return known.group;
    }
  }
  return {};
}

}  // namespace joulesim::engine

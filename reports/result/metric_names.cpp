#include "reports/result/metric_names.hpp"

namespace joulesim::reports {

const std::vector<MetricName>& metric_names() {
  static const std::vector<MetricName> names = {
      {"decode.tokens_per_second", "tokens/s", "generated tokens per second, all sequences"},
      {"decode.time_per_token", "s/token", "mean decode step"},
      {"prefill.tokens_per_second", "tokens/s", "prompt tokens per second"},
      {"prefill.time_to_first_token", "s", "time of the prompt's prefill"},
      {"energy.per_token", "J/token", "decode energy of the whole device per generated token"},
      {"energy.per_token_accelerator", "J/token",
       "the same for compute unit, caches, memory and storage alone"},
      {"energy.per_request", "J", "prefill and decode of one request"},
      {"power.average", "W", "mean power over a request"},
      {"power.peak", "W", "mean power of the hungrier phase"},
      {"power.board", "W", "mean power of an accelerator board without its host"},
      {"battery.hours", "s", "time from full to empty in this use"},
      {"battery.tokens", "tokens", "tokens generated on one charge"},
      {"battery.power", "W", "mean power of the whole device in this use"},
      {"memory.footprint", "B", "weights, KV cache and activations"},
      {"memory.kv_cache", "B", "keys and values at the end of the answer"},
      {"memory.dram_utilisation", "", "share of the DRAM's peak bandwidth used in decode"},
      {"load.time", "s", "reading the weights that memory holds from storage once"},
      {"load.energy", "J", "energy of the whole device meanwhile"},
      {"storage.read_per_token", "B/token", "read from storage per generated token"},
      {"storage.processor_share", "", "processor time of reading weights over the time of decode"},
      {"display.missed_fetches", "", "frame-buffer reads that came late"},
      {"fleet.devices", "", "devices that the request rate needs"},
      {"fleet.power", "W", "mean power at the facility's meter"},
      {"fleet.energy_per_request", "J", "facility energy per request"},
      {"fleet.energy_per_year", "J", "facility energy per year"},
      {"fleet.co2_per_year", "g", "emissions of that energy"},
      {"fleet.cost_per_million_tokens", "USD", "electricity per million generated tokens"},
      {"accuracy.BENCHMARK", "", "published share of right answers, by benchmark and shots"},
      {"accuracy_per_joule.BENCHMARK", "tokens/J", "the same over energy.per_token"},
      {"accuracy_per_byte.BENCHMARK", "tokens/B", "the same over the memory's traffic of a token"},
      {"accuracy_per_dollar.BENCHMARK", "tokens/USD", "the same over the electricity of a token"},
      {"numerics.max_abs_error", "", "largest logit error of the datapath against fp32"},
      {"numerics.rms_error", "", "root mean square of its logit errors"},
      {"numerics.kl_divergence", "nat", "mean KL divergence of its next-token distribution"},
      {"numerics.top1_agreement", "", "share of positions with the same best token"},
      {"numerics.perplexity", "", "of the model on the scenario's text, by the datapath"},
      {"numerics.reference_perplexity", "", "the same by float kernels"},
  };
  return names;
}

}  // namespace joulesim::reports

#include "models/arch/model_spec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::models {
namespace {

void check_layer(const ModelSpec& spec, const LayerShape& layer, std::size_t index,
                 std::vector<std::string>& faults) {
  const auto expect = [&](bool condition, const std::string& text) {
    if (!condition) {
      faults.push_back(fmt::format("layer {}: {}", index, text));
    }
  };
  switch (layer.mixer) {
    case Mixer::kAttention:
      if (layer.heads < 1 || layer.kv_heads < 1 || layer.ffn < 0) {
        expect(false, fmt::format("found {} heads, {} key-value heads, a feed-forward width of {}; "
                                  "expected all positive",
                                  layer.heads, layer.kv_heads, layer.ffn));
      } else {
        expect(layer.heads % layer.kv_heads == 0,
               fmt::format("found {} heads; expected a multiple of {} key-value heads", layer.heads,
                           layer.kv_heads));
      }
      break;
    case Mixer::kMamba:
    case Mixer::kMamba2: {
      const ScanShape& scan = spec.scan;
      const bool second = layer.mixer == Mixer::kMamba2;
      expect(scan.inner > 0 && scan.state > 0 && scan.taps > 0,
             fmt::format("found {} channels of {} states and {} taps; expected all positive",
                         scan.inner, scan.state, scan.taps));
      expect(second || scan.dt_rank > 0, "found no rank of the step; expected a positive one");
      expect(!second || (scan.head_dim > 0 && scan.inner % scan.head_dim == 0 && scan.groups > 0 &&
                         scan.inner / scan.head_dim % scan.groups == 0),
             fmt::format("found heads of {} in {} groups; expected them to divide {} channels",
                         scan.head_dim, scan.groups, scan.inner));
      break;
    }
    case Mixer::kRwkv4:
    case Mixer::kRwkv5:
    case Mixer::kRwkv6:
      expect(
          layer.mixer == Mixer::kRwkv4 || (spec.head_dim > 0 && spec.hidden % spec.head_dim == 0),
          fmt::format("found heads of {}; expected them to divide {}", spec.head_dim, spec.hidden));
      expect(layer.mixer != Mixer::kRwkv6 || (spec.rwkv.mix_rank > 0 && spec.rwkv.decay_rank > 0),
             "found no ranks of shares and decay; expected positive ones");
      expect(layer.ffn > 0, "found no channel mix; expected a positive width");
      break;
  }
}

void check_experts(const ModelSpec& spec, std::vector<std::string>& faults) {
  const ExpertShape& e = spec.experts;
  const bool agree = e.experts == 0 ? e.active == 0 : e.active > 0 && e.active <= e.experts;
  if (!agree) {
    faults.push_back(fmt::format("found {} active of {} experts; expected 1 to {}", e.active,
                                 e.experts, e.experts));
  }
}

// Counts of elements, and of bytes over all layers, must fit 64-bit integers with room to spare.
void check_sizes(const ModelSpec& spec, std::vector<std::string>& faults) {
  constexpr double kMost = 0x1p40;
  const auto real = [](std::int64_t n) {
    return static_cast<double>(std::max<std::int64_t>(n, 1));
  };
  double largest = real(spec.vocab) * real(std::max(spec.hidden, spec.embedding_width));
  const auto consider = [&](double elements) { largest = std::max(largest, elements); };
  const ExpertShape& e = spec.experts;
  for (const auto* stack : {&spec.encoder.stack, &spec.stack}) {
    for (const LayerShape& layer : *stack) {
      consider(real(layer.heads) * real(spec.head_dim) * real(spec.hidden));
      consider(real(e.experts) * real(std::max({layer.ffn, e.ffn, e.shared_ffn})) *
               real(spec.hidden));
      const LatentShape& latent = spec.latent;
      consider(real(layer.heads) * (real(latent.plain_dim) + real(latent.rope_dim)) *
               real(std::max({latent.q_rank, latent.kv_rank, spec.hidden})));
      consider(real(layer.heads) * real(latent.value_dim) * real(spec.hidden));
    }
  }
  const ScanShape& scan = spec.scan;
  const double mixed = 2.0 * real(scan.inner) + 2.0 * real(scan.groups) * real(scan.state);
  consider(mixed * real(spec.hidden));
  consider(mixed * real(scan.taps));
  consider(real(scan.inner) * real(scan.state));
  consider(real(scan.inner) * (real(scan.dt_rank) + 2.0 * real(scan.state)));
  consider(real(spec.position_rows) * real(spec.hidden));
  consider(real(spec.hidden) * 5.0 * real(std::max(spec.rwkv.mix_rank, spec.rwkv.decay_rank)));
  if (largest > kMost) {
    faults.push_back(
        fmt::format("found a matrix of {:.3g} elements; expected at most {:.3g}", largest, kMost));
  }
}

bool uses_attention(const ModelSpec& spec) {
  return std::any_of(spec.stack.begin(), spec.stack.end(),
                     [](const LayerShape& layer) { return layer.mixer == Mixer::kAttention; });
}

}  // namespace

std::vector<std::string> faults_of(const ModelSpec& spec) {
  std::vector<std::string> faults;
  const auto expect = [&](bool condition, const std::string& text) {
    if (!condition) {
      faults.push_back(text);
    }
  };
  if (spec.reads_image()) {
    expect(!spec.image.stages.empty() && spec.image.channels > 0,
           "found an image without channels or layers; expected both");
    return faults;
  }
  expect(spec.hidden > 0 && spec.head_dim > 0 && spec.vocab > 0,
         fmt::format("found hidden {}, head size {}, vocabulary {}; expected all positive",
                     spec.hidden, spec.head_dim, spec.vocab));
  expect(!spec.stack.empty() && spec.layer_repeat > 0,
         fmt::format("found {} layers run {} times; expected at least one", spec.stack.size(),
                     spec.layer_repeat));
  for (const auto* stack : {&spec.encoder.stack, &spec.stack}) {
    for (std::size_t i = 0; i < stack->size(); ++i) {
      check_layer(spec, (*stack)[i], i, faults);
    }
  }
  expect(spec.norm_epsilon > 0.0, "found no norm epsilon; expected a positive one");
  const std::int64_t turned = spec.latent.kv_rank > 0 ? spec.latent.rope_dim : spec.head_dim;
  if (spec.position == PositionKind::kRope && uses_attention(spec)) {
    expect(spec.rope_base > 0.0, "found no rotary base; expected a positive one");
    expect(spec.rotary > 0 && spec.rotary % 2 == 0 && spec.rotary <= turned,
           fmt::format("found {} rotary elements; expected an even number up to {}", spec.rotary,
                       turned));
  }
  if (spec.position == PositionKind::kLearned) {
    expect(spec.position_rows > 0, "found no rows of the position table; expected some");
  }
  if (spec.position == PositionKind::kRelative) {
    expect(spec.relative_buckets > 3 && spec.relative_buckets % 4 == 0 &&
               spec.relative_distance > spec.relative_buckets / 2,
           fmt::format("found {} buckets of relative positions up to {}; expected a multiple of "
                       "four, and farther than half of them",
                       spec.relative_buckets, spec.relative_distance));
  }
  if (spec.latent.kv_rank > 0) {
    expect(spec.latent.plain_dim > 0 && spec.latent.rope_dim > 0 && spec.latent.value_dim > 0,
           "found a latent attention without the sizes of its heads; expected positive ones");
  }
  expect(spec.causal || !spec.has_encoder(),
         "found a decoder that sees all tokens behind an encoder; expected a causal one");
  check_experts(spec, faults);
  check_sizes(spec, faults);
  return faults;
}

bool ModelSpec::is_local(std::int64_t layer) const {
  const Reach reach = stack[static_cast<std::size_t>(layer)].reach;
  if (window == 0 || reach != Reach::kAsModel) {
    return window > 0 && reach == Reach::kLocal;
  }
  return global_every == 0 || (layer + 1) % global_every != 0;
}

void set_linear_format(ModelSpec& spec, const Format& format) {
  spec.formats.linear = format;
  // A file's own formats give way.
  std::erase_if(spec.format_of, [](const auto& entry) {
    const std::string& name = entry.first;
    const std::string layer = name.substr(name.rfind('.') + 1);
    return name.starts_with("block.") &&
           (layer == "query" || layer == "key" || layer == "value" || layer == "out" ||
            layer == "gate" || layer == "up" || layer == "down");
  });
}

ModelFormats uniform_formats(const Format& format) {
  return {format, format, format, format, format, format, format};
}

}  // namespace joulesim::models

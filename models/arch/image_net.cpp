#include "models/arch/image_net.hpp"

#include "models/arch/model_spec.hpp"
#include "models/graph/builder.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace joulesim::models {
namespace {

constexpr std::array kKinds = {std::pair{"convolution", ImageLayerKind::convolution},
                               std::pair{"depthwise", ImageLayerKind::depthwise},
                               std::pair{"pool", ImageLayerKind::pool},
                               std::pair{"mean", ImageLayerKind::mean},
                               std::pair{"dense", ImageLayerKind::dense},
                               std::pair{"concat", ImageLayerKind::concat},
                               std::pair{"add", ImageLayerKind::add}};

ImageLayer read_layer(const ConfigNode& node) {
  constexpr std::int64_t kWidest = 1 << 20;
  constexpr std::int64_t kLargest = 1024;
  ImageLayer layer;
  std::vector<std::string> names;
  for (const auto& [name, kind] : kKinds) {
    names.emplace_back(name);
  }
  const std::string chosen = node.choice("kind", names);
  for (const auto& [name, kind] : kKinds) {
    if (chosen == name) {
      layer.kind = kind;
    }
  }
  layer.name = node.text_if("name").value_or("");
  layer.of = node.texts("of");
  layer.width = node.integer_if("width", 1, kWidest).value_or(0);
  const bool widens =
      layer.kind == ImageLayerKind::convolution || layer.kind == ImageLayerKind::dense;
  if (widens && layer.width == 0 && !chosen.empty()) {
    node.error("width", fmt::format("found none; expected the channels that a {} makes", chosen));
  }
  layer.kernel = node.integer_if("kernel", 1, kLargest).value_or(1);
  layer.kernel_width = node.integer_if("kernel_width", 1, kLargest).value_or(layer.kernel);
  layer.stride = node.integer_if("stride", 1, kLargest).value_or(1);
  layer.padded = node.flag_if("padded").value_or(true);
  return layer;
}

class ImageWriter {
 public:
  ImageWriter(const ModelSpec& spec, std::int64_t batch)
      : spec_(spec),
        format_(spec.formats.linear_input.element == Element::kInt8 ? known_format("i8")
                                                                    : spec.formats.linear_input),
        batch_(batch),
        graph_(spec.id) {}

  OperatorGraph write() {
    const ImageShape& image = spec_.image;
    Map x;
    x.side = image.side;
    x.channels = image.channels;
    x.tensor = graph_.add_input("image", {batch_ * x.side * x.side, x.channels}, format());
    std::size_t layers = 0;
    for (const ImageStage& stage : image.stages) {
      layers += stage.layers.size() * static_cast<std::size_t>(stage.repeat);
    }
    for (std::size_t s = 0; s < image.stages.size(); ++s) {
      for (std::int64_t r = 0; r < image.stages[s].repeat; ++r) {
        x = stage(image.stages[s], fmt::format("stage.{}.{}.", s, r), x, layers);
      }
    }
    std::vector<std::string> faults;
    auto graph = graph_.finish(faults);
    faults.insert(faults.begin(), faults_.begin(), faults_.end());
    if (!faults.empty() || !graph) {
      throw InputError(fmt::format("{}: {}", spec_.id, fmt::join(faults, "; ")));
    }
    return *std::move(graph);
  }

 private:
  struct Map {  // of features, or one row a image
    TensorId tensor;
    std::int64_t side = 0, channels = 0;
  };

  // Exported as a whole: what passes between layers is what they read, with one scale a tensor.
  [[nodiscard]] const Format& format() const { return format_; }

  Map stage(const ImageStage& stage, const std::string& prefix, const Map& in,
            std::size_t layers_in_all) {
    std::map<std::string, Map> named{{"in", in}};
    Map before = in;
    for (std::size_t i = 0; i < stage.layers.size(); ++i) {
      const ImageLayer& layer = stage.layers[i];
      std::vector<Map> inputs;
      for (const std::string& of : layer.of) {
        const auto found = named.find(of);
        if (found == named.end()) {
          faults_.push_back(
              fmt::format("{}layer {} takes '{}'; expected the name of a layer "
                          "before it in the stage, or 'in'",
                          prefix, i, of));
          return before;
        }
        inputs.push_back(found->second);
      }
      if (inputs.empty()) {
        inputs.push_back(before);
      }
      ++written_;
      last_ = written_ == layers_in_all;
      before = write_layer(layer, fmt::format("{}{}", prefix, i), inputs);
      if (!layer.name.empty()) {
        named[layer.name] = before;
      }
    }
    return before;
  }

  [[nodiscard]] Attributes attributes_of(const ImageLayer& layer, const Map& in) const {
    Attributes a;
    a.batch = batch_;
    a.image = in.side;
    a.kernel = layer.kernel;
    a.kernel_width = layer.kernel_width;
    a.stride = layer.stride;
    a.padding = layer.padded ? 1 : 0;
    return a;
  }

  static std::int64_t side_after(const ImageLayer& layer, std::int64_t side, std::int64_t kernel) {
    return image_side(side, kernel, layer.stride, layer.padded);
  }

  TensorId apply(OpKind kind, Role role, const std::string& name, std::vector<TensorId> inputs,
                 const Attributes& attributes) {
    return graph_.apply_one({.id = {},
                             .kind = kind,
                             .role = role,
                             .name = name,
                             .block = -1,
                             .inputs = std::move(inputs),
                             .outputs = {},
                             .attributes = attributes},
                            format(), last_ ? TensorKind::kOutput : TensorKind::kActivation);
  }

  std::vector<TensorId> weighted(TensorId x, const std::string& name, Shape shape) {
    return {x, graph_.add_weight(name, shape, spec_.formats.linear),
            graph_.add_weight(name + ".bias", {1, shape.rows}, spec_.formats.norm)};
  }

  Map write_layer(const ImageLayer& layer, const std::string& name, const std::vector<Map>& in) {
    const Map& x = in.front();
    Attributes a = attributes_of(layer, x);
    Map out = x;
    out.side = side_after(layer, x.side, layer.kernel);
    if (out.side != side_after(layer, x.side, layer.kernel_width) || out.side < 1) {
      faults_.push_back(
          fmt::format("{}: found a kernel of {} by {} on a side of {}; expected one "
                      "that leaves a square image",
                      name, layer.kernel, layer.kernel_width, x.side));
      return x;
    }
    const std::int64_t taps = layer.kernel * layer.kernel_width;
    const auto elements = [&] { return batch_ * out.side * out.side * out.channels; };
    switch (layer.kind) {
      case ImageLayerKind::convolution:
        out.channels = layer.width;
        out.tensor = apply(OpKind::kConvolution, Role::kConvolution, name,
                           weighted(x.tensor, name, {layer.width, x.channels * taps}), a);
        return out;
      case ImageLayerKind::depthwise:
        a.result = {batch_ * out.side * out.side, x.channels};
        a.work = (2 * taps + 1) * elements();
        out.tensor = apply(OpKind::kGeneric, Role::kConvolution, name,
                           weighted(x.tensor, name, {x.channels, taps}), a);
        return out;
      case ImageLayerKind::pool:
        a.result = {batch_ * out.side * out.side, x.channels};
        a.work = taps * elements();
        out.tensor = apply(OpKind::kGeneric, Role::kOther, name, {x.tensor}, a);
        return out;
      case ImageLayerKind::mean:
        a.result = {batch_, x.channels};
        a.work = batch_ * x.side * x.side * x.channels;
        out.side = 1;
        out.tensor = apply(OpKind::kGeneric, Role::kOther, name, {x.tensor}, a);
        return out;
      case ImageLayerKind::dense:
        a.image = 0;
        out.channels = layer.width;
        out.tensor = apply(OpKind::kMatmul, Role::kHead, name,
                           weighted(x.tensor, name, {layer.width, x.channels}), a);
        return out;
      case ImageLayerKind::concat:
        return side_by_side(name, in, a);
      case ImageLayerKind::add:
        if (in.size() != 2) {
          faults_.push_back(
              fmt::format("{}: found {} inputs; expected two to add", name, in.size()));
          return x;
        }
        out.tensor = apply(OpKind::kAdd, Role::kResidual, name, {x.tensor, in[1].tensor}, a);
        return out;
    }
    return out;
  }

  Map side_by_side(const std::string& name, const std::vector<Map>& in, Attributes a) {
    Map out = in.front();
    out.channels = 0;
    std::vector<TensorId> inputs;
    for (const Map& map : in) {
      if (map.side != out.side) {
        faults_.push_back(fmt::format("{}: found sides of {} and {}; expected equal ones", name,
                                      out.side, map.side));
      }
      out.channels += map.channels;
      inputs.push_back(map.tensor);
    }
    a.result = {batch_ * out.side * out.side, out.channels};
    out.tensor = apply(OpKind::kGeneric, Role::kOther, name, inputs, a);
    return out;
  }

  const ModelSpec& spec_;
  Format format_;
  std::int64_t batch_;
  GraphBuilder graph_;
  std::vector<std::string> faults_;
  std::size_t written_ = 0;
  bool last_ = false;
};

}  // namespace

ImageShape read_image(const ConfigNode& node) {
  constexpr std::int64_t kLargest = 1 << 14;
  constexpr std::int64_t kMost = 1000;
  ImageShape image;
  image.side = node.whole("side", 1, kLargest);
  image.channels = node.whole("channels", 1, kLargest);
  for (const ConfigNode& one : node.tables("stage")) {
    ImageStage stage;
    stage.repeat = one.integer_if("repeat", 1, kMost).value_or(1);
    for (const ConfigNode& layer : one.tables("layers")) {
      stage.layers.push_back(read_layer(layer));
    }
    image.stages.push_back(std::move(stage));
  }
  if (image.stages.empty()) {
    node.error("stage", "found no stage; expected [[image.stage]] with its layers");
  }
  return image;
}

OperatorGraph build_image_graph(const ModelSpec& spec, std::int64_t batch) {
  return ImageWriter(spec, batch).write();
}

}  // namespace joulesim::models

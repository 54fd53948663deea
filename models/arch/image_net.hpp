// Networks over an image: convolutions, channel by channel or over all channels, pools and what
// joins them, in stages that repeat.
//
// Models:     one image a sequence; square images, kernels of any sides, borders padded or not;
//             branches that are set side by side or added. Normalisation and activations are taken
//             to be folded into the convolution before them, as exported 8-bit networks have them.
// Leaves out: dilation, groups of channels, upsampling, what comes after the scores.
// Checked by: tests/unit/models_images.cpp, tests/unit/models_zoo.cpp (parameter counts against
//             published ones).
#pragma once

#include "models/graph/graph.hpp"
#include "sim/base/config.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::models {

struct ModelSpec;
struct Phase;

enum class ImageLayerKind : std::uint8_t {
  convolution,  // over all channels
  depthwise,    // of each channel with a kernel of its own
  pool,         // largest or mean of each window
  mean,         // of the whole image
  dense,        // of one row of channels
  concat,       // channels side by side
  add,
};

struct ImageLayer {
  ImageLayerKind kind = ImageLayerKind::convolution;
  std::string name;             // by which others of the stage take its output
  std::vector<std::string> of;  // what it takes; empty: the layer before; "in": the stage's input
  std::int64_t width = 0;       // channels that it makes
  std::int64_t kernel = 1, kernel_width = 1, stride = 1;
  bool padded = true;  // as much as a stride of one needs to keep the size
  friend bool operator==(const ImageLayer&, const ImageLayer&) = default;
};

struct ImageStage {
  std::vector<ImageLayer> layers;
  std::int64_t repeat = 1;
  friend bool operator==(const ImageStage&, const ImageStage&) = default;
};

struct ImageShape {
  std::int64_t side = 0;  // pixels; 0 = the model reads no image
  std::int64_t channels = 0;
  std::vector<ImageStage> stages;
  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

// [image] of a model file.
ImageShape read_image(const ConfigNode& node);

// The graph for a batch of images. Throws InputError when layers do not fit each other.
OperatorGraph build_image_graph(const ModelSpec& spec, std::int64_t batch);

}  // namespace joulesim::models

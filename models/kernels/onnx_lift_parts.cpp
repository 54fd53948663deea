#include "models/kernels/onnx_lift_parts.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace joulesim::models::onnx {

std::int64_t count(const Dims& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) {
    product *= size;
  }
  return product;
}

Shape matrix_of(const Dims& shape) {
  if (shape.empty()) {
    return {1, 1};
  }
  const std::int64_t columns = shape.back();
  return {columns == 0 ? 0 : count(shape) / columns, columns};
}

namespace {

Format plain(const char* name, Element element, std::int64_t bytes) {
  Format format;
  format.name = name;
  format.element = element;
  format.block_elements = 1;
  format.block_bytes = bytes;
  return format;
}

Format stored_format(DType type) {
  switch (type) {
    case DType::kFloat:
      return known_format("fp32");
    case DType::kFloat16:
      return known_format("fp16");
    case DType::kBfloat16:
      return known_format("bf16");
    case DType::kDouble:
      return plain("fp64", Element::kFp32, 8);
    case DType::kFloat8E4m3fn:
    case DType::kFloat8E4m3fnuz:
      return known_format("fp8_e4m3");
    case DType::kFloat8E5m2:
    case DType::kFloat8E5m2fnuz:
      return known_format("fp8_e5m2");
    case DType::kInt8:
    case DType::kUint8:
    case DType::kBool:
      return plain("int8_codes", Element::kInt8, 1);
    case DType::kInt4:
    case DType::kUint4: {
      Format format = plain("int4_codes", Element::kInt4, 1);
      format.block_elements = 2;
      return format;
    }
    case DType::kInt16:
    case DType::kUint16:
      return plain("int16", Element::kInt32, 2);
    case DType::kInt64:
    case DType::kUint64:
      return plain("int64", Element::kInt32, 8);
    default:
      return known_format("int32");
  }
}

}  // namespace

Format format_of(DType type, const LiftSettings& settings) {
  const bool number = type == DType::kFloat || type == DType::kFloat16 || type == DType::kBfloat16;
  return number && settings.activation ? *settings.activation : stored_format(type);
}

Weights::Weights(const Model& model, const Inferred& graph, const LiftSettings& settings)
    : graph_(graph), settings_(settings) {
  for (const Tensor& tensor : model.graph.initializers) {
    initializers_[tensor.name] = &tensor;
  }
  for (const Node& node : graph.nodes) {
    for (const std::string& output : node.outputs) {
      producer_[output] = &node;
    }
  }
}

std::string Weights::root_of(const std::string& value) const {
  std::string at = value;
  for (int step = 0; step < 16 && !initializers_.contains(at); ++step) {
    const auto made = producer_.find(at);
    if (made == producer_.end() || made->second->inputs.empty()) {
      break;
    }
    at = made->second->inputs[0];
  }
  return initializers_.contains(at) ? at : value;
}

TensorId Weights::put(GraphBuilder& builder, const std::string& root, Shape shape,
                      const Format& format) {
  const auto key = std::make_pair(root, std::make_pair(shape.rows, shape.columns));
  const auto known = storages_.find(key);
  TensorId id;
  if (known != storages_.end()) {
    id = builder.add_weight_on(root, known->second);
  } else {
    const bool other_shape =
        std::any_of(storages_.begin(), storages_.end(),
                    [&](const auto& entry) { return entry.first.first == root; });
    id = builder.add_weight(other_shape ? fmt::format("{}.{}", root, to_string(shape)) : root,
                            shape, format);
    storages_.emplace(key, builder.storage_of(id));
  }
  shapes_[id.value] = shape;
  return id;
}

TensorId Weights::matrix(GraphBuilder& builder, const Node& node, std::size_t input, Shape shape,
                         bool head) {
  const std::string root = root_of(node.inputs[input]);
  Format format = stored_format(graph_.values.at(root).type);
  if (node.op_type == "MatMulNBits") {
    const auto integer = [&](const char* name) {
      const Attribute* attribute = node.attribute(name);
      return attribute == nullptr ? std::int64_t{0} : attribute->i;
    };
    const std::int64_t block = std::max<std::int64_t>(1, integer("block_size"));
    const std::int64_t bits = node.attribute("bits") == nullptr ? 4 : integer("bits");
    const std::int64_t scale =
        static_cast<std::int64_t>(bytes_of(graph_.values.at(node.inputs[2]).type));
    const bool zeros = node.inputs.size() > 3 && !node.inputs[3].empty();
    format = plain("",
                   bits == 8   ? Element::kInt8
                   : bits == 2 ? Element::kInt2
                               : Element::kInt4,
                   block * bits / 8 + scale + (zeros ? std::max<std::int64_t>(1, bits / 8) : 0));
    format.name = fmt::format("int{}_g{}{}", bits, block, zeros ? "_zp" : "");
    format.block_elements = block;
  }
  return put(builder, root, shape,
             (head ? settings_.embedding : settings_.weights).value_or(format));
}

TensorId Weights::table(GraphBuilder& builder, const std::string& value, Shape shape) {
  const std::string root = root_of(value);
  return put(builder, root, shape,
             settings_.embedding.value_or(stored_format(graph_.values.at(root).type)));
}

TensorId Weights::vector(GraphBuilder& builder, const std::string& value) {
  const auto known = graph_.values.find(value);
  const std::int64_t elements =
      known == graph_.values.end() ? 1 : std::max<std::int64_t>(1, count(known->second.shape));
  const DType type = known == graph_.values.end() ? DType::kFloat : known->second.type;
  return put(builder, root_of(value), {1, elements}, stored_format(type));
}

Shape Weights::shape_of(TensorId id) const {
  const auto found = shapes_.find(id.value);
  return found == shapes_.end() ? Shape{} : found->second;
}

LiftParts::LiftParts(const Model& model, const Phase& phase, const LiftSettings& settings)
    : settings_(settings),
      model_(model),
      graph_(infer(model, sizes_of(model, phase, settings.sizes))),
      weights_(model, graph_, settings),
      builder_(std::filesystem::path(model.path).stem().string()) {
  base_.batch = phase.batch;
  base_.new_tokens = phase.new_tokens;
  base_.past = phase.past;
  for (const ValueInfo& output : model.graph.outputs) {
    outputs_.insert(output.name);
  }
}

std::int64_t work_of(const Node& node, const Inferred& graph) {
  const auto elements = [&](const std::string& value) {
    const auto found = graph.values.find(value);
    return found == graph.values.end() ? std::int64_t{0} : count(found->second.shape);
  };
  const std::string& op = node.op_type;
  const std::int64_t out = node.outputs.empty() ? 0 : elements(node.outputs[0]);
  const std::int64_t in = node.inputs.empty() ? 0 : elements(node.inputs[0]);
  static const std::set<std::string> kMoves{
      "Concat", "Slice", "Transpose",       "Gather",         "Split",       "Expand",  "Cast",
      "Pad",    "Tile",  "ScatterND",       "GatherElements", "GatherND",    "Reshape", "OneHot",
      "Trilu",  "Where", "ConstantOfShape", "DepthToSpace",   "SpaceToDepth"};
  // Elementary operations per element of the output.
  static const std::map<std::string, std::int64_t> kPerElement{{"Softmax", 5},
                                                               {"LogSoftmax", 5},
                                                               {"Sigmoid", 3},
                                                               {"Tanh", 1},
                                                               {"HardSigmoid", 4},
                                                               {"HardSwish", 5},
                                                               {"Erf", 1},
                                                               {"Gelu", 5},
                                                               {"Softplus", 3},
                                                               {"BatchNormalization", 2},
                                                               {"InstanceNormalization", 7},
                                                               {"DynamicQuantizeLinear", 4},
                                                               {"QuantizeLinear", 3},
                                                               {"DequantizeLinear", 2}};
  if (kMoves.contains(op)) {
    return 0;
  }
  if (op == "MatMul" || op == "MatMulInteger" || op == "Gemm") {
    const auto& a = graph.values.at(node.inputs[0]).shape;
    return 2 * out * (a.empty() ? 1 : a.back());
  }
  if (op == "Conv" || op == "ConvInteger") {
    const auto& w = graph.values.at(node.inputs[1]).shape;
    return 2 * out * count(w) / std::max<std::int64_t>(1, w.empty() ? 1 : w[0]);
  }
  if (op.starts_with("Reduce") || op.starts_with("Arg") || op.starts_with("Global")) {
    return in;
  }
  if (const Attribute* kernel = node.attribute("kernel_shape"); kernel != nullptr) {
    return out * count(kernel->ints);
  }
  const auto per_element = kPerElement.find(op);
  return out * (per_element == kPerElement.end() ? 1 : per_element->second);
}

}  // namespace joulesim::models::onnx

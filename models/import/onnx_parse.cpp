#include "models/import/mapped_file.hpp"
#include "models/import/onnx_model.hpp"
#include "models/import/onnx_wire.hpp"

#include <algorithm>

namespace joulesim::models::onnx {
namespace {

class Parser {
 public:
  Model model(protozero::data_view bytes) {
    Model model;
    Wire wire(bytes, "ModelProto");
    bool has_graph = false;
    while (wire.next()) {
      switch (wire.field()) {
        case 1:
          model.ir_version = wire.integer();
          break;
        case 2:
          model.producer = wire.text();
          break;
        case 7:
          model.graph = graph(wire.message("GraphProto"), 0);
          has_graph = true;
          break;
        case 8:
          opset(wire.message("OperatorSetIdProto"), model.opsets);
          break;
        case 25:
          model.functions.push_back(function(wire.message("FunctionProto")));
          break;
        default:
          wire.skip();
      }
    }
    if (!has_graph) {
      throw std::runtime_error("found no graph; expected an ONNX model");
    }
    return model;
  }

  static Tensor tensor(Wire wire) {
    Tensor tensor;
    while (wire.next()) {
      switch (wire.field()) {
        case 1:
          wire.integers(tensor.dims);
          break;
        case 2:
          tensor.type_code = wire.integer();
          break;
        case 4:
          wire.floats(tensor.floats);
          break;
        case 5:
        case 7:
          wire.integers(tensor.ints);
          break;
        case 6:
          tensor.strings.push_back(wire.text());
          break;
        case 8:
          tensor.name = wire.text();
          break;
        case 9: {
          const protozero::data_view view = wire.bytes();
          tensor.raw = {reinterpret_cast<const std::byte*>(view.data()), view.size()};
          tensor.has_raw = true;
          break;
        }
        case 10:
          wire.doubles(tensor.doubles);
          break;
        case 11:
          wire.unsigned_integers(tensor.unsigned_ints);
          break;
        case 13: {
          const auto [key, value] = entry(wire.message("StringStringEntryProto"));
          tensor.external_data[key] = value;
          break;
        }
        case 14:
          tensor.external = wire.integer() == 1;
          break;
        default:
          wire.skip();
      }
    }
    return tensor;
  }

 private:
  static std::pair<std::string, std::string> entry(Wire wire) {
    std::pair<std::string, std::string> entry;
    while (wire.next()) {
      if (wire.field() == 1) {
        entry.first = wire.text();
      } else if (wire.field() == 2) {
        entry.second = wire.text();
      } else {
        wire.skip();
      }
    }
    return entry;
  }

  static std::string domain_of(std::string written) {
    return written == "ai.onnx" ? std::string() : written;
  }

  static void opset(Wire wire, std::map<std::string, std::int64_t>& opsets) {
    std::string domain;
    std::int64_t version = 0;
    while (wire.next()) {
      if (wire.field() == 1) {
        domain = wire.text();
      } else if (wire.field() == 2) {
        version = wire.integer();
      } else {
        wire.skip();
      }
    }
    opsets[domain_of(std::move(domain))] = version;
  }

  // The name of a sparse tensor is that of its values.
  static std::string sparse_name(Wire wire) {
    std::string name;
    while (wire.next()) {
      if (wire.field() == 1) {
        name = tensor(wire.message("TensorProto")).name;
      } else {
        wire.skip();
      }
    }
    return name;
  }

  Graph graph(Wire wire, int depth) {
    if (depth > kDeepest) {
      throw std::runtime_error(fmt::format("found graphs nested more than {} deep", kDeepest));
    }
    Graph graph;
    while (wire.next()) {
      switch (wire.field()) {
        case 1:
          graph.nodes.push_back(node(wire.message("NodeProto"), depth));
          break;
        case 2:
          graph.name = wire.text();
          break;
        case 5:
          graph.initializers.push_back(tensor(wire.message("TensorProto")));
          break;
        case 11:
          graph.inputs.push_back(parse_value_info(wire.message("ValueInfoProto")));
          break;
        case 12:
          graph.outputs.push_back(parse_value_info(wire.message("ValueInfoProto")));
          break;
        case 13:
          graph.values.push_back(parse_value_info(wire.message("ValueInfoProto")));
          break;
        case 15:
          graph.sparse_initializers.push_back(sparse_name(wire.message("SparseTensorProto")));
          break;
        default:
          wire.skip();
      }
    }
    return graph;
  }

  Node node(Wire wire, int depth) {
    Node node;
    while (wire.next()) {
      switch (wire.field()) {
        case 1:
          node.inputs.push_back(wire.text());
          break;
        case 2:
          node.outputs.push_back(wire.text());
          break;
        case 3:
          node.name = wire.text();
          break;
        case 4:
          node.op_type = wire.text();
          break;
        case 5:
          node.attributes.push_back(attribute(wire.message("AttributeProto"), depth));
          break;
        case 7:
          node.domain = domain_of(wire.text());
          break;
        default:
          wire.skip();
      }
    }
    if (node.op_type.empty()) {
      throw std::runtime_error(fmt::format("found node '{}' without an operator type", node.name));
    }
    return node;
  }

  Attribute attribute(Wire wire, int depth) {
    using Kind = Attribute::Kind;
    Attribute a;
    Kind seen = Kind::kNone;  // old files do not state the kind
    while (wire.next()) {
      switch (wire.field()) {
        case 1:
          a.name = wire.text();
          break;
        case 2:
          a.f = wire.number();
          seen = Kind::kFloat;
          break;
        case 3:
          a.i = wire.integer();
          seen = Kind::kInt;
          break;
        case 4:
          a.s = wire.text();
          seen = Kind::kString;
          break;
        case 5:
          a.tensors.push_back(tensor(wire.message("TensorProto")));
          seen = Kind::kTensor;
          break;
        case 6:
          a.graphs.push_back(
              std::make_shared<const Graph>(graph(wire.message("GraphProto"), depth + 1)));
          seen = Kind::kGraph;
          break;
        case 7:
          wire.floats(a.floats);
          seen = Kind::kFloats;
          break;
        case 8:
          wire.integers(a.ints);
          seen = Kind::kInts;
          break;
        case 9:
          a.strings.push_back(wire.text());
          seen = Kind::kStrings;
          break;
        case 10:
          a.tensors.push_back(tensor(wire.message("TensorProto")));
          seen = Kind::kTensors;
          break;
        case 11:
          a.graphs.push_back(
              std::make_shared<const Graph>(graph(wire.message("GraphProto"), depth + 1)));
          seen = Kind::kGraphs;
          break;
        case 14:
          a.i = parse_type_code(wire.message("TypeProto"));
          seen = Kind::kTypeProto;
          break;
        case 20: {
          const std::int64_t kind = wire.integer();
          if (kind >= 0 && kind <= 14) {
            a.kind = static_cast<Kind>(kind);
          }
          break;
        }
        case 21:
          a.reference = wire.text();
          break;
        case 22:
          seen = Kind::kSparseTensor;
          wire.skip();
          break;
        default:
          wire.skip();
      }
    }
    if (a.kind == Kind::kNone) {
      a.kind = seen;
    }
    const bool hollow = (a.kind == Kind::kTensor && a.tensors.empty()) ||
                        (a.kind == Kind::kGraph && a.graphs.empty());
    if (hollow && a.reference.empty()) {
      throw std::runtime_error(fmt::format("found attribute '{}' without its value", a.name));
    }
    return a;
  }

  Function function(Wire wire) {
    Function function;
    while (wire.next()) {
      switch (wire.field()) {
        case 1:
          function.name = wire.text();
          break;
        case 4:
          function.inputs.push_back(wire.text());
          break;
        case 5:
          function.outputs.push_back(wire.text());
          break;
        case 6:
          function.attributes.push_back(wire.text());
          break;
        case 7:
          function.nodes.push_back(node(wire.message("NodeProto"), 0));
          break;
        case 9:
          opset(wire.message("OperatorSetIdProto"), function.opsets);
          break;
        case 10:
          function.domain = domain_of(wire.text());
          break;
        case 11:
          function.defaults.push_back(attribute(wire.message("AttributeProto"), 0));
          break;
        default:
          wire.skip();
      }
    }
    return function;
  }
};

}  // namespace

const Attribute* Node::attribute(const std::string& wanted) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const Attribute& a) { return a.name == wanted; });
  return found == attributes.end() ? nullptr : &*found;
}

std::string Node::shown() const {
  const std::string type = domain.empty() ? op_type : domain + "." + op_type;
  const std::string& called = !name.empty() || outputs.empty() ? name : outputs.front();
  return fmt::format("node '{}' ({})", called, type);
}

Model parse_model(std::span<const std::byte> bytes, const std::string& path,
                  std::shared_ptr<const void> owner) {
  try {
    Model model = Parser().model({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    model.path = path;
    model.owner = std::move(owner);
    return model;
  } catch (const protozero::exception& fault) {
    refuse_file(path,
                fmt::format("found damaged protobuf ({}); expected an ONNX model", fault.what()));
  } catch (const std::runtime_error& fault) {
    refuse_file(path, fault.what());
  }
}

Model load_model(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_model(file->bytes(), path, file);
}

Tensor parse_tensor(std::span<const std::byte> bytes) {
  return Parser::tensor(
      Wire({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "TensorProto"));
}

}  // namespace joulesim::models::onnx

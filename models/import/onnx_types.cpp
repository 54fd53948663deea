// Types and shapes that an ONNX file declares for its values.
#include "models/import/onnx_model.hpp"
#include "models/import/onnx_wire.hpp"

namespace joulesim::models::onnx {
namespace {

void shape(Wire wire, ValueInfo& info) {
  info.has_shape = true;
  while (wire.next()) {
    if (wire.field() != 1) {
      wire.skip();
      continue;
    }
    Wire written = wire.message("Dimension");
    Dimension dimension;
    while (written.next()) {
      if (written.field() == 1) {
        dimension.value = written.integer();
      } else if (written.field() == 2) {
        dimension.symbol = written.text();
      } else {
        written.skip();
      }
    }
    info.shape.push_back(std::move(dimension));
  }
}

void type(Wire wire, ValueInfo& info, int depth) {
  if (depth > kDeepest) {
    throw std::runtime_error(fmt::format("found types nested more than {} deep", kDeepest));
  }
  while (wire.next()) {
    const std::uint32_t field = wire.field();
    if (field == 1 || field == 4 || field == 9) {
      Wire inner = wire.message("TypeProto");
      if (depth == 0) {
        info.kind = field == 1   ? ValueInfo::Kind::kTensor
                    : field == 4 ? ValueInfo::Kind::kSequence
                                 : ValueInfo::Kind::kOptional;
      }
      while (inner.next()) {
        if (inner.field() == 1 && field == 1) {
          info.type_code = inner.integer();
        } else if (inner.field() == 2 && field == 1) {
          if (depth == 0) {
            shape(inner.message("TensorShapeProto"), info);
          } else {
            inner.skip();
          }
        } else if (inner.field() == 1) {
          type(inner.message("TypeProto"), info, depth + 1);
        } else {
          inner.skip();
        }
      }
    } else {
      if (field == 5 || field == 8) {
        info.kind = ValueInfo::Kind::kOther;  // a map or a sparse tensor
      }
      wire.skip();
    }
  }
}

}  // namespace

std::int64_t parse_type_code(Wire wire) {
  ValueInfo info;
  type(std::move(wire), info, 0);
  return info.kind == ValueInfo::Kind::kTensor ? info.type_code : 0;
}

ValueInfo parse_value_info(Wire wire) {
  ValueInfo info;
  while (wire.next()) {
    if (wire.field() == 1) {
      info.name = wire.text();
    } else if (wire.field() == 2) {
      type(wire.message("TypeProto"), info, 0);
    } else {
      wire.skip();
    }
  }
  return info;
}

}  // namespace joulesim::models::onnx

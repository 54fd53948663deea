// Protobuf messages read field by field through protozero, with every wire type checked.
//
// Checked by: tests/unit/models_onnx_file.cpp
#pragma once

#include "models/import/byte_reader.hpp"
#include "models/import/onnx_model.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <protozero/pbf_message.hpp>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models::onnx {

// Graphs in attributes of nodes in graphs …, types in types: deeper nesting is a damaged file.
inline constexpr int kDeepest = 40;

// One message; faults name the message and the field.
class Wire {
 public:
  Wire(protozero::data_view bytes, const char* what) : reader_(bytes), what_(what) {}

  bool next() { return reader_.next(); }
  [[nodiscard]] std::uint32_t field() const { return static_cast<std::uint32_t>(reader_.tag()); }
  void skip() { reader_.skip(); }

  std::int64_t integer() {
    expect(protozero::pbf_wire_type::varint);
    return reader_.get_int64();
  }
  float number() {
    expect(protozero::pbf_wire_type::fixed32);
    return reader_.get_float();
  }
  protozero::data_view bytes() {
    expect(protozero::pbf_wire_type::length_delimited);
    return reader_.get_view();
  }
  std::string text() {
    const protozero::data_view view = bytes();
    return {view.data(), view.size()};
  }
  Wire message(const char* what) { return {bytes(), what}; }

  // Repeated numbers come packed or one by one.
  void integers(std::vector<std::int64_t>& out) {
    if (packed()) {
      for (const std::int64_t value : reader_.get_packed_int64()) {
        out.push_back(value);
      }
    } else {
      out.push_back(integer());
    }
  }
  void unsigned_integers(std::vector<std::uint64_t>& out) {
    if (packed()) {
      for (const std::uint64_t value : reader_.get_packed_uint64()) {
        out.push_back(value);
      }
    } else {
      out.push_back(static_cast<std::uint64_t>(integer()));
    }
  }
  void floats(std::vector<float>& out) {
    if (packed()) {
      whole(4);
      for (const float value : reader_.get_packed_float()) {
        out.push_back(value);
      }
    } else {
      out.push_back(number());
    }
  }
  void doubles(std::vector<double>& out) {
    if (packed()) {
      whole(8);
      for (const double value : reader_.get_packed_double()) {
        out.push_back(value);
      }
    } else {
      expect(protozero::pbf_wire_type::fixed64);
      out.push_back(reader_.get_double());
    }
  }

 private:
  [[nodiscard]] bool packed() const {
    return reader_.wire_type() == protozero::pbf_wire_type::length_delimited;
  }
  void expect(protozero::pbf_wire_type type) const {
    if (reader_.wire_type() != type) {
      throw std::runtime_error(
          fmt::format("found field {} of a {} with wire type {}; expected {}", field(), what_,
                      static_cast<unsigned>(reader_.wire_type()), static_cast<unsigned>(type)));
    }
  }
  // protozero checks the elements of packed fixed-width fields only by assertion.
  void whole(std::size_t width) const {
    protozero::pbf_reader copy = reader_;
    if (copy.get_view().size() % width != 0) {
      throw std::runtime_error(fmt::format(
          "found field {} of a {} with a part of a number; expected whole ones", field(), what_));
    }
  }

  protozero::pbf_reader reader_;
  const char* what_;
};

ValueInfo parse_value_info(Wire wire);
// The element type of a tensor type, 0 of any other.
std::int64_t parse_type_code(Wire wire);

}  // namespace joulesim::models::onnx

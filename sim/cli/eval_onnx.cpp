// eval of an ONNX graph: inputs from files, outputs to files.
#include "models/import/npy_array.hpp"
#include "models/import/onnx_model.hpp"
#include "models/kernels/onnx_session.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/cli/commands.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <filesystem>
#include <iostream>
#include <map>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace onnx = models::onnx;
namespace {

// Characters outside [A-Za-z0-9_.-] become '_'.
std::string file_name_of(const std::string& output) {
  std::string name = output;
  for (char& c : name) {
    const bool kept =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
    c = kept ? c : '_';
  }
  return name;
}

models::Array read_array(const std::string& path) {
  return fs::path(path).extension() == ".pb" ? onnx::read_tensor_file(path)
                                             : models::read_npy_array(path);
}

// "name=file"; names may hold '=' themselves as long as the file does not.
std::map<std::string, onnx::Value> read_inputs(const std::vector<std::string>& inputs) {
  std::map<std::string, onnx::Value> values;
  Diagnostics faults;
  for (const std::string& input : inputs) {
    const std::size_t at = input.rfind('=');
    if (at == std::string::npos || at == 0 || at + 1 == input.size()) {
      faults.error("--input", fmt::format("found '{}'; expected NAME=FILE.npy", input));
      continue;
    }
    const std::string name = input.substr(0, at);
    try {
      if (!values.emplace(name, read_array(input.substr(at + 1))).second) {
        faults.error("--input", fmt::format("found '{}' twice; expected each input once", name));
      }
    } catch (const InputError& fault) {
      faults.append(fault.diagnostics());
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return values;
}

struct Written {
  std::string output;
  std::string file;
  models::Array array;
};

void write_value(const std::string& name, const onnx::Value& value, const std::string& folder,
                 std::vector<Written>& written) {
  if (value.kind == onnx::Value::Kind::kSequence) {
    for (std::size_t i = 0; i < value.items->size(); ++i) {
      write_value(fmt::format("{}.{}", name, i), (*value.items)[i], folder, written);
    }
  } else if (value.kind == onnx::Value::Kind::kArray) {
    std::string file;
    if (!folder.empty()) {
      file = (fs::path(folder) / (file_name_of(name) + ".npy")).string();
      models::write_npy_array(file, value.array);
    }
    written.push_back({name, file, value.array});
  }
}

}  // namespace

int eval_onnx(const Common& common, const EvalArguments& arguments) {
  const onnx::Model model = onnx::load_model(arguments.model);
  const onnx::Session session(model);
  const std::vector<onnx::Value> outputs = session.run(read_inputs(arguments.inputs));
  std::error_code fault;
  if (!arguments.outputs.empty() &&
      (fs::create_directories(arguments.outputs, fault), static_cast<bool>(fault))) {
    throw InputError(
        fmt::format("--outputs: cannot make folder '{}': {}", arguments.outputs, fault.message()));
  }
  std::vector<Written> written;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    write_value(model.graph.outputs[i].name, outputs[i], arguments.outputs, written);
  }
  if (common.json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Written& one : written) {
      list.push_back({{"name", one.output},
                      {"type", models::name_of(one.array.type())},
                      {"shape", one.array.shape()},
                      {"file", one.file}});
    }
    std::cout << nlohmann::ordered_json{{"model", arguments.model}, {"outputs", list}}.dump(2)
              << "\n";
    return 0;
  }
  for (const Written& one : written) {
    std::cout << fmt::format("{}: {} {}{}\n", one.output, models::name_of(one.array.type()),
                             models::to_string(one.array.shape()),
                             one.file.empty() ? "" : " in " + one.file);
  }
  return 0;
}

}  // namespace joulesim::cli

// What show prints of models, and of figures with their sources.
#pragma once

#include "models/arch/model_file.hpp"
#include "sim/base/config.hpp"
#include "sim/cli/commands.hpp"

#include <string>
#include <vector>

namespace joulesim::cli {

void print_figures(const Common& common, const std::string& title,
                   const std::vector<Figure>& figures);

void show_model(const Common& common, const ShowArguments& arguments,
                const models::ModelFile& file);

// An ONNX graph, for a step that its file allows.
void show_exported(const Common& common, const ShowArguments& arguments);

}  // namespace joulesim::cli

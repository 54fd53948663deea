// A page of predictions beside measurements: errors by kind and device, scatter plots, error
// distributions beside the roofline's, the worst rows with what the model took them for.
//
// Checked by: tests/anchors/gpu_measured.cpp (statistics).
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/validation.hpp"

#include <string>

namespace joulesim::reports {

// Without plots where there is no gnuplot.
std::string validation_page(const Validation& validation, bool plots = true);

}  // namespace joulesim::reports

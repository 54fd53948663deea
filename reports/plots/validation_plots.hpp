// Predicted against measured, device by device and kind by kind, and error distributions.
//
// Checked by: tests/anchors/gpu_measured.cpp (statistics).
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/validation.hpp"

namespace joulesim::reports {

PlotSet validation_plots(const Validation& validation);

}  // namespace joulesim::reports

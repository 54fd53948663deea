// The page of a quality table.
//
// Checked by: tests/unit/reports_quality.cpp.
#pragma once

#include "reports/data/quality_table.hpp"

#include <string>

namespace joulesim::reports {

std::string quality_page(const QualityTable& table);

}  // namespace joulesim::reports

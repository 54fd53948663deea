// Filling a mustache template from JSON, where a name that the data lacks is a fault.
//
// Mustache renders an unknown name as nothing, so that a misspelt one loses a figure silently; the
// names are therefore compared before rendering.
// Checked by: tests/unit/reports_html.cpp.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace joulesim::reports {

// Names that the template uses where the data has none, as "section/name"; also unbalanced tags.
std::vector<std::string> missing_names(const std::string& page_template,
                                       const nlohmann::ordered_json& data);

// Names of the data's objects that the template never uses.
std::vector<std::string> unused_names(const std::string& page_template,
                                      const nlohmann::ordered_json& data);

// Throws std::logic_error when names are missing. Values are strings, booleans, objects, lists.
std::string fill(const std::string& page_template, const nlohmann::ordered_json& data);

}  // namespace joulesim::reports

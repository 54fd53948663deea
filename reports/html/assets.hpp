// The templates, style and script that pages are made of, taken into the program at build time.
#pragma once

namespace joulesim::reports {

extern const char* const kReportTemplate;
extern const char* const kComparisonTemplate;
extern const char* const kValidationTemplate;
extern const char* const kSheetTemplate;
extern const char* const kQualityTemplate;
extern const char* const kClaimsTemplate;
extern const char* const kStyle;
extern const char* const kSortScript;

}  // namespace joulesim::reports

joulesim_test(golden_reports
  SOURCES tests/golden/reports.cpp tests/unit/reports_sample.cpp
  LINK joulesim::html joulesim::terminal joulesim::plots joulesim::data joulesim::result
  LABELS fast)

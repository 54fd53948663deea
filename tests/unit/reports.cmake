joulesim_test(unit_reports
  SOURCES tests/unit/result_json.cpp tests/unit/result_files.cpp tests/unit/reports_display.cpp
    tests/unit/reports_view.cpp tests/unit/reports_terminal.cpp tests/unit/reports_plots.cpp
    tests/unit/reports_html.cpp tests/unit/reports_bundle.cpp tests/unit/reports_sample.cpp tests/unit/reports_quality.cpp tests/unit/reports_claims.cpp tests/unit/reports_trace.cpp tests/unit/reports_latex.cpp tests/unit/reports_flow.cpp
  LINK joulesim::html joulesim::terminal joulesim::plots joulesim::data joulesim::trace joulesim::result
  LABELS fast)

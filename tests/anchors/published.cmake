joulesim_test(anchors_published
  SOURCES tests/anchors/published.cpp
  LINK joulesim::engine nlohmann_json::nlohmann_json
  LABELS slow)

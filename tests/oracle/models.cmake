joulesim_test(oracle_models
  SOURCES tests/oracle/models_stories.cpp
  LINK joulesim::kernels nlohmann_json::nlohmann_json
  LABELS fast)

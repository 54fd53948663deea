joulesim_test(oracle_models
  SOURCES tests/oracle/models_stories.cpp tests/oracle/models_tokens.cpp tests/oracle/models_expected.cpp
  LINK joulesim::kernels nlohmann_json::nlohmann_json
  LABELS fast)
joulesim_test(oracle_onnx
  SOURCES tests/oracle/models_onnx.cpp tests/oracle/models_onnx_lift.cpp
  LINK joulesim::kernels nlohmann_json::nlohmann_json
  LABELS fast)

joulesim_test(cli_transforms
  SOURCES tests/cli/transforms.cpp
  LINK joulesim::kernels nlohmann_json::nlohmann_json
  LABELS fast)
target_compile_definitions(cli_transforms PRIVATE JOULESIM_PROGRAM="$<TARGET_FILE:joulesim>")
add_dependencies(cli_transforms joulesim)

joulesim_test(cli_test
  SOURCES tests/cli/bad_input.cpp tests/cli/commands.cpp tests/cli/families.cpp tests/cli/memory.cpp tests/cli/claims.cpp tests/cli/new_files.cpp
  LINK nlohmann_json::nlohmann_json
  LABELS fast)
target_compile_definitions(cli_test PRIVATE JOULESIM_PROGRAM="$<TARGET_FILE:joulesim>")
add_dependencies(cli_test joulesim)

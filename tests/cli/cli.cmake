joulesim_test(cli_test
  SOURCES tests/cli/bad_input.cpp tests/cli/commands.cpp tests/cli/families.cpp tests/cli/memory.cpp tests/cli/claims.cpp tests/cli/new_files.cpp tests/cli/trace.cpp
  LINK nlohmann_json::nlohmann_json
  LABELS fast)
target_compile_definitions(cli_test PRIVATE JOULESIM_PROGRAM="$<TARGET_FILE:joulesim>")
add_dependencies(cli_test joulesim)
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
add_test(NAME "cli: schemas and readers agree, and the reference pages are theirs"
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/tests/cli/schema.py $<TARGET_FILE:joulesim> ${CMAKE_SOURCE_DIR})
set_tests_properties("cli: schemas and readers agree, and the reference pages are theirs"
  PROPERTIES LABELS slow TIMEOUT 120 SKIP_RETURN_CODE 77)
add_test(NAME "cli: pages work in a browser at a desk and on a phone"
  COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/tests/cli/browser.py $<TARGET_FILE:joulesim>)
set_tests_properties("cli: pages work in a browser at a desk and on a phone"
  PROPERTIES LABELS slow TIMEOUT 600 SKIP_RETURN_CODE 77)

# Not a ctest test: it measures this machine. Build and run it by hand (tests/bench/README.md).
add_executable(step_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/step_bench.cpp
  $<TARGET_OBJECTS:joulesim_test_main> $<TARGET_OBJECTS:joulesim_test_places>)
target_link_libraries(step_bench PRIVATE joulesim::engine Catch2::Catch2 joulesim_flags)
target_compile_definitions(step_bench PRIVATE CATCH_CONFIG_NO_POSIX_SIGNALS)
target_compile_options(step_bench PRIVATE -include ${CMAKE_SOURCE_DIR}/tests/places.hpp)

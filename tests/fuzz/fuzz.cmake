# The parsers' entry points once; the ordinary build runs them on inputs damaged in a repeatable way,
# the preset `fuzz` (clang) under libFuzzer.
set(fuzz_sources fuzz/targets.cpp fuzz/targets_models.cpp fuzz/targets_text.cpp fuzz/targets_graphs.cpp fuzz/targets_memory.cpp)
set(fuzz_libraries joulesim::kernels joulesim::result joulesim::dram)

list(TRANSFORM fuzz_sources PREPEND tests/ OUTPUT_VARIABLE fuzz_test_sources)
joulesim_test(fuzz_parsers
  SOURCES ${fuzz_test_sources} tests/fuzz/mutate.cpp tests/fuzz/mutation.cpp
  LINK ${fuzz_libraries}
  LABELS fast)
# What needs a machine's catalog.
joulesim_test(fuzz_machines
  SOURCES tests/fuzz/targets.cpp tests/fuzz/targets_machines.cpp tests/fuzz/mutate.cpp tests/fuzz/mutation.cpp
  LINK joulesim::engine
  LABELS fast)

if(JOULESIM_FUZZ)
  list(TRANSFORM fuzz_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE fuzzer_sources)
  add_executable(fuzz_target ${fuzzer_sources} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_main.cpp
    $<TARGET_OBJECTS:joulesim_test_places>)
  target_link_libraries(fuzz_target PRIVATE ${fuzz_libraries} joulesim_flags)
  target_compile_options(fuzz_target PRIVATE -include ${CMAKE_SOURCE_DIR}/tests/places.hpp)
  target_link_options(fuzz_target PRIVATE -fsanitize=fuzzer)
endif()

# Not ctest tests: they measure this machine. Build and run them by hand (tests/bench/README.md).
foreach(bench IN ITEMS step memory leave_gpu_out)
  add_executable(${bench}_bench EXCLUDE_FROM_ALL
    ${CMAKE_CURRENT_SOURCE_DIR}/bench/${bench}_bench.cpp
    $<TARGET_OBJECTS:joulesim_test_main> $<TARGET_OBJECTS:joulesim_test_places>)
  target_link_libraries(${bench}_bench PRIVATE joulesim::engine Catch2::Catch2 joulesim_flags)
  target_compile_definitions(${bench}_bench PRIVATE CATCH_CONFIG_NO_POSIX_SIGNALS)
  target_compile_options(${bench}_bench PRIVATE -include ${CMAKE_SOURCE_DIR}/tests/places.hpp)
endforeach()

add_executable(eval_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/eval_bench.cpp)
target_link_libraries(eval_bench PRIVATE joulesim::kernels joulesim_flags)

add_executable(dram_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/dram_bench.cpp
  $<TARGET_OBJECTS:joulesim_test_places>)
target_link_libraries(dram_bench PRIVATE joulesim::dram joulesim_flags)
target_compile_options(dram_bench PRIVATE -include ${CMAKE_SOURCE_DIR}/tests/places.hpp)

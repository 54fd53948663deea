# joulesim_plugin(target SOURCE [DEFINITIONS …]): a library for `joulesim --plugin`.
function(joulesim_plugin target source)
  cmake_parse_arguments(ARG "" "" "DEFINITIONS" ${ARGN})
  add_library(${target} MODULE ${CMAKE_SOURCE_DIR}/${source})
  set_target_properties(${target} PROPERTIES PREFIX "")
  target_link_libraries(${target} PRIVATE joulesim joulesim_flags)
  target_compile_definitions(${target} PRIVATE ${ARG_DEFINITIONS})
endfunction()

joulesim_plugin(dot_engine tests/plugin/dot_engine.cpp)
joulesim_plugin(next_interface tests/plugin/faulty.cpp DEFINITIONS FAULT_NEXT_INTERFACE)
joulesim_plugin(other_layout tests/plugin/faulty.cpp DEFINITIONS FAULT_OTHER_LAYOUT)
joulesim_plugin(known_kind tests/plugin/faulty.cpp DEFINITIONS FAULT_KNOWN_KIND)
joulesim_plugin(half_kind tests/plugin/faulty.cpp DEFINITIONS FAULT_HALF_KIND)
joulesim_plugin(no_kind tests/plugin/faulty.cpp DEFINITIONS FAULT_NO_KIND)
joulesim_plugin(no_symbol tests/plugin/faulty.cpp DEFINITIONS FAULT_NO_SYMBOL)
joulesim_plugin(throwing tests/plugin/faulty.cpp DEFINITIONS FAULT_THROWING)
joulesim_plugin(crashing tests/plugin/faulty.cpp DEFINITIONS FAULT_CRASHING)
joulesim_plugin(ending tests/plugin/faulty.cpp DEFINITIONS FAULT_ENDING)
joulesim_plugin(unsound tests/plugin/unsound.cpp)

joulesim_test(plugin_test
  SOURCES tests/plugin/plugin.cpp
  LINK nlohmann_json::nlohmann_json
  LABELS fast)
target_compile_definitions(plugin_test PRIVATE JOULESIM_PROGRAM="$<TARGET_FILE:joulesim>"
  JOULESIM_PLUGINS="$<TARGET_FILE_DIR:dot_engine>")
add_dependencies(plugin_test joulesim dot_engine next_interface other_layout known_kind half_kind no_kind no_symbol
  throwing crashing ending unsound)

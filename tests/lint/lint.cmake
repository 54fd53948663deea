find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(lint ${CMAKE_SOURCE_DIR}/tests/lint)
add_test(NAME "lint: includes obey the layers"
  COMMAND ${Python3_EXECUTABLE} -B ${lint}/layers.py ${CMAKE_SOURCE_DIR})
add_test(NAME "lint: files are finished, movable and small"
  COMMAND ${Python3_EXECUTABLE} -B ${lint}/habits.py ${CMAKE_SOURCE_DIR})
add_test(NAME "lint: units are spelled one way and no dimension is a bare number"
  COMMAND ${Python3_EXECUTABLE} -B ${lint}/units.py ${CMAKE_SOURCE_DIR})
add_test(NAME "lint: planted faults are found"
  COMMAND ${Python3_EXECUTABLE} -B ${lint}/planted.py)
add_test(NAME "lint: every part, device, model and scenario passes check"
  COMMAND ${Python3_EXECUTABLE} -B ${lint}/sources.py $<TARGET_FILE:joulesim> ${CMAKE_SOURCE_DIR})
set_tests_properties(
  "lint: includes obey the layers"
  "lint: files are finished, movable and small"
  "lint: units are spelled one way and no dimension is a bare number"
  "lint: planted faults are found"
  "lint: every part, device, model and scenario passes check"
  PROPERTIES LABELS fast TIMEOUT 120)

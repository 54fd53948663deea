joulesim_test(timing_platform
  SOURCES tests/timing/platform_flash_gates.cpp tests/timing/platform_shells.cpp
    tests/timing/file_reader.cpp
  LINK joulesim::flash joulesim::sram joulesim::display
  LABELS fast)

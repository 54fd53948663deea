joulesim_test(timing_platform
  SOURCES tests/timing/platform_flash_gates.cpp tests/timing/platform_shells.cpp
  LINK joulesim::flash joulesim::display
  LABELS fast)

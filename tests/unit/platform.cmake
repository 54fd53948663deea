joulesim_test(unit_platform
  SOURCES tests/unit/platform_parts.cpp tests/unit/platform_sram.cpp tests/unit/platform_link.cpp
    tests/unit/platform_power.cpp
  LINK joulesim::flash joulesim::sram joulesim::battery joulesim::display joulesim::link joulesim::power
  LABELS fast)

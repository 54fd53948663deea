joulesim_test(oracle_platform
  SOURCES tests/oracle/platform_flash.cpp tests/oracle/platform_battery.cpp
  LINK joulesim::flash joulesim::battery
  LABELS fast)

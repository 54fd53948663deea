joulesim_test(dram_timing SOURCES tests/timing/dram_controller.cpp tests/timing/dram_gates.cpp
  LINK joulesim::dram LABELS fast)

joulesim_test(dram_timing SOURCES tests/timing/dram_controller.cpp tests/timing/dram_gates.cpp
  tests/timing/dram_contention.cpp LINK joulesim::dram joulesim::display LABELS fast)

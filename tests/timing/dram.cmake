joulesim_test(dram_timing SOURCES tests/timing/dram_controller.cpp LINK joulesim::dram LABELS fast)

joulesim_test(dram_unit SOURCES tests/unit/dram_parts.cpp tests/unit/dram_structures.cpp
  tests/unit/dram_trace.cpp
  LINK joulesim::dram LABELS fast)

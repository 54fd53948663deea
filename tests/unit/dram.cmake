joulesim_test(dram_unit SOURCES tests/unit/dram_parts.cpp LINK joulesim::dram LABELS fast)

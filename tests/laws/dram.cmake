joulesim_test(dram_laws SOURCES tests/laws/dram_laws.cpp LINK joulesim::dram LABELS slow)

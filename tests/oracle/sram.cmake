joulesim_test(oracle_sram SOURCES tests/oracle/set_cache.cpp tests/oracle/array_law.cpp LINK joulesim::sram LABELS fast)

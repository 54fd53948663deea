joulesim_test(oracle_engine SOURCES tests/oracle/engine_fidelity.cpp LINK joulesim::engine LABELS slow)

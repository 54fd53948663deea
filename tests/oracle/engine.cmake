joulesim_test(oracle_engine SOURCES tests/oracle/engine_fidelity.cpp tests/oracle/engine_exported.cpp LINK joulesim::engine LABELS slow)
joulesim_test(oracle_engine_storage SOURCES tests/oracle/engine_storage.cpp LINK joulesim::engine LABELS slow)
joulesim_test(oracle_gpu_lowering SOURCES tests/oracle/gpu_lowering.cpp LINK joulesim::engine LABELS slow)

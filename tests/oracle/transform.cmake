joulesim_test(oracle_transform
  SOURCES tests/oracle/models_gptq.cpp
  LINK joulesim::transform
  LABELS slow)

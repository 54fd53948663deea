joulesim_test(laws_engine SOURCES tests/laws/units.cpp
  LINK joulesim::npu joulesim::gpu joulesim::cpu
  LABELS fast)

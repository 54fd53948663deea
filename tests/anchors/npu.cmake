joulesim_test(anchors_npu
  SOURCES tests/anchors/npu.cpp
  LINK joulesim::engine
  LABELS fast)

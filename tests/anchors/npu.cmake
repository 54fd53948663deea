joulesim_test(anchors_npu
  SOURCES tests/anchors/npu.cpp tests/anchors/other_units.cpp
  LINK joulesim::engine joulesim::pim
  LABELS fast)

joulesim_test(anchors_gpu
  SOURCES tests/anchors/gpu_measured.cpp
  LINK joulesim::engine
  LABELS fast)

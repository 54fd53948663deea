joulesim_test(kernels_transform
  SOURCES tests/kernels/models_passes.cpp tests/kernels/models_quantise.cpp tests/kernels/models_prune.cpp tests/kernels/models_training.cpp
  LINK joulesim::transform
  LABELS fast)

joulesim_test(timing_engine
  SOURCES tests/timing/tile_engine.cpp tests/timing/system_cache.cpp tests/timing/npu.cpp tests/timing/gpu.cpp tests/timing/cpu.cpp
  LINK joulesim::sram joulesim::npu joulesim::gpu joulesim::cpu
  LABELS fast)
joulesim_test(timing_gpu_kernels
  SOURCES tests/timing/gpu_kernels.cpp
  LINK joulesim::gpu
  LABELS fast)
joulesim_test(timing_units
  SOURCES tests/timing/npu_arrays.cpp tests/timing/other_units.cpp tests/timing/split_work.cpp
  LINK joulesim::npu joulesim::lpu joulesim::pim joulesim::neuro joulesim::quantum
  LABELS fast)

joulesim_test(laws_engine SOURCES tests/laws/units.cpp tests/laws/engine_energy.cpp tests/laws/devices.cpp
  LINK joulesim::engine
  LABELS fast)

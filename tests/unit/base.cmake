joulesim_test(unit_base
  SOURCES tests/unit/base_quantity.cpp tests/unit/base_expression.cpp tests/unit/base_config.cpp tests/unit/base_probe.cpp
  LINK joulesim::base
  LABELS fast)

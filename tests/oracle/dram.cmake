joulesim_test(dram_reference SOURCES tests/oracle/dram_reference.cpp tests/oracle/dram_energy.cpp
  LINK joulesim::dram nlohmann_json::nlohmann_json LABELS slow)
joulesim_test(dram_oracle
  SOURCES tests/oracle/dram_legality.cpp tests/oracle/dram_closed_form.cpp tests/oracle/dram_policies.cpp tests/oracle/dram_train.cpp
    tests/oracle/dram_loaded_latency.cpp
  LINK joulesim::dram nlohmann_json::nlohmann_json LABELS slow)
joulesim_test(dram_ticking
  SOURCES tests/oracle/dram_ticking.cpp tests/oracle/dram_ticking_controller.cpp
    tests/oracle/dram_ticking_rules.cpp
  LINK joulesim::dram nlohmann_json::nlohmann_json LABELS slow)

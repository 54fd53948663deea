joulesim_test(unit_engine
  SOURCES tests/unit/mapping.cpp tests/unit/fleet.cpp tests/unit/worker_pool.cpp
    tests/unit/engine_gguf.cpp tests/unit/engine_placement.cpp tests/unit/split_step.cpp tests/unit/engine_accuracy.cpp tests/unit/engine_samples.cpp tests/unit/engine_claim.cpp tests/unit/engine_claim_verdict.cpp tests/unit/shards.cpp
  LINK joulesim::engine
  LABELS fast)

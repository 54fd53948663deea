joulesim_test(laws_base SOURCES tests/laws/ledger_conservation.cpp LINK joulesim::base LABELS fast)

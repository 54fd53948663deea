joulesim_test(golden_base SOURCES tests/golden/base_messages.cpp LINK joulesim::base LABELS fast)

joulesim_test(anchors_flash SOURCES tests/anchors/flash.cpp tests/anchors/storage_path.cpp
  LINK joulesim::flash joulesim::sram
  LABELS fast)

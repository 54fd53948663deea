// What an operating system charges for moving a file from a store into a program's memory, as read
// from hw/flash/system_*.toml.
//
// Three paths:  direct  the store writes into the program's buffer; a call for each piece
//               read    the store fills the page cache, the processor copies from there
//               mmap    the program touches mapped pages; faults and read-ahead fill the page cache
//
// Models:      processor time of calls, faults, commands, pages taken in and bytes copied; the
//              window that is read around or ahead of a fault, and ahead of a read; the size of
//              commands; power of the core that does it.
// Leaves out:  file-system metadata, encryption and compression, write-back, huge pages, contention
//              between readers for locks.
// Checked by:  tests/timing/file_reader.cpp, tests/anchors/storage_path.cpp.
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <string>

namespace joulesim::hw {

inline constexpr const char* kStorageSystemModel = "storage_system";

enum class FilePath : std::uint8_t { direct, read, mmap };
const char* name_of(FilePath path);

struct StorageSystemSpec {
  std::string name, title;
  Sourced<Bytes> page;          // of memory
  Sourced<Bytes> command_size;  // the largest command that is sent to the store

  Sourced<Time> call;       // a read call, in and out
  Sourced<Time> command;    // a command to the store: block layer, driver, interrupt
  Sourced<Time> take_in;    // a page into the page cache
  Sourced<Bandwidth> copy;  // from the page cache to the program, one core

  Sourced<Time> fault;         // a touch of a page that is not mapped
  Sourced<Bytes> fault_maps;   // mapped by one fault, where the page cache has it
  Sourced<Bytes> fault_reads;  // the window that a missing page has read with it
  bool reads_ahead = true;     // the next window is asked for while one is used; else read around
  Sourced<Bytes> read_window;  // the same for read calls, which always read ahead

  bool two_lists = true;       // page cache: pages used again are kept from pages used once
  double protected_share = 0;  // of the page cache, at most, for pages used again
  Sourced<Power> core;         // while it does any of the above

  static StorageSystemSpec from(const ConfigNode& part);
};

}  // namespace joulesim::hw

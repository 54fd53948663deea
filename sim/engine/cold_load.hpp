// Reading the weights that live in memory from the store once, before the first token: the path's
// readers over the whole file, and what it costs the waiting device.
//
// Models:      what FileReader and FlashArray model, every command of the file; memory traffic of
//              the store and of copies; the device's standing power meanwhile.
// Leaves out:  memory bandwidth as a limit (a store is slower), parsing, decompression, work of the
//              compute unit on its own weight format.
// Checked by:  tests/anchors/storage_path.cpp, tests/oracle/engine_storage.cpp.
#pragma once

#include "sim/engine/activity.hpp"
#include "sim/engine/file_use.hpp"

namespace joulesim::engine {

// `bytes` from the beginning of the file.
Activity cold_load(const Machine& machine, const FileUse& use, std::uint64_t bytes);

}  // namespace joulesim::engine

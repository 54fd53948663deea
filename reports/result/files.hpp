// Reading and writing whole files: what is written is either there in full or not at all.
//
// Checked by: tests/unit/result_files.cpp.
#pragma once

#include <cstddef>
#include <string>

namespace joulesim::reports {

// Writes a new file beside the target and renames it, so that a reader never meets half a file.
// Missing folders are made. Throws InputError naming the path and the system's reason.
void write_atomically(const std::string& path, const std::string& text);

// The bytes of a regular file of at most `limit` bytes; anything else is an InputError.
std::string read_text(const std::string& path, std::size_t limit);

// Removes a file that an earlier run left and this one does not write again. Absent is fine.
void remove_stale(const std::string& path);

}  // namespace joulesim::reports

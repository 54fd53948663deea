// Address traces: 64-byte requests in order, eight bytes each, and the files that hold them.
//
// Bit 63 says write, the other bits are the byte address. A file is such words, little-endian,
// nothing else; it is mapped, not read, so that a trace may be larger than memory and a sampled run
// touches only what it plays.
//
// Checked by: tests/unit/dram_trace.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace joulesim::hw {

inline constexpr std::uint64_t kRequestBytes = 64;

class TraceRequest {
 public:
  constexpr TraceRequest() = default;
  constexpr TraceRequest(std::uint64_t address, bool write)
      : word_(address | (write ? kWrite : 0)) {}

  [[nodiscard]] constexpr std::uint64_t address() const { return word_ & ~kWrite; }
  [[nodiscard]] constexpr bool write() const { return (word_ & kWrite) != 0; }
  [[nodiscard]] constexpr std::uint64_t word() const { return word_; }

 private:
  static constexpr std::uint64_t kWrite = std::uint64_t{1} << 63;
  std::uint64_t word_ = 0;
};

using Trace = std::span<const TraceRequest>;

// What one look at every request tells, at the speed of memory.
struct TraceFacts {
  std::size_t requests = 0, writes = 0;
  std::uint64_t end = 0;         // one byte beyond the highest address
  std::size_t first_uneven = 0;  // index of the first address that is no multiple of 64 bytes;
                                 // `requests` when there is none
};
TraceFacts facts_of(Trace trace);

class TraceFile {
 public:
  // Throws InputError naming the file: not there, no regular file, empty, a size that is not a
  // multiple of eight bytes, an address that is not a multiple of 64.
  explicit TraceFile(const std::string& path);
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  TraceFile(TraceFile&&) = delete;
  TraceFile& operator=(TraceFile&&) = delete;

  [[nodiscard]] Trace requests() const { return requests_; }
  [[nodiscard]] const TraceFacts& facts() const { return facts_; }

 private:
  void* mapped_ = nullptr;
  std::size_t bytes_ = 0;
  Trace requests_;
  TraceFacts facts_;
};

}  // namespace joulesim::hw

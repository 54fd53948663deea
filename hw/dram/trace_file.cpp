#include "hw/dram/trace_file.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace joulesim::hw {

static_assert(std::endian::native == std::endian::little, "traces are mapped as they are");
static_assert(sizeof(TraceRequest) == 8);

TraceFacts facts_of(Trace trace) {
  TraceFacts facts;
  facts.requests = trace.size();
  std::uint64_t uneven = 0;
  std::uint64_t highest = 0;
  std::size_t writes = 0;
  for (const TraceRequest request : trace) {
    uneven |= request.word() % kRequestBytes;
    highest = std::max(highest, request.address());
    writes += request.word() >> 63;
  }
  facts.writes = writes;
  facts.end = trace.empty() ? 0 : highest + kRequestBytes;
  facts.first_uneven = trace.size();
  if (uneven != 0) {
    const auto first = std::find_if(trace.begin(), trace.end(), [](TraceRequest request) {
      return request.word() % kRequestBytes != 0;
    });
    facts.first_uneven = static_cast<std::size_t>(first - trace.begin());
  }
  return facts;
}

TraceFile::TraceFile(const std::string& path) {
  const auto refuse = [&](const std::string& found, const char* expected) {
    Diagnostics fault;
    fault.error(path, fmt::format("found {}; expected {}", found, expected));
    throw InputError(std::move(fault));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    const int reason = errno;
    refuse(fmt::format("no trace that can be read ({})", std::strerror(reason)),
           "a file of little-endian 64-bit words");
  }
  struct stat about {};
  const bool known = ::fstat(file, &about) == 0;
  if (!known || !S_ISREG(about.st_mode) || about.st_size <= 0 || about.st_size % 8 != 0) {
    ::close(file);
    if (!known || !S_ISREG(about.st_mode)) {
      refuse("something that is no regular file", "a trace file");
    }
    refuse(about.st_size <= 0 ? std::string("an empty file") : fmt::format("{} B", about.st_size),
           "a multiple of 8 B: one little-endian 64-bit word a request");
  }
  bytes_ = static_cast<std::size_t>(about.st_size);
  mapped_ = ::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
  const int reason = errno;
  ::close(file);
  if (mapped_ == MAP_FAILED) {
    mapped_ = nullptr;
    refuse(fmt::format("a file that cannot be mapped ({})", std::strerror(reason)), "a trace file");
  }
  requests_ = {static_cast<const TraceRequest*>(mapped_), bytes_ / sizeof(TraceRequest)};
  facts_ = facts_of(requests_);
  if (facts_.first_uneven < facts_.requests) {
    const TraceRequest request = requests_[facts_.first_uneven];
    const std::string found =
        fmt::format("request {} (byte {}) at address 0x{:x}", facts_.first_uneven,
                    facts_.first_uneven * sizeof(TraceRequest), request.address());
    ::munmap(mapped_, bytes_);
    mapped_ = nullptr;
    refuse(found, "addresses that are multiples of 64 B, with bit 63 set for a write");
  }
}

TraceFile::~TraceFile() {
  if (mapped_ != nullptr) {
    ::munmap(mapped_, bytes_);
  }
}

}  // namespace joulesim::hw

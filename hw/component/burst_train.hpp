// A run of memory bursts as one TLM transaction: what compute units and DMA engines send to
// memories.
//
// Travels in the TLM-2.0 base protocol as an extension, non-blocking, in two phases: BEGIN_REQ
// forward, BEGIN_RESP backward when the last byte has moved. There is no data pointer: numbers live
// elsewhere.
//
// Models:      address pattern, direction, client, priority, at the granularity of tiles.
// Leaves out:  data, byte enables, exclusive access.
#pragma once

#include <tlm>

#include <cstdint>

namespace joulesim::hw {

struct BurstTrain : tlm::tlm_extension<BurstTrain> {
  // sequential: `count` chunks back to back. strided: chunk i starts at base + i * stride.
  // random: chunk i starts at base + (mix(i) mod stride), uniform over a span of `stride` bytes.
  enum class Kind : std::uint8_t { sequential, strided, random };

  Kind kind = Kind::sequential;
  bool write = false;
  std::uint8_t priority = 0;  // higher goes first; paced clients (a display) use 1
  std::uint16_t client = 0;   // index handed out by the memory when the client registers
  std::uint64_t base = 0;     // byte address within the memory
  std::uint64_t stride = 0;
  std::uint64_t chunk = 0;  // bytes per chunk
  std::uint64_t count = 0;  // chunks

  [[nodiscard]] std::uint64_t bytes() const { return chunk * count; }

  [[nodiscard]] tlm_extension_base* clone() const override { return new BurstTrain(*this); }
  void copy_from(const tlm_extension_base& other) override {
    *this = static_cast<const BurstTrain&>(other);
  }
};

}  // namespace joulesim::hw

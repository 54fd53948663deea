// A point-to-point link between chips or boxes: PCIe, NVLink, USB, a network port.
//
// Models:      lanes, line rate and line code (cross-checked in the part file), share of the rate
//              that packets leave to payload, latency, energy per payload byte, idle power; two
//              directions that do not disturb each other.
// Leaves out:  retries, credits, sharing of one direction by packet (transfers are served in
// order). Checked by:  tests/unit/platform_parts.cpp, tests/unit/platform_link.cpp.
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/ledger.hpp"
#include "sim/base/quantity.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace joulesim::hw {

struct LinkSpec {
  std::string name, title;
  Sourced<double> lanes;
  Sourced<Frequency> lane_rate;   // transfers per second and lane
  Sourced<Bytes> symbol;          // raw data per transfer and lane
  Sourced<double> coding;         // user share of the line code, such as 128/130
  Sourced<Bandwidth> bandwidth;   // one direction, before packet overhead
  Sourced<double> packet_share;   // payload share of a packet stream
  Sourced<Time> latency;          // first byte out to first byte in, with the ends' controllers
  Sourced<EnergyPerByte> energy;  // per payload byte, both ends
  Sourced<Power> idle;            // both ends, trained and silent

  static LinkSpec from(const ConfigNode& part);

  [[nodiscard]] Bandwidth payload_bandwidth() const;
  [[nodiscard]] Time transfer_time(Bytes payload) const;
  // Books traffic and idle power over [begin, end].
  void spend(Bytes payload, const std::string& component, Time begin, Time end,
             Ledger& ledger) const;
};

// Transfers in time: each direction serves one after the other.
class Link {
 public:
  enum class Direction : std::uint8_t { there, back };

  explicit Link(const LinkSpec& spec);

  // When the last byte is at the other end, in picoseconds.
  std::int64_t send(Direction direction, std::uint64_t bytes, std::int64_t arrival);

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::int64_t busy(Direction direction) const {
    return busy_[static_cast<std::size_t>(direction)];
  }

 private:
  double ps_per_byte_;
  std::int64_t latency_;
  std::array<std::int64_t, 2> free_{}, busy_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace joulesim::hw

// Reading a flash store in time: planes that sense, channels that carry pages, a link to the host.
//
// A read is split into commands (at most `queue_depth` in flight) and pages. Each page waits for
// its plane, is sensed for tR, waits for its channel, travels, waits for the link. Channels and the
// link keep a calendar of what is promised, so that a page that is ready early may use a gap before
// one that is ready late. Reads are served in order of arrival.
//
// Models:      plane, channel and link occupation, one or two page registers, partial pages by
//              codeword, reuse of a page still in its register, queue depth.
// Leaves out:  what FlashSpec leaves out; priorities between reads.
// Checked by:  tests/timing/platform_flash_gates.cpp, tests/oracle/platform_flash.cpp.
#pragma once

#include "hw/flash/flash.hpp"
#include "sim/base/ledger.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <vector>

namespace joulesim::hw {

using Picoseconds = std::int64_t;

// Promised use of something that serves one user at a time. First fit, no earlier than asked.
class Calendar {
 public:
  Picoseconds reserve(Picoseconds earliest, Picoseconds duration);  // when it begins
  void forget_before(Picoseconds time);  // nobody will ask for a time before this one
  [[nodiscard]] Picoseconds busy() const { return busy_; }

 private:
  struct Span {
    Picoseconds begin, end;
  };
  std::deque<Span> spans_;  // in order, never touching
  Picoseconds busy_ = 0;
};

struct FlashCounters {
  std::uint64_t commands = 0;
  std::uint64_t senses = 0;         // page reads of a plane
  std::uint64_t channel_bytes = 0;  // with spare
  std::uint64_t host_bytes = 0;
  Picoseconds active = 0;  // some command in flight

  FlashCounters operator-(const FlashCounters& earlier) const;
};

class FlashArray {
 public:
  explicit FlashArray(FlashSpec spec);

  // When the last byte is at the host. Arrivals must not go back in time.
  Picoseconds read(std::uint64_t address, std::uint64_t bytes, Picoseconds arrival);

  [[nodiscard]] const FlashCounters& counters() const { return counters_; }
  [[nodiscard]] const FlashSpec& spec() const { return spec_; }

  // Books the energy of what was counted, spread over [begin, end].
  void spend(const FlashCounters& counted, const std::string& component, Time begin, Time end,
             Ledger& ledger) const;

 private:
  struct Plane {
    std::uint64_t page = ~std::uint64_t{0};  // in the register
    Picoseconds sensed = 0;                  // when that page was there
    Picoseconds register_free = 0;           // when the next sense may begin
    Picoseconds output_free = 0;             // when the last page had left
  };
  Picoseconds command(std::uint64_t address, std::uint64_t bytes, Picoseconds arrival);
  Picoseconds page_out(std::uint64_t page, std::uint64_t offset, std::uint64_t bytes,
                       Picoseconds ready);

  FlashSpec spec_;
  std::uint64_t page_bytes_, codeword_bytes_, spare_per_codeword_, command_bytes_, pages_;
  Picoseconds tR_, command_time_, controller_;
  double ps_per_channel_byte_, ps_per_link_byte_;
  std::vector<Plane> planes_;
  std::vector<Calendar> channels_;
  Calendar link_;
  std::priority_queue<Picoseconds, std::vector<Picoseconds>, std::greater<>> in_flight_;
  Picoseconds last_arrival_ = 0, active_until_ = 0;
  FlashCounters counters_;
};

}  // namespace joulesim::hw

// Reading a flash store in time: planes that sense, channels that carry pages, a link to the host.
//
// A read is split into commands (at most `queue_depth` in flight) and pages. Each page waits for
// its plane (or its whole die), is sensed for tR, waits for its channel, travels, waits for the
// link. Whatever senses, channels and the link keep a calendar of what is promised, so that a page
// that is ready early may use a gap before one that is ready late. Reads are served in order of
// arrival. A command whose part of the translation table is not cached first reads a codeword of
// it.
//
// Models:      plane, channel and link occupation, multi-plane senses, one or two page registers,
//              partial pages by codeword, reuse of a page still in its register, queue depth,
//              the controller's command rate, misses of the translation table (LRU by codeword).
// Leaves out:  what FlashSpec leaves out; priorities between reads. With one register a sense that
//              finds no gap may begin up to a transfer early (3 % of a long read).
// Checked by:  tests/timing/platform_flash_gates.cpp, tests/oracle/platform_flash.cpp.
#pragma once

#include "hw/flash/flash.hpp"
#include "sim/base/ledger.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <queue>
#include <vector>

namespace joulesim::hw {

using Picoseconds = std::int64_t;

// Promised use of something that serves one user at a time. First fit, no earlier than asked.
class Calendar {
 public:
  // When it begins.
  Picoseconds reserve(Picoseconds earliest, Picoseconds duration);
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
  std::uint64_t senses = 0;         // page reads of a plane, those of the table included
  std::uint64_t map_reads = 0;      // codewords of the translation table read
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
    Picoseconds began = -1;                  // when its sense began
    Picoseconds sensed = 0;                  // when that page was there
    Picoseconds register_free = 0;           // when the next sense may begin
    Picoseconds output_free = 0;             // when the last page had left
  };
  struct Die {
    std::uint64_t row = ~std::uint64_t{0};  // being sensed, or sensed last
    Picoseconds began = -1;
  };
  Picoseconds command(std::uint64_t address, std::uint64_t bytes, Picoseconds arrival);
  // When the page's bytes have crossed the channel.
  Picoseconds page_out(std::uint64_t page, std::uint64_t offset, std::uint64_t bytes,
                       Picoseconds ready);
  Picoseconds sense(std::uint64_t page, Plane& plane, Picoseconds ready);
  Picoseconds translate(std::uint64_t address, std::uint64_t bytes, Picoseconds ready);
  bool map_cached(std::uint64_t chunk);  // and it is from now on

  FlashSpec spec_;
  std::uint64_t page_bytes_, codeword_bytes_, spare_per_codeword_, command_bytes_, pages_;
  std::vector<Picoseconds> tR_;  // by page type
  Picoseconds command_time_, controller_, interval_ = 0, next_command_ = 0;
  double ps_per_channel_byte_, ps_per_link_byte_;
  std::uint64_t map_reach_ = 0, map_chunks_ = 0;  // user bytes per codeword; codewords cached
  std::list<std::uint64_t> map_order_;            // oldest first
  std::map<std::uint64_t, std::list<std::uint64_t>::iterator> map_;
  std::vector<Plane> planes_;
  std::vector<Die> dies_;
  std::vector<Calendar> senses_;  // per plane, or per die
  std::vector<Calendar> channels_;
  Calendar link_;
  std::priority_queue<Picoseconds, std::vector<Picoseconds>, std::greater<>> in_flight_;
  Picoseconds last_arrival_ = 0, active_until_ = 0;
  FlashCounters counters_;
};

}  // namespace joulesim::hw

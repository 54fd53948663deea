// What a flash store is, as read from hw/flash/*.toml: organisation, timing, energy.
//
// Models:      channels of dies of planes, page and spare, sense time by cell type and page type,
//              planes that sense alone or only together, channel rate, controller latency and its
//              command rate, a translation table of which a part is cached, host link, queue depth;
//              energy per sense, per byte moved, per second.
// Leaves out:  program and erase (model weights are read), read retries, temperature, thermal
//              throttling, host memory used for the translation table.
// Checked by:  tests/unit/platform_parts.cpp (every part loads), tests/oracle/platform_flash.cpp
//              (closed form against the event-driven array, published device power),
//              tests/anchors/flash.cpp (a published simulator's rows, data sheets, measurements).
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"

#include <optional>
#include <string>
#include <vector>

namespace joulesim::hw {

// The table from logical to physical pages, when the controller holds only a part of it: a read
// outside of that part first reads a codeword of the table from the array.
struct FlashMap {
  Sourced<Bytes> entry;   // one entry
  Sourced<Bytes> maps;    // user bytes that an entry stands for
  Sourced<Bytes> cached;  // of the table, in the controller
};

struct FlashSpec {
  std::string name, title;

  // Organisation. Pages are striped over channels first, then dies, then planes.
  int bits_per_cell = 3;  // slc 1, mlc 2, tlc 3, qlc 4
  int channels = 0, dies_per_channel = 0, planes_per_die = 0;
  Sourced<Bytes> capacity;
  Sourced<Bytes> page, spare;  // user bytes of a page, and the check bytes that travel with them
  Sourced<Bytes> codeword;     // user bytes that are corrected, and therefore moved, together
  int page_registers = 0;      // 2: the next sense overlaps with the transfer (cache read)
  // Whether planes of a die sense different rows at the same time. Otherwise a die senses one row,
  // of all planes that are asked for it when the sense begins.
  bool independent_planes = true;
  std::optional<FlashMap> map;  // absent: the whole table is at hand

  // Timing.
  Sourced<Time> tR;  // sense: array to page register, mean over page types
  std::vector<Sourced<Time>>
      tR_of;              // by page type (lower, middle, upper, top); empty: all the same
  Sourced<Time> command;  // command and address cycles on the channel, per page
  Sourced<Frequency> transfer_rate;  // transfers per second on one channel
  Sourced<Bytes> channel_width;      // per transfer
  Sourced<Time> controller_latency;  // per command: queue, translation, error correction
  // Time that the controller spends on a command before it can begin the next: its command rate.
  std::optional<Sourced<Time>> command_interval;
  Sourced<Bandwidth> link;      // host link, payload: lanes * rate * encoding * efficiency
  Sourced<Bytes> command_size;  // the host splits longer reads into commands of this size
  int queue_depth = 0;          // commands in flight

  // Energy.
  Sourced<Energy> sense;               // one page of one plane
  Sourced<EnergyPerByte> channel_io;   // per byte on a channel, spare included
  Sourced<EnergyPerByte> link_energy;  // per user byte on the host link, both ends
  Sourced<Power> controller_active;    // while a command is in flight
  Sourced<Power> idle;                 // otherwise

  static FlashSpec from(const ConfigNode& part);

  [[nodiscard]] int dies() const { return channels * dies_per_channel; }
  [[nodiscard]] int planes() const { return dies() * planes_per_die; }
  // The time one page occupies its channel: command, user and spare bytes.
  [[nodiscard]] Time page_transfer() const;

  // Closed form of a long aligned read: the slowest of host link, channels, arrays and controller.
  //   arrays = planes * page / cycle, cycle = max(tR, transfer) with two registers, else their sum.
  [[nodiscard]] Bandwidth sequential_rate() const;
  [[nodiscard]] std::string sequential_limit() const;  // "link", "channels", "arrays", "commands"
  // Energy per user byte of a long read at that rate.
  [[nodiscard]] EnergyPerByte sequential_energy() const;

  // The same store with every rate at that end of its range.
  [[nodiscard]] FlashSpec at_corner(bool fastest) const;
};

}  // namespace joulesim::hw

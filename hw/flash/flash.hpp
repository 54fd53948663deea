// What a flash store is, as read from hw/flash/*.toml: organisation, timing, energy.
//
// Models:      channels of dies of planes, page and spare, sense time, channel rate, controller
//              latency, host link, queue depth; energy per sense, per byte moved, per second.
// Leaves out:  program and erase (model weights are read), translation-table misses, read retries,
//              temperature, thermal throttling.
// Checked by:  tests/unit/platform_parts.cpp (every part loads), tests/oracle/platform_flash.cpp
//              (closed form against the event-driven array, published device power).
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"

#include <string>

namespace joulesim::hw {

struct FlashSpec {
  std::string name, title;

  // Organisation. Pages are striped over channels first, then dies, then planes.
  int channels = 0, dies_per_channel = 0, planes_per_die = 0;
  Sourced<Bytes> capacity;
  Sourced<Bytes> page, spare;  // user bytes of a page, and the check bytes that travel with them
  Sourced<Bytes> codeword;     // user bytes that are corrected, and therefore moved, together
  int page_registers = 0;      // 2: the next sense overlaps with the transfer (cache read)

  // Timing.
  Sourced<Time> tR;                  // sense: array to page register
  Sourced<Time> command;             // command and address cycles on the channel, per page
  Sourced<Frequency> transfer_rate;  // transfers per second on one channel
  Sourced<Bytes> channel_width;      // per transfer
  Sourced<Time> controller_latency;  // per command: queue, translation, error correction
  Sourced<Bandwidth> link;           // host link, payload
  Sourced<Bytes> command_size;       // the host splits longer reads into commands of this size
  int queue_depth = 0;               // commands in flight

  // Energy.
  Sourced<Energy> sense;               // one page of one plane
  Sourced<EnergyPerByte> channel_io;   // per byte on a channel, spare included
  Sourced<EnergyPerByte> link_energy;  // per user byte on the host link, both ends
  Sourced<Power> controller_active;    // while a command is in flight
  Sourced<Power> idle;                 // otherwise

  static FlashSpec from(const ConfigNode& part);

  [[nodiscard]] int planes() const { return channels * dies_per_channel * planes_per_die; }
  // The time one page occupies its channel: command, user and spare bytes.
  [[nodiscard]] Time page_transfer() const;

  // Closed form of a long aligned read: the slowest of host link, channels and arrays.
  //   arrays = planes * page / cycle, cycle = max(tR, transfer) with two registers, else their sum.
  [[nodiscard]] Bandwidth sequential_rate() const;
  [[nodiscard]] std::string sequential_limit() const;  // "link", "channels" or "arrays"
  // Energy per user byte of a long read at that rate.
  [[nodiscard]] EnergyPerByte sequential_energy() const;
};

}  // namespace joulesim::hw

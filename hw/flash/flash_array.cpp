#include "hw/flash/flash_array.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace joulesim::hw {
namespace {

std::uint64_t whole_bytes(Bytes size) {
  return static_cast<std::uint64_t>(std::llround(size.si()));
}
Picoseconds whole_ps(Time time) { return std::llround(time.si() * 1e12); }

}  // namespace

Picoseconds Calendar::reserve(Picoseconds earliest, Picoseconds duration) {
  busy_ += duration;
  // The first span that ends after `earliest`; nearly always the last one or none.
  auto next = std::partition_point(spans_.begin(), spans_.end(),
                                   [&](const Span& span) { return span.end < earliest; });
  Picoseconds begin = earliest;
  while (next != spans_.end() && next->begin - begin < duration) {
    begin = std::max(begin, next->end);
    ++next;
  }
  const Picoseconds end = begin + duration;
  const bool joins_next = next != spans_.end() && next->begin == end;
  const bool joins_previous = next != spans_.begin() && std::prev(next)->end == begin;
  if (joins_previous && joins_next) {
    std::prev(next)->end = next->end;
    spans_.erase(next);
  } else if (joins_previous) {
    std::prev(next)->end = end;
  } else if (joins_next) {
    next->begin = begin;
  } else {
    spans_.insert(next, Span{begin, end});
  }
  return begin;
}

void Calendar::forget_before(Picoseconds time) {
  while (!spans_.empty() && spans_.front().end < time) {
    spans_.pop_front();
  }
}

FlashCounters FlashCounters::operator-(const FlashCounters& earlier) const {
  return {commands - earlier.commands, senses - earlier.senses,
          channel_bytes - earlier.channel_bytes, host_bytes - earlier.host_bytes,
          active - earlier.active};
}

FlashArray::FlashArray(FlashSpec spec)
    : spec_(std::move(spec)),
      page_bytes_(whole_bytes(spec_.page.value)),
      codeword_bytes_(whole_bytes(spec_.codeword.value)),
      spare_per_codeword_(
          whole_bytes(spec_.spare.value * (spec_.codeword.value / spec_.page.value))),
      command_bytes_(whole_bytes(spec_.command_size.value)),
      pages_(std::max<std::uint64_t>(1, whole_bytes(spec_.capacity.value) / page_bytes_)),
      tR_(whole_ps(spec_.tR.value)),
      command_time_(whole_ps(spec_.command.value)),
      controller_(whole_ps(spec_.controller_latency.value)),
      ps_per_channel_byte_(1e12 / (spec_.transfer_rate.value * spec_.channel_width.value).si()),
      ps_per_link_byte_(1e12 / spec_.link.value.si()),
      planes_(static_cast<std::size_t>(spec_.planes())),
      channels_(static_cast<std::size_t>(spec_.channels)) {}

Picoseconds FlashArray::read(std::uint64_t address, std::uint64_t bytes, Picoseconds arrival) {
  if (arrival < last_arrival_) {
    throw std::logic_error("FlashArray::read: arrivals must not go back in time");
  }
  last_arrival_ = arrival;
  Picoseconds done = arrival;
  while (bytes > 0) {
    const std::uint64_t size = std::min(bytes, command_bytes_ - address % command_bytes_);
    done = std::max(done, command(address, size, arrival));
    address += size;
    bytes -= size;
  }
  return done;
}

Picoseconds FlashArray::command(std::uint64_t address, std::uint64_t bytes, Picoseconds arrival) {
  Picoseconds start = arrival;
  while (!in_flight_.empty() && in_flight_.top() <= arrival) {
    in_flight_.pop();
  }
  if (in_flight_.size() >= static_cast<std::size_t>(spec_.queue_depth)) {
    start = in_flight_.top();
    in_flight_.pop();
  }
  const Picoseconds ready = start + controller_;
  for (Calendar& channel : channels_) {
    channel.forget_before(ready);
  }
  link_.forget_before(ready);

  Picoseconds done = ready;
  const std::uint64_t end = address + bytes;
  while (address < end) {
    const std::uint64_t offset = address % page_bytes_;
    const std::uint64_t size = std::min(end - address, page_bytes_ - offset);
    done = std::max(done, page_out(address / page_bytes_ % pages_, offset, size, ready));
    address += size;
  }
  in_flight_.push(done);
  ++counters_.commands;
  counters_.host_bytes += bytes;
  counters_.active += std::max<Picoseconds>(0, done - std::max(start, active_until_));
  active_until_ = std::max(active_until_, done);
  return done;
}

Picoseconds FlashArray::page_out(std::uint64_t page, std::uint64_t offset, std::uint64_t bytes,
                                 Picoseconds ready) {
  const std::size_t channel = page % channels_.size();
  Plane& plane = planes_[page % planes_.size()];
  Picoseconds out;  // from when on the page can leave its plane
  if (plane.page == page) {
    out = std::max(ready, plane.sensed);
  } else {
    const Picoseconds sensed = std::max(ready, plane.register_free) + tR_;
    // With a second register the page moves there as soon as the previous page has left it.
    out = std::max(sensed, plane.output_free);
    plane.page = page;
    plane.sensed = out;
    ++counters_.senses;
  }
  const std::uint64_t first = offset / codeword_bytes_;
  const std::uint64_t words = (offset + bytes - 1) / codeword_bytes_ - first + 1;
  const std::uint64_t moved = words * (codeword_bytes_ + spare_per_codeword_);
  const Picoseconds transfer =
      command_time_ + std::llround(static_cast<double>(moved) * ps_per_channel_byte_);
  const Picoseconds arrived = channels_[channel].reserve(out, transfer) + transfer;
  plane.output_free = std::max(plane.output_free, arrived);
  plane.register_free = spec_.page_registers >= 2 ? out : plane.output_free;
  counters_.channel_bytes += moved;

  const Picoseconds on_link = std::llround(static_cast<double>(bytes) * ps_per_link_byte_);
  return link_.reserve(arrived, on_link) + on_link;
}

void FlashArray::spend(const FlashCounters& counted, const std::string& component, Time begin,
                       Time end, Ledger& ledger) const {
  const Time active = min(Time(static_cast<double>(counted.active) * 1e-12), end - begin);
  ledger.spend(component, "page sense", Spent::movement,
               spec_.sense.value * static_cast<double>(counted.senses), begin, end);
  ledger.spend(component, "channel transfer", Spent::movement,
               spec_.channel_io.value * Bytes(static_cast<double>(counted.channel_bytes)), begin,
               end);
  ledger.spend(component, "host link", Spent::movement,
               spec_.link_energy.value * Bytes(static_cast<double>(counted.host_bytes)), begin,
               end);
  ledger.spend(component, "controller", Spent::control, spec_.controller_active.value * active,
               begin, end);
  ledger.spend(component, "idle", Spent::standing, spec_.idle.value * (end - begin - active), begin,
               end);
}

}  // namespace joulesim::hw

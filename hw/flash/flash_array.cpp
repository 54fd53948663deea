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
  return {commands - earlier.commands,     senses - earlier.senses,
          map_reads - earlier.map_reads,   channel_bytes - earlier.channel_bytes,
          host_bytes - earlier.host_bytes, active - earlier.active};
}

FlashArray::FlashArray(FlashSpec spec)
    : spec_(std::move(spec)),
      page_bytes_(whole_bytes(spec_.page.value)),
      codeword_bytes_(whole_bytes(spec_.codeword.value)),
      spare_per_codeword_(
          whole_bytes(spec_.spare.value * (spec_.codeword.value / spec_.page.value))),
      command_bytes_(whole_bytes(spec_.command_size.value)),
      pages_(std::max<std::uint64_t>(1, whole_bytes(spec_.capacity.value) / page_bytes_)),
      command_time_(whole_ps(spec_.command.value)),
      controller_(whole_ps(spec_.controller_latency.value)),
      ps_per_channel_byte_(1e12 / (spec_.transfer_rate.value * spec_.channel_width.value).si()),
      ps_per_link_byte_(1e12 / spec_.link.value.si()),
      planes_(static_cast<std::size_t>(spec_.planes())),
      dies_(static_cast<std::size_t>(spec_.dies())),
      senses_(spec_.independent_planes ? planes_.size() : dies_.size()),
      channels_(static_cast<std::size_t>(spec_.channels)) {
  if (spec_.tR_of.empty()) {
    tR_.push_back(whole_ps(spec_.tR.value));
  }
  for (const Sourced<Time>& type : spec_.tR_of) {
    tR_.push_back(whole_ps(type.value));
  }
  if (spec_.command_interval) {
    interval_ = whole_ps(spec_.command_interval->value);
  }
  if (spec_.map) {
    const double entries = std::floor(spec_.codeword.value / spec_.map->entry.value);
    map_reach_ = whole_bytes(entries * spec_.map->maps.value);
    map_chunks_ = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(spec_.map->cached.value / spec_.codeword.value));
  }
}

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
  start = std::max(start, next_command_);
  next_command_ = start + interval_;
  const Picoseconds looked_up = start + controller_;
  for (Calendar& channel : channels_) {
    channel.forget_before(looked_up);
  }
  link_.forget_before(looked_up);
  const Picoseconds ready = translate(address, bytes, looked_up);

  Picoseconds done = ready;
  const std::uint64_t end = address + bytes;
  while (address < end) {
    const std::uint64_t offset = address % page_bytes_;
    const std::uint64_t size = std::min(end - address, page_bytes_ - offset);
    const Picoseconds arrived = page_out(address / page_bytes_ % pages_, offset, size, ready);
    const Picoseconds on_link = std::llround(static_cast<double>(size) * ps_per_link_byte_);
    done = std::max(done, link_.reserve(arrived, on_link) + on_link);
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
    // With a second register the page moves there as soon as the previous page has left it.
    out = std::max(sense(page, plane, ready), plane.output_free);
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
  return arrived;
}

Picoseconds FlashArray::sense(std::uint64_t page, Plane& plane, Picoseconds ready) {
  const std::uint64_t row = page / planes_.size();
  const Picoseconds tR = tR_[row % tR_.size()];
  // Unless it is over before the one that was begun last, a sense needs the register.
  const bool before = plane.began >= 0 && ready + tR <= plane.began;
  const Picoseconds earliest = before ? ready : std::max(ready, plane.register_free);
  const std::size_t die = page % dies_.size();
  if (spec_.independent_planes) {
    Calendar& calendar = senses_[page % planes_.size()];
    calendar.forget_before(last_arrival_);
    plane.began = calendar.reserve(earliest, tR);
    return plane.began + tR;
  }
  Die& own = dies_[die];
  if (own.row == row && own.began >= earliest) {
    plane.began = own.began;  // joins the other planes
    return own.began + tR;
  }
  senses_[die].forget_before(last_arrival_);
  own.row = row;
  own.began = senses_[die].reserve(earliest, tR);
  plane.began = own.began;
  return own.began + tR;
}

Picoseconds FlashArray::translate(std::uint64_t address, std::uint64_t bytes, Picoseconds ready) {
  if (map_reach_ == 0) {
    return ready;
  }
  Picoseconds known = ready;
  for (std::uint64_t chunk = address / map_reach_; chunk * map_reach_ < address + bytes; ++chunk) {
    if (map_cached(chunk)) {
      continue;
    }
    // The table lies behind the data, a codeword of it in each page's place.
    known = std::max(known, page_out(pages_ + chunk, 0, codeword_bytes_, ready));
    ++counters_.map_reads;
  }
  return known;
}

bool FlashArray::map_cached(std::uint64_t chunk) {
  if (const auto found = map_.find(chunk); found != map_.end()) {
    map_order_.splice(map_order_.end(), map_order_, found->second);
    return true;
  }
  map_[chunk] = map_order_.insert(map_order_.end(), chunk);
  if (map_order_.size() > map_chunks_) {
    map_.erase(map_order_.front());
    map_order_.pop_front();
  }
  return false;
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

#include "hw/flash/file_reader.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace joulesim::hw {
namespace {

std::uint64_t whole_bytes(Bytes size) {
  return static_cast<std::uint64_t>(std::llround(size.si()));
}
Picoseconds whole_ps(Time time) { return std::llround(time.si() * 1e12); }
std::uint64_t pieces_of(std::uint64_t bytes, std::uint64_t size) {
  return (bytes + size - 1) / size;
}

// Neighbours become one stretch.
std::vector<FileRange> joined(std::vector<FileRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const FileRange& a, const FileRange& b) { return a.begin < b.begin; });
  std::vector<FileRange> result;
  for (const FileRange& range : ranges) {
    if (!result.empty() && result.back().end == range.begin) {
      result.back().end = range.end;
    } else {
      result.push_back(range);
    }
  }
  return result;
}

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: the finalizer.
std::uint64_t mix(std::uint64_t i) {
  std::uint64_t z = i + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

FileRange scattered_chunk(std::uint64_t base, std::uint64_t stride, std::uint64_t chunk,
                          std::uint64_t i) {
  const std::uint64_t slots =
      std::max<std::uint64_t>(1, stride / std::max<std::uint64_t>(1, chunk));
  const std::uint64_t begin = base + i * stride + mix(base + i * stride) % slots * chunk;
  return {begin, begin + chunk};
}

FileCounters FileCounters::operator-(const FileCounters& earlier) const {
  return {calls - earlier.calls,     faults - earlier.faults, commands - earlier.commands,
          fetched - earlier.fetched, copied - earlier.copied, processor - earlier.processor};
}

FileReader::FileReader(const StorageSystemSpec& spec, FilePath path, int threads, FlashArray& array,
                       std::uint64_t file_end, Missing missing)
    : spec_(spec),
      path_(path),
      array_(array),
      file_end_(file_end),
      missing_(std::move(missing)),
      page_(whole_bytes(spec.page.value)),
      command_size_(whole_bytes(spec.command_size.value)),
      read_window_(whole_bytes(spec.read_window.value)),
      fault_maps_(whole_bytes(spec.fault_maps.value)),
      fault_reads_(whole_bytes(spec.fault_reads.value)),
      call_(whole_ps(spec.call.value)),
      command_(whole_ps(spec.command.value)),
      take_in_(whole_ps(spec.take_in.value)),
      fault_(whole_ps(spec.fault.value)),
      ps_per_copied_byte_(1e12 / spec.copy.value.si()),
      threads_(static_cast<std::size_t>(std::max(1, threads))) {
  if (path != FilePath::direct && !missing_) {
    throw std::logic_error("FileReader: this path goes through a page cache");
  }
}

void FileReader::submit(std::uint64_t ticket, FileRange range, Picoseconds now) {
  if (now < now_) {
    throw std::logic_error("FileReader: times must not go back");
  }
  // A mapped range is touched by one thread from end to end; calls are for one window each.
  const std::uint64_t size = path_ == FilePath::mmap   ? std::max<std::uint64_t>(1, range.bytes())
                             : path_ == FilePath::read ? read_window_
                                                       : command_size_;
  std::uint64_t count = 0;
  for (std::uint64_t at = range.begin; at < range.end; at += size) {
    pieces_.push_back({ticket, {at, std::min(range.end, at + size)}});
    ++count;
  }
  if (count == 0) {
    done_.push_back({ticket, now});
    return;
  }
  open_.emplace_back(ticket, count);
  for (std::size_t thread = 0; thread < threads_.size() && count > 0; ++thread) {
    if (threads_[thread].stage == Stage::idle) {
      threads_[thread].stage = Stage::begun;  // so that it is woken once
      wake(thread, now);
      --count;
    }
  }
}

std::optional<Picoseconds> FileReader::next() const {
  if (!done_.empty()) {
    return done_.front().at;
  }
  return events_.empty() ? std::nullopt : std::optional(events_.top().at);
}

std::vector<FileReader::Done> FileReader::run(Picoseconds now) {
  while (!events_.empty() && events_.top().at <= now) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    work(event.thread, event.at);
  }
  now_ = std::max(now_, now);
  return std::exchange(done_, {});
}

Picoseconds FileReader::finish() {
  Picoseconds last = now_;
  while (const auto at = next()) {
    for (const Done& done : run(*at)) {
      last = std::max(last, done.at);
    }
  }
  return last;
}

void FileReader::wake(std::size_t thread, Picoseconds at) { events_.push({at, order_++, thread}); }

Picoseconds FileReader::spend(Picoseconds time) {
  counters_.processor += time;
  return time;
}

void FileReader::work(std::size_t thread, Picoseconds now) {
  std::erase_if(windows_, [&](const Window& window) { return window.done <= now; });
  switch (threads_[thread].stage) {
    case Stage::idle:
      break;
    case Stage::begun:
      begin(thread, now);
      break;
    case Stage::fetching:
      fetch_piece(thread, now);
      break;
    case Stage::using_it:
      use_piece(thread, now);
      break;
  }
}

// Takes a piece and enters the kernel for it.
void FileReader::begin(std::size_t index, Picoseconds now) {
  Thread& thread = threads_[index];
  if (pieces_.empty()) {
    thread.stage = Stage::idle;
    return;
  }
  thread.piece = pieces_.front();
  pieces_.pop_front();
  thread.cursor = thread.piece.range.begin;
  thread.stage = Stage::fetching;
  if (path_ == FilePath::mmap) {
    fetch_piece(index, now);
    return;
  }
  ++counters_.calls;
  // The command is on its way once the processor has written it.
  const Picoseconds commands =
      path_ == FilePath::direct
          ? static_cast<Picoseconds>(pieces_of(thread.piece.range.bytes(), command_size_)) *
                command_
          : 0;
  wake(index, now + spend(call_ + commands));
}

void FileReader::fetch_piece(std::size_t index, Picoseconds now) {
  Thread& thread = threads_[index];
  thread.stage = Stage::using_it;
  const FileRange range = thread.piece.range;
  if (path_ == FilePath::direct) {
    counters_.commands += pieces_of(range.bytes(), command_size_);
    counters_.fetched += range.bytes();
    asked_ = std::max(asked_, now);
    wake(index, array_.read(range.begin, range.bytes(), asked_));
    return;
  }
  if (path_ == FilePath::read) {
    const Picoseconds asking = fetch(range, now);
    wake(index, std::max(now + asking, available(range, now)));
    return;
  }
  // mmap: the fault at the cursor, with the window around or ahead of it.
  ++counters_.faults;
  thread.chunk_end = std::min(range.end, (thread.cursor / fault_maps_ + 1) * fault_maps_);
  const FileRange touched{thread.cursor, thread.chunk_end};
  Picoseconds time = spend(fault_);
  std::vector<FileRange> lacking = missing_(whole_pages(touched));
  if (!lacking.empty()) {
    const std::uint64_t hole = lacking.front().begin;
    const std::uint64_t from = spec_.reads_ahead ? hole : hole / fault_reads_ * fault_reads_;
    const std::uint64_t window_end = std::min(file_end_, from + fault_reads_);
    const std::vector<FileRange> around = missing_(whole_pages({from, window_end}));
    lacking.insert(lacking.end(), around.begin(), around.end());
    for (const FileRange& stretch : joined(std::move(lacking))) {
      time += ask(stretch, now + time);
    }
    trigger_ = thread.cursor;
    ahead_end_ = std::max(window_end, thread.chunk_end);
  }
  wake(index, std::max(now + time, available(touched, now)));
}

Picoseconds FileReader::ask(FileRange range, Picoseconds now) {
  Picoseconds time = 0;
  for (std::uint64_t at = range.begin; at < range.end; at += command_size_) {
    const std::uint64_t size = std::min(command_size_, range.end - at);
    time += spend(command_ + static_cast<Picoseconds>(pieces_of(size, page_)) * take_in_);
    ++counters_.commands;
    counters_.fetched += size;
    asked_ = std::max(asked_, now + time);
    windows_.push_back({{at, at + size}, array_.read(at, size, asked_)});
  }
  return time;
}

Picoseconds FileReader::fetch(FileRange range, Picoseconds now) {
  Picoseconds time = 0;
  for (const FileRange& hole : missing_(whole_pages(range))) {
    time += ask(hole, now + time);
  }
  return time;
}

void FileReader::use_piece(std::size_t index, Picoseconds now) {
  Thread& thread = threads_[index];
  const FileRange range = thread.piece.range;
  if (path_ == FilePath::direct) {
    complete(index, now);
    return;
  }
  if (path_ == FilePath::read) {
    if (thread.cursor == range.end) {
      complete(index, now);
      return;
    }
    // Read ahead while this piece is copied.
    const FileRange ahead{range.end, std::min(file_end_, range.end + read_window_)};
    const Picoseconds asking = ahead.begin < ahead.end ? fetch(ahead, now) : 0;
    counters_.copied += range.bytes();
    const Picoseconds copying =
        spend(std::llround(static_cast<double>(range.bytes()) * ps_per_copied_byte_));
    thread.cursor = range.end;
    wake(index, now + asking + copying);
    return;
  }
  // mmap: the chunk is mapped; its use asks for the next window.
  Picoseconds time = 0;
  if (spec_.reads_ahead && trigger_ <= thread.cursor && thread.cursor < ahead_end_ &&
      ahead_end_ < file_end_) {
    const FileRange ahead{ahead_end_, std::min(file_end_, ahead_end_ + fault_reads_)};
    time = fetch(ahead, now);
    trigger_ = ahead.begin;
    ahead_end_ = ahead.end;
  }
  thread.cursor = thread.chunk_end;
  if (thread.cursor >= range.end) {
    complete(index, now + time);
    return;
  }
  thread.stage = Stage::fetching;
  wake(index, now + time);
}

void FileReader::complete(std::size_t index, Picoseconds now) {
  const std::uint64_t ticket = threads_[index].piece.ticket;
  const auto open = std::find_if(open_.begin(), open_.end(),
                                 [&](const auto& entry) { return entry.first == ticket; });
  if (--open->second == 0) {
    open_.erase(open);
    done_.push_back({ticket, now});
  }
  threads_[index].stage = Stage::begun;
  wake(index, now);
}

Picoseconds FileReader::available(FileRange range, Picoseconds now) const {
  Picoseconds there = now;
  for (const Window& window : windows_) {
    if (window.range.begin < range.end && range.begin < window.range.end) {
      there = std::max(there, window.done);
    }
  }
  return there;
}

FileRange FileReader::whole_pages(FileRange range) const {
  return {range.begin / page_ * page_, (range.end + page_ - 1) / page_ * page_};
}

}  // namespace joulesim::hw

// The operating system's paths in time: each cost where it belongs, nothing read twice, nothing
// read beyond the file.
#include "hw/flash/file_reader.hpp"

#include "hw/sram/residency_cache.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <memory>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * 1024;

constexpr Picoseconds us(double microseconds) {
  return static_cast<Picoseconds>(microseconds * 1e6);
}

// One plane in all: sense 50 us; 16 KiB in 16 us; link 16.384 GB/s = 1 us.
FlashSpec store() {
  FlashSpec spec;
  spec.channels = 4;
  spec.dies_per_channel = 1;
  spec.planes_per_die = 1;
  spec.capacity.value = Bytes(1e9);
  spec.page.value = Bytes(16384);
  spec.spare.value = Bytes(0);
  spec.codeword.value = Bytes(4096);
  spec.page_registers = 2;
  spec.tR.value = Time(50e-6);
  spec.command.value = Time(0);
  spec.transfer_rate.value = Frequency(1.024e9);
  spec.channel_width.value = Bytes(1);
  spec.controller_latency.value = Time(10e-6);
  spec.link.value = Bandwidth(16.384e9);
  spec.command_size.value = Bytes(1 << 20);
  spec.queue_depth = 64;
  return spec;
}

StorageSystemSpec system_of() {
  StorageSystemSpec spec;
  spec.page.value = Bytes(4096);
  spec.command_size.value = Bytes(256.0 * 1024);
  spec.call.value = Time(1e-6);
  spec.command.value = Time(2e-6);
  spec.take_in.value = Time(0.1e-6);
  spec.copy.value = Bandwidth(16.384e9);  // 16 KiB in 1 us
  spec.fault.value = Time(0.5e-6);
  spec.fault_maps.value = Bytes(16.0 * 1024);
  spec.fault_reads.value = Bytes(64.0 * 1024);
  spec.read_window.value = Bytes(256.0 * 1024);
  spec.two_lists = false;
  return spec;
}

// A reader with its store and its page cache.
struct Setup {
  FlashArray array;
  ResidencyCache pages;
  FileReader reader;

  Setup(const StorageSystemSpec& system, FilePath path, int threads, std::uint64_t file,
        Bytes cache = Bytes(1e9), const FlashSpec& flash = store())
      : array(flash),
        pages(cache, system.page.value),
        reader(system, path, threads, array, file, [this](const FileRange& range) {
          std::vector<FileRange> missing;
          for (const ByteRange& hole : pages.access(range.begin, range.bytes(), false).fetch) {
            missing.push_back({hole.begin, hole.end});
          }
          return missing;
        }) {}

  Picoseconds read(std::uint64_t begin, std::uint64_t end, Picoseconds at = 0) {
    reader.submit(1, {begin, end}, at);
    return reader.finish();
  }
};

}  // namespace

TEST_CASE("a direct read costs a call, a command and what the store takes") {
  Setup one(system_of(), FilePath::direct, 1, kMiB);
  CHECK(one.read(0, 16 * kKiB) == us(1 + 2 + 10 + 50 + 16 + 1));
  CHECK(one.reader.counters().calls == 1);
  CHECK(one.reader.counters().commands == 1);
  CHECK(one.reader.counters().fetched == 16 * kKiB);
  CHECK(one.reader.counters().copied == 0);
  CHECK(one.reader.counters().processor == us(3));
}

TEST_CASE("threads that read directly overlap, one thread does not") {
  const FlashSpec flash = store();
  const double one =
      static_cast<double>(Setup(system_of(), FilePath::direct, 1, 64 * kMiB).read(0, 64 * kMiB));
  const double four =
      static_cast<double>(Setup(system_of(), FilePath::direct, 4, 64 * kMiB).read(0, 64 * kMiB));
  const double best = 64.0 * static_cast<double>(kMiB) / flash.sequential_rate().si() * 1e12;
  CHECK(four < 0.9 * one);
  CHECK(four == Approx(best).epsilon(0.03));
}

TEST_CASE("a read call copies every byte, and fetches only what the page cache lacks") {
  Setup setup(system_of(), FilePath::read, 1, 256 * kKiB);
  const Picoseconds cold = setup.read(0, 256 * kKiB);
  CHECK(setup.reader.counters().fetched == 256 * kKiB);
  CHECK(setup.reader.counters().copied == 256 * kKiB);
  const FileCounters before = setup.reader.counters();
  const Picoseconds warm = setup.read(0, 256 * kKiB, cold) - cold;
  CHECK(warm == us(1 + 16));  // call and copy
  CHECK((setup.reader.counters() - before).fetched == 0);
  // Cold: call, one command that takes in 64 pages, the store (four pages of each plane), copy.
  Setup bare(system_of(), FilePath::direct, 1, 256 * kKiB);
  const Picoseconds direct = bare.read(0, 256 * kKiB) - us(1 + 2);
  CHECK(cold == us(1 + 2 + 6.4) + direct + us(16));
}

TEST_CASE("reading ahead overlaps the store with the copy") {
  const std::uint64_t bytes = 32 * kMiB;
  StorageSystemSpec slow_copy = system_of();
  slow_copy.copy.value = Bandwidth(0.5e9);  // slower than the store
  Setup setup(slow_copy, FilePath::read, 1, bytes);
  const double time = static_cast<double>(setup.read(0, bytes)) * 1e-12;
  const double copying = static_cast<double>(bytes) / 0.5e9;
  const double calls = static_cast<double>(bytes / (256 * kKiB)) * (1e-6 + 2e-6 + 6.4e-6);
  CHECK(time == Approx(copying + calls).epsilon(0.01));
  CHECK(setup.reader.counters().fetched == bytes);
}

TEST_CASE("read around: each window is one command that is waited for, each chunk one fault") {
  StorageSystemSpec around = system_of();
  around.reads_ahead = false;
  Setup setup(around, FilePath::mmap, 1, kMiB);
  const Picoseconds time = setup.read(0, kMiB);
  // 16 windows of 64 KiB: fault, command with 16 pages, one page of each of four planes; the other
  // three chunks of the window are there already.
  const Picoseconds window = us(0.5 + 2 + 1.6 + 10 + 50 + 16 + 4) + 3 * us(0.5);
  CHECK(setup.reader.counters().commands == 16);
  CHECK(setup.reader.counters().faults == 64);
  // The link passes the four pages one after the other: up to 4 us after the last transfer.
  CHECK(static_cast<double>(time) == Approx(static_cast<double>(16 * window)).epsilon(0.03));
}

TEST_CASE("read ahead: the next window comes while one is used, and nothing twice") {
  const std::uint64_t bytes = 16 * kMiB;
  StorageSystemSpec around = system_of();
  around.reads_ahead = false;
  Setup waiting(around, FilePath::mmap, 1, bytes);
  Setup ahead(system_of(), FilePath::mmap, 1, bytes);
  const Picoseconds one = waiting.read(0, bytes);
  const Picoseconds two = ahead.read(0, bytes);
  CHECK(two < one);
  CHECK(two > one / 2);  // two windows under way at most
  CHECK(ahead.reader.counters().fetched == bytes);
  CHECK(ahead.reader.counters().commands == bytes / (64 * kKiB));
  CHECK(ahead.array.counters().host_bytes == bytes);
  // A wider window helps further.
  StorageSystemSpec wide = system_of();
  wide.fault_reads.value = Bytes(512.0 * 1024);
  Setup wider(wide, FilePath::mmap, 1, bytes);
  CHECK(wider.read(0, bytes) < two * 2 / 3);
}

TEST_CASE("nothing is read beyond the end of the file") {
  const std::uint64_t bytes = 3 * kMiB + 4096;
  for (const FilePath path : {FilePath::read, FilePath::mmap}) {
    Setup setup(system_of(), path, 1, bytes);
    setup.read(0, bytes);
    CHECK(setup.reader.counters().fetched == bytes);
  }
}

TEST_CASE("a page cache that is too small for a file read round and round keeps nothing of it") {
  for (const auto& [cache, second] :
       {std::pair(8 * kMiB, std::uint64_t{0}), std::pair(2 * kMiB, 4 * kMiB)}) {
    Setup setup(system_of(), FilePath::mmap, 1, 4 * kMiB, Bytes(static_cast<double>(cache)));
    const Picoseconds first = setup.read(0, 4 * kMiB);
    const FileCounters before = setup.reader.counters();
    const Picoseconds again = setup.read(0, 4 * kMiB, first) - first;
    CHECK((setup.reader.counters() - before).fetched == second);
    if (second == 0) {
      CHECK(again == 256 * us(0.5));  // faults alone
    }
  }
}

TEST_CASE("steps of any size lead to the same times") {
  for (const FilePath path : {FilePath::direct, FilePath::read, FilePath::mmap}) {
    Setup whole(system_of(), path, 3, 8 * kMiB);
    Setup steps(system_of(), path, 3, 8 * kMiB);
    std::map<std::uint64_t, Picoseconds> expected;
    std::map<std::uint64_t, Picoseconds> found;
    for (Setup* setup : {&whole, &steps}) {
      for (std::uint64_t i = 0; i < 8; ++i) {
        setup->reader.submit(i, {i * kMiB, (i + 1) * kMiB}, 0);
      }
    }
    while (const auto next = whole.reader.next()) {
      for (const auto& done : whole.reader.run(*next)) {
        expected[done.ticket] = done.at;
      }
    }
    for (Picoseconds now = 0; steps.reader.next(); now += us(700)) {
      for (const auto& done : steps.reader.run(now)) {
        found[done.ticket] = done.at;
      }
    }
    CHECK(expected.size() == 8);
    CHECK(found == expected);
  }
}

TEST_CASE("scattered chunks lie in their strides, on whole places, and not in a pattern") {
  std::map<std::uint64_t, int> planes;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    const FileRange chunk = scattered_chunk(1 << 20, 40 * 16384, 16384, i);
    CHECK(chunk.begin >= (1U << 20U) + i * 40 * 16384);
    CHECK(chunk.end <= (1U << 20U) + (i + 1) * 40 * 16384);
    CHECK((chunk.begin - (1U << 20U)) % 16384 == 0);
    ++planes[chunk.begin / 16384 % 32];
  }
  for (const auto& [plane, count] : planes) {
    CHECK(count > 80);  // of 128 on average
    CHECK(count < 180);
  }
}

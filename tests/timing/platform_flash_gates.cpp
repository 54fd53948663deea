#include "hw/flash/flash_array.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

// Round numbers: sense 50 us, 16 KiB page + 0 spare at 1.024 GB/s = 16 us, link 16.384 GB/s = 1 us.
FlashSpec example() {
  FlashSpec spec;
  spec.name = "example";
  spec.channels = 2;
  spec.dies_per_channel = 1;
  spec.planes_per_die = 2;
  spec.capacity.value = Bytes(16384.0 * 1024);
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
  spec.command_size.value = Bytes(131072);
  spec.queue_depth = 8;
  return spec;
}

constexpr Picoseconds us(double microseconds) {
  return static_cast<Picoseconds>(microseconds * 1e6);
}
constexpr std::uint64_t kPage = 16384;

}  // namespace

TEST_CASE("one page costs controller, sense, channel and link, one after the other") {
  FlashArray array(example());
  CHECK(array.read(0, kPage, us(5)) == us(5 + 10 + 50 + 16 + 1));
  CHECK(array.counters().senses == 1);
  CHECK(array.counters().active == us(77));
}

TEST_CASE("a part of a page moves whole codewords only") {
  FlashArray array(example());
  CHECK(array.read(0, 4096, 0) == us(10 + 50 + 4 + 0.25));
  CHECK(array.counters().channel_bytes == 4096);
  // Bytes 4000 to 4999 lie in two codewords.
  FlashArray other(example());
  other.read(4000, 1000, 0);
  CHECK(other.counters().channel_bytes == 8192);
  CHECK(other.counters().host_bytes == 1000);
}

TEST_CASE("pages on two channels overlap, pages of two planes of one die share the channel") {
  // Pages 0 and 1 lie on different channels; pages 0 and 2 on two planes of one die.
  FlashArray channels(example());
  CHECK(channels.read(0, 2 * kPage, 0) == us(10 + 50 + 16 + 1 + 1));
  FlashArray planes(example());
  planes.read(0, kPage, 0);
  CHECK(planes.read(2 * kPage, kPage, 0) == us(10 + 50 + 16 + 16 + 1));
}

TEST_CASE("two pages of one plane: the second sense waits, with or without a second register") {
  FlashSpec spec = example();
  FlashArray two(spec);
  two.read(0, kPage, 0);
  // The first page leaves the array register at 60 us; the second is sensed by 110 us.
  CHECK(two.read(4 * kPage, kPage, 0) == us(10 + 50 + 50 + 16 + 1));
  spec.page_registers = 1;
  FlashArray one(spec);
  one.read(0, kPage, 0);
  // The register is free once the page has been transferred.
  CHECK(one.read(4 * kPage, kPage, 0) == us(10 + 50 + 16 + 50 + 16 + 1));
}

TEST_CASE("a page still in its register is not sensed again") {
  FlashArray array(example());
  array.read(0, 4096, 0);
  const Picoseconds done = array.read(4096, 4096, us(100));
  CHECK(done == us(100 + 10 + 4 + 0.25));
  CHECK(array.counters().senses == 1);
}

TEST_CASE("a page that is ready early uses the channel before one that is ready late") {
  FlashArray array(example());
  array.read(0, kPage, 0);          // plane 0 of channel 0: transfer 60 to 76 us
  array.read(4 * kPage, kPage, 0);  // plane 0 again: ready at 110 us, transfer 110 to 126 us
  // Plane 1 of channel 0 is ready at 60 us and finds the channel free from 76 us on.
  CHECK(array.read(2 * kPage, kPage, 0) == us(76 + 16 + 1));
}

TEST_CASE("no more commands than the queue is deep are in flight") {
  FlashSpec spec = example();
  spec.queue_depth = 1;
  FlashArray array(spec);
  const Picoseconds first = array.read(0, kPage, 0);
  CHECK(array.read(kPage, kPage, 0) == 2 * first);
}

TEST_CASE("a calendar fills the first gap that is long enough") {
  Calendar calendar;
  CHECK(calendar.reserve(0, 10) == 0);
  CHECK(calendar.reserve(30, 10) == 30);
  CHECK(calendar.reserve(5, 20) == 10);
  CHECK(calendar.reserve(0, 5) == 40);
  CHECK(calendar.reserve(100, 10) == 100);
  CHECK(calendar.reserve(0, 60) == 110);
  CHECK(calendar.reserve(0, 55) == 45);
  CHECK(calendar.busy() == 170);
}

TEST_CASE("a flash array books senses, transfers and controller time as counted") {
  FlashSpec spec = example();
  spec.sense.value = Energy(5e-6);
  spec.channel_io.value = EnergyPerByte(4e-11);
  spec.link_energy.value = EnergyPerByte(3e-11);
  spec.controller_active.value = Power(0.2);
  spec.idle.value = Power(0.01);
  FlashArray array(spec);
  const FlashCounters before = array.counters();
  array.read(0, kPage, us(5));
  Ledger ledger;
  array.spend(array.counters() - before, "flash", Time(0), Time(1e-3), ledger);
  CHECK(ledger.total().si() == Approx(5e-6 + 16384 * 7e-11 + 0.2 * 77e-6 + 0.01 * (1e-3 - 77e-6)));
}

// The event-driven flash array against closed forms, and the parts against published figures.
#include "hw/flash/flash_array.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

FlashSpec load_flash(const std::string& part) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/flash/" + part + ".toml");
  FlashSpec spec = FlashSpec::from(file.root());
  file.require_ok();
  return spec;
}

Bandwidth measured_sequential(const FlashSpec& spec) {
  FlashArray array(spec);
  constexpr std::uint64_t kBytes = 512U << 20U;
  const Picoseconds done = array.read(0, kBytes, 0);
  return Bytes(static_cast<double>(kBytes)) / Time(static_cast<double>(done) * 1e-12);
}

// Mean rate of `depth` random reads kept in flight.
Bandwidth measured_random(const FlashSpec& spec, std::uint64_t chunk, std::size_t depth,
                          std::size_t reads) {
  FlashArray array(spec);
  std::mt19937_64 random(5);
  std::vector<Picoseconds> in_flight(depth, 0);
  Picoseconds last = 0;
  const std::uint64_t places = 64'000'000'000U / chunk;
  for (std::size_t i = 0; i < reads; ++i) {
    const auto next = std::min_element(in_flight.begin(), in_flight.end());
    *next = array.read(random() % places * chunk, chunk, *next);
    last = std::max(last, *next);
  }
  return Bytes(static_cast<double>(chunk * reads)) / Time(static_cast<double>(last) * 1e-12);
}

}  // namespace

TEST_CASE("a long read of every flash part runs at the closed form's rate") {
  for (const char* part : {"nvme_apple_a15", "nvme_apple_m1", "nvme_pcie4", "emmc_5_1", "ufs_2_1",
                           "ufs_3_1", "ufs_4_0", "ufs_2_2", "ufs_4_1", "nvme_pcie3", "nvme_pcie5",
                           "nvme_apple_m1_max", "nvme_apple_m2_max", "sd_uhs_i_a2"}) {
    const FlashSpec spec = load_flash(part);
    INFO(part << " limited by " << spec.sequential_limit());
    // Where channels and link are equally fast, neither is busy all the time.
    const double rate = measured_sequential(spec).si();
    CHECK(rate <= 1.001 * spec.sequential_rate().si());
    CHECK(rate == Approx(spec.sequential_rate().si()).epsilon(0.06));
  }
}

TEST_CASE("whichever of link, channels and arrays is slowest sets the rate") {
  const FlashSpec base = load_flash("nvme_pcie4");
  FlashSpec link = base;
  link.link.value = Bandwidth(2e9);
  FlashSpec channels = base;
  channels.link.value = Bandwidth(50e9);
  channels.transfer_rate.value = Frequency(333e6);
  channels.command_size.value = Bytes(2 << 20);
  FlashSpec arrays = base;
  arrays.link.value = Bandwidth(50e9);
  arrays.tR.value = Time(400e-6);
  arrays.command_size.value = Bytes(2 << 20);
  FlashSpec one_register = arrays;
  one_register.page_registers = 1;
  for (const auto& [spec, limit] :
       {std::pair{link, "link"}, std::pair{channels, "channels"}, std::pair{arrays, "arrays"},
        std::pair{one_register, "arrays"}}) {
    INFO(limit << ", registers " << spec.page_registers);
    CHECK(spec.sequential_limit() == limit);
    CHECK(measured_sequential(spec).si() ==
          Approx(spec.sequential_rate().si()).epsilon(spec.page_registers == 1 ? 0.04 : 0.02));
  }
}

TEST_CASE("one random read at a time costs latency plus transfer") {
  const FlashSpec spec = load_flash("nvme_pcie4");
  // Codewords with their spare bytes cross the channel, then the bytes cross the link.
  const double words = 4096 / spec.codeword.value.si();
  const double moved = 4096 + words * spec.spare.value.si() * 4096 / spec.page.value.si() / words;
  const double seconds = spec.controller_latency.value.si() + spec.tR.value.si() +
                         spec.command.value.si() +
                         moved / (spec.transfer_rate.value * spec.channel_width.value).si() +
                         4096 / spec.link.value.si();
  CHECK(measured_random(spec, 4096, 1, 300).si() == Approx(4096 / seconds).epsilon(0.01));
  // 50 to 80 us is what drives of this class show.
  CHECK(seconds > 50e-6);
  CHECK(seconds < 80e-6);
}

TEST_CASE("random reads gain with depth, and never pass the peak of the arrays") {
  const FlashSpec spec = load_flash("nvme_pcie4");
  Bandwidth before;
  for (const std::size_t depth : {1U, 4U, 16U, 64U}) {
    const Bandwidth rate = measured_random(spec, 16384, depth, 4000);
    CHECK(rate > before);
    CHECK(rate <= spec.sequential_rate());
    before = rate;
  }
}

TEST_CASE("larger chunks read faster at the same depth") {
  const FlashSpec spec = load_flash("nvme_apple_a15");
  Bandwidth before;
  for (const std::uint64_t chunk : {4096U, 16384U, 65536U, 262144U}) {
    const Bandwidth rate = measured_random(spec, chunk, 4, 1000);
    CHECK(rate > before);
    before = rate;
  }
}

TEST_CASE("an eight-channel drive of 2018 streams what a published SSD simulator gives for it") {
  // MQSim's stock configuration, sequential 128 KiB reads at depth 16: 1.59 GB/s.
  FlashSpec spec = load_flash("nvme_pcie4");
  spec.channels = 8;
  spec.dies_per_channel = 8;
  spec.planes_per_die = 2;
  spec.page.value = Bytes(8192);
  spec.spare.value = Bytes(448);
  spec.codeword.value = Bytes(8192);
  spec.tR.value = Time(75e-6);
  spec.transfer_rate.value = Frequency(333e6);
  spec.link.value = Bandwidth(4e9);
  spec.command_size.value = Bytes(131072);
  spec.queue_depth = 16;
  spec.page_registers = 1;
  // The simulator overlaps less (no gap filling, commands share the bus): within a half.
  const double rate = measured_sequential(spec).si();
  CHECK(rate > 1.59e9);
  CHECK(rate < 1.59e9 * 1.6);
}

TEST_CASE("UFS parts draw what their maker states per byte") {
  // Samsung: 6.0 MB/s per mA for UFS 4.0, 46 % more than UFS 3.1, taken at 2.5 V.
  for (const auto& [part, per_milliampere] :
       {std::pair{"ufs_4_0", 6.0e6}, std::pair{"ufs_3_1", 6.0e6 / 1.46}}) {
    const FlashSpec spec = load_flash(part);
    INFO(part);
    CHECK(spec.sequential_energy().si() == Approx(2.5e-3 / per_milliampere).epsilon(0.05));
  }
}

TEST_CASE("an NVMe drive of the fast class draws 5 to 8 W while it reads") {
  const FlashSpec spec = load_flash("nvme_pcie4");
  const Power power = spec.sequential_energy() * spec.sequential_rate();
  CHECK(power.si() > 5);
  CHECK(power.si() < 8);
}

TEST_CASE("an iPhone 13 reads 1.3 to 1.7 GB/s in sequence") {
  const Bandwidth rate = load_flash("nvme_apple_a15").sequential_rate();
  CHECK(rate.si() > 1.3e9);
  CHECK(rate.si() < 1.7e9);
}

TEST_CASE("stores read in sequence what their class is known for") {
  struct Row {
    const char* part;
    double low, high;  // MB/s
  };
  for (const Row row : {Row{"emmc_5_1", 250, 400}, Row{"ufs_2_1", 800, 960},
                        Row{"ufs_3_1", 2000, 2150}, Row{"ufs_4_0", 4100, 4250},
                        Row{"nvme_apple_m1", 3200, 3500}, Row{"nvme_pcie4", 6800, 7200}}) {
    INFO(row.part);
    const double rate = load_flash(row.part).sequential_rate().si() / 1e6;
    CHECK(rate >= row.low);
    CHECK(rate <= row.high);
  }
}

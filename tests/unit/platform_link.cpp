#include "hw/link/link.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::hw;

namespace {
LinkSpec load(const std::string& part) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/link/" + part + ".toml");
  LinkSpec spec = LinkSpec::from(file.root());
  file.require_ok();
  return spec;
}
}  // namespace

TEST_CASE("a link's bandwidth is lanes times line rate times code") {
  CHECK(load("pcie_5_0_x16").bandwidth.value.si() == Approx(63.0e9).epsilon(0.001));
  CHECK(load("nvlink_4").bandwidth.value.si() == Approx(450e9));
  CHECK(load("usb_2_0").payload_bandwidth().si() == Approx(53.2e6).epsilon(0.01));
}

TEST_CASE("a transfer takes latency plus bytes over payload bandwidth, in both forms") {
  const LinkSpec spec = load("pcie_5_0_x16");
  Link link(spec);
  const std::int64_t done = link.send(Link::Direction::there, 1'000'000, 0);
  CHECK(static_cast<double>(done) * 1e-12 ==
        Approx(spec.transfer_time(Bytes(1e6)).si()).epsilon(1e-6));
}

TEST_CASE("transfers one way queue, transfers the other way do not notice") {
  Link link(load("nvlink_4"));
  const std::int64_t first = link.send(Link::Direction::there, 1 << 20, 0);
  const std::int64_t second = link.send(Link::Direction::there, 1 << 20, 0);
  const std::int64_t back = link.send(Link::Direction::back, 1 << 20, 0);
  CHECK(back == first);
  // The second waits for the first's occupation, not for its latency.
  CHECK(second - first == link.busy(Link::Direction::back));
  CHECK(link.bytes() == 3U << 20U);
}

TEST_CASE("a link books payload energy and idle power") {
  const LinkSpec spec = load("usb_2_0");
  Ledger ledger;
  spec.spend(Bytes(1e9), "usb", Time(0), Time(20), ledger);
  CHECK(ledger.total().si() == Approx(1e9 * spec.energy.value.si() + 20 * spec.idle.value.si()));
}

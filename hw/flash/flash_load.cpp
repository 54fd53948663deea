#include "hw/flash/flash_load.hpp"

#include <algorithm>
#include <random>
#include <vector>

namespace joulesim::hw {

FlashLoadResult run_load(const FlashSpec& spec, const FlashLoad& load) {
  FlashArray array(spec);
  std::mt19937_64 random(load.seed);
  std::vector<Picoseconds> in_flight(std::max<std::size_t>(1, load.depth), 0);
  const std::uint64_t places = std::max<std::uint64_t>(1, load.range / load.chunk);
  const std::uint64_t warm = load.reads / 4;
  Picoseconds begin = 0;
  Picoseconds end = 0;
  double waited = 0;
  FlashCounters before;
  for (std::uint64_t i = 0; i < load.reads; ++i) {
    const auto next = std::min_element(in_flight.begin(), in_flight.end());
    if (i == warm) {
      begin = *next;
      before = array.counters();
    }
    const std::uint64_t place = load.random ? random() % places : i;
    const Picoseconds done = array.read(place * load.chunk, load.chunk, *next);
    waited += i >= warm ? static_cast<double>(done - *next) : 0;
    *next = done;
    end = std::max(end, done);
  }
  FlashLoadResult result;
  const auto measured = static_cast<double>(load.reads - warm);
  result.time = Time(static_cast<double>(end - begin) * 1e-12);
  result.rate = Bytes(static_cast<double>(load.chunk) * measured) / result.time;
  result.reads = measured / result.time;
  result.latency = Time(waited / measured * 1e-12);
  result.counters = array.counters() - before;
  Ledger ledger;
  array.spend(result.counters, spec.name, Time(0), result.time, ledger);
  result.energy = ledger.total();
  return result;
}

}  // namespace joulesim::hw

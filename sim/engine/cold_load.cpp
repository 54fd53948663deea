#include "sim/engine/cold_load.hpp"

namespace joulesim::engine {

Activity cold_load(const Machine& machine, const FileUse& use, std::uint64_t bytes) {
  hw::FlashArray array(*machine.storage);
  hw::ResidencyCache pages = make_page_cache(*machine.storage_system, use);
  hw::FileReader reader(*machine.storage_system, use.path, use.threads, array, bytes,
                        missing_from(pages));
  reader.submit(0, {0, bytes}, 0);
  Activity activity;
  activity.duration = Time(static_cast<double>(reader.finish()) * 1e-12);
  add_file_activity(reader.counters(), array.counters(), activity);
  // Data that the store has written, and copies.
  const Bytes copied(static_cast<double>(reader.counters().copied));
  activity.dram.written = Bytes(static_cast<double>(reader.counters().fetched)) + copied;
  activity.dram.read = copied;
  const Bytes row(machine.dram.organisation.row_bytes);
  activity.dram.activates = (activity.dram.read + activity.dram.written) / row;
  const double units = static_cast<double>(machine.channels) * machine.dram.organisation.units;
  activity.dram.standby = units * activity.duration;
  if (machine.dram.timing.nREFI > 0) {
    const Time interval(static_cast<double>(machine.dram.timing.to_ps(machine.dram.timing.nREFI)) *
                        1e-12);
    activity.dram.refreshes = units * (activity.duration / interval);
  }
  return activity;
}

}  // namespace joulesim::engine

#include "hw/flash/flash.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {

struct Rates {
  Bandwidth link, channels, arrays;
};

Rates rates_of(const FlashSpec& spec) {
  const Time transfer = spec.page_transfer();
  const Time cycle =
      spec.page_registers >= 2 ? max(spec.tR.value, transfer) : spec.tR.value + transfer;
  return {spec.link.value, spec.channels * spec.page.value / transfer,
          spec.planes() * spec.page.value / cycle};
}

void check_whole_codewords(const ConfigNode& organisation, const FlashSpec& spec) {
  const double words = spec.page.value / spec.codeword.value;
  if (organisation.ok() && words != std::round(words)) {
    organisation.error("codeword",
                       "'codeword' does not divide 'page'; expected a whole number of "
                       "codewords in a page");
  }
}

}  // namespace

FlashSpec FlashSpec::from(const ConfigNode& part) {
  FlashSpec spec;
  spec.name = part.text("part");
  part.choice("model", {"flash"});
  spec.title = part.text("title");

  const ConfigNode organisation = part.table("organisation");
  spec.channels = static_cast<int>(organisation.whole("channels", 1, 256));
  spec.dies_per_channel = static_cast<int>(organisation.whole("dies_per_channel", 1, 256));
  spec.planes_per_die = static_cast<int>(organisation.whole("planes_per_die", 1, 64));
  spec.capacity = organisation.figure<Bytes>("capacity");
  spec.page = organisation.figure<Bytes>("page");
  spec.spare = organisation.figure<Bytes>("spare");
  spec.codeword = organisation.figure<Bytes>("codeword");
  spec.page_registers = static_cast<int>(organisation.whole("page_registers", 1, 2));
  check_whole_codewords(organisation, spec);

  const ConfigNode timing = part.table("timing");
  spec.tR = timing.figure<Time>("tR");
  spec.command = timing.figure<Time>("command");
  spec.transfer_rate = timing.figure<Frequency>("transfer_rate");
  spec.channel_width = timing.figure<Bytes>("channel_width");
  spec.controller_latency = timing.figure<Time>("controller_latency");
  spec.link = timing.figure<Bandwidth>("link");
  spec.command_size = timing.figure<Bytes>("command_size");
  spec.queue_depth = static_cast<int>(timing.whole("queue_depth", 1, 65536));
  if (part.ok() && spec.command_size.value < spec.codeword.value) {
    timing.error("command_size", "'command_size' is less than a codeword; expected at least one");
  }

  const ConfigNode energy = part.table("energy");
  spec.sense = energy.figure<Energy>("sense");
  spec.channel_io = energy.figure<EnergyPerByte>("channel_io");
  spec.link_energy = energy.figure<EnergyPerByte>("link");
  spec.controller_active = energy.figure<Power>("controller_active");
  spec.idle = energy.figure<Power>("idle");
  return spec;
}

Time FlashSpec::page_transfer() const {
  return command.value + (page.value + spare.value) / (transfer_rate.value * channel_width.value);
}

Bandwidth FlashSpec::sequential_rate() const {
  const Rates rates = rates_of(*this);
  return min(rates.link, min(rates.channels, rates.arrays));
}

std::string FlashSpec::sequential_limit() const {
  const Rates rates = rates_of(*this);
  if (rates.link <= rates.channels && rates.link <= rates.arrays) {
    return "link";
  }
  return rates.channels <= rates.arrays ? "channels" : "arrays";
}

EnergyPerByte FlashSpec::sequential_energy() const {
  const double on_channel = (page.value + spare.value) / page.value;
  return sense.value / page.value + channel_io.value * on_channel + link_energy.value +
         controller_active.value / sequential_rate();
}

}  // namespace joulesim::hw

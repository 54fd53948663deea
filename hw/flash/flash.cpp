#include "hw/flash/flash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace joulesim::hw {
namespace {

struct Rates {
  Bandwidth link, channels, arrays, commands;
};

Rates rates_of(const FlashSpec& spec) {
  const Time transfer = spec.page_transfer();
  const Time cycle =
      spec.page_registers >= 2 ? max(spec.tR.value, transfer) : spec.tR.value + transfer;
  const Bandwidth commands = spec.command_interval
                                 ? spec.command_size.value / spec.command_interval->value
                                 : spec.link.value;
  return {spec.link.value, spec.channels * spec.page.value / transfer,
          spec.planes() * spec.page.value / cycle, commands};
}

constexpr std::array<const char*, 4> kCells = {"slc", "mlc", "tlc", "qlc"};
constexpr std::array<const char*, 4> kPageTypes = {"tR_lower", "tR_middle", "tR_upper", "tR_top"};

// tR of each page type of a cell; either none is given or all that the cell has.
void read_page_types(const ConfigNode& timing, FlashSpec& spec) {
  std::vector<const char*> names = {kPageTypes[0]};
  if (spec.bits_per_cell > 2) {
    names.push_back(kPageTypes[1]);
  }
  if (spec.bits_per_cell > 1) {
    names.push_back(kPageTypes[2]);
  }
  if (spec.bits_per_cell > 3) {
    names.push_back(kPageTypes[3]);
  }
  if (std::none_of(names.begin(), names.end(),
                   [&](const char* name) { return timing.has(name); })) {
    return;
  }
  Time sum;
  for (const char* name : names) {
    spec.tR_of.push_back(timing.figure<Time>(name));
    sum += spec.tR_of.back().value;
  }
  const Time mean = sum / static_cast<double>(names.size());
  constexpr double kTolerance = 0.02;
  if (timing.ok() && abs(mean - spec.tR.value) > kTolerance * mean) {
    timing.error("tR",
                 fmt::format("'tR' is {}, but its page types have a mean of {}; expected them "
                             "to agree within 2 %",
                             format(spec.tR.value), format(mean)));
  }
}

// Payload rate of the host link, with the range that its efficiency has.
Sourced<Bandwidth> read_link(const ConfigNode& node) {
  const auto lanes = static_cast<double>(node.whole("lanes", 1, 16));
  const Sourced<Bandwidth> rate = node.figure<Bandwidth>("rate");
  const Sourced<double> encoding = node.count("encoding");
  const Sourced<double> efficiency = node.count("efficiency");
  for (const auto& [key, share] :
       {std::pair("encoding", &encoding), std::pair("efficiency", &efficiency)}) {
    if (share->value > 1) {
      node.error(key, fmt::format("'{}' is {}; expected a share of at most 1", key, share->value));
    }
  }
  const Bandwidth encoded = lanes * rate.value * encoding.value;
  Sourced<Bandwidth> link;
  link.value = encoded * efficiency.value;
  link.source = efficiency.source;
  link.region = efficiency.region;
  if (efficiency.low && efficiency.high) {
    link.low = encoded * *efficiency.low;
    link.high = encoded * *efficiency.high;
  }
  return link;
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
  const std::string cell =
      organisation.choice("cell", std::vector<std::string>(kCells.begin(), kCells.end()));
  for (std::size_t i = 0; i < kCells.size(); ++i) {
    spec.bits_per_cell = cell == kCells[i] ? static_cast<int>(i) + 1 : spec.bits_per_cell;
  }
  spec.channels = static_cast<int>(organisation.whole("channels", 1, 256));
  spec.dies_per_channel = static_cast<int>(organisation.whole("dies_per_channel", 1, 256));
  spec.planes_per_die = static_cast<int>(organisation.whole("planes_per_die", 1, 64));
  spec.capacity = organisation.figure<Bytes>("capacity");
  spec.page = organisation.figure<Bytes>("page");
  spec.spare = organisation.figure<Bytes>("spare");
  spec.codeword = organisation.figure<Bytes>("codeword");
  spec.page_registers = static_cast<int>(organisation.whole("page_registers", 1, 2));
  spec.independent_planes =
      organisation.choice("plane_reads", {"independent", "together"}) == "independent";
  check_whole_codewords(organisation, spec);
  if (const auto map = part.table_if("map")) {
    spec.map = FlashMap{map->figure<Bytes>("entry"), map->figure<Bytes>("maps"),
                        map->figure<Bytes>("cached")};
    if (part.ok() && spec.map->cached.value < spec.codeword.value) {
      map->error("cached", "'cached' is less than a codeword of the table; expected at least one");
    }
    if (part.ok() && spec.map->entry.value > spec.codeword.value) {
      map->error("entry", "'entry' is more than a codeword; expected a few bytes");
    }
  }

  const ConfigNode timing = part.table("timing");
  spec.tR = timing.figure<Time>("tR");
  spec.command = timing.figure<Time>("command");
  spec.transfer_rate = timing.figure<Frequency>("transfer_rate");
  spec.channel_width = timing.figure<Bytes>("channel_width");
  spec.controller_latency = timing.figure<Time>("controller_latency");
  spec.command_interval = timing.figure_if<Time>("command_interval");
  read_page_types(timing, spec);
  spec.command_size = timing.figure<Bytes>("command_size");
  spec.queue_depth = static_cast<int>(timing.whole("queue_depth", 1, 65536));
  if (part.ok() && spec.command_size.value < spec.codeword.value) {
    timing.error("command_size", "'command_size' is less than a codeword; expected at least one");
  }

  spec.link = read_link(part.table("link"));

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
  return min(min(rates.link, rates.commands), min(rates.channels, rates.arrays));
}

std::string FlashSpec::sequential_limit() const {
  const Rates rates = rates_of(*this);
  const Bandwidth slowest = sequential_rate();
  if (rates.link <= slowest) {
    return "link";
  }
  if (rates.commands <= slowest) {
    return "commands";
  }
  return rates.channels <= slowest ? "channels" : "arrays";
}

EnergyPerByte FlashSpec::sequential_energy() const {
  const double on_channel = (page.value + spare.value) / page.value;
  return sense.value / page.value + channel_io.value * on_channel + link_energy.value +
         controller_active.value / sequential_rate();
}

FlashSpec FlashSpec::at_corner(bool fastest) const {
  const auto move = [fastest](auto& figure, bool more_is_faster) {
    figure.value = (fastest == more_is_faster ? figure.high : figure.low).value_or(figure.value);
  };
  FlashSpec spec = *this;
  move(spec.tR, false);
  // Page types keep their spread around the mean.
  for (Sourced<Time>& type : spec.tR_of) {
    type.value *= spec.tR.value / tR.value;
  }
  move(spec.command, false);
  move(spec.controller_latency, false);
  move(spec.transfer_rate, true);
  move(spec.link, true);
  if (spec.command_interval) {
    move(*spec.command_interval, false);
  }
  return spec;
}

}  // namespace joulesim::hw

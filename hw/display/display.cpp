#include "hw/display/display.hpp"

namespace joulesim::hw {

DisplaySpec DisplaySpec::from(const ConfigNode& part) {
  DisplaySpec spec;
  spec.name = part.text("part");
  part.choice("model", {"display"});
  spec.title = part.text("title");
  const ConfigNode panel = part.table("panel");
  spec.width = panel.count("width");
  spec.height = panel.count("height");
  spec.refresh = panel.figure<Frequency>("refresh");
  spec.panel_fixed = panel.figure<Power>("fixed");
  spec.panel_light = panel.figure<Power>("light");
  spec.picture_level = panel.count("picture_level");
  const ConfigNode memory = part.table("memory");
  spec.pixel = memory.figure<Bytes>("pixel");
  spec.compressed = memory.count("compressed");
  spec.fetch = memory.figure<Bytes>("fetch");
  if (part.ok() && (spec.picture_level.value > 1 || spec.compressed.value > 1)) {
    part.error("", "'picture_level' or 'compressed' exceeds 1; expected shares");
  }
  if (part.ok() && spec.fetch.value > spec.frame()) {
    memory.error("fetch", "'fetch' is more than a frame; expected a part of one");
  }
  return spec;
}

Bytes DisplaySpec::frame() const {
  return pixel.value * (width.value * height.value * compressed.value);
}

Bandwidth DisplaySpec::traffic() const { return frame() * refresh.value; }

Power DisplaySpec::panel_power() const {
  return panel_fixed.value + panel_light.value * picture_level.value;
}

PacedTraffic DisplaySpec::paced_traffic() const {
  // One piece is shown while the next one comes: the deadline is the period.
  const Time period = fetch.value / traffic();
  return {fetch.value, period, period, frame(), false};
}

void DisplaySpec::spend(const std::string& component, Time begin, Time end, Ledger& ledger) const {
  ledger.spend(component, "panel", Spent::standing, panel_power() * (end - begin), begin, end);
}

}  // namespace joulesim::hw

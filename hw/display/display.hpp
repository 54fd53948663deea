// A display: what its panel draws, and the frames it takes from memory at a fixed pace.
//
// Models:      panel power as fixed part plus light (proportional to brightness and mean picture
//              level), frame fetches in equal pieces, one every period, that must arrive in time.
// Leaves out:  several layers, blanking intervals, touch, changes of refresh rate.
// Checked by:  tests/unit/platform_parts.cpp, tests/timing/platform_shells.cpp.
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/ledger.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <string>

namespace joulesim::hw {

// A client that moves `bytes` every `period` and wants each piece within `deadline`: a display
// reads its frames, a camera writes them.
struct PacedTraffic {
  Bytes bytes;
  Time period, deadline;
  Bytes span;  // the buffer that the pieces walk through, again and again
  bool write = false;
};

struct DisplaySpec {
  std::string name, title;
  Sourced<double> width, height;  // pixels
  Sourced<Frequency> refresh;
  Sourced<Bytes> pixel;           // in memory
  Sourced<double> compressed;     // share of a frame's bytes that is read (lossless compression)
  Sourced<Bytes> fetch;           // per read; also what is buffered ahead
  Sourced<Power> panel_fixed;     // drivers and touch, whatever is shown
  Sourced<Power> panel_light;     // full white at the stated brightness
  Sourced<double> picture_level;  // mean light of what is shown, 1 = full white

  static DisplaySpec from(const ConfigNode& part);

  [[nodiscard]] Bytes frame() const;  // as read
  [[nodiscard]] Bandwidth traffic() const;
  [[nodiscard]] Power panel_power() const;
  [[nodiscard]] PacedTraffic paced_traffic() const;
  void spend(const std::string& component, Time begin, Time end, Ledger& ledger) const;
};

}  // namespace joulesim::hw

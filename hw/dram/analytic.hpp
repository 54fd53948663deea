// The sustained rate of a DRAM channel in closed form, for the analytic level and as a check on the
// other two.
//
//   stream    peak x (tREFI - (tRTP + tRP + tRFC + tRCD)) / tREFI       rotation over bank groups
//             paced by tCCD_L when consecutive bursts stay in one bank group; at every stripe of
//             rows less what of tRP + tRCD the bursts in the buffer do not cover
//   random    the slower of the stream and four activates per tFAW, one per tRRD, banks per tRC
//
// Checked by: tests/oracle/dram_analytic.cpp (six standards, against the exact core).
#pragma once

#include "hw/dram/part.hpp"
#include "sim/base/quantity.hpp"

namespace joulesim::hw {

struct DramRates {
  Bandwidth stream;  // one channel, sequential reads
  // The same where the controller's buffer is too short to hide the opening of rows: when the last
  // row of a stripe is waited for as well. The truth lies between the two.
  Bandwidth slowest_stream;
  Bandwidth random;          // one channel, single bursts anywhere
  double refresh_share = 0;  // of time, in streams
  Time read_latency;         // unloaded, row closed: tRCD + CL + burst
};

DramRates rates_of(const DramPart& part);

}  // namespace joulesim::hw

// From what a machine did to what it spent: every counter times its coefficient, every component's
// standing power over the time, every rail's loss. The only place where the engine makes joules.
#pragma once

#include "sim/base/ledger.hpp"
#include "sim/engine/activity.hpp"
#include "sim/engine/machine.hpp"

#include <string>
#include <vector>

namespace joulesim::engine {

// One line of what a stretch of time cost, with the range that its coefficients' ranges give.
struct Cost {
  std::string component, cause, rail;
  Spent spent = Spent::movement;
  Energy energy, low, high;
  Energy assumed;  // the part that rests on assumed coefficients
  // What its own range spans; of a loss, without the ranges of what passes the regulator.
  Energy alone_low, alone_high;
};

struct BookingContext {
  const Machine* machine = nullptr;
  const MachineUnit* unit = nullptr;  // the one that works; the others idle
  bool display_on = false;
  bool unit_works = true;  // false: the whole device waits
};

std::vector<Cost> costs_of(const Activity& activity, const BookingContext& context);

Energy total_of(const std::vector<Cost>& costs);

// Books costs over [begin, end].
void book(const std::vector<Cost>& costs, Time begin, Time end, Ledger& ledger);

// Scales all costs, as for n equal stretches.
std::vector<Cost> times(std::vector<Cost> costs, double factor);
// Adds costs line by line.
void accumulate(std::vector<Cost>& sum, const std::vector<Cost>& costs);

}  // namespace joulesim::engine

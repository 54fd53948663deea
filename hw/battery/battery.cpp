#include "hw/battery/battery.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace joulesim::hw {
namespace {

// Steps of charge in which a cell's voltage counts as constant (curves have a dozen points).
constexpr double kStep = 1e-3;

double resistance(const BatterySpec& spec) {
  return spec.drop.value.si() / spec.drop_current.value.si();
}

// The current that gives `load`; nothing when no current does.
std::optional<double> current(const BatterySpec& spec, Power load, double charge) {
  const double u = spec.open_circuit(charge).si();
  const double r = resistance(spec);
  const double root = u * u - 4 * load.si() * r;
  if (root < 0) {
    return std::nullopt;
  }
  // The same root as (u - sqrt(root)) / 2r, without cancellation at small loads.
  return 2 * load.si() / (u + std::sqrt(root));
}

double last_charge(const BatterySpec& spec) { return 1 - spec.usable_share.value; }

}  // namespace

BatterySpec BatterySpec::from(const ConfigNode& part) {
  BatterySpec spec;
  spec.name = part.text("part");
  part.choice("model", {"battery"});
  spec.title = part.text("title");
  const ConfigNode cell = part.table("cell");
  spec.capacity = cell.figure<Energy>("capacity");
  spec.usable_share = cell.count("usable_share");
  if (cell.ok() && spec.usable_share.value > 1) {
    cell.error("usable_share", "'usable_share' exceeds 1; expected a share of the capacity");
  }
  spec.cut_off = cell.figure<Voltage>("cut_off");
  spec.drop = cell.figure<Voltage>("drop");
  spec.drop_current = cell.figure<Current>("drop_current");
  for (const ConfigNode& point : part.tables("curve")) {
    spec.curve.push_back({point.number("charge", 0, 1), point.figure<Voltage>("voltage")});
  }
  const auto& curve = spec.curve;
  const bool ordered = std::adjacent_find(curve.begin(), curve.end(), [](auto& a, auto& b) {
                         return !(a.charge < b.charge) || a.voltage.value > b.voltage.value;
                       }) == curve.end();
  if (part.ok() &&
      (curve.size() < 2 || !ordered || curve.front().charge != 0 || curve.back().charge != 1)) {
    part.error("curve",
               "'curve' does not rise from charge 0 to charge 1; expected [[curve]] tables with "
               "rising charge and voltage");
  }
  return spec;
}

Voltage BatterySpec::open_circuit(double charge) const {
  const double at = std::clamp(charge, 0.0, 1.0);
  const auto upper = std::find_if(curve.begin() + 1, curve.end() - 1,
                                  [at](const Point& point) { return point.charge >= at; });
  const Point& b = *upper;
  const Point& a = *(upper - 1);
  const double share = (at - a.charge) / (b.charge - a.charge);
  return a.voltage.value + (b.voltage.value - a.voltage.value) * share;
}

Voltage BatterySpec::mean_voltage() const {
  Voltage sum;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    sum += (curve[i].voltage.value + curve[i - 1].voltage.value) *
           ((curve[i].charge - curve[i - 1].charge) / 2);
  }
  return sum;
}

std::optional<Power> BatterySpec::loss(Power load, double charge) const {
  const auto amperes = current(*this, load, charge);
  if (!amperes || open_circuit(charge).si() - *amperes * resistance(*this) < cut_off.value.si()) {
    return std::nullopt;
  }
  return Power(*amperes * *amperes * resistance(*this));
}

Battery::Battery(BatterySpec spec, double charge) : spec_(std::move(spec)), charge_(charge) {
  if (spec_.curve.size() < 2 || !(charge >= 0 && charge <= 1)) {
    throw std::logic_error("Battery: a voltage curve and a charge from 0 to 1");
  }
}

Battery::Drawn Battery::draw(Power load, Time duration) {
  Drawn drawn;
  const double coulombs = spec_.capacity.value.si() / spec_.mean_voltage().si();
  const double last = last_charge(spec_);
  while (duration > drawn.fed) {
    // The voltage is that of the middle of the step of charge in which the cell is, so that many
    // short draws walk the curve exactly as one long draw does.
    const double step_end = (std::ceil(charge_ / kStep - 1e-9) - 1) * kStep;
    const double middle = step_end + kStep / 2;
    const auto loss = spec_.loss(load, middle);
    if (!loss || charge_ <= last) {
      drawn.empty = true;
      return drawn;
    }
    const double rate = *current(spec_, load, middle) / coulombs;  // charge per second
    if (rate <= 0) {
      drawn.fed = duration;
      return drawn;
    }
    const double floor_charge = std::max(last, step_end);
    const Time to_floor = Time((charge_ - floor_charge) / rate);
    const Time left = duration - drawn.fed;
    const Time step = min(left, to_floor);
    drawn.fed = step < left ? drawn.fed + step : duration;
    drawn.given += load * step;
    drawn.lost += *loss * step;
    charge_ = step < to_floor ? charge_ - step.si() * rate : floor_charge;
  }
  return drawn;
}

Discharge discharge(const BatterySpec& spec, Power load, int points) {
  if (!(load.si() > 0) || points < 1) {
    throw std::logic_error("discharge: a load above zero and at least one point");
  }
  Discharge result;
  Battery battery(spec);
  const double r = resistance(spec);
  const auto note = [&] {
    const double amperes = current(spec, load, battery.charge()).value_or(0);
    result.curve.push_back({result.duration, battery.charge(),
                            Voltage(spec.open_circuit(battery.charge()).si() - amperes * r)});
  };
  note();
  // No constant load lasts longer than the capacity lasts at the load itself.
  const Time step = spec.capacity.value / load / static_cast<double>(points);
  while (true) {
    const Battery::Drawn drawn = battery.draw(load, step);
    result.duration += drawn.fed;
    result.given += drawn.given;
    result.lost += drawn.lost;
    if (drawn.fed.si() > 0) {
      note();
    }
    if (drawn.empty) {
      return result;
    }
  }
}

Time lifetime(const BatterySpec& spec, Power load) { return discharge(spec, load, 1).duration; }

}  // namespace joulesim::hw

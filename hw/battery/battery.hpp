// A battery: how long a load can be fed, and what the cell itself loses.
//
// A cell is an open-circuit voltage that depends on the state of charge, behind a resistance:
//   P = I (U(q) - I R)   ->   I = (U - sqrt(U^2 - 4 P R)) / (2 R),   loss = I^2 R.
// `capacity` is the energy given off in a slow discharge from full to empty, that is, the integral
// of U over the charge; the curve's mean therefore fixes the charge.
//
// Models:      open-circuit voltage curve, resistance (loss rises with the square of the load),
//              usable share, cut-off voltage, largest power the cell can give.
// Leaves out:  temperature, ageing, relaxation, self-discharge.
// Checked by:  tests/oracle/platform_battery.cpp (closed forms, energy balance).
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"

#include <optional>
#include <string>
#include <vector>

namespace joulesim::hw {

struct BatterySpec {
  struct Point {
    double charge = 0;  // state of charge, 0 … 1
    Sourced<Voltage> voltage;
  };
  std::string name, title;
  Sourced<Energy> capacity;
  Sourced<double> usable_share;  // of the capacity, before the device switches off
  Sourced<Voltage> cut_off;      // at the terminals
  // Volts per ampere: given as the voltage drop at a stated current.
  Sourced<Voltage> drop;
  Sourced<Current> drop_current;
  std::vector<Point> curve;  // by rising charge, first 0, last 1

  static BatterySpec from(const ConfigNode& part);

  [[nodiscard]] Voltage open_circuit(double charge) const;
  [[nodiscard]] Voltage mean_voltage() const;  // over the charge
  // Lost in the cell while it gives `load` at this state of charge; nothing when it cannot.
  [[nodiscard]] std::optional<Power> loss(Power load, double charge) const;
};

// A battery in use.
class Battery {
 public:
  explicit Battery(BatterySpec spec, double charge = 1.0);

  struct Drawn {
    Time fed;      // less than asked when the battery ran out
    Energy given;  // at the terminals
    Energy lost;   // in the cell
    bool empty = false;
  };
  Drawn draw(Power load, Time duration);

  [[nodiscard]] double charge() const { return charge_; }
  [[nodiscard]] const BatterySpec& spec() const { return spec_; }

 private:
  BatterySpec spec_;
  double charge_;
};

struct DischargePoint {
  Time time;
  double charge = 0;
  Voltage terminal;
};

// From full until the device switches off, at a constant load.
struct Discharge {
  Time duration;
  Energy given, lost;
  std::vector<DischargePoint> curve;  // about `points` of them, in equal steps of time
};
Discharge discharge(const BatterySpec& spec, Power load, int points = 100);
// How long a full battery feeds a constant load.
Time lifetime(const BatterySpec& spec, Power load);

}  // namespace joulesim::hw

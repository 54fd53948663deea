#include "sim/engine/booking.hpp"

#include "hw/component/unit_group.hpp"
#include "sim/engine/kernel_query.hpp"

#include <algorithm>
#include <initializer_list>

namespace joulesim::engine {
namespace {

// A coefficient times an amount, at its value and at the ends of its range.
struct Term {
  double value = 0, low = 0, high = 0;
  bool assumed = false;
};

template <class Q, class Amount>
Term term(const Sourced<Q>& figure, Amount amount) {
  const auto joules = [&](Q q) { return Energy(q * amount).si(); };
  return {joules(figure.value), joules(figure.low.value_or(figure.value)),
          joules(figure.high.value_or(figure.value)), figure.source && figure.source->assumed()};
}

class Costing {
 public:
  Costing(const Activity& activity, const BookingContext& context)
      : a_(activity), context_(context), machine_(*context.machine) {}

  std::vector<Cost> all() {
    dram();
    cache();
    storage();
    units();
    rest();
    losses();
    return std::move(costs_);
  }

 private:
  void add(const std::string& component, const std::string& cause, Spent spent,
           const std::string& rail, std::initializer_list<Term> terms) {
    Cost cost;
    cost.component = component;
    cost.cause = cause;
    cost.spent = spent;
    cost.rail = rail;
    for (const Term& t : terms) {
      cost.energy += Energy(t.value);
      cost.low += Energy(t.low);
      cost.high += Energy(t.high);
      cost.assumed += Energy(t.assumed ? t.value : 0);
    }
    cost.alone_low = cost.low;
    cost.alone_high = cost.high;
    if (cost.high > Energy(0)) {
      costs_.push_back(std::move(cost));
    }
  }

  void dram() {
    const hw::DramPart& part = machine_.dram;
    const hw::DramEnergy& e = part.require_energy();
    const hw::DramActivity& d = a_.dram;
    const std::string& rail = machine_.memory_rail;
    // Figures are of a whole channel; counters are kept per pseudo-channel where it has several.
    const double share = 1.0 / part.organisation.units;
    add("dram", "activate", Spent::movement, rail, {term(e.activate, d.activates)});
    add("dram", "read", Spent::movement, rail, {term(e.read, d.read)});
    add("dram", "write", Spent::movement, rail, {term(e.write, d.written)});
    add("dram", "refresh", Spent::standing, rail, {term(e.refresh, d.refreshes * share)});
    add("dram", "background", Spent::standing, rail,
        {term(e.active_standby, share * d.active), term(e.precharged_standby, share * d.standby),
         term(e.power_down, share * d.power_down), term(e.self_refresh, share * d.self_refresh)});
    if (part.host) {
      add("dram controller", "transfer", Spent::movement, rail,
          {term(part.host->transfer, d.read + d.written)});
      add("dram controller", "standing", Spent::standing, rail,
          {term(part.host->standing, share * (d.active + d.standby))});
    }
  }

  void cache() {
    if (!machine_.cache) {
      return;
    }
    const hw::SramSpec& spec = *machine_.cache;
    const std::string& rail = machine_.cache_rail;
    add("system cache", "read", Spent::movement, rail,
        {term(spec.read, a_.cache_hits + a_.cache_written_back)});
    add("system cache", "write", Spent::movement, rail,
        {term(spec.write, a_.cache_fills + a_.cache_written)});
    add("system cache", "leakage", Spent::standing, rail,
        {term(context_.unit_works                                          ? spec.leakage
              : spec.idle_state(a_.duration) == hw::SramSpec::State::gated ? spec.gated->power
                                                                           : spec.retention,
              a_.duration)});
  }

  void storage() {
    if (!machine_.storage) {
      return;
    }
    const hw::FlashSpec& spec = *machine_.storage;
    const std::string& rail = machine_.storage_rail;
    add("flash", "page sense", Spent::movement, rail, {term(spec.sense, a_.flash_pages)});
    add("flash", "channel transfer", Spent::movement, rail,
        {term(spec.channel_io, a_.flash_channel)});
    add("flash", "host link", Spent::movement, rail, {term(spec.link_energy, a_.flash_read)});
    const Time active = min(a_.flash_active, a_.duration);
    add("flash", "controller", Spent::control, rail, {term(spec.controller_active, active)});
    add("flash", "idle", Spent::standing, rail, {term(spec.idle, a_.duration - active)});
    if (machine_.storage_system) {
      // Runs on a processor core, whatever unit computes.
      const MachineUnit* cores = machine_.unit("cpu");
      add("operating system", "reading the weights' file", Spent::control,
          cores != nullptr ? cores->rail : context_.unit->rail,
          {term(machine_.storage_system->core, a_.file_processor)});
    }
  }

  void units() {
    for (const MachineUnit& unit : machine_.units) {
      add(unit.name, "idle", Spent::standing, unit.rail,
          {term(unit.unit->idle_power(), a_.duration)});
      if (&unit != context_.unit || !context_.unit_works) {
        continue;
      }
      add(unit.name, "clocks", Spent::standing, unit.rail,
          {term(unit.unit->active_power(), max(Time(0), a_.duration - a_.waiting))});
      const auto& causes = unit.unit->causes();
      const auto* group = dynamic_cast<const hw::UnitGroup*>(unit.unit.get());
      for (std::size_t i = 0; i < causes.size() && i < a_.unit_joules.size(); ++i) {
        const double j = a_.unit_joules[i];
        const MachineUnit* owner = group ? machine_.unit(group->owner_of(i).name) : &unit;
        add(owner->name, group ? group->own_name_of(i) : causes[i].name, causes[i].spent,
            owner->rail, {Term{j, j * causes[i].low, j * causes[i].high, causes[i].assumed}});
      }
    }
  }

  void rest() {
    if (context_.display_on && machine_.display) {
      const hw::DisplaySpec& spec = *machine_.display;
      add("display", "panel", Spent::standing, machine_.display_rail,
          {term(spec.panel_fixed, a_.duration),
           term(spec.panel_light, spec.picture_level.value * a_.duration)});
    }
    if (machine_.rest) {
      // Between idle and busy, as far as the device's work drives it; the share is this device's.
      const Time share = machine_.rest_share.value * a_.duration;
      const double activity = context_.unit_works ? machine_.rest_activity.value : 0;
      for (const auto& consumer : machine_.rest->consumers) {
        add("rest of device", consumer.name, Spent::standing, machine_.rest_rail,
            {term(consumer.idle, (1 - activity) * share), term(consumer.busy, activity * share)});
      }
    }
    for (const MachineLink& link : machine_.links) {
      add(link.name, "idle", Spent::standing, link.rail, {term(link.spec.idle, a_.duration)});
      if (&link == device_link(machine_)) {
        add(link.name, "transfer", Spent::movement, link.rail,
            {term(link.spec.energy, a_.link_moved)});
      }
    }
  }

  void losses() {
    if (machine_.supply) {
      for (const auto& rail : machine_.supply->rails) {
        add_loss("regulators", "loss, " + rail.name + " rail", rail, a_.duration,
                 [&](const Cost& cost) { return cost.rail == rail.name; });
      }
    }
    if (machine_.wall) {
      // Everything passes the power supply; its standing loss is shared like the rest of the box.
      const double share = machine_.rest ? machine_.rest_share.value : 1;
      add_loss("power supply", "loss", machine_.wall->rails.front(), share * a_.duration,
               [](const Cost&) { return true; });
    }
  }

  template <class Feeds>
  void add_loss(const std::string& component, const std::string& cause,
                const hw::SupplySpec::Rail& rail, Time standing, const Feeds& feeds) {
    Energy value;
    Energy low;
    Energy high;
    Energy assumed;
    for (const Cost& cost : costs_) {
      if (feeds(cost)) {
        value += cost.energy;
        low += cost.low;
        high += cost.high;
        assumed += cost.assumed;
      }
    }
    const auto lost = [](double efficiency) { return 1 / efficiency - 1; };
    const auto& e = rail.efficiency;
    const bool guess = e.source && e.source->assumed();
    const double share = lost(e.value);
    const Term quiescent = term(rail.quiescent, standing);
    Cost cost;
    cost.component = component;
    cost.cause = cause;
    cost.spent = Spent::loss;
    cost.energy = share * value + Energy(quiescent.value);
    cost.low = lost(e.high.value_or(e.value)) * low + Energy(quiescent.low);
    cost.high = lost(e.low.value_or(e.value)) * high + Energy(quiescent.high);
    cost.alone_low = lost(e.high.value_or(e.value)) * value + Energy(quiescent.low);
    cost.alone_high = lost(e.low.value_or(e.value)) * value + Energy(quiescent.high);
    cost.assumed =
        share * (guess ? value : assumed) + Energy(quiescent.assumed ? quiescent.value : 0);
    costs_.push_back(std::move(cost));
  }

  const Activity& a_;
  const BookingContext& context_;
  const Machine& machine_;
  std::vector<Cost> costs_;
};

}  // namespace

std::vector<Cost> costs_of(const Activity& activity, const BookingContext& context) {
  return Costing(activity, context).all();
}

Energy total_of(const std::vector<Cost>& costs) {
  Energy sum;
  for (const Cost& cost : costs) {
    sum += cost.energy;
  }
  return sum;
}

void book(const std::vector<Cost>& costs, Time begin, Time end, Ledger& ledger) {
  for (const Cost& cost : costs) {
    ledger.spend(cost.component, cost.cause, cost.spent, cost.energy, begin, end);
  }
}

std::vector<Cost> times(std::vector<Cost> costs, double factor) {
  for (Cost& cost : costs) {
    cost.energy *= factor;
    cost.low *= factor;
    cost.high *= factor;
    cost.assumed *= factor;
    cost.alone_low *= factor;
    cost.alone_high *= factor;
  }
  return costs;
}

void accumulate(std::vector<Cost>& sum, const std::vector<Cost>& costs) {
  for (const Cost& cost : costs) {
    const auto found = std::find_if(sum.begin(), sum.end(), [&](const Cost& c) {
      return c.component == cost.component && c.cause == cost.cause;
    });
    if (found == sum.end()) {
      sum.push_back(cost);
      continue;
    }
    found->energy += cost.energy;
    found->low += cost.low;
    found->high += cost.high;
    found->assumed += cost.assumed;
    found->alone_low += cost.alone_low;
    found->alone_high += cost.alone_high;
  }
}

}  // namespace joulesim::engine

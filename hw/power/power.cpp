#include "hw/power/power.hpp"

#include <algorithm>
#include <stdexcept>

namespace joulesim::hw {

SupplySpec SupplySpec::from(const ConfigNode& part) {
  SupplySpec spec;
  spec.name = part.text("part");
  part.choice("model", {"supply"});
  spec.title = part.text("title");
  for (const ConfigNode& node : part.tables("rail")) {
    Rail rail;
    rail.name = node.text("name");
    rail.efficiency = node.count("efficiency");
    rail.quiescent = node.figure<Power>("quiescent");
    if (node.ok() && rail.efficiency.value > 1) {
      node.error("efficiency", "'efficiency' exceeds 1; expected a share such as 0.9");
    }
    if (spec.find(rail.name) != nullptr) {
      node.error("name", "a second rail is called '" + rail.name + "'");
    }
    spec.rails.push_back(rail);
  }
  if (spec.rails.empty()) {
    part.error("", "a supply has no rail; expected at least one [[rail]] table");
  }
  return spec;
}

Power SupplySpec::Rail::loss(Power delivered) const {
  return quiescent.value + delivered * (1 / efficiency.value - 1);
}

const SupplySpec::Rail* SupplySpec::find(const std::string& rail) const {
  const auto found =
      std::find_if(rails.begin(), rails.end(), [&](const Rail& r) { return r.name == rail; });
  return found == rails.end() ? nullptr : &*found;
}

Power SupplySpec::loss(const std::string& rail, Power delivered) const {
  if (find(rail) == nullptr) {
    throw std::logic_error("no rail is called '" + rail + "'");
  }
  Power sum;
  for (const Rail& r : rails) {
    sum += r.loss(r.name == rail ? delivered : Power());
  }
  return sum;
}

void SupplySpec::spend(const std::string& rail, Energy delivered, const std::string& component,
                       Time begin, Time end, Ledger& ledger) const {
  if (!(end > begin)) {
    return;
  }
  const Time span = end - begin;
  ledger.spend(component, "conversion loss, " + rail, Spent::loss,
               loss(rail, delivered / span) * span, begin, end);
}

BaseLoadSpec BaseLoadSpec::from(const ConfigNode& part) {
  BaseLoadSpec spec;
  spec.name = part.text("part");
  part.choice("model", {"base_load"});
  spec.title = part.text("title");
  for (const ConfigNode& node : part.tables("consumer")) {
    Consumer consumer{node.text("name"), node.figure_or_zero<Power>("idle"),
                      node.figure<Power>("busy")};
    if (node.ok() && consumer.idle.value > consumer.busy.value) {
      node.error("idle", "'idle' exceeds 'busy'; expected a lower power");
    }
    spec.consumers.push_back(consumer);
  }
  if (spec.consumers.empty()) {
    part.error("", "a base load has no consumer; expected at least one [[consumer]] table");
  }
  return spec;
}

Power BaseLoadSpec::power(double activity) const {
  Power sum;
  for (const Consumer& consumer : consumers) {
    sum += consumer.idle.value + (consumer.busy.value - consumer.idle.value) * activity;
  }
  return sum;
}

void BaseLoadSpec::spend(double activity, const std::string& component, Time begin, Time end,
                         Ledger& ledger) const {
  for (const Consumer& consumer : consumers) {
    const Power power =
        consumer.idle.value + (consumer.busy.value - consumer.idle.value) * activity;
    ledger.spend(component, consumer.name, Spent::standing, power * (end - begin), begin, end);
  }
}

}  // namespace joulesim::hw

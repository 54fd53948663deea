#include "hw/dram/part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace joulesim::hw {
namespace {

// A figure whose value was computed from others: it keeps the origin of the one that dominates it.
template <class Q, class From>
Sourced<Q> derived(double si, const Sourced<From>& from) {
  Sourced<Q> out;
  out.value = Q(si);
  out.source = from.source;
  out.region = from.region;
  return out;
}

class GateReader {
 public:
  GateReader(const ConfigNode& part, std::int64_t tCK_fs)
      : part_(part),
        times_(part.table_if("timing")),
        clocks_(part.table_if("clocks")),
        tCK_fs_(tCK_fs) {}

  // The first of the names that the part gives, as a time or in clocks.
  std::optional<Clock> find(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      const std::string as_time = std::string("t") + name;
      const std::string as_clocks = std::string("n") + name;
      const bool timed = times_ && times_->has(as_time);
      const bool counted = clocks_ && clocks_->has(as_clocks);
      if (timed && counted) {
        clocks_->error(as_clocks, fmt::format("'{}' is given as '{}' too; expected it once",
                                              as_clocks, as_time));
      }
      if (timed) {
        const double clocks =
            times_->figure<Time>(as_time).value.si() * 1e15 / static_cast<double>(tCK_fs_);
        // Times are multiples of the clock in intent: a thousandth of a clock is rounding.
        return static_cast<Clock>(std::ceil(clocks - 1e-3));
      }
      if (counted) {
        return clocks_->whole(as_clocks, 0, std::int64_t{1} << 30);
      }
    }
    return std::nullopt;
  }
  Clock require(std::initializer_list<const char*> names) const {
    if (const auto found = find(names)) {
      return *found;
    }
    part_.error("timing",
                fmt::format("no gate '{0}'; expected t{0} in [timing] or n{0} in [clocks]",
                            *names.begin()));
    return 0;
  }

 private:
  const ConfigNode& part_;
  std::optional<ConfigNode> times_, clocks_;
  std::int64_t tCK_fs_;
};

DramOrganisation read_organisation(const ConfigNode& node) {
  DramOrganisation o;
  o.bank_groups = static_cast<int>(node.whole("bank_groups", 1, 16));
  o.banks_per_group = static_cast<int>(node.whole("banks_per_group", 1, 32));
  o.rows = node.whole("rows", 1, std::int64_t{1} << 24);
  o.row_bytes = static_cast<int>(node.figure<Bytes>("row").value.si());
  o.burst_bytes = static_cast<int>(node.figure<Bytes>("burst").value.si());
  o.units = static_cast<int>(node.whole_if("pseudo_channels", 1, 2).value_or(1));
  o.ranks = static_cast<int>(node.whole_if("ranks", 1, 8).value_or(1));
  o.stacks = static_cast<int>(node.whole_if("stack_ranks", 1, 4).value_or(1));
  return o;
}

DramTiming read_timing(const ConfigNode& part) {
  DramTiming t;
  const ConfigNode clock = part.table("clock");
  t.tCK_fs = std::llround(clock.figure<Time>("tCK").value.si() * 1e15);
  const std::string protocol =
      clock.choice("commands", {"single_bus", "dual_bus", "dual_bus_half", "split_activate"});
  t.protocol = protocol == "dual_bus"         ? CommandProtocol::dual_bus
               : protocol == "dual_bus_half"  ? CommandProtocol::dual_bus_half
               : protocol == "split_activate" ? CommandProtocol::split_activate
                                              : CommandProtocol::ddr;
  if (t.tCK_fs <= 0) {
    t.tCK_fs = 1;  // reported already; keeps the arithmetic below defined
  }
  const GateReader gate(part, t.tCK_fs);
  t.act_cycles = gate.find({"ACT_command"}).value_or(1);
  t.column_cycles = gate.find({"column_command"}).value_or(1);
  t.nBL = gate.require({"BL"});
  t.nBLmax = gate.find({"BLmax"}).value_or(t.nBL);
  t.nCL = gate.require({"CL", "RL"});
  t.nCWL = gate.require({"CWL", "WL"});
  t.nRCDRD = gate.require({"RCDRD", "RCD"});
  t.nRCDWR = gate.require({"RCDWR", "RCD"});
  t.nRP = gate.require({"RP"});
  t.nRPab = gate.find({"RPab"}).value_or(t.nRP);
  t.nRAS = gate.require({"RAS"});
  t.nRC = gate.require({"RC"});
  t.nRRDS = gate.require({"RRD_S", "RRD"});
  t.nRRDL = gate.require({"RRD_L", "RRD"});
  t.nFAW = gate.require({"FAW"});
  t.nCCDS = gate.require({"CCD_S", "CCD"});
  t.nCCDL = gate.require({"CCD_L", "CCD"});
  t.nCCDR = gate.find({"CCD_R"}).value_or(0);
  t.nCS = gate.find({"CS"}).value_or(0);
  t.nCCDS_WR = gate.find({"CCD_S_WR"}).value_or(t.nCCDS);
  t.nCCDL_WR = gate.find({"CCD_L_WR"}).value_or(t.nCCDL);
  t.nWTRS = gate.require({"WTR_S", "WTR"});
  t.nWTRL = gate.require({"WTR_L", "WTR"});
  t.nRTW = gate.require({"RTW"});
  t.nRTP = gate.require({"RTP"});
  t.nWR = gate.require({"WR"});
  t.nPPD = gate.find({"PPD"}).value_or(1);
  t.nRFC = gate.require({"RFC"});
  t.nREFI = gate.require({"REFI"});
  if (const auto per_bank = gate.find({"RFCpb"})) {
    t.nRFCpb = *per_bank;
    t.nREFIpb = gate.require({"REFIpb"});
    t.nRREFD = gate.find({"RREFD"}).value_or(t.nRRDS);
    t.nPBR2PBR = gate.find({"PBR2PBR"}).value_or(t.nRREFD);
  }
  if (const auto same_bank = gate.find({"RFCsb"})) {
    t.nRFCsb = *same_bank;
    t.nREFIsb = gate.require({"REFIsb"});
    t.nREFSBRD = gate.require({"REFSBRD"});
  }
  t.nCKE = gate.find({"CKE", "PD"}).value_or(0);
  t.nXP = gate.find({"XP"}).value_or(0);
  t.nSR = gate.find({"CKESR", "SR"}).value_or(0);
  t.nXS = gate.find({"XS", "XSR"}).value_or(0);
  t.nPDEN = gate.find({"PDEN"}).value_or(1);
  if (t.protocol == CommandProtocol::split_activate) {
    t.nAAD = gate.require({"AAD"});
    t.nWCKPST = gate.require({"WCKPST"});
  }
  if (t.protocol == CommandProtocol::dual_bus_half) {
    // Simulated in half clocks: an activate takes three of them, a column command two, others one.
    t = t.scaled(2);
    t.tCK_fs = std::max<std::int64_t>(1, t.tCK_fs / 2);
    t.act_cycles = 3;
    t.column_cycles = 2;
  }
  return t;
}

DramEnergy read_events(const ConfigNode& node) {
  return {node.figure<Energy>("activate"),           node.figure<EnergyPerByte>("read"),
          node.figure<EnergyPerByte>("write"),       node.figure<Energy>("refresh"),
          node.figure<Power>("active_standby"),      node.figure<Power>("precharged_standby"),
          node.figure<Power>("power_down"),          node.figure<Power>("self_refresh"),
          node.figure_if<Power>("active_power_down")};
}

// Micron TN-40-07: energies above the standby that the background counts.
//   E_act = V (IDD0 tRC - IDD3N tRAS - IDD2N (tRC - tRAS))     E_rd = V (IDD4R - IDD3N) tBurst
//   E_ref = V (IDD5 - IDD3N) tRFC                              P    = V IDDx
// summed over supply rails and devices, at the timings the currents were measured with.
DramEnergy read_currents(const ConfigNode& node, const DramOrganisation& o) {
  const double devices = static_cast<double>(node.whole("devices", 1, 64));
  const auto tRC = node.figure<Time>("tRC");
  const auto tRAS = node.figure<Time>("tRAS");
  const auto tRFC = node.figure<Time>("tRFC");
  const auto tBurst = node.figure<Time>("tBurst");
  Sourced<Current> read_current;
  double act = 0, rd = 0, wr = 0, ref = 0, p3n = 0, p2n = 0, p2p = 0, p3p = 0, p6 = 0;
  bool any = false;
  bool all_3p = true;
  for (const auto& [name, rail] : node.table("rails").children()) {
    any = true;
    const double v = devices * rail.figure<Voltage>("voltage").value.si();
    const auto i = [&rail = rail, v](const char* key) {
      return v * rail.figure<Current>(key).value.si();
    };
    const double i0 = i("IDD0"), i2n = i("IDD2N"), i3n = i("IDD3N"), i5 = i("IDD5");
    read_current = rail.figure<Current>("IDD4R");
    act += i0 * tRC.value.si() - i3n * tRAS.value.si() - i2n * (tRC.value - tRAS.value).si();
    rd += (i("IDD4R") - i3n) * tBurst.value.si();
    wr += (i("IDD4W") - i3n) * tBurst.value.si();
    ref += (i5 - i3n) * tRFC.value.si();
    p3n += i3n;
    p2n += i2n;
    p2p += i("IDD2P");
    p6 += i("IDD6");
    all_3p = all_3p && rail.has("IDD3P");
    p3p += rail.has("IDD3P") ? i("IDD3P") : 0;
  }
  if (!any) {
    node.error("rails", "no supply rail; expected tables such as [currents.rails.VDD]");
  }
  const double burst = std::max(1, o.burst_bytes);
  if (node.ok() && (act <= 0 || rd <= 0 || wr <= 0 || ref <= 0)) {
    node.error("rails",
               "the currents give an energy that is not positive; expected IDD0, IDD4 and "
               "IDD5 above the standby currents");
  }
  return {derived<Energy>(act, tRC),
          derived<EnergyPerByte>(rd / burst, read_current),
          derived<EnergyPerByte>(wr / burst, read_current),
          derived<Energy>(ref, tRFC),
          derived<Power>(p3n, read_current),
          derived<Power>(p2n, read_current),
          derived<Power>(p2p, read_current),
          derived<Power>(p6, read_current),
          all_3p ? std::optional(derived<Power>(p3p, read_current)) : std::nullopt};
}

template <std::size_t kNames>
std::vector<std::string> list(const std::array<std::string_view, kNames>& names) {
  return {names.begin(), names.end()};
}

template <class E, std::size_t kNames>
void read_choice(const ConfigNode& node, const char* key,
                 const std::array<std::string_view, kNames>& names, E& out) {
  if (const auto name = node.choice_if(key, list(names))) {
    const auto at = std::find(names.begin(), names.end(), *name);
    out = at == names.end() ? out : static_cast<E>(at - names.begin());
  }
}

ControllerPolicy read_controller(const ConfigNode& node, const DramTiming& timing) {
  ControllerPolicy policy;
  const auto clocks = [&](const char* key) -> Clock {
    const auto time = node.figure_if<Time>(key);
    return time ? timing.to_clocks_ceil(std::llround(time->value.si() * 1e12)) : 0;
  };
  read_choice(node, "write_drain", kWriteDrainNames, policy.drain);
  read_choice(node, "page", kPagePolicyNames, policy.page);
  read_choice(node, "refresh", kRefreshNames, policy.refresh);
  read_choice(node, "idle", kIdleNames, policy.idle);
  policy.page_timeout = clocks("page_timeout");
  policy.idle_after = clocks("idle_after");
  if (const std::string fault = fault_of(policy, timing); node.ok() && !fault.empty()) {
    node.error("", fault);
  }
  return policy;
}

}  // namespace

DramPart DramPart::from(const ConfigNode& part) {
  DramPart out;
  out.name = part.text("part");
  part.choice("model", {kModel, "pim_banks"});  // a channel, or one with multipliers at its banks
  out.title = part.text("title");
  const ConfigNode organisation = part.table("organisation");
  (void)organisation.figure<Frequency>("data_rate");  // cross-checked by `equals` of the peak
  (void)organisation.figure<Bytes>("channel_width");
  out.organisation = read_organisation(organisation);
  out.peak = organisation.figure<Bandwidth>("peak");
  out.capacity = organisation.figure<Bytes>("capacity");
  out.mapping_name = organisation.text("mapping");
  out.timing = read_timing(part);
  if (const auto events = part.table_if("energy")) {
    out.energy = read_events(*events);
  }
  if (const auto currents = part.table_if("currents")) {
    if (out.energy) {
      part.error("currents", "both [energy] and [currents]; expected one of them");
    }
    out.energy = read_currents(*currents, out.organisation);
  }
  if (const auto controller = part.table_if("controller")) {
    out.controller = read_controller(*controller, out.timing);
  }
  if (const auto host = part.table_if("host")) {
    out.host =
        DramHostEnergy{host->figure<EnergyPerByte>("transfer"), host->figure<Power>("standing")};
  }
  if (!part.ok()) {
    return out;
  }
  for (const std::string& fault : out.timing.faults(out.organisation)) {
    part.error("timing", fault);
  }
  if (const std::string fault = DramMapping::fault(out.mapping_name, out.organisation);
      !fault.empty()) {
    organisation.error("mapping", fault);
  }
  const DramOrganisation& o = out.organisation;
  const double bytes = static_cast<double>(o.banks()) * static_cast<double>(o.rows) * o.row_bytes;
  if (std::abs(out.capacity.value.si() - bytes) > 0.5) {
    organisation.error("capacity", fmt::format("'capacity' is {}; expected banks x rows x row = {}",
                                               format(out.capacity.value), format(Bytes(bytes))));
  }
  // The peak that the gates allow: one burst in max(BL, tCCD_S) clocks.
  const double fastest = o.units * o.burst_bytes /
                         (static_cast<double>(std::max(out.timing.nBL, out.timing.nCCDS)) *
                          static_cast<double>(out.timing.tCK_fs) * 1e-15);
  if (std::abs(fastest / out.peak.value.si() - 1) > 0.01) {
    organisation.error("peak", fmt::format("'peak' is {}; expected one burst every tCCD_S = {}",
                                           format(out.peak.value), format(Bandwidth(fastest))));
  }
  return out;
}

const DramEnergy& DramPart::require_energy() const {
  if (!energy) {
    throw InputError(
        fmt::format("part '{}' has no energy figures, only timing; expected [energy] or "
                    "[currents] in its file, or a run that does not ask for energy",
                    name));
  }
  return *energy;
}

DramMapping DramPart::mapping() const {
  const auto mapping = DramMapping::named(mapping_name, organisation);
  if (!mapping) {
    throw std::logic_error("a part's mapping is checked when it is read");
  }
  return *mapping;
}

void DramPart::choose_policies(ControllerPolicy& policy) const {
  policy.drain = controller.drain;
  policy.page = controller.page;
  policy.page_timeout = controller.page_timeout;
  policy.refresh = controller.refresh;
  policy.idle = controller.idle;
  policy.idle_after = controller.idle_after;
}

void DramPart::require_policies(const ControllerPolicy& policy) const {
  if (const std::string fault = fault_of(policy, timing); !fault.empty()) {
    throw InputError(fmt::format("part '{}': {}", name, fault));
  }
}

DramPart DramPart::one_unit() const {
  DramPart out = *this;
  const int units = organisation.units;
  if (units > 1) {
    out.organisation.units = 1;
    const auto at = mapping_name.find("_pc");  // wherever it stands
    out.mapping_name = at == std::string::npos
                           ? mapping_name.substr(mapping_name.find('_') + 1)
                           : mapping_name.substr(0, at) + mapping_name.substr(at + 3);
    if (timing.protocol == CommandProtocol::ddr) {
      // They share one command bus: a command of this one takes its turn and those of the others.
      out.timing.act_cycles *= units;
      out.timing.column_cycles *= units;
    }
    out.peak.value = peak.value / units;
    out.capacity.value = capacity.value / units;
  }
  return out;
}

}  // namespace joulesim::hw

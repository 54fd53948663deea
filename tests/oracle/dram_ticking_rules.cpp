// The rules of the ticking controller, from the standards, and what a command does to the banks.
#include "tests/oracle/dram_ticking.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw::testing {

TickingController::TickingController(const DramOrganisation& organisation, const DramTiming& timing,
                                     const ControllerPolicy& policy)
    : o_(organisation), t_(timing), policy_(policy), binds_(10), bound_(10) {
  open_.assign(static_cast<std::size_t>(o_.banks()), kClosed);
  opened_at_.assign(open_.size(), -kNever);
  shut_.assign(open_.size(), 0);
  closable_.assign(open_.size(), 0);
  next_refresh_ = policy.refresh == RefreshPolicy::all_bank    ? t_.nREFI
                  : policy.refresh == RefreshPolicy::per_bank  ? t_.nREFIpb
                  : policy.refresh == RefreshPolicy::same_bank ? t_.nREFIsb
                                                               : 0;
  local_ = policy.refresh == RefreshPolicy::per_bank || policy.refresh == RefreshPolicy::same_bank;
  const DramTiming& t = t_;
  const bool stacks = o_.stacks > 1;
  const Level within = stacks ? Level::stack : Level::unit;
  const Clock written = t.nCWL + t.nBL;
  // Data of one pseudo-channel or rank.
  add(Level::unit, {kRead}, {kRead}, t.nBL);
  add(Level::unit, {kWrite}, {kWrite}, t.nBL);
  add(within, {kRead}, {kRead}, t.nCCDS);
  add(within, {kWrite}, {kWrite}, t.nCCDS_WR);
  if (stacks) {
    add(Level::stack, {kRead}, {kRead}, t.nCCDR, 1, true);
    add(Level::stack, {kWrite}, {kWrite}, t.nCCDR, 1, true);
  }
  if (o_.ranks > 1) {  // one data bus, a gap when it changes hands
    add(Level::unit, {kRead}, {kRead, kWrite}, t.nBL + t.nCS, 1, true);
    add(Level::unit, {kWrite}, {kRead}, t.nCWL + t.nBL + t.nCS - t.nCL, 1, true);
    add(Level::unit, {kWrite}, {kWrite}, t.nBL, 1, true);
  }
  add(Level::unit, {kRead}, {kWrite}, t.nRTW);
  add(Level::unit, {kWrite}, {kRead}, written + t.nWTRS);
  add(Level::unit, {kRead}, {kPreAll}, t.nRTP);
  add(Level::unit, {kWrite}, {kPreAll}, written + t.nWR);
  // Rows.
  add(Level::unit, {kAct}, {kAct}, t.nRRDS);
  add(Level::unit, {kAct}, {kAct}, t.nFAW, 4);
  add(Level::unit, {kAct}, {kPreAll}, t.nRAS);
  add(Level::unit, {kPreAll}, {kAct}, std::max(t.nRP, t.nRPab));
  add(Level::unit, {kPre, kPreAll}, {kPre, kPreAll}, t.nPPD);
  add(Level::unit, {kAct}, {kRef}, t.nRC);
  add(Level::unit, {kPre, kPreAll}, {kRef}, t.nRP);
  add(Level::unit, {kRef}, {kAct, kPreAll, kRef}, t.nRFC);
  add(Level::unit, {kRefBank}, {kAct}, t.nRREFD);
  add(Level::unit, {kRefBank}, {kRefBank}, std::max(t.nPBR2PBR, t.nRREFD));
  add(Level::unit, {kRefSame}, {kAct}, t.nREFSBRD);
  add(Level::unit, {kRefSame}, {kRefSame}, t.nRFCsb);
  add(Level::unit, {kAct}, {kRefBank, kRefSame}, t.nRRDS);
  // One bank group.
  add(Level::group, {kRead}, {kRead}, t.nCCDL);
  add(Level::group, {kWrite}, {kWrite}, t.nCCDL_WR);
  add(Level::group, {kWrite}, {kRead}, t.nCWL + std::max(t.nBL, t.nBLmax) + t.nWTRL);
  add(Level::group, {kAct}, {kAct}, t.nRRDL);
  // One bank.
  add(Level::bank, {kAct}, {kAct}, t.nRC);
  add(Level::bank, {kAct}, {kRead}, t.nRCDRD);
  add(Level::bank, {kAct}, {kWrite}, t.nRCDWR);
  add(Level::bank, {kAct}, {kPre}, t.nRAS);
  add(Level::bank, {kPre}, {kAct}, t.nRP);
  add(Level::bank, {kRead}, {kPre}, t.nRTP);
  add(Level::bank, {kWrite}, {kPre}, written + t.nWR);
  add(Level::bank, {kRefBank}, {kAct, kRefBank}, t.nRFCpb);
  add(Level::bank, {kRefSame}, {kAct}, t.nRFCsb);
  add(Level::bank, {kAct}, {kRefBank, kRefSame}, t.nRC);
  add(Level::bank, {kPre}, {kRefBank, kRefSame}, t.nRP);
  add(Level::unit, {kPreAll}, {kRefBank, kRefSame}, t.nRP);
}
// Distances of the standards run from the last clock of one command to the last of the next.
Clock TickingController::length(Command c) const {
  return c == kAct ? t_.act_cycles : c == kRead || c == kWrite ? t_.column_cycles : 1;
}
void TickingController::add(Level level, std::vector<Command> before, std::vector<Command> after,
                            Clock clocks, unsigned window, bool siblings) {
  const std::size_t nodes = node(level, o_.banks() - 1) + 1;
  for (const Command b : before) {
    for (const Command a : after) {
      Rule rule{level, {b}, {a}, clocks + length(b) - length(a), window, siblings, {}, {}};
      rule.ready.assign(nodes, 0);
      rule.history.resize(nodes);
      binds_[b].push_back(rules_.size());
      bound_[a].push_back(rules_.size());
      rules_.push_back(rule);
    }
  }
}
std::size_t TickingController::node(Level level, int bank) const {
  const int in_group = o_.banks_per_group;
  const int in_stack = in_group * o_.bank_groups;
  const int in_unit = in_stack * o_.stacks;
  const int size = level == Level::unit    ? in_unit
                   : level == Level::stack ? in_stack
                   : level == Level::group ? in_group
                                           : 1;
  return static_cast<std::size_t>(bank / size);
}

// A command for a whole unit is bound by the rules of the unit alone.
bool TickingController::ready(Command c, int bank) const {
  const bool column = c == kRead || c == kWrite;
  const bool two =
      t_.protocol == CommandProtocol::dual_bus || t_.protocol == CommandProtocol::dual_bus_half;
  if (now_ < bus_[two && column ? 1 : 0]) {
    return false;
  }
  // What closes by itself opens, or is refreshed, no sooner than after a precharge.
  if (c == kAct || c == kRefBank || c == kRefSame || c == kRef) {
    const int in_unit = o_.banks_per_unit();
    const int first = c == kRef ? bank / in_unit * in_unit : bank;
    for (int b = first; b < first + (c == kRef ? in_unit : 1); ++b) {
      if (now_ < shut_[static_cast<std::size_t>(b)] + 1 - length(c)) {
        return false;
      }
    }
  }
  for (const std::size_t i : bound_[c]) {
    const Rule& rule = rules_[i];
    if (rank_wide(c) && rule.level != Level::unit) {
      continue;
    }
    if (now_ < rule.ready[node(rule.level, bank)]) {
      return false;
    }
  }
  return true;
}

void TickingController::issue(Command c, int bank, std::int32_t row) {
  const bool column = c == kRead || c == kWrite;
  const bool two =
      t_.protocol == CommandProtocol::dual_bus || t_.protocol == CommandProtocol::dual_bus_half;
  bus_[two && column ? 1 : 0] = now_ + length(c);
  for (const std::size_t i : binds_[c]) {
    Rule& rule = rules_[i];
    const std::size_t mine = node(rule.level, bank);
    if (rule.siblings) {
      for (std::size_t n = 0; n < rule.ready.size(); ++n) {
        const auto per_unit =
            static_cast<std::size_t>(rule.level == Level::stack ? o_.stacks : o_.ranks);
        if (n != mine && n / per_unit == mine / per_unit) {
          rule.ready[n] = std::max(rule.ready[n], now_ + rule.clocks);
        }
      }
      continue;
    }
    auto& past = rule.history[mine];
    past.push_front(now_);
    if (past.size() > rule.window) {
      past.pop_back();
    }
    if (past.size() == rule.window) {
      rule.ready[mine] = std::max(rule.ready[mine], past.back() + rule.clocks);
    }
  }
  const int first = bank / o_.banks_per_unit() * o_.banks_per_unit();
  switch (c) {
    case kAct:
      open_[static_cast<std::size_t>(bank)] = row;
      opened_at_[static_cast<std::size_t>(bank)] = now_;
      out_.commands.push_back({now_, DramCommand::act, bank, row});
      break;
    case kPre:
      out_.commands.push_back({now_, DramCommand::pre, bank, kClosed});
      open_[static_cast<std::size_t>(bank)] = kClosed;
      break;
    case kPreAll:
      out_.commands.push_back({now_, DramCommand::pre_all, first, kClosed});
      std::fill_n(open_.begin() + first, o_.banks_per_unit(), kClosed);
      break;
    case kRead:
      out_.commands.push_back({now_, DramCommand::rd, bank, row});
      break;
    case kWrite:
      out_.commands.push_back({now_, DramCommand::wr, bank, row});
      break;
    case kRef:
      out_.commands.push_back({now_, DramCommand::ref, first, kClosed});
      ++out_.refreshes;
      break;
    case kRefBank:
      out_.commands.push_back({now_, DramCommand::ref_bank, bank, kClosed});
      break;
    case kRefSame:
      out_.commands.push_back({now_, DramCommand::ref_same, bank, kClosed});
      break;
    default:
      break;
  }
  const bool rising = (now_ & 1) == 1;
  if (t_.protocol == CommandProtocol::dual_bus_half && rising && !column) {
    pair_edge_ = now_ + length(c);
    pair_bank_ = bank;
    pair_all_ = rank_wide(c);
  }
}

}  // namespace joulesim::hw::testing

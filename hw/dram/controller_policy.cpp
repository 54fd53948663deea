#include "hw/dram/controller_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace joulesim::hw {

std::string fault_of(const ControllerPolicy& policy, const DramTiming& t) {
  const auto lacks = [](std::string_view what, std::string_view name, std::string_view gates) {
    return fmt::format("found {} '{}'; expected a part that gives {}", what, name, gates);
  };
  const auto refresh = kRefreshNames[static_cast<std::size_t>(policy.refresh)];
  if (policy.refresh == RefreshPolicy::per_bank && t.nREFIpb == 0) {
    return lacks("refresh mode", refresh, "tRFCpb and tREFIpb");
  }
  if (policy.refresh == RefreshPolicy::same_bank && t.nREFIsb == 0) {
    return lacks("refresh mode", refresh, "tRFCsb, tREFIsb and tREFSBRD");
  }
  const auto idle = kIdleNames[static_cast<std::size_t>(policy.idle)];
  if (policy.idle == IdlePolicy::self_refresh && (t.nXS == 0 || t.nSR == 0)) {
    return lacks("idle policy", idle, "tXS and tCKESR");
  }
  if (policy.idle != IdlePolicy::none && (t.nXP == 0 || t.nCKE == 0)) {
    return lacks("idle policy", idle, "tXP and tCKE");
  }
  if (policy.idle != IdlePolicy::none && policy.idle_after < 1) {
    return fmt::format("found idle policy '{}' without a time; expected one of a clock or more",
                       idle);
  }
  if (policy.page == PagePolicy::timeout && policy.page_timeout < 1) {
    return "found page policy 'timeout' without a time; expected one of a clock or more";
  }
  return {};
}

RefreshPlan::RefreshPlan(const DramOrganisation& o, const DramTiming& t, RefreshPolicy policy)
    : policy_(policy) {
  const int units = o.rank_units();
  const int in_unit = o.banks_per_unit();
  switch (policy) {
    case RefreshPolicy::none:
      return;
    case RefreshPolicy::all_bank:
      interval_ = t.nREFI;
      per_step_ = units;
      stride_ = in_unit;
      shape_ = in_unit == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << in_unit) - 1;
      return;
    case RefreshPolicy::per_bank: {
      interval_ = t.nREFIpb;
      if (interval_ == 0 || t.nREFI == 0) {
        interval_ = 0;
        return;
      }
      // So many banks a step that all have their turn in an interval of all-bank refresh.
      const Clock turns = std::max<Clock>((t.nREFI + interval_ / 2) / interval_, 1);
      const auto reached = static_cast<int>(
          std::bit_floor(static_cast<unsigned>(std::max<Clock>(o.banks() / turns, 1))));
      const int set = std::clamp(reached / units, 1, in_unit);
      per_step_ = std::clamp(reached / set, 1, units);
      if (set > 1) {
        shape_ = 0;
        for (int i = 0; i < set; ++i) {
          shape_ |= std::uint64_t{1} << (i * (in_unit / set));
        }
      }
      // One set a step takes the ranks in turn, several a step take them at once.
      stride_ = per_step_ > 1 ? o.banks() / per_step_ : 0;
      steps_ = set > 1 ? in_unit / set : o.banks() / per_step_;
      share_ = static_cast<double>(set) / in_unit;
      return;
    }
    case RefreshPolicy::same_bank:
      interval_ = t.nREFIsb;
      per_step_ = units;
      stride_ = in_unit;
      steps_ = o.banks_per_group;
      shape_ = 0;
      for (int b = 0; b < in_unit; b += o.banks_per_group) {
        shape_ |= std::uint64_t{1} << b;
      }
      // Fine granularity: the same rows in as many intervals of all-bank refresh.
      share_ = t.nREFI > 0 ? static_cast<double>(t.nREFIsb) / static_cast<double>(t.nREFI) : 0;
      return;
  }
}

}  // namespace joulesim::hw

#include "sim/base/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace joulesim {

const char* spent_name(Spent spent) {
  switch (spent) {
    case Spent::movement:
      return "movement";
    case Spent::arithmetic:
      return "arithmetic";
    case Spent::control:
      return "control";
    case Spent::standing:
      return "static";
    case Spent::loss:
      break;
  }
  return "loss";
}

std::size_t Ledger::entry_of(const std::string& component, const std::string& cause, Spent spent) {
  const auto [place, fresh] = index_.try_emplace({component, cause}, entries_.size());
  if (fresh) {
    entries_.push_back({component, cause, spent, Energy(0)});
  } else if (entries_[place->second].spent != spent) {
    throw std::logic_error(fmt::format("{}/{} is booked both as {} and as {}", component, cause,
                                       spent_name(entries_[place->second].spent),
                                       spent_name(spent)));
  }
  return place->second;
}

void Ledger::spend(const std::string& component, const std::string& cause, Spent spent,
                   Energy energy, Time begin, Time end) {
  if (!std::isfinite(energy.si()) || energy < Energy(0) || end < begin ||
      !std::isfinite(begin.si()) || !std::isfinite(end.si())) {
    throw std::logic_error(fmt::format("{}/{} books {} J from {} s to {} s", component, cause,
                                       energy.si(), begin.si(), end.si()));
  }
  const std::size_t entry = entry_of(component, cause, spent);
  entries_[entry].energy += energy;
  spans_.push_back({entry, energy, begin, end});
  end_ = max(end_, end);
}

void Ledger::busy(const std::string& component, const std::string& cause, Time busy, Time exposed) {
  const auto [place, fresh] = busy_index_.try_emplace({component, cause}, busy_.size());
  if (fresh) {
    busy_.push_back({component, cause, Time(0), Time(0)});
  }
  busy_[place->second].busy += busy;
  busy_[place->second].exposed += exposed;
}

void Ledger::append(const Ledger& other, Time shift) { append_repeated(other, shift, 1, Time(0)); }

void Ledger::append_repeated(const Ledger& other, Time shift, double times, Time period) {
  if (!(times > 0)) {
    return;
  }
  const Time stretch = (times - 1) * period;
  for (const LedgerSpan& span : other.spans_) {
    const LedgerEntry& entry = other.entries_[span.entry];
    spend(entry.component, entry.cause, entry.spent, times * span.energy, shift + span.begin,
          shift + span.end + stretch);
  }
  for (const BusyEntry& entry : other.busy_) {
    busy(entry.component, entry.cause, times * entry.busy, times * entry.exposed);
  }
}

Energy Ledger::total() const {
  // Neumaier's sum: the total must not depend on how a run was cut into spans.
  double sum = 0;
  double rest = 0;
  for (const LedgerSpan& span : spans_) {
    const double x = span.energy.si();
    const double next = sum + x;
    rest += std::fabs(sum) >= std::fabs(x) ? (sum - next) + x : (x - next) + sum;
    sum = next;
  }
  return Energy(sum + rest);
}

Energy Ledger::of(const std::string& component) const {
  Energy sum;
  for (const LedgerEntry& entry : entries_) {
    if (entry.component == component) {
      sum += entry.energy;
    }
  }
  return sum;
}

std::vector<Power> Ledger::power_trace(Time begin, Time end, std::size_t bins) const {
  std::vector<Energy> energy(bins);
  if (bins == 0 || !(begin < end)) {
    return {};
  }
  const Time width = (end - begin) / static_cast<double>(bins);
  for (const LedgerSpan& span : spans_) {
    const Time length = span.end - span.begin;
    if (span.end < begin || span.begin > end) {
      continue;
    }
    const auto bin_of = [&](Time t) {
      const double x = std::floor((t - begin) / width);
      return static_cast<std::size_t>(std::clamp(x, 0.0, static_cast<double>(bins - 1)));
    };
    if (!(length > Time(0))) {
      energy[bin_of(span.begin)] += span.energy;
      continue;
    }
    for (std::size_t bin = bin_of(span.begin); bin <= bin_of(span.end); ++bin) {
      const Time from = max(span.begin, begin + static_cast<double>(bin) * width);
      const Time to = min(span.end, begin + static_cast<double>(bin + 1) * width);
      if (from < to) {
        energy[bin] += span.energy * ((to - from) / length);
      }
    }
  }
  std::vector<Power> power;
  power.reserve(bins);
  for (const Energy e : energy) {
    power.push_back(e / width);
  }
  return power;
}

}  // namespace joulesim

// The one ledger: who spent which joules, for what, and when. All energy of a run goes through it.
//
// A span is an amount of energy spent evenly over an interval; power is the sum over running spans,
// so
//   Σ entries = ∫ power dt = total      (tested: tests/laws/ledger_conservation.cpp)
// Time is booked beside it: how long a component was busy for a cause and how much of that was
// exposed (not hidden behind something else).
#pragma once

#include "sim/base/quantity.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace joulesim {

// Where energy goes, for the question "movement, arithmetic, static or loss?".
enum class Spent { movement, arithmetic, control, standing, loss };
const char* spent_name(Spent spent);  // "movement", "arithmetic", "control", "static", "loss"

struct LedgerEntry {
  std::string component, cause;
  Spent spent = Spent::movement;
  Energy energy;
};

struct LedgerSpan {
  std::size_t entry = 0;  // index into entries()
  Energy energy;
  Time begin, end;  // begin == end: an instant (counted in the total, infinite in power)
};

struct BusyEntry {
  std::string component, cause;
  Time busy, exposed;
};

class Ledger {
 public:
  // Energy must be finite and not negative, and the interval in order; anything else is a bug here.
  void spend(const std::string& component, const std::string& cause, Spent spent, Energy energy,
             Time begin, Time end);
  void busy(const std::string& component, const std::string& cause, Time busy, Time exposed);

  // Another ledger's spans, shifted in time; `times` repeats them back to back with `period`
  // between starts as one span over the whole (n identical blocks, n interpolated tokens).
  void append(const Ledger& other, Time shift);
  void append_repeated(const Ledger& other, Time shift, double times, Time period);

  [[nodiscard]] Energy total() const;
  [[nodiscard]] Time end() const { return end_; }
  [[nodiscard]] const std::vector<LedgerEntry>& entries() const { return entries_; }
  [[nodiscard]] const std::vector<LedgerSpan>& spans() const { return spans_; }
  [[nodiscard]] const std::vector<BusyEntry>& busy_entries() const { return busy_; }
  [[nodiscard]] Energy of(const std::string& component) const;

  // Mean power in `bins` equal bins over [begin, end]; its integral is the energy spent there.
  [[nodiscard]] std::vector<Power> power_trace(Time begin, Time end, std::size_t bins) const;

 private:
  std::size_t entry_of(const std::string& component, const std::string& cause, Spent spent);
  std::map<std::pair<std::string, std::string>, std::size_t> index_;
  std::map<std::pair<std::string, std::string>, std::size_t> busy_index_;
  std::vector<LedgerEntry> entries_;
  std::vector<LedgerSpan> spans_;
  std::vector<BusyEntry> busy_;
  Time end_;
};

}  // namespace joulesim

// The read or the write buffer of a DRAM controller, kept so that the oldest row hit and the oldest
// other request of every bank are known without a scan.
//
// Requests of one bank and one row form a group, first in, first out: they become ready together,
// so only a group's head can ever be chosen. A bank's candidates are the head of the group of its
// open row and the oldest head among its other groups.
//
// Checked by: tests/unit/dram_structures.cpp (against a plain list),
// tests/oracle/dram_reference.cpp.
#pragma once

#include "hw/dram/bank_state.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace joulesim::hw {

// One burst that a client wants moved. `tag` comes back with its completion.
struct Burst {
  int bank = 0;
  std::int32_t row = 0;
  std::int32_t column = 0;
  bool write = false;
  std::uint16_t client = 0;
  std::uint32_t tag = 0;
  Clock arrival = 0;
};

// An age is the arrival clock, shifted, plus the order of acceptance within that clock.
inline constexpr int kArrivalShift = 16;
inline constexpr std::uint64_t kNoAge = ~std::uint64_t{0};

class RequestQueue {
 public:
  struct Entry {
    Burst burst;
    std::uint64_t age = 0;
    std::int32_t order = 0;  // of acceptance
    std::int16_t next = -1;
    bool counted = false;  // row hit, miss or conflict already counted
  };

  // `searched`: `contains` will be asked.
  RequestQueue(int capacity, bool searched);

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool full() const { return size_ == capacity_; }
  [[nodiscard]] bool contains(int bank, std::int32_t row, std::int32_t column) const {
    return size_ > 0 && filter_[hash(bank, row, column)] != 0 && found(bank, row, column);
  }

  // Which of the bank's candidates a new entry is.
  enum class Becomes : std::uint8_t { neither, hit, miss };
  // `open_row` is the bank's open row now, kClosed if none; the entry's burst arrives at `arrival`.
  Becomes push(const Burst& burst, std::uint64_t age, std::int32_t open_row, Clock arrival);
  // Removes the head of the bank's group of `row`, which must exist. The entry stays readable until
  // the next push.
  const Entry& pop(int bank, std::int32_t row, std::int32_t open_row);
  // Removes the oldest entry that is not for the open row; its row is the open one from now on.
  const Entry& take_oldest_miss(int bank);
  // To be called when a bank's open row changes.
  void refresh_candidates(int bank, std::int32_t open_row);
  // When it closes: what missed the open row still does.
  void row_closed(int bank) {
    if ((hit_mask_ >> bank & 1U) != 0) {
      refresh_candidates(bank, kClosed);
    }
  }

  [[nodiscard]] std::uint64_t hit_mask() const { return hit_mask_; }
  [[nodiscard]] std::uint64_t miss_mask() const { return miss_mask_; }
  [[nodiscard]] std::uint64_t hit_age(int bank) const { return hit_age_[at(bank)]; }
  [[nodiscard]] std::uint64_t miss_age(int bank) const { return miss_age_[at(bank)]; }
  // The order of acceptance of the same candidates, for a scan over all banks.
  [[nodiscard]] const std::int32_t* hit_orders() const { return hit_order_.data(); }
  [[nodiscard]] const std::int32_t* miss_orders() const { return miss_order_.data(); }
  // The oldest entry of the bank that is not for the open row.
  Entry& oldest_miss(int bank);

 private:
  struct Group {
    std::int32_t row = 0;
    std::int16_t head = -1, tail = -1, next = -1;
  };
  static constexpr std::int32_t kLastOrder = 0x7ffffffe;
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  void renumber();
  Becomes begin_group(std::int16_t slot, std::int32_t open_row);
  static std::size_t hash(int bank, std::int32_t row, std::int32_t column) {
    const auto mixed = static_cast<std::uint32_t>(row) * 0x9E3779B1U ^
                       static_cast<std::uint32_t>(column) * 0x85EBCA77U ^
                       static_cast<std::uint32_t>(bank) * 0xC2B2AE3DU;
    return mixed >> 24;
  }
  [[nodiscard]] bool found(int bank, std::int32_t row, std::int32_t column) const;
  void forget(const Burst& b) {
    if (searched_) {
      --filter_[hash(b.bank, b.row, b.column)];
    }
  }

  int capacity_, size_ = 0;
  bool searched_ = true;
  std::vector<Entry> entries_;
  std::vector<Group> groups_;
  std::int16_t free_entry_ = 0, free_group_ = 0;
  std::array<std::int16_t, kMaxBanks> bank_groups_{};
  std::array<std::int16_t, kMaxBanks> oldest_miss_group_{};
  std::array<std::uint64_t, kMaxBanks> hit_age_{}, miss_age_{};
  alignas(64) std::array<std::int32_t, kMaxBanks> hit_order_{};
  alignas(64) std::array<std::int32_t, kMaxBanks> miss_order_{};
  std::int32_t next_order_ = 0;
  std::uint64_t hit_mask_ = 0, miss_mask_ = 0;
  // Counts of buffered addresses by hash: a zero says "not here" without a search.
  std::array<std::uint8_t, 256> filter_{};
};

inline RequestQueue::Becomes RequestQueue::push(const Burst& burst, std::uint64_t age,
                                                std::int32_t open_row, Clock arrival) {
  const std::int16_t slot = free_entry_;
  Entry& entry = entries_[at(slot)];
  free_entry_ = entry.next;
  // Field by field: a temporary would be written and read in different widths.
  entry.burst = burst;
  entry.burst.arrival = arrival;
  entry.age = age;
  if (next_order_ == kLastOrder) {
    renumber();
  }
  entry.order = next_order_++;
  entry.next = -1;
  entry.counted = false;
  ++size_;
  if (searched_) {
    ++filter_[hash(burst.bank, burst.row, burst.column)];
  }
  for (std::int16_t g = bank_groups_[at(burst.bank)]; g >= 0;) {
    Group& group = groups_[at(g)];
    if (group.row == burst.row) {
      entries_[at(group.tail)].next = slot;
      group.tail = slot;
      return Becomes::neither;  // the group's head, and so the bank's candidates, stay as they are
    }
    g = group.next;
  }
  return begin_group(slot, open_row);
}

}  // namespace joulesim::hw

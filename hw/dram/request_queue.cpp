#include "hw/dram/request_queue.hpp"

#include <algorithm>

namespace joulesim::hw {

// Orders start again from the oldest entry's; their differences stay.
void RequestQueue::renumber() {
  std::int32_t least = kLastOrder;
  const auto each = [this](const auto& visit) {
    for (const std::int16_t first : bank_groups_) {
      for (std::int16_t g = first; g >= 0; g = groups_[at(g)].next) {
        for (std::int16_t e = groups_[at(g)].head; e >= 0; e = entries_[at(e)].next) {
          visit(entries_[at(e)]);
        }
      }
    }
  };
  each([&least](const Entry& e) { least = std::min(least, e.order); });
  each([least](Entry& e) { e.order -= least; });
  for (std::size_t bank = 0; bank < kMaxBanks; ++bank) {
    hit_order_[bank] -= least;  // meaningless where there is no candidate
    miss_order_[bank] -= least;
  }
  next_order_ -= least;
}

RequestQueue::RequestQueue(int capacity, bool searched)
    : capacity_(capacity), searched_(searched), entries_(at(capacity)), groups_(at(capacity)) {
  for (int i = 0; i < capacity; ++i) {
    entries_[at(i)].next = static_cast<std::int16_t>(i + 1 < capacity ? i + 1 : -1);
    groups_[at(i)].next = static_cast<std::int16_t>(i + 1 < capacity ? i + 1 : -1);
  }
  bank_groups_.fill(-1);
  oldest_miss_group_.fill(-1);
  hit_age_.fill(kNoAge);
  miss_age_.fill(kNoAge);
}

bool RequestQueue::found(int bank, std::int32_t row, std::int32_t column) const {
  for (std::int16_t g = bank_groups_[at(bank)]; g >= 0; g = groups_[at(g)].next) {
    if (groups_[at(g)].row != row) {
      continue;
    }
    for (std::int16_t e = groups_[at(g)].head; e >= 0; e = entries_[at(e)].next) {
      if (entries_[at(e)].burst.column == column) {
        return true;
      }
    }
  }
  return false;
}

RequestQueue::Becomes RequestQueue::begin_group(std::int16_t slot, std::int32_t open_row) {
  const Entry& entry = entries_[at(slot)];
  const Burst& burst = entry.burst;
  const std::int16_t g = free_group_;
  Group& group = groups_[at(g)];
  free_group_ = group.next;
  group = {burst.row, slot, slot, bank_groups_[at(burst.bank)]};
  bank_groups_[at(burst.bank)] = g;
  const std::uint64_t bit = std::uint64_t{1} << burst.bank;
  if (burst.row == open_row) {
    hit_age_[at(burst.bank)] = entry.age;
    hit_order_[at(burst.bank)] = entry.order;
    hit_mask_ |= bit;
    return Becomes::hit;
  }
  if (miss_age_[at(burst.bank)] != kNoAge) {
    return Becomes::neither;  // younger than any other miss
  }
  miss_age_[at(burst.bank)] = entry.age;
  miss_order_[at(burst.bank)] = entry.order;
  oldest_miss_group_[at(burst.bank)] = g;
  miss_mask_ |= bit;
  return Becomes::miss;
}

const RequestQueue::Entry& RequestQueue::pop(int bank, std::int32_t row, std::int32_t open_row) {
  std::int16_t* link = &bank_groups_[at(bank)];
  while (groups_[at(*link)].row != row) {
    link = &groups_[at(*link)].next;
  }
  const std::int16_t g = *link;
  Group& group = groups_[at(g)];
  const std::int16_t slot = group.head;
  Entry& out = entries_[at(slot)];
  group.head = out.next;
  out.next = free_entry_;
  free_entry_ = slot;
  --size_;
  forget(out.burst);
  const bool emptied = group.head < 0;
  if (emptied) {
    *link = group.next;
    group.next = free_group_;
    free_group_ = g;
  }
  if (row == open_row) {
    if (emptied) {
      hit_age_[at(bank)] = kNoAge;
      hit_mask_ &= ~(std::uint64_t{1} << bank);
    } else {
      hit_age_[at(bank)] = entries_[at(group.head)].age;
      hit_order_[at(bank)] = entries_[at(group.head)].order;
    }
  } else if (bank_groups_[at(bank)] < 0) {
    miss_age_[at(bank)] = kNoAge;
    miss_mask_ &= ~(std::uint64_t{1} << bank);
  } else {
    refresh_candidates(bank, open_row);
  }
  return out;
}

void RequestQueue::refresh_candidates(int bank, std::int32_t open_row) {
  if (bank_groups_[at(bank)] < 0) {
    return;  // nothing for this bank, and its bits are clear
  }
  std::uint64_t hit = kNoAge;
  std::uint64_t miss = kNoAge;
  std::int16_t oldest = -1;
  for (std::int16_t g = bank_groups_[at(bank)]; g >= 0; g = groups_[at(g)].next) {
    const Entry& head = entries_[at(groups_[at(g)].head)];
    if (groups_[at(g)].row == open_row) {
      hit = head.age;
      hit_order_[at(bank)] = head.order;
    } else if (head.age < miss) {
      miss = head.age;
      miss_order_[at(bank)] = head.order;
      oldest = g;
    }
  }
  const std::uint64_t bit = std::uint64_t{1} << bank;
  hit_mask_ = hit == kNoAge ? hit_mask_ & ~bit : hit_mask_ | bit;
  miss_mask_ = miss == kNoAge ? miss_mask_ & ~bit : miss_mask_ | bit;
  hit_age_[at(bank)] = hit;
  miss_age_[at(bank)] = miss;
  oldest_miss_group_[at(bank)] = oldest;
}

const RequestQueue::Entry& RequestQueue::take_oldest_miss(int bank) {
  const std::int16_t g = oldest_miss_group_[at(bank)];
  Group& group = groups_[at(g)];
  const std::int32_t row = group.row;
  const std::int16_t slot = group.head;
  Entry& out = entries_[at(slot)];
  group.head = out.next;
  out.next = free_entry_;
  free_entry_ = slot;
  --size_;
  forget(out.burst);
  if (group.head < 0) {
    std::int16_t* link = &bank_groups_[at(bank)];
    while (*link != g) {
      link = &groups_[at(*link)].next;
    }
    *link = group.next;
    group.next = free_group_;
    free_group_ = g;
  }
  if (bank_groups_[at(bank)] < 0) {
    const std::uint64_t bit = std::uint64_t{1} << bank;
    hit_mask_ &= ~bit;
    miss_mask_ &= ~bit;
    hit_age_[at(bank)] = kNoAge;
    miss_age_[at(bank)] = kNoAge;
  } else {
    refresh_candidates(bank, row);
  }
  return out;
}

RequestQueue::Entry& RequestQueue::oldest_miss(int bank) {
  return entries_[at(groups_[at(oldest_miss_group_[at(bank)])].head)];
}

}  // namespace joulesim::hw

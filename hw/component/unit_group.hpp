// Several units of a machine as one, over the memory that they share: each operator runs on the
// unit that it is placed on, or products on two of them at once.
//
// Models:      placement by kind of operator (products of many rows, products of few, attention,
//              vector work); operators that the wanted unit refuses run on one that takes them, the
//              first unit first; to run elsewhere than on the first unit costs two hand-overs and
//              the operator's activations written to memory and read again, there and back; a
//              helper draws its working power while it works. A product that is split: both units
//              have programs of their own that begin together; the partner's begins with a
//              hand-over and the writing of inputs that the first unit has on chip, and ends with a
//              hand-over and the reading of its outputs.
// Leaves out:  hand-overs saved between neighbours on the same helper, traffic of handed
// activations
//              beside their time.
// Checked by:  tests/timing/other_units.cpp, tests/timing/split_work.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/component/split_work.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace joulesim::hw {

enum class PlacedKind : std::uint8_t { product, small_product, attention, vector };
inline constexpr int kPlacedKinds = 4;
std::string_view name_of(PlacedKind kind);

struct GroupMember {
  std::string name;  // the machine's: "gpu", "pim"
  std::shared_ptr<const ComputeUnit> unit;
};

// Products that a partner works on at the same time.
struct GroupSplit {
  std::size_t with = 1;  // the partner's index
  SplitBy by = SplitBy::columns;
  bool products = true, small_products = true;  // the kinds that are split
  std::optional<double> share;                  // the partner's; none: both end at the same time
  RuntimeSpec runtime;                          // the partner's software stack
};

struct GroupPlan {
  // Index of the member that each kind is placed on; the first member where nothing is said.
  std::array<std::size_t, kPlacedKinds> on{};
  std::int64_t small_rows = 8;  // products of so many rows or fewer are small
  Time handover;                // a signal and its answer, one way
  std::optional<GroupSplit> split;
};

// A product on two units: what each does of it, with joules by the group's causes.
struct SharedWork {
  Work own, other;
  TileProgram own_program, other_program;
};

class UnitGroup final : public ComputeUnit {
 public:
  UnitGroup(std::vector<GroupMember> members, GroupPlan plan);

  [[nodiscard]] const std::string& name() const override { return first().name(); }
  [[nodiscard]] const std::string& title() const override { return title_; }
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  [[nodiscard]] const std::vector<EnergyCause>& causes() const override { return causes_; }
  [[nodiscard]] Sourced<Power> idle_power() const override { return first().idle_power(); }
  [[nodiscard]] Sourced<Power> active_power() const override { return first().active_power(); }
  [[nodiscard]] std::optional<OpRate> peak(DataType type) const override {
    return first().peak(type);
  }
  [[nodiscard]] std::vector<DataType> types() const override { return first().types(); }
  [[nodiscard]] Bytes local_memory() const override { return first().local_memory(); }
  [[nodiscard]] Bandwidth port_bandwidth() const override { return first().port_bandwidth(); }
  [[nodiscard]] Bandwidth memory_bandwidth() const override { return first().memory_bandwidth(); }
  [[nodiscard]] bool arithmetic_assumed() const override { return first().arithmetic_assumed(); }
  [[nodiscard]] bool memory_assumed() const override { return first().memory_assumed(); }
  [[nodiscard]] int tile_buffers() const override { return first().tile_buffers(); }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

  [[nodiscard]] TileProgram lower_before(const MemoryView& memory, const Work& work,
                                         std::size_t index,
                                         const RuntimeSpec& runtime) const override;

  // Columns or rows of a work that the partner takes; 0: it runs on one unit alone.
  [[nodiscard]] std::int64_t given_to_partner(const MemoryView& memory, const Work& work,
                                              const RuntimeSpec& runtime) const;
  // The work on both units, so much of it on the partner.
  [[nodiscard]] SharedWork share(const MemoryView& memory, const Work& work, std::int64_t given,
                                 const RuntimeSpec& runtime) const;
  [[nodiscard]] const GroupSplit* split() const { return plan_.split ? &*plan_.split : nullptr; }
  [[nodiscard]] const GroupMember& partner() const { return members_.at(plan_.split->with); }

  // Whose cause the i-th one is, and what that member calls it.
  [[nodiscard]] const GroupMember& owner_of(std::size_t cause) const;
  [[nodiscard]] std::string own_name_of(std::size_t cause) const;

  // The member that runs a work; none when all refuse it.
  [[nodiscard]] std::optional<std::size_t> member_for(const Work& work) const;

 private:
  [[nodiscard]] const ComputeUnit& first() const { return *members_.front().unit; }
  [[nodiscard]] PlacedKind kind_of(const Work& work) const;
  // A member's program as one of the group's.
  void take_in(std::size_t member, TileProgram& program) const;
  [[nodiscard]] TileProgram handed_over(std::size_t member, const Work& work,
                                        TileProgram program) const;

  std::vector<GroupMember> members_;
  GroupPlan plan_;
  std::string title_;
  std::vector<EnergyCause> causes_;
  std::vector<std::size_t> first_cause_;  // of each member
};

}  // namespace joulesim::hw

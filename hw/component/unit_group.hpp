// Several units of a machine as one: each operator runs on the unit that it is placed on, one after
// the other, over the memory that they share.
//
// Models:      placement by kind of operator (products of many rows, products of few, attention,
//              vector work); operators that the wanted unit refuses run on one that takes them, the
//              first unit first; to run elsewhere than on the first unit costs two hand-overs and
//              the operator's activations written to memory and read again, there and back; a
//              helper draws its working power while it works.
// Leaves out:  two units at work at once, hand-overs saved between neighbours on the same helper.
// Checked by:  tests/timing/other_units.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"

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

struct GroupPlan {
  // Index of the member that each kind is placed on; the first member where nothing is said.
  std::array<std::size_t, kPlacedKinds> on{};
  std::int64_t small_rows = 8;  // products of so many rows or fewer are small
  Time handover;                // a signal and its answer, one way
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

  // The member that runs a work; none when all refuse it.
  [[nodiscard]] std::optional<std::size_t> member_for(const Work& work) const;

 private:
  [[nodiscard]] const ComputeUnit& first() const { return *members_.front().unit; }

  std::vector<GroupMember> members_;
  GroupPlan plan_;
  std::string title_;
  std::vector<EnergyCause> causes_;
  std::vector<std::size_t> first_cause_;  // of each member
};

}  // namespace joulesim::hw

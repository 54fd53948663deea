// A unit that breaks the interface in the way that its part's title names: `model = "unsound"`.
#include "hw/component/plugin.hpp"
#include "hw/component/resident_unit.hpp"

#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

namespace {

using namespace joulesim;
using namespace joulesim::hw;

struct Spec : ResidentSpec {
  static Spec from(const ConfigNode& part) {
    Spec spec;
    spec.read(part);
    return spec;
  }
};

class Unsound final : public ResidentUnit {
 public:
  static constexpr const char* kModel = "unsound";
  explicit Unsound(Spec spec) : spec_(std::move(spec)) { causes_ = shared_causes(spec_); }

  TileProgram lower(const Work& work, std::size_t index,
                    const RuntimeSpec& runtime) const override {
    if (title() == "throws") {
      throw std::runtime_error("out of ideas");
    }
    std::vector<double> joules = shared_joules(work);
    if (title() == "joules") {
      joules[kMac] = std::numeric_limits<double>::quiet_NaN();
    }
    if (title() == "causes") {
      joules.push_back(1);
    }
    TileProgram result = program(work, index, runtime, Time(title() == "time" ? -1 : 1), joules);
    if (title() == "stream") {
      result.runs.front().loads.push_back({work.streams.size(), 64});
    }
    return result;
  }
  Bytes local_memory() const override { return Bytes(1 << 20); }
  Bandwidth port_bandwidth() const override { return Bandwidth(title() == "port" ? 0 : 1e9); }
  std::shared_ptr<const ComputeUnit> at_corner(Corner /*corner*/) const override {
    return std::make_shared<const Unsound>(spec_);
  }
  std::shared_ptr<const ComputeUnit> scaled(double /*arithmetic*/, double /*port*/) const override {
    return nullptr;
  }

 private:
  const ResidentSpec& base() const override { return spec_; }
  Spec spec_;
};

void add_kinds(Registry& kinds) { kinds.add(unit_kind<Unsound, Spec>("for a test")); }

}  // namespace

JOULESIM_PLUGIN(add_kinds)

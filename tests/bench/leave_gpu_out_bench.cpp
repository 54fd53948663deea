// How far off are kernels of a chip that no constant was set on? For each chip in turn, the global
// constants are set anew on the others' rows, from values away from those in use, and judged on it.
#include "hw/gpu/gpu_kernels.hpp"
#include "sim/engine/kernel_query.hpp"
#include "sim/engine/measured.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

struct Row {
  std::string chip;
  const hw::SimtGpuSpec* spec = nullptr;
  const Machine* machine = nullptr;
  const hw::RuntimeSpec* runtime = nullptr;
  hw::KernelRequest request;
  double measured = 0;  // seconds
};

// A constant, and where its search begins.
struct Knob {
  const char* name;
  double hw::GpuConstants::*value;
  double start, least, most;
};

class Rows {
 public:
  explicit Rows(const std::string& kind) : setting_(library_) {
    const MeasuredTable table =
        read_measured(std::string(JOULESIM_DATA_DIR) + "/measured/" + kind + ".csv", kind);
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const MeasuredRow measured = measured_row(table, i);
      std::string reason;
      const Machine* machine = setting_.machine(table.field(i, "gpu"), reason);
      if (machine == nullptr || !measured.kernel || measured.measured_us <= 0) {
        continue;
      }
      Row row;
      row.chip = machine->units.front().unit->name();
      row.spec = spec_of(row.chip);
      row.machine = machine;
      row.runtime = &setting_.runtime(table.field(i, "framework"), table.field(i, "method"),
                                      table.field(i, "source"));
      row.request = *measured.kernel;
      row.measured = measured.measured_us * 1e-6;
      all.push_back(row);
    }
  }
  std::vector<Row> all;

 private:
  const hw::SimtGpuSpec* spec_of(const std::string& chip) {
    auto& spec = specs_[chip];
    if (spec == nullptr) {
      ConfigFile file =
          ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/gpu/" + chip + ".toml");
      spec = std::make_unique<hw::SimtGpuSpec>(hw::SimtGpuSpec::from(file.root()));
    }
    return spec.get();
  }
  Library library_ = Library::open();
  MeasuredSetting setting_;
  std::map<std::string, std::unique_ptr<hw::SimtGpuSpec>> specs_;
};

// Absolute errors, sorted, of the rows of a chip or of all but it.
std::vector<double> errors_of(const std::vector<Row>& rows, const hw::GpuConstants& constants,
                              const std::string& chip, bool of_chip) {
  std::vector<double> errors;
  for (const Row& row : rows) {
    if ((row.chip == chip) != of_chip) {
      continue;
    }
    hw::KernelMachine machine;
    machine.spec = row.spec;
    machine.memory = memory_view(*row.machine);
    machine.clock = row.spec->clock.value;
    machine.constants = constants;
    const hw::KernelAnswer answer = hw::answer_kernel(machine, row.request, *row.runtime);
    errors.push_back(std::fabs(answer.time.si() / row.measured - 1));
  }
  std::sort(errors.begin(), errors.end());
  return errors;
}

double at(const std::vector<double>& sorted, double share) {
  return sorted.at(static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1)));
}

double loss(const std::vector<double>& errors) {
  double sum = 0;
  for (const double e : errors) {
    sum += std::min(e, 1.0);
  }
  return sum / static_cast<double>(errors.size()) + at(errors, 0.5);
}

// Up and down along each constant in turn, with shorter and shorter steps.
hw::GpuConstants set_on_others(const std::vector<Row>& rows, const std::vector<Knob>& knobs,
                               const std::string& chip) {
  constexpr double kFirst = 0.3;
  constexpr double kLast = 0.02;
  hw::GpuConstants best;
  for (const Knob& knob : knobs) {
    best.*knob.value = knob.start;
  }
  double least = loss(errors_of(rows, best, chip, false));
  for (double step = kFirst; step > kLast;) {
    bool better = false;
    for (const Knob& knob : knobs) {
      for (const double factor : {1 + step, 1 / (1 + step)}) {
        hw::GpuConstants tried = best;
        tried.*knob.value = std::clamp(best.*knob.value * factor, knob.least, knob.most);
        const double value = loss(errors_of(rows, tried, chip, false));
        if (value < least - 1e-6) {
          least = value;
          best = tried;
          better = true;
          break;
        }
      }
    }
    step = better ? step : step / 2;
  }
  return best;
}

void leave_each_out(const std::string& kind, const std::vector<Knob>& knobs) {
  if (!std::filesystem::exists(std::string(JOULESIM_DATA_DIR) + "/measured/" + kind + ".csv")) {
    WARN("no measured kernels");
    return;
  }
  const Rows rows(kind);
  std::vector<std::string> chips;
  for (const Row& row : rows.all) {
    if (std::find(chips.begin(), chips.end(), row.chip) == chips.end()) {
      chips.push_back(row.chip);
    }
  }
  std::sort(chips.begin(), chips.end());
  for (const std::string& chip : chips) {
    const hw::GpuConstants others = set_on_others(rows.all, knobs, chip);
    const auto in_use = errors_of(rows.all, hw::GpuConstants(), chip, true);
    const auto left_out = errors_of(rows.all, others, chip, true);
    std::printf("%-18s %-10s %4zu rows   in use %5.1f / %5.1f %%   left out %5.1f / %5.1f %%\n  ",
                kind.c_str(), chip.c_str(), in_use.size(), 100 * at(in_use, 0.5),
                100 * at(in_use, 0.9), 100 * at(left_out, 0.5), 100 * at(left_out, 0.9));
    for (const Knob& knob : knobs) {
      std::printf(" %s %.3g", knob.name, others.*knob.value);
    }
    std::printf("\n");
    std::fflush(stdout);
    CHECK(at(left_out, 0.5) > 0);
  }
}

}  // namespace

TEST_CASE("products of a chip that was left out", "[gemm]") {
  using C = hw::GpuConstants;
  leave_each_out("gemm", {{"launch_cycles", &C::launch_cycles, 3500, 700, 7000},
                          {"loaded_latency", &C::loaded_latency, 1.8, 1, 5},
                          {"dram_share", &C::dram_share, 0.8, 0.5, 1},
                          {"write_share", &C::write_share, 0.8, 0.2, 1},
                          {"matrix_share", &C::matrix_share, 0.85, 0.5, 1},
                          {"sync_cycles", &C::sync_cycles, 80, 5, 300},
                          {"epilogue_cycles", &C::epilogue_cycles, 600, 50, 2000},
                          {"group_rows", &C::group_rows, 4, 1, 32},
                          {"reduce", &C::reduce, 4e-6, 5e-7, 8e-6},
                          {"toggle", &C::toggle, 0.8, 0.3, 3}});
}
TEST_CASE("vector kernels of a chip that was left out", "[elementwise]") {
  using C = hw::GpuConstants;
  leave_each_out("elementwise_norm", {{"launch_cycles", &C::launch_cycles, 3500, 700, 7000},
                                      {"loaded_latency", &C::loaded_latency, 1.8, 1, 5},
                                      {"issue_lanes", &C::issue_lanes, 80, 32, 256}});
}

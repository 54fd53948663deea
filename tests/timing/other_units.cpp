// Chips of SRAM, multipliers at banks, event-driven cores, a quantum estimate, and groups of units:
// do their answers follow from their figures?
#include "hw/component/unit_group.hpp"
#include "hw/dram/timing.hpp"
#include "hw/lpu/lpu_pipeline.hpp"
#include "hw/neuro/event_cores.hpp"
#include "hw/npu/systolic_npu.hpp"
#include "hw/pim/pim_banks.hpp"
#include "hw/quantum/quantum_estimate.hpp"
#include "sim/base/config.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

const RuntimeSpec kNoRuntime;
const std::string kHead = R"(title = "test"
[sources]
t = { kind = "assumed", title = "t", reason = "test" }
[unit]
source = "t"
clock = "1 GHz"
[arithmetic.int8]
source = "t"
macs_per_cycle = 100
energy = "1 pJ/MAC"
[control]
source = "t"
energy = "0.5 pJ/op"
[power]
source = "t"
idle = "1 W"
active = "2 W"
)";
const std::string kVector = R"([vector]
source = "t"
rate = "1 Gop/s"
energy = "1 pJ/op"
)";

template <class Unit, class Spec>
std::shared_ptr<const Unit> unit_from(const std::string& text) {
  ConfigFile file = ConfigFile::parse(text, "unit.toml");
  (void)file.root().text("model");
  Spec spec = Spec::from(file.root());
  file.require_ok();
  return std::make_shared<const Unit>(std::move(spec));
}

Work product(std::int64_t m, std::int64_t n, std::int64_t k) {
  Work work;
  work.kind = WorkKind::matmul;
  work.type = DataType::int8;
  work.weight_bits = work.activation_bits = 8;
  work.m = m;
  work.n = n;
  work.k = k;
  work.weight_elements = static_cast<double>(n * k);
  const auto bytes = static_cast<std::uint64_t>(n * k);
  work.streams = {{DataStream::Role::weight, 0, 0, bytes, bytes, 1}};
  return work;
}

Work attention() {
  Work work;
  work.kind = WorkKind::attention;
  work.type = DataType::int8;
  work.activation_bits = 8;
  work.sequences = work.heads = work.kv_heads = work.q_len = 1;
  work.head_dim = 64;
  work.kv_len = 100;
  work.pairs = 100;
  return work;
}

Work vectors(double elements) {
  Work work;
  work.elements = elements;
  work.ops_per_element = 1;
  work.activation_bits = 8;
  return work;
}

double seconds(const ComputeUnit& unit, const Work& work) {
  return static_cast<double>(unit.lower(work, 0, kNoRuntime).compute_ps()) * 1e-12;
}

std::shared_ptr<const LpuPipeline> lpu() {
  return unit_from<LpuPipeline, LpuSpec>("part = \"lpu\"\nmodel = \"lpu_pipeline\"\n" + kHead +
                                         kVector + R"([chips]
source = "t"
count = 8
per_stage = 4
[sram]
source = "t"
capacity = "100 MB"
bandwidth = "1 TB/s"
read = "1 pJ/B"
install_bytes_per_cycle = 50
[links]
source = "t"
bandwidth = "1 GB/s"
hop = "100 ns"
energy = "1 pJ/B"
)");
}

std::shared_ptr<const EventCores> cores() {
  return unit_from<EventCores, EventCoresSpec>("part = \"cores\"\nmodel = \"event_cores\"\n" +
                                               kHead + kVector + R"([cores]
source = "t"
chips = 2
count = 10
sram = "1000 B"
synapse_share = 0.5
synapses_per_cycle = 1
activity = 0.5
barrier = "1 us"
)");
}

std::string pim_text(const std::string& keys) {
  return "part = \"pim\"\nmodel = \"pim_banks\"\n" + kHead + R"([organisation]
source = "t"
data_rate = "2000 MT/s"
channel_width = "64 bit"
bank_groups = 4
banks_per_group = 4
rows = 65536
row = "1 KiB"
burst = "32 B"
pseudo_channels = 1
capacity = "1 GiB"
mapping = "ro_ba_co_bg"
peak = { value = "16 GB/s", source = "t" }
[clock]
source = "t"
tCK = "1 ns"
commands = "single_bus"
[clocks]
source = "t"
nBL = "2 clk"
nCL = "14 clk"
nCWL = "5 clk"
nRCDRD = "14 clk"
nRCDWR = "12 clk"
nRP = "14 clk"
nRAS = "34 clk"
nRC = "48 clk"
nRRD = "4 clk"
nFAW = "16 clk"
nCCD_S = "2 clk"
nCCD_L = "4 clk"
nWTR_S = "6 clk"
nWTR_L = "8 clk"
nRTW = "13 clk"
nRTP = "5 clk"
nWR = "16 clk"
nRFC = "1 clk"
nREFI = "1000000000 clk"
[energy]
source = "t"
activate = "1 nJ"
read = "4 pJ/bit"
write = "4 pJ/bit"
refresh = "61 nJ"
active_standby = "66 mW"
precharged_standby = "48 mW"
power_down = "34 mW"
self_refresh = "37 mW"
[pim]
source = "t"
channels = 2
units = 16
banks_of_unit = 1
column_clocks = 4
mode_switch = "50 ns"
column = "1 pJ/bit"
)" + keys;
}

}  // namespace

TEST_CASE("weights of a stage are installed at their rate, results take one hop") {
  const auto unit = lpu();
  // 4 chips install 200 bytes a clock; 4 chips multiply 400 a clock.
  const double install = 1000.0 * 1000 / 200 * 1e-9;
  const double sent = 1000.0 / 4 * 3 / 1e9;
  CHECK(seconds(*unit, product(1, 1000, 1000)) == Approx(install + sent + 100e-9).epsilon(1e-4));
  const double multiply = 10.0 * 1000 * 1000 / 400 * 1e-9;
  CHECK(seconds(*unit, product(10, 1000, 1000)) ==
        Approx(multiply + 10 * sent + 100e-9).epsilon(1e-4));
  CHECK(unit->local_memory() == Bytes(8 * 100e6));
  CHECK(unit->idle_power().value == Power(8));
}

TEST_CASE("all banks of a channel read a column at a command, row by row") {
  const auto unit = unit_from<PimBanks, PimSpec>(
      pim_text("activates_at_once = 16\nbanks_in_faw = 16\nbuffer = \"2 KiB\"\n"));
  // 16 KiB are one row of all banks: tRCD, 32 columns, tRTP, tRP; 64 operands of 32 bytes before.
  const PimSweep sweep = unit->sweep(Bytes(16 * 1024), Bytes(2048));
  CHECK(sweep.rows == 1);
  CHECK(sweep.columns == 32);
  CHECK(sweep.clocks == Approx(14 + 32 * 4 + 5 + 14 + 64 * 2));
  CHECK(unit->sweep(Bytes(160 * 1024), Bytes(2048)).clocks ==
        Approx(10 * (14 + 32 * 4 + 5 + 14) + 64 * 2));
  CHECK(unit->inner_bandwidth().si() == Approx(2 * 16 * 32 / 4e-9));
}

TEST_CASE("activates within tFAW and broadcasts into registers take their time") {
  const auto few = unit_from<PimBanks, PimSpec>(
      pim_text("activates_at_once = 4\nbanks_in_faw = 4\ncolumns_per_broadcast = 8\n"));
  // Four activates of four banks a tFAW apart; a write of operands every eight columns.
  CHECK(few->sweep(Bytes(16 * 1024), Bytes(0)).clocks ==
        Approx(3 * 16 + 14 + 32 * 4 + 4 * 2 + 5 + 14));
}

// 32 lanes: one a unit, at 1 GHz; a column of 32 bytes comes every 4 ns.
std::shared_ptr<const PimBanks> narrow(const std::string& keys) {
  std::string text =
      pim_text("activates_at_once = 16\nbanks_in_faw = 16\nbuffer = \"2 KiB\"\n" + keys);
  const std::string lanes = "macs_per_cycle = 100";
  text.replace(text.find(lanes), lanes.size(), "macs_per_cycle = 256");
  return unit_from<PimBanks, PimSpec>(text);
}

Work stored(double bits) {
  Work work = product(1, 512, 512);
  work.weight_bits = bits;
  return work;
}

TEST_CASE("columns wait for lanes, which divide for narrow weights where the part says so") {
  // 8 lanes a unit: 32 weights of 8 bits in a column take them 4 clocks, as long as a column.
  const double overhead = 2 * 50e-9;
  const double rows = 14 + 5 + 14;
  const double broadcast = 16 * 2;
  const double results = 512 * 4 / 2 / 16.0;
  const auto clocks = [&](const std::string& keys, double bits) {
    return (seconds(*narrow(keys), stored(bits)) - overhead) * 1e9;
  };
  CHECK(clocks("", 8) == Approx(8 * (32 * 4 + rows) + broadcast + results).epsilon(1e-3));
  // Half of the bytes, twice the weights in each: the lanes need eight clocks for a column.
  CHECK(clocks("", 4) == Approx(4 * (32 * 8 + rows) + broadcast + results).epsilon(1e-3));
  CHECK(clocks("narrowest_weights = 4\nwidest_weights = 8\n", 4) ==
        Approx(4 * (32 * 4 + rows) + broadcast + results).epsilon(1e-3));
  // No narrower: the lanes of 4 bits take twice as long for two.
  CHECK(clocks("narrowest_weights = 4\nwidest_weights = 8\n", 2) ==
        Approx(2 * (32 * 8 + rows) + broadcast + results).epsilon(1e-3));
}

TEST_CASE("weights wider than the units take are refused") {
  const auto unit = narrow("widest_weights = 8\n");
  CHECK_FALSE(unit->refusal(stored(8.5)));  // with scales
  REQUIRE(unit->refusal(stored(16)));
  CHECK(*unit->refusal(stored(16)) == "'pim' multiplies weights of at most 8 bits");
}

TEST_CASE("a power limit spreads the work, and its joules stay") {
  const auto energy = [](const TileProgram& program) {
    double sum = 0;
    for (const double j : program.runs.front().joules) {
      sum += j;
    }
    return sum;
  };
  const TileProgram free = narrow("")->lower(stored(8), 0, kNoRuntime);
  const TileProgram held = narrow("power_limit = \"1 mW\"\n")->lower(stored(8), 0, kNoRuntime);
  CHECK(free.limit == "banks");
  CHECK(held.limit == "power");
  CHECK(energy(held) == Approx(energy(free)));
  CHECK(static_cast<double>(held.compute_ps()) * 1e-12 == Approx(energy(held) / 1e-3));
}

TEST_CASE("a mode switch before and after is all that a longer one costs") {
  std::string text = pim_text("activates_at_once = 16\nbanks_in_faw = 16\nbuffer = \"2 KiB\"\n");
  const auto unit = unit_from<PimBanks, PimSpec>(text);
  const std::string change = "mode_switch = \"50 ns\"";
  text.replace(text.find(change), change.size(), "mode_switch = \"1 us\"");
  const auto slow = unit_from<PimBanks, PimSpec>(text);
  CHECK(seconds(*slow, product(1, 512, 512)) - seconds(*unit, product(1, 512, 512)) ==
        Approx(2 * 950e-9));
}

TEST_CASE("a vector operator is refused where there is no vector unit") {
  const auto unit = unit_from<PimBanks, PimSpec>(
      pim_text("activates_at_once = 16\nbanks_in_faw = 16\nbuffer = \"2 KiB\"\n"));
  CHECK_FALSE(unit->refusal(product(1, 8, 8)));
  REQUIRE(unit->refusal(vectors(10)));
  CHECK(*unit->refusal(vectors(10)) == "'pim' has no vector operations");
  Work floats = product(1, 8, 8);
  floats.type = DataType::fp16;
  CHECK(*unit->refusal(floats) == "'pim' has no fp16 arithmetic; it has int8");
}

TEST_CASE("a product of several rows streams the banks once for each") {
  const auto unit = unit_from<PimBanks, PimSpec>(
      pim_text("activates_at_once = 16\nbanks_in_faw = 16\nbuffer = \"2 KiB\"\n"));
  const double one = seconds(*unit, product(1, 4096, 4096)) - 100e-9;
  CHECK(seconds(*unit, product(5, 4096, 4096)) - 100e-9 == Approx(5 * one));
}

TEST_CASE("a step lasts as long as its slowest core and the barrier") {
  const auto unit = cores();
  // 500 synapses a core: 5000 weights on 10 cores, half of the inputs active.
  CHECK(seconds(*unit, product(1, 50, 100)) == Approx(250e-9 + 1e-6));
  CHECK(seconds(*unit, product(3, 50, 100)) == Approx(3 * (250e-9 + 1e-6)));
  const TileProgram program = unit->lower(product(1, 50, 100), 0, kNoRuntime);
  CHECK(program.runs.front().joules.front() == Approx(5000 * 0.5 * 1e-12));
  REQUIRE(unit->refusal(attention()));
}

TEST_CASE("a quantum computer is as fast as its input") {
  const auto unit = unit_from<QuantumEstimate, QuantumSpec>(
      "part = \"q\"\nmodel = \"quantum_estimate\"\n" + kHead + R"([logical]
source = "t"
qubits = 8000
gate = "10 us"
rival_bandwidth = "100 GB/s"
)");
  CHECK(unit->input_bandwidth().si() == Approx(1000 / 10e-6));
  const double bytes = 1000 + 1000 + 1000.0 * 1000;
  CHECK(seconds(*unit, product(1, 1000, 1000)) == Approx(bytes / 1e8));
  CHECK(unit->lower(product(1, 1000, 1000), 0, kNoRuntime).mapping.find("1e+03 times") !=
        std::string::npos);
  CHECK(unit->refusal(vectors(3)));
}

TEST_CASE("operators go where they are placed, else to a unit that has them, for a hand-over") {
  GroupPlan plan;
  plan.on = {0, 1, 0, 0};
  plan.small_rows = 2;
  plan.handover = Time(1e-6);
  const UnitGroup group({{"cores", cores()}, {"lpu", lpu()}}, plan);
  CHECK(group.member_for(product(3, 50, 100)) == 0);
  CHECK(group.member_for(product(2, 50, 100)) == 1);  // placed there
  CHECK(group.member_for(attention()) == 1);          // the cores have none
  const TileProgram there = group.lower(product(1, 50, 100), 0, kNoRuntime);
  CHECK(there.start_ps >= 2'000'000);
  CHECK(there.mapping.rfind("on lpu", 0) == 0);
  const TileProgram here = group.lower(product(3, 50, 100), 0, kNoRuntime);
  CHECK(here.start_ps == 0);
  CHECK(here.runs.front().joules.size() == group.causes().size());
  // The helper draws its 16 W while it works.
  CHECK(there.runs.front().joules.back() ==
        Approx(16 * static_cast<double>(there.compute_ps()) * 1e-12));
  Work floats = product(1, 8, 8);
  floats.type = DataType::fp16;
  REQUIRE(group.refusal(floats));
  CHECK(group.refusal(floats)->find("'cores' has no fp16") != std::string::npos);
  CHECK(group.refusal(floats)->find("'lpu' has no fp16") != std::string::npos);
}

// Weights that come from the store: does every policy and path read what it must, move what it
// must, and do the levels agree about it?
#include "sim/base/diagnostics.hpp"
#include "sim/engine/cold_load.hpp"
#include "tests/oracle/engine_scenarios.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;
using namespace joulesim::engine::testing;

namespace {

using Settings = std::vector<std::string>;

// A model of 125 M int8 weights, one decode step.
Settings with(const Settings& storage) {
  Settings all = {"workload.prompt_tokens=16", "workload.generate_tokens=1",
                  "machine.display_on=false"};
  all.insert(all.end(), storage.begin(), storage.end());
  return all;
}

Run step(const Settings& storage, const std::string& level = "analytic") {
  Settings settings = with(storage);
  settings.push_back("engine.fidelity=" + level);
  return simulated("mobilellm_125m_int8", settings);
}

Bytes on_store(const Run& run) { return run.prepared->placement.use[1].weights; }

const Settings kDirect = {"storage.policy=stream", "storage.path=direct"};
const Settings kMapped = {"storage.policy=stream", "storage.path=mmap", "storage.threads=1",
                          "storage.budget='32 MB'"};
const Settings kRead = {"storage.policy=stream", "storage.path=read", "storage.budget='32 MB'"};

std::string refusal(const Settings& storage) {
  try {
    (void)prepared("mobilellm_125m_int8", with(storage));
  } catch (const InputError& fault) {
    return fault.what();
  }
  return "";
}

}  // namespace

TEST_CASE("streamed weights: the summed level agrees with the simulated one on every path") {
  for (const Settings& path : {kDirect, kMapped, kRead}) {
    const Run sum = step(path);
    const Run judge = step(path, "train");
    const Activity& a = sum.decode().total;
    const Activity& b = judge.decode().total;
    INFO(path[1] << ": " << a.duration.si() << " s, simulated " << b.duration.si() << " s");
    // Direct reads of small matrices gain from tiles of the next operator, which a sum has not.
    CHECK(a.duration.si() == Approx(b.duration.si()).epsilon(0.25));
    CHECK(a.flash_read.si() == Approx(b.flash_read.si()).epsilon(0.05));
    CHECK(a.file_copied.si() == Approx(b.file_copied.si()).epsilon(0.02));
    CHECK(a.file_processor.si() == Approx(b.file_processor.si()).epsilon(0.25));
    CHECK(a.dram.written.si() == Approx(b.dram.written.si()).epsilon(0.06));
    CHECK(a.dram.read.si() == Approx(b.dram.read.si()).epsilon(0.05));
    CHECK(sum.energy(sum.decode()).si() == Approx(judge.energy(judge.decode()).si()).epsilon(0.20));
  }
}

TEST_CASE("streaming reads every weight once a token, and memory sees it come and go") {
  const Run run = step(kDirect);
  const Activity& a = run.decode().total;
  // The embedding table is only gathered from: less than all, more than the blocks.
  CHECK(a.flash_read < 1.01 * on_store(run));  // a gathered row is read twice
  CHECK(a.flash_read > 0.7 * on_store(run));
  CHECK(a.dram.written >= a.flash_read);
  CHECK(a.dram.read >= a.flash_read);
  CHECK(a.file_copied == Bytes(0));
  const Run copied = step(kRead);
  const Activity& c = copied.decode().total;
  CHECK(c.file_copied.si() == Approx(a.flash_read.si()).epsilon(0.02));
  CHECK((c.dram.written - a.dram.written).si() == Approx(a.flash_read.si()).epsilon(0.05));
  CHECK((c.dram.read - a.dram.read).si() == Approx(a.flash_read.si()).epsilon(0.05));
  CHECK(c.file_processor > a.file_processor);
}

TEST_CASE("a page cache that holds the file reads nothing any more; a small one keeps a part") {
  Settings large = kMapped;
  large.back() = "storage.budget='400 MB'";
  const Run all = step(large);
  CHECK(all.decode().total.flash_read == Bytes(0));
  CHECK(all.decode().total.file_faults > 0);
  const Run some = step(kMapped);
  CHECK(some.decode().total.flash_read > Bytes(0));
  CHECK(all.decode().total.duration < some.decode().total.duration);
}

TEST_CASE("pinned layers leave the store what they are given") {
  const Run none = step(kDirect);
  const Run half =
      step({"storage.policy=pinned_layers", "storage.path=direct", "storage.budget='60 MB'"});
  const Bytes pinned = half.prepared->placement.use[0].weights;
  CHECK(pinned <= Bytes(60e6));
  CHECK(pinned > Bytes(55e6));
  CHECK((none.decode().total.flash_read - half.decode().total.flash_read).si() ==
        Approx(pinned.si()).epsilon(0.05));
  CHECK(half.decode().total.duration < 0.7 * none.decode().total.duration);
}

TEST_CASE("a window of neurons reads the fresh ones and computes the active ones") {
  const Settings window = {"storage.policy=neuron_window", "storage.path=direct",
                           "storage.threads=32",           "storage.neurons.active=0.1",
                           "storage.neurons.kept=0.24",    "storage.neurons.fresh=0.024",
                           "storage.neurons.source='test'"};
  const Run run = step(window);
  const Run all = step(kDirect);
  const Bytes neurons = on_store(run);
  CHECK(run.decode().total.flash_read.si() == Approx(0.024 * neurons.si()).epsilon(0.05));
  CHECK(run.prepared->placement.use[0].weights.si() >
        0.24 * neurons.si());  // and everything that is no neuron
  double ops = 0;
  double ops_all = 0;
  for (const OperatorActivity& op : run.decode().total.operators) {
    ops += op.ops;
  }
  for (const OperatorActivity& op : all.decode().total.operators) {
    ops_all += op.ops;
  }
  CHECK(ops < 0.8 * ops_all);
  CHECK(run.decode().total.duration < 0.3 * all.decode().total.duration);
  // Without bundling the same bytes come in three times as many commands.
  Settings loose = window;
  loose.push_back("storage.neurons.bundled=false");
  const Run rows = step(loose);
  CHECK(rows.decode().total.file_commands ==
        Approx(3 * run.decode().total.file_commands).epsilon(0.02));
  CHECK(rows.decode().total.duration > run.decode().total.duration);
}

TEST_CASE("loading once reads what memory holds, at what the path allows, and costs energy") {
  const auto mapped =
      prepared("mobilellm_125m_int8",
               with({"storage.policy=load_once", "storage.path=mmap", "storage.threads=1"}));
  const auto direct =
      prepared("mobilellm_125m_int8", with({"storage.policy=load_once", "storage.path=direct"}));
  const auto load = [](const Prepared& p) {
    return cold_load(p.machine, *p.load, p.load->file_bytes);
  };
  const Activity slow = load(*mapped);
  const Activity fast = load(*direct);
  CHECK(slow.flash_read.si() == Approx(mapped->placement.use[0].weights.si()).epsilon(0.01));
  CHECK(fast.flash_read.si() == Approx(slow.flash_read.si()).epsilon(0.01));
  CHECK(fast.duration < 0.7 * slow.duration);
  const Bandwidth best = direct->machine.storage->sequential_rate();
  CHECK((fast.flash_read / fast.duration).si() == Approx(best.si()).epsilon(0.05));
  CHECK(fast.file_faults == 0);
  CHECK(slow.file_faults > 0);
  CHECK_FALSE(mapped->file);  // nothing streams afterwards
}

TEST_CASE("storage wishes that contradict themselves are refused with the reason") {
  CHECK(refusal({"storage.policy=strem"}).find("stream") != std::string::npos);
  CHECK(refusal({"storage.policy=pinned_layers"}).find("budget") != std::string::npos);
  CHECK(refusal({"storage.policy=neuron_window"}).find("storage.neurons") != std::string::npos);
  CHECK(refusal({"storage.policy=stream", "storage.path=direct", "storage.budget='1 GB'"})
            .find("nothing is kept") != std::string::npos);
  CHECK(refusal({"storage.policy=stream", "machine.weights_in=dram"}).find("expected 'flash'") !=
        std::string::npos);
  CHECK(refusal({"storage.policy=neuron_window", "storage.neurons.active=0.1",
                 "storage.neurons.kept=0.01", "storage.neurons.fresh=0.02",
                 "storage.neurons.source='x'"})
            .find("'kept'") != std::string::npos);
  CHECK(refusal({"storage.policy=stream", "storage.path=mmap", "storage.budget='90 GB'"})
            .find("page cache") != std::string::npos);
}

// What a compute unit is to the rest: capabilities and a way to turn works into tile programs.
//
// A unit is pure description: it owns no SystemC state. TileEngine runs its programs.
#pragma once

#include "hw/component/kernel.hpp"
#include "hw/component/tile_program.hpp"
#include "hw/component/work.hpp"
#include "sim/base/config.hpp"
#include "sim/base/ledger.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::hw {

// One way in which a unit spends energy per event, with the origin of its coefficient.
struct EnergyCause {
  std::string name;
  Spent spent = Spent::movement;
  bool assumed = false;  // the coefficient's source is an assumption
  // The coefficient's range, relative to its value; 1 when it has none.
  double low = 1, high = 1;

  template <class Q>
  static EnergyCause of(std::string cause, Spent kind, const Sourced<Q>& figure) {
    EnergyCause result{std::move(cause), kind, figure.source && figure.source->assumed(), 1, 1};
    if (figure.low && figure.high && figure.value > Q(0)) {
      result.low = *figure.low / figure.value;
      result.high = *figure.high / figure.value;
    }
    return result;
  }
};

// How kernel times that were taken with a software stack count: what a benchmark's clock includes
// and what state it finds the machine in.
struct Harness {
  enum class Clock : std::uint8_t {
    kernel,  // a profiler's sum of kernel durations
    device,  // events around a replayed graph: gaps between kernels count
    host,    // the host's clock with a wait for the device: the call itself counts
  };
  std::vector<std::string> frameworks, methods, sources;  // beginnings or parts of published names
  Clock clock = Clock::device;
  Time call;                       // per call of a product, with Clock::host
  Time vector_call;                // per call of another operator
  std::vector<VectorOp> compiled;  // vector operators called through the framework's compiler
  Time compiled_call;              // per call of such a one
  int weight_copies = 1;           // replays take turns among so many copies of the weights
  bool keeps_caches = true;        // activations and KV of the last replay are still in the L2
  bool keeps_kv = true;            // KV of the last replay is, too, where it fits
  bool writes_kv = false;          // an attention call writes its new keys and values first
  bool random_weights = true;      // nought toggles nothing and draws less power
};

// How a stack's kernels use a unit, where that is the stack's affair rather than the chip's.
struct KernelUse {
  double product_share = 1;    // of the arithmetic peak that its products of many rows reach
  double stream_share = 1;     // of what the unit can draw that its matrix-vector kernels reach
  bool matrix_vector = false;  // has kernels of its own for a few rows
  // Bytes that a thread of those has under way, where weights are not unpacked and where they are.
  double plain_loads = 32, packed_loads = 32;
  bool widens = false;           // writes narrow weights out wide in front of products of many rows
  bool narrow_sums = false;      // 16-bit products sum in 16 bits where that is faster
  double scale_ops = 0;          // lanes' work for each sum over a block of 32 integer products
  double unpack_ops = 1;         // vector instructions' lanes per weight that is stored narrower
  double unpack_rows = 1 << 20;  // rows of a product that share one unpacking
  double serial_ops = 0;         // vector operations of one core for each input of a product whose
                                 // weights are narrow, before the others start
  bool all_cores = true;         // threads on every kind of core; else on the fast kinds alone
  bool even_split = false;  // every thread gets the same share, and the slowest core is waited for
};

// What a stack does with a whole model.
struct StackHabits {
  // Formats beside narrow weights, by name; empty: as the model file has them.
  std::string embedding, head, activations, kv_cache;
  std::string wide_activations;  // what products of 16-bit weights read; empty: the same type
  bool copies_table = false;     // the head's copy of a shared table is stored beside it
  bool zero_points = false;      // groups of narrow weights have a zero point beside their scale
  bool splits_layers = false;    // several devices hold layers in turn; else shards of each layer
  std::int64_t most_sequences = 0;  // that it serves at once; 0: as many as fit
  std::int64_t positions = 0;       // that a cache is laid out for at least
  Bytes workspace;                  // beside weights and cache
  // Before the first token: reading the file, and building what runs from it.
  std::optional<Bandwidth> load_rate, build_rate;
};

// A tile that a scenario prescribes for a product on a GPU, instead of the library's choice.
struct TilePin {
  std::string label;  // of the operator, as reports name it
  int rows = 0, columns = 0;
  std::optional<int> stages, split;  // none: the fastest
};

// Costs that belong to the software stack rather than to the chip.
struct RuntimeSpec {
  std::string name;
  std::string title;
  std::vector<std::string> aliases;  // how published rows name the stack
  std::vector<std::string> units;    // that it drives; empty: any
  std::string version_of;            // the stack whose earlier version it is, by name
  Time launch;                       // per operator that starts on its own
  Time launch_low, launch_high;      // the range of `launch`
  Time step_low, step_high;          // the range of `step_overhead`
  Time step_overhead;                // host work per step that nothing hides
  bool assumed = false;              // the launch cost is an assumption
  bool fuse_vector_work = false;     // norms, activations, rotary run inside their neighbours
  bool prefetch_weights = false;     // weights of the next operator load while this one computes
  Time kernel_gap;                   // end of a kernel to the start of the next one in a stream
  bool merges_products = false;      // products of one input run as one: query, key and value
  bool merges_vector_work = false;   // a residual inside the norm behind it, both rotations at once
  bool eager_vector_work = false;    // norms and rotations as a framework's chains of kernels
  bool wide_vectors = false;         // vector work in 32 bits; products convert in and out
  bool fused_attention = true;       // one kernel, scores never leave the chip
  bool direct_collectives = false;   // one-shot and two-shot all-reduces for short messages
  KernelUse use;
  StackHabits habits;
  std::optional<Harness> harness;
  std::vector<TilePin> pins;  // the scenario's, not the stack's
};

template <class Q>
bool is_assumed(const Sourced<Q>& figure) {
  return figure.source && figure.source->assumed();
}

// The end of a figure's range that makes a machine fastest or slowest.
enum class Corner { slowest, fastest };
template <class Q>
void move_to_corner(Sourced<Q>& figure, Corner corner, bool more_is_faster = true) {
  const bool up = (corner == Corner::fastest) == more_is_faster;
  figure.value = (up ? figure.high : figure.low).value_or(figure.value);
}

class ComputeUnit {
 public:
  ComputeUnit() = default;
  ComputeUnit(const ComputeUnit&) = delete;
  ComputeUnit& operator=(const ComputeUnit&) = delete;
  virtual ~ComputeUnit() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;  // the part's
  [[nodiscard]] virtual const std::string& title() const = 0;

  // Why the unit cannot run a work; nothing when it can.
  [[nodiscard]] virtual std::optional<std::string> refusal(const Work& work) const = 0;
  [[nodiscard]] virtual TileProgram lower(const Work& work, std::size_t index,
                                          const RuntimeSpec& runtime) const = 0;

  // The same in front of a known memory, for units that choose their kernels by it.
  [[nodiscard]] virtual TileProgram lower_before(const MemoryView& memory, const Work& work,
                                                 std::size_t index,
                                                 const RuntimeSpec& runtime) const;

  // One operator on its own, in front of the given memory.
  [[nodiscard]] virtual KernelAnswer answer(const KernelRequest& request, const MemoryView& memory,
                                            const RuntimeSpec& runtime) const;

  [[nodiscard]] virtual const std::vector<EnergyCause>& causes() const = 0;
  // Drawn while nothing runs, and added while the unit is working (clocks, control).
  [[nodiscard]] virtual Sourced<Power> idle_power() const = 0;
  [[nodiscard]] virtual Sourced<Power> active_power() const = 0;

  // Peak rate of a type, when the unit has it.
  [[nodiscard]] virtual std::optional<OpRate> peak(DataType type) const = 0;
  [[nodiscard]] virtual std::vector<DataType> types() const = 0;

  // The unit's own memory: activations that fit stay there.
  [[nodiscard]] virtual Bytes local_memory() const = 0;
  // Widest rate of its port to the memory system: what a system cache could deliver.
  [[nodiscard]] virtual Bandwidth port_bandwidth() const = 0;
  // What its outstanding requests can draw from the DRAM behind; never more than the port.
  [[nodiscard]] virtual Bandwidth memory_bandwidth() const { return port_bandwidth(); }
  // Whether what paces it rests on assumptions: its arithmetic, and what it draws from memory.
  [[nodiscard]] virtual bool arithmetic_assumed() const = 0;
  [[nodiscard]] virtual bool memory_assumed() const = 0;
  // Tiles whose loads may be under way or waiting beside the one that computes.
  [[nodiscard]] virtual int tile_buffers() const = 0;

  // The same unit with every rate at that end of its range.
  [[nodiscard]] virtual std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const = 0;

  // The same unit with its arithmetic or its port made faster, for what-if runs.
  [[nodiscard]] virtual std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                                  double port) const = 0;
};

}  // namespace joulesim::hw

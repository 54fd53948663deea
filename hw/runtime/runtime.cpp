#include "hw/runtime/runtime.hpp"

#include "hw/component/kernel_works.hpp"

#include <fmt/format.h>

namespace joulesim::hw {

namespace {

Harness harness_from(const ConfigNode& node) {
  Harness harness;
  harness.frameworks = node.texts("frameworks");
  harness.methods = node.texts("methods");
  harness.sources = node.texts("sources");
  const std::string clock = node.choice("clock", {"kernel", "device", "host"});
  harness.clock = clock == "kernel" ? Harness::Clock::kernel
                  : clock == "host" ? Harness::Clock::host
                                    : Harness::Clock::device;
  if (harness.clock == Harness::Clock::host) {
    harness.call = node.figure<Time>("call").value;
    harness.vector_call = node.figure<Time>("vector_call").value;
    for (const std::string& name :
         node.has("compiled") ? node.texts("compiled") : std::vector<std::string>()) {
      const auto op = find_vector_op(name);
      if (op) {
        harness.compiled.push_back(*op);
      } else {
        node.error("compiled", fmt::format("found '{}'; expected one of {}{}", name,
                                           fmt::join(vector_op_names(), ", "),
                                           did_you_mean(name, vector_op_names())));
      }
    }
    if (const auto call = node.figure_if<Time>("compiled_call")) {
      harness.compiled_call = call->value;
      if (harness.compiled.empty()) {
        node.error("compiled_call", "no operator is 'compiled'; expected which ones are");
      }
    } else if (!harness.compiled.empty()) {
      (void)node.figure<Time>("compiled_call");  // says that it is missing
    }
  }
  constexpr std::int64_t kMostCopies = 1 << 10;
  harness.weight_copies = static_cast<int>(node.integer("weight_copies", 1, kMostCopies));
  harness.keeps_caches = node.flag("keeps_caches");
  harness.keeps_kv = harness.keeps_caches;
  harness.writes_kv = node.flag("writes_kv");
  harness.random_weights = node.choice("weights", {"random", "zeros"}) == "random";
  return harness;
}

KernelUse use_from(const ConfigNode& node) {
  KernelUse use;
  const auto share = [&](const char* key, double otherwise) {
    const auto figure = node.count_if(key);
    if (figure && figure->value > 1) {
      node.error(key, fmt::format("found a share of {}; expected at most 1", figure->value));
    }
    return figure ? figure->value : otherwise;
  };
  use.product_share = share("share", use.product_share);
  use.stream_share = share("stream_share", use.stream_share);
  use.matrix_vector = node.flag_if("matrix_vector").value_or(false);
  use.widens = node.flag_if("widens").value_or(false);
  use.narrow_sums = node.flag_if("narrow_sums").value_or(false);
  if (const auto bytes = node.figure_if<Bytes>("plain_loads")) {
    use.plain_loads = bytes->value.si();
  }
  if (const auto bytes = node.figure_if<Bytes>("packed_loads")) {
    use.packed_loads = bytes->value.si();
  }
  if (const auto ops = node.count_if("scale")) {
    use.scale_ops = ops->value;
  }
  if (const auto ops = node.count_if("unpack")) {
    use.unpack_ops = ops->value;
  }
  if (const auto ops = node.count_if("serial")) {
    use.serial_ops = ops->value;
  }
  if (const auto rows = node.count_if("unpack_rows")) {
    use.unpack_rows = rows->value;
  }
  return use;
}

StackHabits habits_from(const ConfigNode& node) {
  StackHabits habits;
  habits.embedding = node.text_if("embedding").value_or("");
  habits.head = node.text_if("head").value_or("");
  habits.activations = node.text_if("activations").value_or("");
  habits.kv_cache = node.text_if("kv_cache").value_or("");
  habits.wide_activations = node.text_if("wide_activations").value_or("");
  habits.copies_table = node.flag_if("copies_table").value_or(false);
  habits.zero_points = node.flag_if("zero_points").value_or(false);
  habits.splits_layers =
      node.choice_if("devices_hold", {"layers", "shards"}).value_or("shards") == "layers";
  constexpr std::int64_t kMost = 1 << 20;
  habits.most_sequences = node.whole_if("most_sequences", 1, kMost).value_or(0);
  habits.positions = node.whole_if("positions", 1, kMost).value_or(0);
  if (const auto workspace = node.figure_if<Bytes>("workspace")) {
    habits.workspace = workspace->value;
  }
  if (const auto rate = node.figure_if<Bandwidth>("load")) {
    habits.load_rate = rate->value;
  }
  if (const auto rate = node.figure_if<Bandwidth>("build")) {
    habits.build_rate = rate->value;
  }
  return habits;
}

}  // namespace

RuntimeSpec runtime_from(const ConfigNode& part) {
  RuntimeSpec spec;
  spec.name = part.text("part");
  spec.title = part.text("title");
  spec.aliases = part.texts("aliases");
  spec.units = part.texts("units");
  spec.version_of = part.text_if("version_of").value_or("");
  const ConfigNode cost = part.table("cost");
  const auto launch = cost.figure_or_zero<Time>("launch");
  const auto step = cost.figure_or_zero<Time>("step");
  spec.launch = launch.value;
  spec.step_overhead = step.value;
  spec.launch_low = launch.low.value_or(launch.value);
  spec.launch_high = launch.high.value_or(launch.value);
  spec.step_low = step.low.value_or(step.value);
  spec.step_high = step.high.value_or(step.value);
  spec.assumed = (launch.source && launch.source->assumed());
  const ConfigNode graph = part.table("graph");
  spec.fuse_vector_work = graph.flag("fuses_vector_work");
  spec.prefetch_weights = graph.flag("prefetches_weights");
  if (const auto kernels = part.table_if("kernels")) {
    spec.kernel_gap = kernels->figure<Time>("gap").value;
    spec.fused_attention = kernels->flag("fused_attention");
    spec.wide_vectors = kernels->flag_if("wide_vectors").value_or(false);
    spec.direct_collectives = kernels->flag_if("direct_collectives").value_or(false);
    spec.merges_products = kernels->flag_if("merges_products").value_or(false);
    spec.merges_vector_work = kernels->flag_if("merges_vector_work").value_or(false);
    spec.eager_vector_work = kernels->flag_if("eager_vector_work").value_or(false);
  } else {
    spec.kernel_gap = spec.launch;
  }
  if (const auto products = part.table_if("products")) {
    spec.use = use_from(*products);
  }
  if (const auto threads = part.table_if("threads")) {
    spec.use.all_cores = threads->choice("cores", {"all", "fast"}) == "all";
    spec.use.even_split = threads->choice("split", {"even", "stealing"}) == "even";
  }
  if (const auto model = part.table_if("model_use")) {
    spec.habits = habits_from(*model);
  }
  if (const auto harness = part.table_if("harness")) {
    spec.harness = harness_from(*harness);
  }
  return spec;
}

}  // namespace joulesim::hw

// What keys are for, where their names do not say it. Types, bounds and whether they are needed
// come from the readers.
#include "sim/cli/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace joulesim::cli {
namespace {

struct Note {
  std::string_view kind, path, key, text;
};

constexpr std::array kNotes = {
    Note{"scenario", "", "scenario", "name; results are stored under it"},
    Note{"scenario", "", "title", "one line, heads the report"},
    Note{"scenario", "", "question", "what the run is to answer, as a sentence"},
    Note{"scenario", "", "numerics", "older name of `quality`"},
    Note{"scenario", "model", "use",
         "a name of `joulesim list models`, or a model file beside the scenario"},
    Note{"scenario", "model", "weights",
         "format of the linear layers instead of the model's own, such as int4_g32"},
    Note{"scenario", "model", "embedding", "format of embedding and head"},
    Note{"scenario", "model", "activations", "format between operators, or read by linear layers"},
    Note{"scenario", "model", "kv_cache", "format of keys and values"},
    Note{"scenario", "model", "layer_repeat", "how often each layer runs with the same weights"},
    Note{"scenario", "model", "dims", "sizes of an exported graph's symbols"},
    Note{"scenario", "model", "transform", "changes of the graph, such as a pruned width"},
    Note{"scenario", "machine", "device",
         "a name of `joulesim list devices`, or a device file (\"….toml\")"},
    Note{"scenario", "machine", "unit", "the unit that runs the model; the device's first"},
    Note{"scenario", "machine", "runtime", "software stack instead of the unit's own"},
    Note{"scenario", "machine", "weights_in", "`dram` or `flash`"},
    Note{"scenario", "machine", "display_on", "the display draws power and reads its frames"},
    Note{"scenario", "machine", "placement", "kinds of operators on units of their own"},
    Note{"scenario", "machine.placement", "small_rows",
         "products of at most so many rows are small"},
    Note{"scenario", "machine.placement", "handover", "of work from one unit to another"},
    Note{"scenario", "machine", "split", "products on two units at the same time"},
    Note{"scenario", "machine.split", "with", "the unit beside the one that runs them"},
    Note{"scenario", "machine.split", "by",
         "columns of the output, each unit with weights of its own, or rows; columns if left out"},
    Note{"scenario", "machine.split", "kinds", "of products, as in a placement; all if left out"},
    Note{"scenario", "machine.split", "share",
         "of the other unit; left out: as large as ends both at the same time, if that helps"},
    Note{"scenario", "machine.split", "handover", "of work from one unit to another"},
    Note{"scenario", "storage", "policy", "how weights come from the store"},
    Note{"scenario", "storage", "path", "the operating system's way to the file"},
    Note{"scenario", "storage", "threads", "that read"},
    Note{"scenario", "storage", "budget", "memory for what is kept"},
    Note{"scenario", "storage.neurons", "active", "share of the neurons that a token uses"},
    Note{"scenario", "storage.neurons", "kept", "share in memory"},
    Note{"scenario", "storage.neurons", "fresh", "share that a token reads anew"},
    Note{"scenario", "storage.neurons", "bundled", "rows and columns of a neuron lie together"},
    Note{"scenario", "storage.neurons", "source", "where the three shares come from"},
    Note{"scenario", "workload", "batch", "sequences at a time"},
    Note{"scenario", "battery", "tokens_per_second",
         "what is used up, if less than the machine gives"},
    Note{"scenario", "fleet", "requests", "of all users, such as \"5.1e9 requests/day\""},
    Note{"scenario", "fleet", "utilisation", "of the devices that are switched on"},
    Note{"scenario", "fleet", "peak_to_mean", "devices are there for the peak"},
    Note{"scenario", "fleet", "pue", "power of the building over that of its machines"},
    Note{"scenario", "quality", "file",
         "model file with weights, if the scenario's model has none"},
    Note{"scenario", "quality", "text", "file to judge on"},
    Note{"scenario", "quality", "tokens", "instead of a text"},
    Note{"scenario", "quality", "datapaths", "arithmetic to compare with fp32"},
    Note{"scenario", "machine.tile[]", "operator", "a product, as reports name it; on GPUs"},
    Note{"scenario", "machine.tile[]", "rows", "of the tile, along the tokens"},
    Note{"scenario", "machine.tile[]", "columns", "along the outputs"},
    Note{"scenario", "machine.tile[]", "phase", "that it holds in; left out: both"},
    Note{"scenario", "machine.tile[]", "stages", "left out: the fastest"},
    Note{"scenario", "machine.tile[]", "split", "of k over blocks; left out: the fastest"},
    Note{"scenario", "engine", "fidelity", "level of detail"},
    Note{"scenario", "engine", "blocks",
         "equal blocks are simulated three times and replayed, or all of them"},
    Note{"scenario", "engine", "seed", "of all that is drawn"},
    Note{"scenario", "engine", "samples", "draws from the ranges of all inputs, for P5 and P95"},
    Note{"scenario", "claim", "id", "its place in the ledger"},
    Note{"scenario", "claim", "statement", "as it was made"},
    Note{"scenario", "claim", "sentence", "the one that explains the result"},
    Note{"scenario", "claim", "verdict", "only where none is computed, with its reason"},
    Note{"scenario", "claim.inputs.*", "value", "a number with unit"},
    Note{"scenario", "claim.inputs.*", "range", "low and high"},
    Note{"scenario", "claim.runs.*", "set", "settings over the scenario, `key.path=value`"},
    Note{"scenario", "claim.figures.*", "value", "a formula over metrics of the runs and inputs"},
    Note{"scenario", "claim.curves.*", "over", "the input that is moved"},
    Note{"scenario", "claim.curves.*", "values", "of the input"},
    Note{"scenario", "claim.curves.*", "figure", "what is drawn"},
    Note{"device", "", "device", "name; the file is called so too"},
    Note{"device", "", "aliases", "other names that it is known by"},
    Note{"device", "", "memory", "DRAM that models live in"},
    Note{"device", "", "cache", "memory-side cache"},
    Note{"device", "", "unit", "what computes"},
    Note{"device", "", "supply", "regulators"},
    Note{"device", "", "rest", "what else draws power"},
    Note{"device", "", "wall", "from the socket to the device"},
    Note{"device", "memory", "part", "one channel"},
    Note{"device", "memory", "channels", "bus width over that of the part"},
    Note{"device", "memory", "interleave_bytes", "on one channel in a row"},
    Note{"device", "memory", "capacity",
         "in powers of two: \"16 GiB\" where the maker prints 16 GB"},
    Note{"device", "memory", "usable_share", "of the capacity, left to a model"},
    Note{"device", "memory", "peak", "as stated; checked against channels and part"},
    Note{"device", "memory", "rail", "of the supply"},
    Note{"device", "unit[]", "name", "such as `npu`; scenarios choose by it"},
    Note{"device", "unit[]", "runtime", "software stack; scenarios may name another"},
    Note{"device", "cache.ways", "*", "a unit: of how many ways it may fill"},
    Note{"device", "storage", "system", "the operating system's way to a file"},
    Note{"device", "rest", "share", "of it that belongs to this device"},
    Note{"device", "rest", "activity", "between its idle and its busy power while models run"},
    Note{"model", "", "model", "name; the file is called so too"},
    Note{"model", "", "shape", "dimensions"},
    Note{"model", "", "stack", "runs of equal layers, where not all are alike"},
    Note{"model", "", "experts", "mixture of experts"},
    Note{"model", "", "latent", "attention with compressed keys and values"},
    Note{"model", "", "scan", "state-space layers"},
    Note{"model", "", "rwkv", "ranks of RWKV-6"},
    Note{"model", "", "encoder", "of models that have one beside the decoder"},
    Note{"model", "", "published", "to check the file against"},
    Note{"model", "", "accuracy", "published shares of right answers, for comparisons"},
    Note{"model", "shape", "layers", "how many"},
    Note{"model", "shape", "kv_heads", "as many as heads if not given"},
    Note{"model", "shape", "ffn", "inner width of the feed-forward"},
    Note{"model", "shape", "head_dim", "width of a head"},
    Note{"model", "shape", "embedding_width", "where it is not the hidden width"},
    Note{"model", "shape", "tied", "embedding and output share their weights"},
    Note{"model", "shape", "layer_repeat", "how often each layer runs with the same weights"},
    Note{"model", "attention", "rotary", "dimensions of a head that are rotated; all"},
    Note{"model", "attention", "window", "positions that local layers see"},
    Note{"model", "attention", "global_every", "every so many layers one sees all"},
    Note{"model", "attention", "causal", "a token sees only what is before it"},
    Note{"model", "block", "gated", "feed-forward with a gate"},
    Note{"model", "block", "parallel", "attention and feed-forward beside each other"},
    Note{"model", "formats", "linear", "weights of linear layers"},
    Note{"model", "formats", "linear_input", "what linear layers read"},
    Note{"model", "", "image", "a network over an image, instead of the sections of a stack"},
    Note{"model", "image", "side", "pixels of the square image"},
    Note{"model", "image.stage[]", "repeat", "how often the layers follow each other"},
    Note{"model", "image.stage[].layers[]", "name", "by which later layers of the stage take it"},
    Note{"model", "image.stage[].layers[]", "of",
         "what it takes; the layer before if left out; `in` is the stage's input"},
    Note{"model", "image.stage[].layers[]", "width", "channels that it makes"},
    Note{"model", "image.stage[].layers[]", "padded",
         "borders as wide as a stride of one needs to keep the size; so if left out"},
    Note{"model", "published", "parameters", "count that the makers state"},
    Note{"model", "published", "tolerance", "relative"},
    Note{"model", "accuracy[]", "benchmark", "equal names are compared"},
    Note{"model", "accuracy[]", "shots", "worked examples before each question"},
    Note{"model", "accuracy[]", "value", "such as \"46.3 %\""},
    Note{"model", "accuracy[]", "weights", "format that was judged, if not the file's own"},
    Note{"part", "", "part", "name; the file is called so too"},
    Note{"dram", "organisation", "data_rate", "transfers a second and pin"},
    Note{"dram", "organisation", "burst", "bytes of one column command"},
    Note{"dram", "organisation", "mapping", "address fields from the most significant"},
    Note{"dram", "organisation", "peak", "of one channel"},
    Note{"dram", "clock", "commands", "command protocol of the standard"},
    Note{"pim_banks", "pim", "column_clocks",
         "between columns of a unit; more where its lanes need them"},
    Note{"pim_banks", "pim", "activates_at_once", "banks that one command opens"},
    Note{"pim_banks", "pim", "banks_in_faw", "that may be opened within tFAW"},
    Note{"pim_banks", "pim", "narrowest_weights",
         "bits down to which the lanes divide; left out: they do not"},
    Note{"pim_banks", "pim", "widest_weights",
         "bits that a unit takes; left out: as wide as its types"},
    Note{"pim_banks", "pim", "power_limit", "of all channels' work together"},
    Note{"systolic_npu", "array", "weight_rows_per_cycle", "rows of weights loaded a clock"},
    Note{"systolic_npu", "array", "peak", "as stated; one of the types must give it"},
    Note{"systolic_npu", "array", "one_mac", "operations of a MAC, for `equals`"},
    Note{"systolic_npu", "dma", "bandwidth", "of the port to cache or memory"},
    Note{"systolic_npu", "dma", "memory_bandwidth", "that the requests in flight draw from DRAM"},
    Note{"simt_gpu", "sm", "count", "multiprocessors, compute units or cores"},
    Note{"simt_gpu", "sm", "tensor_rate", "a clock and multiprocessor, for `equals`"},
    Note{"simt_gpu", "sm", "lane_rate", "a clock and multiprocessor, for `equals`"},
    Note{"simt_gpu", "matrix", "issue", "who issues matrix products"},
    Note{"simt_gpu", "matrix", "copy", "how tiles come into shared memory"},
};

bool holds(const Note& note, const Format& format, const std::string& path,
           const std::string& key) {
  return (note.kind == format.kind || note.kind == format.model) && note.path == path &&
         note.key == key;
}

}  // namespace

std::string note_of(const Format& format, const std::string& path, const std::string& key) {
  for (const Note& note : kNotes) {
    if (holds(note, format, path, key)) {
      return std::string(note.text);
    }
  }
  return "";
}

std::vector<std::string> stray_notes(const engine::Library& library) {
  std::vector<Format> formats;
  for (const std::string& kind : file_kinds()) {
    for (Format& format : formats_of(library, kind)) {
      formats.push_back(std::move(format));
    }
  }
  std::vector<std::string> stray;
  for (const Note& note : kNotes) {
    bool used = false;
    for (const Format& format : formats) {
      for (const AskedTable& table : format.tables) {
        for (const auto& [key, asked] : table.keys) {
          used = used || holds(note, format, table.path, key);
        }
      }
    }
    if (!used) {
      stray.push_back(fmt::format("{}: [{}] {}", note.kind, note.path, note.key));
    }
  }
  return stray;
}

}  // namespace joulesim::cli

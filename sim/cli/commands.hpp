// The program's commands, one function each. Results go to stdout, progress and warnings to stderr;
// the value is the exit status: 0 done, 3 a check did not hold. Wrong input is thrown as InputError
// (exit status 1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::engine {
class Library;
}

namespace joulesim::cli {

struct Common {
  bool json = false;
  bool quiet = false;
  std::vector<std::string> plugins;  // libraries with component kinds
};

struct RunArguments {
  std::vector<std::string> scenarios;
  std::string fidelity;  // empty: the scenario's
  std::vector<std::string> settings;
  std::vector<std::string> dims;  // of an exported graph: "symbol=size"
  std::string out = "out";
  std::string format = "text";  // of what compare prints: text, markdown or latex
  bool plots = true;
  bool trace = false;
  bool cross_check = false;
  int samples = 0;  // draws from the inputs' ranges; 0: as the scenario says
  int jobs = 0;
};
int run(const Common& common, const RunArguments& arguments);
int compare(const Common& common, const RunArguments& arguments);
int demo(const Common& common, const RunArguments& arguments);

// Files to fill in: devices and parts.
struct NewArguments {
  std::string name;
  std::string kind;  // of device; empty: that of `like`
  std::string like;  // a known device or part
  std::string out;   // file; empty: NAME.toml
};
// Throws InputError unless a file can be called this and the catalogue has nothing of the name.
void require_new_name(const engine::Library& library, const std::string& name);
int new_device(const Common& common, const NewArguments& arguments);
int new_part(const Common& common, const NewArguments& arguments);

// `kind`: scenario, device, part or model; empty: all. `page`: Markdown for people instead of JSON.
int schema(const Common& common, const std::string& kind, bool page);

int check(const Common& common, const std::vector<std::string>& files);
int list(const Common& common, const std::string& what);
struct ShowArguments {
  std::string thing;
  bool dot = false;
  bool training = false;
  std::vector<std::string> dims;  // of an exported graph: "symbol=size"
};
int show(const Common& common, const ShowArguments& arguments);
int explain(const Common& common, const std::string& result, const std::string& metric);

struct EvalArguments {
  std::string model;
  std::string tokens;       // "1,2,3"
  std::string prompt;       // text instead
  std::string tokenizer;    // a file with the token table, where the model's has none
  std::string text;         // a text file to judge the model on
  std::int64_t window = 0;  // tokens of the text at a time; 0: the model's context
  std::int64_t greedy = 0;
  std::string datapath = "fp32";
  std::string logits;               // .npy to write
  std::vector<std::string> inputs;  // of an ONNX graph: "name=file"
  std::string outputs;              // folder for its outputs
  std::string kernels = "fast";     // fp32 by vectors, or "reference": by the obvious kernels
  int jobs = 1;                     // threads of the fast kernels
};
int eval(const Common& common, const EvalArguments& arguments);
int eval_onnx(const Common& common, const EvalArguments& arguments);

struct KernelArguments {
  std::string device, op, runtime;
  std::string dtype = "fp16", weight_dtype, kv_dtype;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t batch = 1, q_len = 1, kv_len = 0, heads = 0, kv_heads = 0, head_dim = 128,
               window = 0;
  std::string function;  // of vector operators: "rmsnorm", "silu_mul", …
  std::int64_t rows = 0, width = 0;
  bool eager = false;
  bool summary = false;  // a table for people instead of JSON
  std::int64_t tokens = 0, hidden = 0, inter = 0, topk = 0, experts = 0, tensor_shards = 1,
               expert_shards = 1;
  double skew = 0;
  std::int64_t bytes = 0, gpus = 2, boxes = 1;
};
int kernel(const Common& common, const KernelArguments& arguments);

struct MemoryArguments {
  std::string part;
  std::string trace;     // a file
  std::string generate;  // or a pattern's name, with seed and scale (1: 2^20 base requests)
  std::uint64_t seed = 1;
  double scale = 1;
  std::uint64_t most = 0;  // requests from the front on; 0: all
  std::string mapping;     // empty: the part's own
  std::string detail = "burst";
  std::string refresh = "on";
  std::string policy = "frfcfs";
  // Policies instead of the part's own; empty: those.
  std::string page_policy, page_timeout, write_drain, refresh_mode, idle, idle_after;
  std::string interval;  // of arrivals; empty: as fast as accepted
  bool serial = false;
  int channels = 1;
  std::uint64_t interleave = 256;
  bool summary = false;
  std::string out;  // folder for a report; empty: none
};
int memory(const Common& common, const MemoryArguments& arguments);

struct ValidateArguments {
  std::string what;
  std::string data;  // folder or file of references; empty: what holds without
  std::string out;   // folder for a report; empty: none
  int jobs = 0;
  std::vector<std::string> only;  // claims by id; empty: all
};
int validate_claims(const Common& common, const ValidateArguments& arguments);
int validate_numerics(const Common& common, const ValidateArguments& arguments);
int validate_measured(const Common& common, const ValidateArguments& arguments);
int validate_published(const Common& common, const ValidateArguments& arguments);
int validate_memory(const Common& common, const ValidateArguments& arguments);

struct StorageArguments {
  std::string part, system, path;  // no system: the bare store
  std::string chunk = "4 KiB", range = "1 GB";
  int depth = 1;  // reads in flight, or threads
  bool random = false;
};
int storage(const Common& common, const StorageArguments& arguments);
// Where calibration and evaluation texts come from: files, or the model itself.
struct TextArguments {
  std::string tokenizer;      // of a llama2.c checkpoint
  std::string calibration;    // file
  std::string text;           // file to judge on
  std::int64_t samples = 32;  // sequences that the model writes where no file is named
  std::int64_t length = 128;  // tokens of a sequence or window
  std::uint64_t seed = 1;
};

struct QuantiseArguments {
  std::string model;
  std::string method = "rtn";
  std::string embedding;  // format; empty: as it is
  int bits = 4;
  std::int64_t group = 0;
  double damping = 0.01;
  bool zero_point = false, clip = false, act_order = false;
  TextArguments text;
  std::string out;
};
int quantise(const Common& common, const QuantiseArguments& arguments);

struct PruneArguments {
  std::string model;
  std::int64_t heads = 0, neurons = 0, channels = 0;
  std::vector<int> layers;
  TextArguments text;
  std::string out;
};
int prune(const Common& common, const PruneArguments& arguments);

struct QualityArguments {
  std::string model, device, unit, runtime, activations = "fp16", fidelity = "analytic";
  std::vector<int> bits = {8, 4, 3, 2};
  std::vector<std::string> methods = {"rtn", "gptq", "ternary"};
  std::int64_t group = 32;
  bool zero_point = false, clip = false, act_order = false;
  TextArguments text;
  std::string out;
};
int quality(const Common& common, const QualityArguments& arguments);

}  // namespace joulesim::cli

// joulesim: how fast, how many joules, and why. Reads the command line and hands over to a command.
#include "sim/base/diagnostics.hpp"
#include "sim/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

// SystemC's library wants it; simulations elaborate from worker processes instead.
extern "C" int sc_main(int argc, char* argv[]);
int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

namespace {

using namespace joulesim;  // one file, and only its command table

void add_common(CLI::App* command, cli::Common& common) {
  command->add_flag("--json", common.json, "results as JSON");
  command->add_flag("-q,--quiet", common.quiet, "no progress and no warnings");
  const std::string name = command->get_name();  // some read no units
  if (name != "eval" && name != "explain" && name != "memory" && name != "prune" &&
      name != "quantise") {
    command->add_option("--plugin", common.plugins, "library with component kinds; repeatable")
        ->take_all()
        ->allow_extra_args(false);
  }
}

void add_run_options(CLI::App* command, cli::RunArguments& arguments) {
  command->add_option("--fidelity", arguments.fidelity, "level of detail instead of the scenario's")
      ->check(CLI::IsMember({"analytic", "train", "burst"}));
  command->add_option("--set", arguments.settings, "change an input: key.path=value")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--dim", arguments.dims, "size of an exported graph's symbol: NAME=SIZE")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--out", arguments.out, "folder for results")->capture_default_str();
  command->add_flag("--plots,!--no-plots", arguments.plots,
                    "draw plots (the default; needs gnuplot)");
  command->add_flag("--trace", arguments.trace,
                    "write a timeline too: trace.perfetto-trace, trace.vcd");
  command
      ->add_option("--samples", arguments.samples,
                   "draws from the ranges of all inputs, for P5 and P95 of figures")
      ->check(CLI::Range(100, 1'000'000));
  command->add_flag("--cross-check", arguments.cross_check,
                    "run the next higher level too and report the deviation");
  command->add_option("-j,--jobs", arguments.jobs, "worker processes; 0: one per processor")
      ->check(CLI::Range(0, 1024));
}

void add_kernel_options(CLI::App* command, cli::KernelArguments& a) {
  command->add_option("--device", a.device, "device that runs it")->required();
  command->add_option("--op", a.op, "kind of operator")
      ->required()
      ->check(CLI::IsMember({"gemm", "attention", "norm", "elementwise", "moe", "allreduce"}));
  command->add_option("--runtime", a.runtime, "software stack instead of the device's");
  command->add_option("--dtype", a.dtype, "type of the arithmetic")->capture_default_str();
  command->add_option("--weight-dtype", a.weight_dtype, "stored type of weights, if another");
  command->add_option("--kv-dtype", a.kv_dtype, "stored type of keys and values, if another");
  const auto count = [&](const char* name, std::int64_t& value, const char* what) {
    command->add_option(name, value, what)
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 42));
  };
  count("--m", a.m, "gemm: rows of A, the tokens");
  count("--n", a.n, "gemm: outputs");
  count("--k", a.k, "gemm: inputs");
  count("--batch", a.batch, "attention: sequences");
  count("--q-len", a.q_len, "attention: new queries a sequence");
  count("--kv-len", a.kv_len, "attention: keys a sequence, new ones included");
  count("--heads", a.heads, "attention: query heads");
  count("--kv-heads", a.kv_heads, "attention: key heads; as many as heads if not given");
  count("--head-dim", a.head_dim, "attention: width of a head");
  count("--window", a.window, "attention: sliding window; 0 for none");
  command->add_option("--function", a.function,
                      "vector operator: add, gelu, silu_mul, rmsnorm, layernorm, softmax, rope, "
                      "embedding");
  command->add_flag("--summary", a.summary, "a summary for people instead of JSON");
  count("--rows", a.rows, "vector operator: rows, the tokens");
  count("--width", a.width, "vector operator: elements of a row");
  command->add_flag("--eager", a.eager, "vector operator: as a framework without fusion runs it");
  count("--tokens", a.tokens, "moe: tokens before routing");
  count("--hidden", a.hidden, "moe: width of the model");
  count("--inter", a.inter, "moe: width of an expert");
  count("--topk", a.topk, "moe: experts of a token");
  count("--experts", a.experts, "moe: experts of the layer");
  count("--tensor-shards", a.tensor_shards, "moe: GPUs that share each expert");
  count("--expert-shards", a.expert_shards, "moe: GPUs that share the experts");
  command->add_option("--skew", a.skew, "moe: exponent of the power law of routing; 0: uniform")
      ->check(CLI::Range(0.0, 10.0));
  count("--bytes", a.bytes, "allreduce: buffer of one GPU");
  count("--gpus", a.gpus, "allreduce: GPUs");
  count("--boxes", a.boxes, "allreduce: servers that they stand in");
}

void add_memory_options(CLI::App* command, cli::MemoryArguments& arguments) {
  command->add_option("--part", arguments.part, "a DRAM part's name or file")->required();
  auto* trace = command->add_option(
      "--trace", arguments.trace,
      "trace file: little-endian 64-bit words, bit 63 a write, the rest an address of 64 bytes");
  auto* made = command->add_option("--generate", arguments.generate,
                                   "a trace of a known pattern instead: seq_read, seq_rw20, "
                                   "seq_rw20_sep, two_stream, stride4k, rand64, rand4k");
  trace->excludes(made);
  command->add_option("--seed", arguments.seed, "of a generated trace")->capture_default_str();
  command->add_option("--scale", arguments.scale, "of a generated trace; 1: 2^20 base requests")
      ->check(CLI::Range(0.0, 1024.0))
      ->capture_default_str();
  command->add_option("--mapping", arguments.mapping,
                      "address fields from the most significant on instead of the part's own");
  command->add_option("--detail", arguments.detail, "level of detail")
      ->check(CLI::IsMember({"burst", "train", "sampled"}))
      ->capture_default_str();
  command->add_option("--refresh", arguments.refresh, "whether the device is refreshed")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command->add_option("--policy", arguments.policy, "what the controller's scheduler puts first")
      ->check(CLI::IsMember({"frfcfs", "frfcfs_row_hit"}))
      ->capture_default_str();
  command->add_option("--page-policy", arguments.page_policy, "when a row is closed")
      ->check(CLI::IsMember({"open", "closed", "timeout"}));
  command->add_option("--page-timeout", arguments.page_timeout,
                      "how long an unused row stays open, such as '100 ns'");
  command->add_option("--write-drain", arguments.write_drain, "when buffered writes go")
      ->check(CLI::IsMember({"watermark", "until_empty", "when_full", "mixed"}));
  command->add_option("--refresh-mode", arguments.refresh_mode, "what one refresh reaches")
      ->check(CLI::IsMember({"all_bank", "per_bank", "same_bank"}));
  command->add_option("--idle", arguments.idle, "what a rank without work does")
      ->check(CLI::IsMember({"none", "power_down", "precharge_power_down", "self_refresh"}));
  command->add_option("--idle-after", arguments.idle_after,
                      "how long it waits before that, such as '200 ns'");
  command->add_option("--interval", arguments.interval,
                      "time between requests; without it they come as fast as they are accepted");
  command->add_flag("--serial", arguments.serial, "one burst under way at a time");
  command->add_option("--channels", arguments.channels, "channels that the addresses spread over")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--interleave", arguments.interleave, "bytes on one channel in a row")
      ->check(CLI::IsMember({64, 128, 256, 512, 1024, 2048, 4096}))
      ->capture_default_str();
  command->add_option("--out", arguments.out, "folder for report.html with plots");
  command->add_flag("--summary", arguments.summary, "a summary for people instead of JSON");
}

void add_text_options(CLI::App& command, cli::TextArguments& text) {
  command.add_option("--tokenizer", text.tokenizer,
                     "token table of a llama2.c checkpoint (tokenizer.bin)");
  command
      .add_option("--samples", text.samples,
                  "sequences that the model writes where no text is named")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--length", text.length, "tokens of a sequence or window")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  command.add_option("--seed", text.seed, "of what the model writes")->capture_default_str();
}

void add_quantise_options(CLI::App& command, cli::QuantiseArguments& arguments) {
  command.add_option("model", arguments.model, "model file")->required();
  command.add_option("--method", arguments.method, "rtn, gptq or ternary")->capture_default_str();
  command.add_option("--bits", arguments.bits, "2, 3, 4, 5, 6 or 8")->capture_default_str();
  command.add_option("--group", arguments.group, "elements that share a scale; 0: a row")
      ->capture_default_str();
  command.add_flag("--zero-point", arguments.zero_point, "scales with a zero point");
  command.add_flag("--clip", arguments.clip, "search for the range that loses least");
  command.add_flag("--act-order", arguments.act_order, "gptq: columns with large inputs first");
  command.add_option("--damping", arguments.damping, "gptq: share of the mean diagonal")
      ->check(CLI::Range(0.0, 1e3))
      ->capture_default_str();
  command.add_option("--embedding", arguments.embedding, "format of embedding and head");
  command.add_option("--text", arguments.text.calibration, "calibration text for gptq");
  add_text_options(command, arguments.text);
  command.add_option("--out", arguments.out, "GGUF file to write")->required();
}

void add_prune_options(CLI::App& command, cli::PruneArguments& arguments) {
  command.add_option("model", arguments.model, "model file")->required();
  command.add_option("--heads", arguments.heads, "groups of heads to take from every layer");
  command.add_option("--neurons", arguments.neurons, "neurons to take from every feed-forward");
  command.add_option("--channels", arguments.channels, "channels to take from the stream");
  command.add_option("--layers", arguments.layers, "layers to take out, from 0")->delimiter(',');
  command.add_option("--text", arguments.text.text, "text to judge on");
  command.add_option("--calibration", arguments.text.calibration, "text to choose by");
  add_text_options(command, arguments.text);
  command.add_option("--out", arguments.out, "GGUF file to write")->required();
}

void add_quality_options(CLI::App& command, cli::QualityArguments& arguments) {
  command.add_option("model", arguments.model, "model file")->required();
  command.add_option("--device", arguments.device, "device to simulate energy on");
  command.add_option("--unit", arguments.unit, "unit of the device");
  command.add_option("--runtime", arguments.runtime, "software stack");
  command.add_option("--activations", arguments.activations, "format between operators")
      ->capture_default_str();
  command.add_option("--fidelity", arguments.fidelity, "level of the energy simulation")
      ->check(CLI::IsMember({"analytic", "train", "burst"}))
      ->capture_default_str();
  command.add_option("--bits", arguments.bits, "widths, separated by commas")->delimiter(',');
  command.add_option("--methods", arguments.methods, "rtn, gptq, ternary")->delimiter(',');
  command.add_option("--group", arguments.group, "elements that share a scale; 0: a row")
      ->capture_default_str();
  command.add_flag("--zero-point", arguments.zero_point, "scales with a zero point");
  command.add_flag("--clip", arguments.clip, "search for the range that loses least");
  command.add_flag("--act-order", arguments.act_order, "gptq: columns with large inputs first");
  command.add_option("--text", arguments.text.text, "text to judge on");
  command.add_option("--calibration", arguments.text.calibration, "calibration text for gptq");
  add_text_options(command, arguments.text);
  command.add_option("--out", arguments.out, "folder for quality.{json,md,html}");
}

void add_new_options(CLI::App& command, std::string& what, cli::NewArguments& arguments) {
  command.add_option("what", what, "device or part")
      ->required()
      ->check(CLI::IsMember({"device", "part"}));
  command.add_option("name", arguments.name, "its name, such as my_phone")->required();
  command.add_option("--kind", arguments.kind,
                     "device: phone, tablet, laptop, desktop, board, server, desktop_gpu, "
                     "server_gpu or server_npu");
  command.add_option("--like", arguments.like, "known device or part to be shaped like");
  command.add_option("--out", arguments.out, "file to write; NAME.toml if not given");
}

int dispatch(int argc, char** argv) {
  CLI::App app{"joulesim: how fast, how many joules and why, for transformers on any machine"};
  app.set_version_flag("--version", JOULESIM_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);
  cli::Common common;
  cli::RunArguments run;
  cli::EvalArguments eval;
  std::vector<std::string> files;
  std::string what;
  std::string result;
  std::string metric;
  cli::ShowArguments shown;
  cli::KernelArguments kernel;

  CLI::App* run_command = app.add_subcommand("run", "simulate scenarios and write their reports");
  run_command->add_option("scenario", run.scenarios, "scenario files or names")->required();
  add_run_options(run_command, run);

  CLI::App* compare_command =
      app.add_subcommand("compare", "one report that sets results or scenarios side by side");
  compare_command
      ->add_option("result", run.scenarios, "result folders, result.json files or scenarios")
      ->required();
  add_run_options(compare_command, run);
  compare_command
      ->add_option("--format", run.format,
                   "what is printed: a table as text for a terminal, Markdown or LaTeX")
      ->check(CLI::IsMember({"text", "markdown", "latex"}))
      ->capture_default_str();

  CLI::App* demo_command =
      app.add_subcommand("demo", "simulate the demonstration scenarios and compare them");
  add_run_options(demo_command, run);

  CLI::App* check_command = app.add_subcommand("check", "find all faults in files of any kind");
  check_command->add_option("file", files, "scenario, part, device or model files")->required();

  cli::NewArguments fresh;
  CLI::App* new_command = app.add_subcommand("new", "write a device or part file to fill in");
  add_new_options(*new_command, what, fresh);

  bool page = false;
  CLI::App* schema_command =
      app.add_subcommand("schema", "JSON schema of a kind of file, for editors");
  schema_command->add_option("kind", what, "kind of file; all if not given")
      ->check(CLI::IsMember({"scenario", "device", "part", "model"}));
  schema_command->add_flag("--page", page, "a reference page in Markdown instead");

  CLI::App* list_command = app.add_subcommand("list", "what is known, one line each");
  list_command->add_option("what", what, "kind of thing")
      ->required()
      ->check(CLI::IsMember(
          {"devices", "parts", "models", "scenarios", "components", "runtimes", "metrics"}));

  CLI::App* show_command =
      app.add_subcommand("show", "a device, part, model or scenario with all its figures");
  show_command->add_option("thing", shown.thing, "name or file")->required();
  show_command->add_flag("--dot", shown.dot, "a model's operator graph as Graphviz text");
  show_command->add_flag("--training", shown.training, "what a model's training step costs");
  show_command->add_option("--dim", shown.dims, "size of an exported graph's symbol: NAME=SIZE")
      ->take_all()
      ->allow_extra_args(false);

  CLI::App* explain_command =
      app.add_subcommand("explain", "where a number of a result comes from");
  explain_command->add_option("result", result, "result folder or result.json")->required();
  explain_command->add_option("metric", metric, "metric name")->required();

  CLI::App* eval_command = app.add_subcommand("eval", "run a model file numerically");
  eval_command->add_option("model", eval.model, "model file")->required();
  eval_command->add_option("--tokens", eval.tokens, "token ids, separated by commas");
  eval_command->add_option("--prompt", eval.prompt, "text instead of token ids");
  eval_command->add_option("--tokenizer", eval.tokenizer,
                           "token table: a GGUF file, tokenizer.json or llama2.c's tokenizer.bin");
  eval_command->add_option("--text", eval.text, "text file: perplexity, and distance from fp32");
  eval_command->add_option("--window", eval.window, "tokens of the text at a time")
      ->check(CLI::Range(2, 1 << 20));
  eval_command->add_option("--greedy", eval.greedy, "tokens to continue with")
      ->check(CLI::Range(0, 1 << 20));
  eval_command->add_option("--datapath", eval.datapath, "arithmetic to compute with")
      ->capture_default_str();
  eval_command
      ->add_option("--kernels", eval.kernels,
                   "fp32 by vector kernels, or by the obvious ones that judge them")
      ->check(CLI::IsMember({"fast", "reference"}))
      ->capture_default_str();
  eval_command->add_option("-j,--jobs", eval.jobs, "threads; the results are the same")
      ->check(CLI::Range(1, 1024));
  eval_command->add_option("--logits", eval.logits, "write all logits to this .npy file");
  eval_command->add_option("--input", eval.inputs, "an ONNX graph's input: NAME=FILE.npy")
      ->take_all()
      ->allow_extra_args(false);
  eval_command->add_option("--outputs", eval.outputs, "folder for an ONNX graph's outputs");

  CLI::App* kernel_command = app.add_subcommand("kernel", "one operator on one device, alone");
  add_kernel_options(kernel_command, kernel);

  cli::MemoryArguments memory;
  CLI::App* memory_command =
      app.add_subcommand("memory", "drive one memory part with an address trace");
  add_memory_options(memory_command, memory);

  cli::ValidateArguments validate;
  CLI::App* validate_command =
      app.add_subcommand("validate", "predictions against references and laws");
  validate_command->add_option("what", validate.what, "what is validated")
      ->required()
      ->check(CLI::IsMember({"measured", "published", "memory", "numerics", "claims"}));
  validate_command->add_option("--data", validate.data, "folder with reference data");
  validate_command->add_option("--out", validate.out, "folder for the report and its tables");
  validate_command->add_option("--only", validate.only, "claims by id, such as A7");
  validate_command->add_option("-j,--jobs", validate.jobs, "worker processes; 0: one per processor")
      ->check(CLI::Range(0, 1024));

  cli::StorageArguments storage;
  CLI::App* storage_command =
      app.add_subcommand("storage", "drive a store with reads, alone or behind a system's path");
  storage_command->add_option("--part", storage.part, "store")->required();
  storage_command->add_option("--system", storage.system, "operating system's costs");
  storage_command->add_option("--path", storage.path, "its path to the file")
      ->check(CLI::IsMember({"direct", "read", "mmap"}));
  storage_command->add_option("--chunk", storage.chunk, "bytes of a read")->capture_default_str();
  storage_command->add_option("--range", storage.range, "bytes that are read, or spread over")
      ->capture_default_str();
  storage_command->add_option("--depth", storage.depth, "reads in flight, or threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  storage_command->add_flag("--random", storage.random, "at random places instead of in order");

  cli::QuantiseArguments quantise;
  CLI::App* quantise_command =
      app.add_subcommand("quantise", "write a model file with its weights in fewer bits");
  add_quantise_options(*quantise_command, quantise);

  cli::PruneArguments prune;
  CLI::App* prune_command =
      app.add_subcommand("prune", "write a model file without some heads, neurons or layers");
  add_prune_options(*prune_command, prune);

  cli::QualityArguments quality;
  CLI::App* quality_command =
      app.add_subcommand("quality", "bits and methods against perplexity and energy per token");
  add_quality_options(*quality_command, quality);

  for (CLI::App* command : app.get_subcommands({})) {
    add_common(command, common);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    return app.exit(fault) == 0 ? 0 : 1;
  }
  if (*run_command) {
    return cli::run(common, run);
  }
  if (*compare_command) {
    return cli::compare(common, run);
  }
  if (*demo_command) {
    return cli::demo(common, run);
  }
  if (*check_command) {
    return cli::check(common, files);
  }
  if (*new_command) {
    return what == "device" ? cli::new_device(common, fresh) : cli::new_part(common, fresh);
  }
  if (*schema_command) {
    return cli::schema(common, what, page);
  }
  if (*list_command) {
    return cli::list(common, what);
  }
  if (*show_command) {
    return cli::show(common, shown);
  }
  if (*explain_command) {
    return cli::explain(common, result, metric);
  }
  if (*kernel_command) {
    return cli::kernel(common, kernel);
  }
  if (*memory_command) {
    return cli::memory(common, memory);
  }
  if (*validate_command) {
    return validate.what == "measured"    ? cli::validate_measured(common, validate)
           : validate.what == "published" ? cli::validate_published(common, validate)
           : validate.what == "claims"    ? cli::validate_claims(common, validate)
           : validate.what == "memory"    ? cli::validate_memory(common, validate)
                                          : cli::validate_numerics(common, validate);
  }
  if (*storage_command) {
    return cli::storage(common, storage);
  }
  if (*quantise_command) {
    return cli::quantise(common, quantise);
  }
  if (*prune_command) {
    return cli::prune(common, prune);
  }
  if (*quality_command) {
    return cli::quality(common, quality);
  }
  return cli::eval(common, eval);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const joulesim::InputError& fault) {
    std::cerr << fault.what();
    const std::size_t faults = fault.diagnostics().error_count();
    if (faults > 1) {
      std::cerr << faults << " errors; nothing was written\n";
    }
    return 1;
  } catch (const std::exception& fault) {
    std::cerr << "this is a bug in joulesim: " << fault.what() << "\n";
    return 2;
  }
}

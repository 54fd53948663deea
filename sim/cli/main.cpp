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
}

void add_run_options(CLI::App* command, cli::RunArguments& arguments) {
  command->add_option("--fidelity", arguments.fidelity, "level of detail instead of the scenario's")
      ->check(CLI::IsMember({"analytic", "train", "burst"}));
  command->add_option("--set", arguments.settings, "change an input: key.path=value")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--out", arguments.out, "folder for results")->capture_default_str();
  command->add_flag("--plots,!--no-plots", arguments.plots,
                    "draw plots (the default; needs gnuplot)");
  command->add_flag("--cross-check", arguments.cross_check,
                    "run the next higher level too and report the deviation");
  command->add_option("-j,--jobs", arguments.jobs, "worker processes; 0: one per processor")
      ->check(CLI::Range(0, 1024));
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
  bool dot = false;

  CLI::App* run_command = app.add_subcommand("run", "simulate scenarios and write their reports");
  run_command->add_option("scenario", run.scenarios, "scenario files or names")->required();
  add_run_options(run_command, run);

  CLI::App* compare_command =
      app.add_subcommand("compare", "one report that sets results or scenarios side by side");
  compare_command
      ->add_option("result", run.scenarios, "result folders, result.json files or scenarios")
      ->required();
  add_run_options(compare_command, run);

  CLI::App* demo_command =
      app.add_subcommand("demo", "simulate the demonstration scenarios and compare them");
  add_run_options(demo_command, run);

  CLI::App* check_command = app.add_subcommand("check", "find all faults in files of any kind");
  check_command->add_option("file", files, "scenario, part, device or model files")->required();

  CLI::App* list_command = app.add_subcommand("list", "what is known, one line each");
  list_command->add_option("what", what, "kind of thing")
      ->required()
      ->check(CLI::IsMember(
          {"devices", "parts", "models", "scenarios", "components", "runtimes", "metrics"}));

  CLI::App* show_command =
      app.add_subcommand("show", "a device, part, model or scenario with all its figures");
  show_command->add_option("thing", what, "name or file")->required();
  show_command->add_flag("--dot", dot, "a model's operator graph as Graphviz text");

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
  eval_command->add_option("--greedy", eval.greedy, "tokens to continue with")
      ->check(CLI::Range(0, 1 << 20));
  eval_command->add_option("--datapath", eval.datapath, "arithmetic to compute with")
      ->capture_default_str();
  eval_command->add_option("--logits", eval.logits, "write all logits to this .npy file");

  cli::ValidateArguments validate;
  CLI::App* validate_command =
      app.add_subcommand("validate", "predictions against references and laws");
  validate_command->add_option("what", validate.what, "what is validated")
      ->required()
      ->check(CLI::IsMember({"numerics"}));
  validate_command->add_option("--data", validate.data, "folder with reference data");
  validate_command->add_option("--out", validate.out, "folder for the report and its tables");

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
  if (*list_command) {
    return cli::list(common, what);
  }
  if (*show_command) {
    return cli::show(common, what, dot);
  }
  if (*explain_command) {
    return cli::explain(common, result, metric);
  }
  if (*validate_command) {
    return cli::validate_numerics(common, validate);
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

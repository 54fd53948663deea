// The program's commands, one function each. Results go to stdout, progress and warnings to stderr;
// the value is the exit status: 0 done, 3 a check did not hold. Wrong input is thrown as InputError
// (exit status 1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::cli {

struct Common {
  bool json = false;
  bool quiet = false;
};

struct RunArguments {
  std::vector<std::string> scenarios;
  std::string fidelity;  // empty: the scenario's
  std::vector<std::string> settings;
  std::string out = "out";
  bool plots = true;
  bool cross_check = false;
  int jobs = 0;
};
int run(const Common& common, const RunArguments& arguments);
int compare(const Common& common, const RunArguments& arguments);
int demo(const Common& common, const RunArguments& arguments);

int check(const Common& common, const std::vector<std::string>& files);
int list(const Common& common, const std::string& what);
int show(const Common& common, const std::string& thing, bool dot);
int explain(const Common& common, const std::string& result, const std::string& metric);

struct EvalArguments {
  std::string model;
  std::string tokens;     // "1,2,3"
  std::string prompt;     // text instead
  std::string tokenizer;  // a file with the token table, where the model's has none
  std::int64_t greedy = 0;
  std::string datapath = "fp32";
  std::string logits;  // .npy to write
};
int eval(const Common& common, const EvalArguments& arguments);

struct ValidateArguments {
  std::string what;
  std::string data;  // folder or file of references; empty: what holds without
  std::string out;   // folder for a report; empty: none
  int jobs = 0;
};
int validate_numerics(const Common& common, const ValidateArguments& arguments);

}  // namespace joulesim::cli

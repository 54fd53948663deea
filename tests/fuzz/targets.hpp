// What is fuzzed: one function per parser that is handed any bytes, and a few small valid inputs to
// start from, made here rather than kept as files.
//
// A target may accept its input or refuse it with InputError. Everything else is a fault: another
// exception, a crash, a sanitizer's complaint, memory or time without bound.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace joulesim::fuzz {

using Bytes = std::vector<std::byte>;

struct Target {
  std::string name;
  void (*parse)(std::span<const std::byte> input);
  std::vector<Bytes> (*corpus)();
};

std::vector<Target> model_targets();   // weights, configurations, token tables, arrays
std::vector<Target> text_targets();    // TOML files, result files
std::vector<Target> graph_targets();   // ONNX graphs, arrays, token tables in JSON
std::vector<Target> memory_targets();  // address traces, DRAM parts
// Of the program: parsers that need no machine, or those of machines and scenarios.
std::vector<Target> all_targets();

// Runs the target; refusals are fine, anything else passes through.
void run(const Target& target, std::span<const std::byte> input);

// The input as a file of this name in a folder of its own, which is emptied for every input.
std::string as_file(const std::string& name, std::span<const std::byte> input);

Bytes bytes_of(const std::string& text);
std::string text_of(std::span<const std::byte> bytes);

}  // namespace joulesim::fuzz

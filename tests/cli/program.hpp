// Drives the built program in a folder of its own and looks at all that a caller sees: exit status,
// both streams, files left behind.
#pragma once

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace joulesim::cli {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The text with one piece of it exchanged; the piece must be there.
inline std::string exchanged(std::string text, const std::string& piece, const std::string& other) {
  const std::size_t at = text.find(piece);
  INFO("looking for " << piece << " in\n" << text);
  REQUIRE(at != std::string::npos);
  return text.replace(at, piece.size(), other);
}

// Stderr without what the address sanitizer says of SystemC's coroutines, whose stacks it cannot
// know: three lines for each process that ends in one.
inline std::string without_sanitizer_notes(const std::string& text) {
  std::istringstream lines(text);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const bool note = line.find("WARNING: ASan is ignoring requested __asan_handle_no_return") !=
                          std::string::npos ||
                      line == "False positive error reports may follow" ||
                      line == "For details see https://github.com/google/sanitizers/issues/189";
    kept += note ? std::string() : line + "\n";
  }
  return kept;
}

struct Outcome {
  int status = -1;
  std::string out, err;
};

class Workplace {
 public:
  Workplace() {
    std::string name = (std::filesystem::temp_directory_path() / "joulesim-cli-XXXXXX")
                           .string();  // mkdtemp's form
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    top_ = name;
    std::filesystem::create_directories(folder());
  }
  ~Workplace() { std::filesystem::remove_all(top_); }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  Workplace(Workplace&&) = delete;
  Workplace& operator=(Workplace&&) = delete;

  [[nodiscard]] std::filesystem::path folder() const { return top_ / "work"; }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    REQUIRE(read_file(path) == text);
  }

  [[nodiscard]] std::string read(const std::string& name) const {
    return read_file(folder() / name);
  }

  // Arguments as a shell takes them. Parts, models and scenarios below folder() are known by name.
  [[nodiscard]] Outcome run(const std::string& arguments) const {
    const std::string command = "cd '" + folder().string() + "' && JOULESIM_PATH='" +
                                folder().string() + "' '" JOULESIM_PROGRAM "' " + arguments +
                                " >'" + (top_ / "out").string() + "' 2>'" +
                                (top_ / "err").string() + "' </dev/null";
    const int status = std::system(command.c_str());
    REQUIRE(status != -1);
    REQUIRE(WIFEXITED(status));
    return {WEXITSTATUS(status), read_file(top_ / "out"),
            without_sanitizer_notes(read_file(top_ / "err"))};
  }

  // Every file below folder() with its bytes.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
      found[std::filesystem::relative(entry.path(), folder()).string()] =
          entry.is_regular_file() ? read_file(entry.path()) : std::string();
    }
    return found;
  }

 private:
  std::filesystem::path top_;
};

// A scenario that runs in a moment.
inline std::string small_scenario() {
  return R"(scenario = "small"
title    = "A small model on a phone"
question = "Does it run?"

[model]
use     = "mobilellm_125m"
weights = "int8"

[machine]
device = "iphone_13"
unit   = "npu"

[workload]
prompt_tokens   = 16
generate_tokens = 4
)";
}

// A file of the repository, for tests that damage one.
inline std::string source_file(const std::string& name) {
  const std::string text = read_file(std::filesystem::path(JOULESIM_SOURCE_DIR) / name);
  INFO(name);
  REQUIRE_FALSE(text.empty());
  return text;
}

}  // namespace joulesim::cli

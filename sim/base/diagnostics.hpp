// Faults in what the user wrote, collected and shown like a compiler's errors, all at once.
//
//   hw/dram/x.toml:25:45: error: unknown source 'scald'; did you mean 'scaled'?
//      25 | read = { value = "4.0 pJ", source = "scald" }
//         |                                     ^~~~~~~
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim {

// A text that regions point into; kept alive by them so that a message can show its line.
struct SourceText {
  std::string path;  // as shown to the user
  std::string text;
  [[nodiscard]] std::string_view line(std::size_t number) const;  // 1-based; empty past the end
};

struct Region {
  std::shared_ptr<const SourceText> file;
  std::size_t line = 0;  // 1-based; 0 = the file as a whole
  std::size_t column = 0;
  std::size_t length = 1;
  [[nodiscard]] std::string where() const;  // "path:line:column"
};

struct Diagnostic {
  enum class Level { error, warning };
  Level level = Level::error;
  Region region;
  std::string message;
};

class Diagnostics {
 public:
  void error(Region region, std::string message);
  void warning(Region region, std::string message);
  // A fault of a file that has no lines, or of the command line: "path: error: message".
  void error(const std::string& path, std::string message);

  [[nodiscard]] bool ok() const { return errors_ == 0; }
  [[nodiscard]] std::size_t error_count() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  void append(const Diagnostics& other);

  // Errors and warnings in file and line order, with source lines and carets.
  [[nodiscard]] std::string render() const;

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

// Thrown once everything that could be checked has been: the user's input is wrong (exit status 1).
class InputError : public std::runtime_error {
 public:
  explicit InputError(Diagnostics diagnostics);
  // One fault with no place in a file.
  explicit InputError(const std::string& message);
  [[nodiscard]] const Diagnostics& diagnostics() const { return *diagnostics_; }

 private:
  std::shared_ptr<const Diagnostics> diagnostics_;
};

// The nearest spelling among candidates, or empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// "; did you mean 'x'?" or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace joulesim

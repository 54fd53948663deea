// A progress bar on standard error: only on a terminal, at most ten times a second, off when quiet.
//
// Checked by: tests/unit/reports_progress.cpp.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace joulesim::reports {

class ProgressBar {
 public:
  // Writes to `out` only when it is a terminal and `quiet` is false.
  explicit ProgressBar(std::string label, bool quiet = false, std::FILE* out = stderr);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ProgressBar(ProgressBar&&) = delete;
  ProgressBar& operator=(ProgressBar&&) = delete;
  ~ProgressBar();  // clears the line

  void update(double share, const std::string& note = {});  // share of the work done, 0 to 1
  void clear();                                             // before other output is printed

  [[nodiscard]] bool shown() const { return shown_; }

  // The line drawn: "label  ██████      43 %  note".
  static std::string line(const std::string& label, double share, const std::string& note);

 private:
  std::string label_;
  std::FILE* out_;
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

// Whether standard output is a terminal that shows colour (NO_COLOR and TERM=dumb are heeded).
bool stdout_has_colour();

}  // namespace joulesim::reports

#include "reports/plots/run_gnuplot.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <thread>

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace joulesim::reports {
namespace {

// What gnuplot wrote to standard error, without its blank lines and in bounds.
std::string words_of(const std::string& path) {
  std::ifstream in(path);
  std::string out;
  std::string line;
  while (std::getline(in, line) && out.size() < 600) {
    if (line.find_first_not_of(" \t\r^") != std::string::npos) {
      out += (out.empty() ? "" : "; ") + line.substr(0, 200);
    }
  }
  return out;
}

// Waits for the child; its wait status, or -1 after killing it at the deadline.
int wait_for(pid_t child) {
  constexpr std::chrono::seconds kLongest(60);
  constexpr std::chrono::microseconds kPause(20000);
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  int status = 0;
  for (auto pause = std::chrono::microseconds(500);; pause = std::min(2 * pause, kPause)) {
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) {
      return status;
    }
    if (done < 0 && errno != EINTR) {
      return -1;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

void run_gnuplot(const std::string& folder, const std::string& script) {
  const std::string errors = folder + "/gnuplot.err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::string program = "gnuplot";
  std::string plain = "-d";  // ignore the user's ~/.gnuplot: the same bytes for everybody
  std::string argument = script;
  const std::array<char*, 4> arguments = {program.data(), plain.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw InputError(fmt::format(
        "gnuplot cannot be started ({}); install the package gnuplot-nox, or go without plots",
        std::strerror(failed)));
  }
  const int status = wait_for(child);
  if (status == -1) {
    throw InputError("gnuplot did not finish within a minute");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw InputError(fmt::format("gnuplot failed: {}", words_of(errors)));
  }
}

}  // namespace joulesim::reports

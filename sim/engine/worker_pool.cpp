#include "sim/engine/worker_pool.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace joulesim::engine {
namespace {

struct Worker {
  std::size_t job = 0;
  pid_t process = -1;
  int pipe = -1;
  std::string text;
};

// First byte of what a worker sends: how to read the rest.
constexpr char kDone = 'd';
constexpr char kInput = 'i';
constexpr char kBug = 'b';

void send_all(int pipe, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = ::write(pipe, text.data() + sent, text.size() - sent);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      ::_exit(3);
    }
    sent += static_cast<std::size_t>(n);
  }
}

[[noreturn]] void work_in_child(const WorkerJob& job, int pipe) {
  std::string text;
  try {
    text = kDone + job.work();
  } catch (const InputError& fault) {
    text = kInput + std::string(fault.what());
  } catch (const std::exception& fault) {
    text = kBug + std::string(fault.what());
  }
  send_all(pipe, text);
  // No destructors: they belong to the parent, and SystemC's threads never end.
  ::_exit(0);
}

Worker start(const std::vector<WorkerJob>& jobs, std::size_t job) {
  int ends[2];
  if (::pipe(ends) != 0) {
    throw std::runtime_error("no pipe for a worker process");
  }
  std::fflush(nullptr);
  const pid_t process = ::fork();
  if (process < 0) {
    throw std::runtime_error("no worker process could be started");
  }
  if (process == 0) {
    ::close(ends[0]);
    work_in_child(jobs[job], ends[1]);
  }
  ::close(ends[1]);
  return {job, process, ends[0], {}};
}

// Reads what there is; true when the worker has closed its end.
bool drain(Worker& worker) {
  char buffer[65536];
  const ssize_t n = ::read(worker.pipe, buffer, sizeof buffer);
  if (n > 0) {
    worker.text.append(buffer, static_cast<std::size_t>(n));
    return false;
  }
  return n == 0 || errno != EINTR;
}

}  // namespace

std::vector<std::string> run_in_workers(
    const std::vector<WorkerJob>& jobs, int workers,
    const std::function<void(std::size_t, std::size_t)>& progress) {
  const std::size_t most = workers > 0 ? static_cast<std::size_t>(workers)
                                       : std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::string> results(jobs.size());
  std::vector<Worker> running;
  std::vector<std::string> input_faults(jobs.size());
  std::string bugs;
  std::size_t next = 0;
  std::size_t done = 0;
  while (done < jobs.size()) {
    while (next < jobs.size() && running.size() < most) {
      running.push_back(start(jobs, next++));
    }
    std::vector<pollfd> polls;
    for (const Worker& worker : running) {
      polls.push_back({worker.pipe, POLLIN, 0});
    }
    ::poll(polls.data(), polls.size(), -1);
    for (std::size_t i = running.size(); i-- > 0;) {
      if (polls[i].revents == 0 || !drain(running[i])) {
        continue;
      }
      Worker worker = std::move(running[i]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      ::close(worker.pipe);
      int status = 0;
      ::waitpid(worker.process, &status, 0);
      ++done;
      const std::string& name = jobs[worker.job].name;
      const std::string body = worker.text.empty() ? "" : worker.text.substr(1);
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || worker.text.empty()) {
        bugs += fmt::format(
            "{}: the worker process died ({}); ", name,
            WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : "without an answer");
      } else if (worker.text.front() == kInput) {
        input_faults[worker.job] = body;
      } else if (worker.text.front() == kBug) {
        bugs += fmt::format("{}: {}; ", name, body);
      } else {
        results[worker.job] = body;
      }
      if (progress) {
        progress(done, jobs.size());
      }
    }
  }
  if (!bugs.empty()) {
    throw std::logic_error(bugs);
  }
  // In job order, whoever was first; equal faults of several jobs are one fault.
  std::vector<std::string> told;
  for (std::string& fault : input_faults) {
    while (fault.ends_with('\n')) {
      fault.pop_back();
    }
    if (!fault.empty() && std::find(told.begin(), told.end(), fault) == told.end()) {
      told.push_back(fault);
    }
  }
  if (!told.empty()) {
    const std::string all = fmt::format("{}", fmt::join(told, "\n"));
    throw InputError(all.starts_with("error: ") ? all.substr(7) : all);
  }
  return results;
}

}  // namespace joulesim::engine

// Runs jobs in processes of their own: SystemC allows one elaboration per process, and a crash
// stays where it happened. Results come back in job order, whatever the number of workers.
//
// The parent must hold no SystemC object and run no threads. Checked by:
// tests/unit/worker_pool.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct WorkerJob {
  std::string name;
  std::function<std::string()> work;  // its text goes to the parent
};

// `workers` 0: as many as there are processors. `progress(done, all)` after every job.
// Throws InputError when a job did (all such faults together), std::logic_error when one died.
std::vector<std::string> run_in_workers(
    const std::vector<WorkerJob>& jobs, int workers,
    const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace joulesim::engine

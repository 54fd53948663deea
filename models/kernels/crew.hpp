// Threads that share loops over rows. Who computes which row changes no result, since rows do not
// depend on each other.
//
// Checked by: tests/kernels/models_simd.cpp
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace joulesim::models {

class Crew {
 public:
  using Work = std::function<void(std::size_t first, std::size_t last)>;

  explicit Crew(int jobs);  // the caller is one of them
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Calls work on parts that together are 0 … count - 1, and returns when all are done. Rethrows
  // what a part threw.
  void share(std::size_t count, const Work& work);

 private:
  void serve(std::size_t index);
  void take(std::size_t index, const Work& work, std::size_t count);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable done_;
  const Work* work_ = nullptr;
  std::size_t count_ = 0;
  std::size_t round_ = 0;
  std::size_t busy_ = 0;
  bool leaving_ = false;
  std::exception_ptr fault_;
};

}  // namespace joulesim::models

#include "models/kernels/crew.hpp"

#include <utility>

namespace joulesim::models {

Crew::Crew(int jobs) {
  for (int i = 1; i < jobs; ++i) {
    threads_.emplace_back([this, i] { serve(static_cast<std::size_t>(i)); });
  }
}

Crew::~Crew() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  begin_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void Crew::share(std::size_t count, const Work& work) {
  if (threads_.empty()) {
    work(0, count);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    count_ = count;
    busy_ = threads_.size();
    fault_ = nullptr;
    ++round_;
  }
  begin_.notify_all();
  take(0, work, count);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
  if (fault_) {
    std::rethrow_exception(std::exchange(fault_, nullptr));
  }
}

void Crew::serve(std::size_t index) {
  std::size_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    begin_.wait(lock, [&] { return leaving_ || round_ != seen; });
    if (leaving_) {
      return;
    }
    seen = round_;
    const Work* work = work_;
    const std::size_t count = count_;
    lock.unlock();
    take(index, *work, count);
    lock.lock();
    if (--busy_ == 0) {
      done_.notify_one();
    }
  }
}

// Equal consecutive parts, one per member.
void Crew::take(std::size_t index, const Work& work, std::size_t count) {
  const std::size_t members = threads_.size() + 1;
  const std::size_t first = count * index / members;
  const std::size_t last = count * (index + 1) / members;
  try {
    if (first < last) {
      work(first, last);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    fault_ = std::current_exception();
  }
}

}  // namespace joulesim::models

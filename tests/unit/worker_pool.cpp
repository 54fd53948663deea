// Do jobs in processes of their own come back in order, whole, and with their faults?
#include "sim/engine/worker_pool.hpp"

#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

std::string input_fault(const std::vector<WorkerJob>& jobs, int workers) {
  try {
    (void)run_in_workers(jobs, workers, nullptr);
  } catch (const InputError& fault) {
    return fault.what();
  }
  return "";
}

std::string bug(const std::vector<WorkerJob>& jobs) {
  try {
    (void)run_in_workers(jobs, 2, nullptr);
  } catch (const std::logic_error& fault) {
    return fault.what();
  }
  return "";
}

WorkerJob wrong(const std::string& message, int after_ms = 0) {
  return {"wrong", [=]() -> std::string {
            std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
            throw InputError(message);
          }};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("results come back in job order whatever the number of workers") {
  for (const int workers : {0, 1, 3, 20}) {
    std::vector<WorkerJob> jobs;
    for (int i = 0; i < 12; ++i) {
      jobs.push_back({"job", [i] {
                        std::this_thread::sleep_for(std::chrono::milliseconds(5 * (11 - i)));
                        return std::to_string(i);
                      }});
    }
    std::vector<std::size_t> seen;
    const auto results = run_in_workers(jobs, workers, [&](std::size_t done, std::size_t all) {
      CHECK(all == 12);
      seen.push_back(done);
    });
    REQUIRE(results.size() == 12);
    for (int i = 0; i < 12; ++i) {
      CHECK(results[static_cast<std::size_t>(i)] == std::to_string(i));
      CHECK(seen[static_cast<std::size_t>(i)] == static_cast<std::size_t>(i) + 1);
    }
  }
  CHECK(run_in_workers({}, 2, nullptr).empty());
}

TEST_CASE("jobs run in processes of their own and leave nothing behind in the parent") {
  int touched = 0;
  const auto results = run_in_workers(
      {{"a", [&] { return std::to_string(++touched + static_cast<int>(::getpid())); }}}, 1,
      nullptr);
  CHECK(touched == 0);
  CHECK(results[0] != std::to_string(1 + static_cast<int>(::getpid())));
}

TEST_CASE("texts longer than a pipe holds arrive whole, empty ones too") {
  const std::size_t size = 3'000'000;
  std::vector<WorkerJob> jobs;
  for (const char letter : {'a', 'b', 'c'}) {
    jobs.push_back({"long", [letter] {
                      std::string text(size, letter);
                      text[size / 2] = '\0';
                      return text;
                    }});
  }
  jobs.push_back({"empty", [] { return std::string(); }});
  const auto results = run_in_workers(jobs, 2, nullptr);
  REQUIRE(results.size() == 4);
  CHECK(results[1].size() == size);
  CHECK(results[1].front() == 'b');
  CHECK(results[1][size / 2] == '\0');
  CHECK(results[2].back() == 'c');
  CHECK(results[3].empty());
}

TEST_CASE("a fault of the input stays one") {
  CHECK(contains(input_fault({{"fine", [] { return std::string("x"); }}, wrong("no such unit")}, 2),
                 "no such unit"));
}

TEST_CASE("equal faults of several jobs are told once, different ones each, in job order") {
  for (const int workers : {1, 2, 4}) {
    const std::string text =
        input_fault({wrong("first", 40), wrong("second"), wrong("first"), wrong("third")}, workers);
    CAPTURE(text);
    const auto first = text.find("first");
    REQUIRE(first != std::string::npos);
    CHECK(text.find("first", first + 1) == std::string::npos);
    CHECK(text.find("second") > first);
    CHECK(text.find("third") > text.find("second"));
    CHECK(contains(text, "third"));
  }
}

TEST_CASE("an exception that is no fault of the input is a bug with the job's name") {
  const std::string text =
      bug({{"decode at 3", []() -> std::string { throw std::runtime_error("came to nothing"); }}});
  CHECK(contains(text, "decode at 3: came to nothing"));
}

TEST_CASE("a worker that crashes is reported by name and signal, and the others finish") {
  const std::string text =
      bug({{"fine", [] { return std::string("x"); }}, {"crash", []() -> std::string {
                                                         (void)std::raise(SIGKILL);
                                                         return "";
                                                       }}});
  CHECK(contains(text, "crash: the worker process died (signal 9)"));
  CHECK_FALSE(contains(text, "fine"));
}

TEST_CASE("a worker that leaves without an answer is reported") {
  const std::string text = bug({{"gone", []() -> std::string { ::_exit(0); }}});
  CHECK(contains(text, "gone: the worker process died (without an answer)"));
}

// Every parser on its corpus, on every truncation of it, and on some thousand damaged inputs that
// are the same on every machine.
#include "sim/base/diagnostics.hpp"
#include "tests/fuzz/mutate.hpp"
#include "tests/fuzz/targets.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

using namespace joulesim::fuzz;

namespace {

constexpr int kMutations = 1500;
constexpr std::size_t kTruncations = 300;

// What the target did with the input: empty when it accepted or refused it.
std::string fault_of(const Target& target, const Bytes& input) {
  try {
    run(target, input);
    return {};
  } catch (const std::exception& fault) {
    return fault.what();
  }
}

std::string hex(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += kDigits[static_cast<std::size_t>(b) >> 4U];
    text += kDigits[static_cast<std::size_t>(b) & 15U];
  }
  return text.substr(0, 2048);
}

}  // namespace

TEST_CASE("every parser accepts its own corpus") {
  for (const Target& target : all_targets()) {
    std::size_t number = 0;
    for (const Bytes& input : target.corpus()) {
      INFO(target.name << ", input " << number++);
      if (target.name == "toml") {  // nobody reads its keys: refused, after parsing
        CHECK_THROWS_AS(target.parse(input), joulesim::InputError);
      } else {
        CHECK_NOTHROW(target.parse(input));
      }
    }
    CHECK(number > 0);
  }
}

TEST_CASE("every parser refuses cut inputs without a fault of its own") {
  for (const Target& target : all_targets()) {
    for (const Bytes& input : target.corpus()) {
      const std::size_t step = std::max<std::size_t>(1, input.size() / kTruncations);
      for (std::size_t length = 0; length < input.size(); length += step) {
        const Bytes cut(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length));
        const std::string fault = fault_of(target, cut);
        INFO(target.name << " cut to " << length);
        REQUIRE(fault.empty());
      }
    }
  }
}

TEST_CASE("every parser survives damaged inputs") {
  for (const Target& target : all_targets()) {
    const std::vector<Bytes> corpus = target.corpus();
    std::mt19937_64 random(2024);
    for (int i = 0; i < kMutations; ++i) {
      const Bytes& input = corpus[random() % corpus.size()];
      const Bytes bad = mutated(input, corpus[random() % corpus.size()], random);
      const std::string fault = fault_of(target, bad);
      INFO(target.name << ", mutation " << i << ", input " << hex(bad));
      REQUIRE(fault.empty());
    }
  }
}

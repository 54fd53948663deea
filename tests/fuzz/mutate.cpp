#include "tests/fuzz/mutate.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace joulesim::fuzz {
namespace {

std::size_t below(std::size_t limit, std::mt19937_64& random) {
  return limit == 0 ? 0 : static_cast<std::size_t>(random() % limit);
}

// Where lengths, counts and offsets break.
constexpr std::array<std::uint64_t, 12> kLimits = {0,
                                                   1,
                                                   0x7f,
                                                   0x80,
                                                   0xff,
                                                   0xffff,
                                                   0x7fffffff,
                                                   0x80000000,
                                                   0xffffffff,
                                                   0x7fffffffffffffff,
                                                   0x8000000000000000,
                                                   0xffffffffffffffff};

void write_limit(Bytes& bytes, std::mt19937_64& random) {
  constexpr std::array<std::size_t, 3> kWidths = {2, 4, 8};
  const std::size_t width = std::min(kWidths[below(3, random)], bytes.size());
  const std::uint64_t value = kLimits[below(kLimits.size(), random)];
  std::memcpy(bytes.data() + below(bytes.size() - width + 1, random), &value, width);
}

void change(Bytes& bytes, const Bytes& other, std::mt19937_64& random) {
  if (bytes.empty()) {
    bytes.push_back(static_cast<std::byte>(random()));
    return;
  }
  // Heads hold what is worth breaking: half of all changes fall into the first 512 bytes.
  const std::size_t reach =
      random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 512) : bytes.size();
  const std::size_t at = below(reach, random);
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t length = 1 + below(std::min<std::size_t>(bytes.size() - at, 16), random);
  switch (random() % 8) {
    case 0:
      bytes[at] ^= static_cast<std::byte>(1U << (random() % 8));
      break;
    case 1:
      bytes[at] = static_cast<std::byte>(random());
      break;
    case 2:
      write_limit(bytes, random);
      break;
    case 3:
      bytes.resize(at);
      break;
    case 4:
      bytes.erase(place, place + static_cast<std::ptrdiff_t>(length));
      break;
    case 5: {
      const Bytes copy(place, place + static_cast<std::ptrdiff_t>(length));
      bytes.insert(place, copy.begin(), copy.end());
      break;
    }
    case 6: {  // a digit or sign changes numbers in text
      constexpr std::string_view kCharacters = "0123456789-+.eE\"{}[],:= \n\\";
      bytes[at] = static_cast<std::byte>(kCharacters[below(kCharacters.size(), random)]);
      break;
    }
    default: {
      const std::size_t from = below(other.size(), random);
      const std::size_t count = std::min(other.size() - from, bytes.size() - at);
      std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from),
                  std::min<std::size_t>(count, 64), place);
      break;
    }
  }
}

}  // namespace

Bytes mutated(const Bytes& input, const Bytes& other, std::mt19937_64& random) {
  Bytes bytes = input;
  const std::uint64_t changes = 1 + random() % 4;
  for (std::uint64_t i = 0; i < changes; ++i) {
    change(bytes, other, random);
  }
  return bytes;
}

}  // namespace joulesim::fuzz

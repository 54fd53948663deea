#include "hw/dram/interleave.hpp"

#include <algorithm>

namespace joulesim::hw {

namespace {

std::uint64_t mix(std::uint64_t i) {  // splitmix64's finaliser: the same sequence everywhere
  std::uint64_t z = (i + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

PieceStream::PieceStream(const TrainPattern& train, const Interleave& interleave, int channel)
    : train_(train), interleave_(interleave), channel_(static_cast<std::uint64_t>(channel)) {
  if (train_.kind == TrainPattern::Kind::sequential) {
    train_.chunk *= train_.count;
    train_.count = train_.chunk > 0 ? 1 : 0;
  }
}

std::uint64_t PieceStream::chunk_begin(std::uint64_t i) const {
  switch (train_.kind) {
    case TrainPattern::Kind::strided:
      return train_.base + i * train_.stride;
    case TrainPattern::Kind::random:
      return train_.base + (train_.stride > 0 ? mix(i) % train_.stride : 0);
    default:
      return train_.base;
  }
}

bool PieceStream::refill() {
  const auto n = static_cast<std::uint64_t>(interleave_.channels);
  const std::uint64_t block = interleave_.block;
  const std::uint64_t round_bytes = block * n;
  while (chunk_ < train_.count) {
    const std::uint64_t begin = chunk_begin(chunk_++);
    const std::uint64_t end = begin + train_.chunk;
    if (begin == end) {
      continue;
    }
    // This channel's block in the first and in the last round that the chunk touches.
    const auto block_begin = [&](std::uint64_t round) {
      const std::uint64_t position = (channel_ + n - interleave_.rotation(round)) % n;
      return round * round_bytes + position * block;
    };
    const std::uint64_t first_round = begin / round_bytes;
    const std::uint64_t last_round = (end - 1) / round_bytes;
    const std::uint64_t first_block = block_begin(first_round);
    const std::uint64_t last_block = block_begin(last_round);
    const std::uint64_t local_begin =
        first_round * block + std::min(block, std::max(first_block, begin) - first_block);
    const std::uint64_t local_end =
        last_round * block + std::min(block, std::max(last_block, end) - last_block);
    if (local_begin >= local_end) {
      continue;
    }
    next_ = local_begin / interleave_.burst;
    end_ = (local_end + interleave_.burst - 1) / interleave_.burst;
    return true;
  }
  return false;
}

}  // namespace joulesim::hw

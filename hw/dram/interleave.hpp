// How addresses of a memory spread over its channels, and which bursts of one channel a train asks
// for.
//
// Models:      blocks of `block` bytes dealt to the channels round by round; every round starts at
// a
//              channel that a hash of the round's number picks, so that power-of-two strides do not
//              all fall on one channel. Within a channel the rounds lie back to back.
// Leaves out:  capacity limits (addresses wrap in the channel's mapping), NUMA.
// Checked by:  tests/unit/dram_interleave.cpp (every byte on exactly one channel).
#pragma once

#include <cstdint>

namespace joulesim::hw {

// What is asked of the memory, without its transport: the plain half of a BurstTrain.
struct TrainPattern {
  enum class Kind : std::uint8_t { sequential, strided, random };
  Kind kind = Kind::sequential;
  bool write = false;
  std::uint64_t base = 0, stride = 0, chunk = 0, count = 0;
};

struct Interleave {
  int channels = 1;
  std::uint64_t block = 256;  // bytes to one channel before the next one's turn
  std::uint64_t burst = 32;   // bytes of one column command

  // The channel that holds the first block of a round.
  [[nodiscard]] std::uint64_t rotation(std::uint64_t round) const {
    std::uint64_t z = round * 0x9E3779B97F4A7C15ULL;
    z ^= z >> 32;
    return z % static_cast<std::uint64_t>(channels);
  }
  [[nodiscard]] int channel_of(std::uint64_t address) const {
    const std::uint64_t blocks = address / block;
    const auto n = static_cast<std::uint64_t>(channels);
    return static_cast<int>((blocks % n + rotation(blocks / n)) % n);
  }
};

// The bursts of one train on one channel: contiguous pieces, one per chunk at most, in order.
class PieceStream {
 public:
  PieceStream() = default;
  PieceStream(const TrainPattern& train, const Interleave& interleave, int channel);

  // Moves on to the next piece when the current one is used up; false at the end of the train.
  bool ensure() { return next_ < end_ || refill(); }
  [[nodiscard]] std::uint64_t first() const { return next_; }        // burst index in the channel
  [[nodiscard]] std::uint64_t left() const { return end_ - next_; }  // of this piece
  void take(std::uint64_t n) { next_ += n; }
  [[nodiscard]] const TrainPattern& pattern() const { return train_; }
  // The same pattern without an end, from here on.
  [[nodiscard]] PieceStream endless() const {
    constexpr std::uint64_t kLong = std::uint64_t{1} << 40;
    PieceStream out = *this;
    if (train_.kind == TrainPattern::Kind::sequential) {
      out.end_ = out.next_ + kLong;
    } else {
      out.train_.count = kLong;
    }
    return out;
  }
  // Short pieces, and enough of them on this channel for a pace of their own.
  [[nodiscard]] bool many_pieces() const {
    constexpr std::uint64_t kMany = 1024;  // bursts
    return train_.kind != TrainPattern::Kind::sequential &&
           train_.chunk * train_.count >=
               kMany * interleave_.burst * static_cast<std::uint64_t>(interleave_.channels);
  }

 private:
  bool refill();
  [[nodiscard]] std::uint64_t chunk_begin(std::uint64_t i) const;

  TrainPattern train_;
  Interleave interleave_;
  std::uint64_t channel_ = 0;
  std::uint64_t chunk_ = 0;  // next chunk to look at
  std::uint64_t next_ = 0, end_ = 0;
};

}  // namespace joulesim::hw

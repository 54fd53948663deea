#include "hw/component/tiling.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {

double off_chip(const Work& work, DataStream::Role role) {
  double bytes = 0;
  for (const DataStream& stream : work.streams) {
    if (stream.role == role && stream.tier >= 0) {
      bytes += static_cast<double>(stream.bytes());
    }
  }
  return bytes;
}

std::int64_t passes_of(const DataStream& stream, const Passes& passes) {
  switch (stream.role) {
    case DataStream::Role::weight:
      return passes.weights;
    case DataStream::Role::activation_in:
      return passes.activations;
    default:
      return 1;
  }
}

}  // namespace

Passes cheapest_passes(const Work& work, double local) {
  Passes passes;
  const double weights = off_chip(work, DataStream::Role::weight);
  const double activations = off_chip(work, DataStream::Role::activation_in);
  if (work.kind != WorkKind::matmul || weights == 0 || activations == 0) {
    return passes;
  }
  const double room = std::max(1.0, local / 2);
  const double weight_blocks = std::ceil(weights / room);
  const double activation_blocks = std::ceil(activations / room);
  const double keep_activations = activations + weights * activation_blocks;
  const double keep_weights = weights + activations * weight_blocks;
  if (keep_activations <= keep_weights) {
    passes.weights = static_cast<std::int64_t>(activation_blocks);
  } else {
    passes.activations = static_cast<std::int64_t>(weight_blocks);
  }
  return passes;
}

double moved_bytes(const Work& work, const Passes& passes) {
  double bytes = 0;
  for (const DataStream& stream : work.streams) {
    if (stream.tier >= 0) {
      bytes += static_cast<double>(stream.bytes()) * static_cast<double>(passes_of(stream, passes));
    }
  }
  return bytes;
}

void spread(const Work& work, const Passes& passes, std::int64_t tiles, std::int64_t compute_ps,
            const std::vector<double>& joules, TileProgram& program) {
  std::vector<std::uint64_t> moved;
  for (const DataStream& stream : work.streams) {
    moved.push_back(stream.bytes() * static_cast<std::uint64_t>(passes_of(stream, passes)));
  }
  spread(work, moved, tiles, compute_ps, joules, program);
}

void spread(const Work& work, const std::vector<std::uint64_t>& moved, std::int64_t tiles,
            std::int64_t compute_ps, const std::vector<double>& joules, TileProgram& program) {
  tiles = std::max<std::int64_t>(1, tiles);
  TileRun body;
  TileRun last;
  body.count = tiles - 1;
  last.count = 1;
  for (std::size_t i = 0; i < work.streams.size(); ++i) {
    const DataStream& stream = work.streams[i];
    if (stream.tier < 0) {
      continue;
    }
    const std::uint64_t total = moved[i];
    constexpr std::uint64_t grain = 64;  // whole lines
    const std::uint64_t grains = (total + grain - 1) / grain;
    const std::uint64_t each = std::min(total, grains / static_cast<std::uint64_t>(tiles) * grain);
    const std::uint64_t rest = total - each * static_cast<std::uint64_t>(tiles - 1);
    auto& body_moves = stream.writes() ? body.stores : body.loads;
    auto& last_moves = stream.writes() ? last.stores : last.loads;
    if (each > 0 && body.count > 0) {
      body_moves.push_back({i, each});
    }
    if (rest > 0) {
      last_moves.push_back({i, rest});
    }
  }
  body.compute_ps = compute_ps / tiles;
  last.compute_ps = compute_ps - body.compute_ps * (tiles - 1);
  for (const double j : joules) {
    body.joules.push_back(j / static_cast<double>(tiles));
  }
  last.joules = body.joules;
  if (body.count > 0) {
    program.runs.push_back(std::move(body));
  }
  program.runs.push_back(std::move(last));
}

}  // namespace joulesim::hw

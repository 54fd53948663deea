// Seven traces typical of transformer inference, made from a recipe that other programs can follow:
// splitmix64 from a seed, 64-byte requests. With n = 2^20 base requests:
//
//   seq_read      n reads of consecutive lines                              a stream of weights
//   seq_rw20      the same lines, each a write with probability 0.2
//   seq_rw20_sep  a write with probability 0.2, to a stream of its own at 256 MiB
//   two_stream    four lines from 0 and four from 512 MiB in turn            weights and KV cache
//   stride4k      n / 4 reads of one line every 4 KiB, modulo 1 GiB          a gather of KV
//   rand64        n / 4 reads of lines anywhere in 1 GiB
//   rand4k        n / 64 pages anywhere in 1 GiB, 64 lines in a row from each
//
// Checked by: tests/unit/dram_trace.cpp (digests of the traces that another program wrote).
#pragma once

#include "hw/dram/trace_file.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace joulesim::hw {

const std::vector<std::string_view>& trace_pattern_names();

// Throws InputError for a name that is none of trace_pattern_names().
std::vector<TraceRequest> make_trace(std::string_view name, std::uint64_t seed = 1,
                                     std::uint64_t n = std::uint64_t{1} << 20);

}  // namespace joulesim::hw

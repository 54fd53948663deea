// Time of an all-reduce over links of one kind, and over a network between boxes.
//
// Models:      a pipelined ring: its steps' latencies, its bytes, and the filling of the pipeline
//              between the two; one-shot and two-shot kernels of serving stacks for short messages;
//              boxes joined by a network whose port all GPUs of a box share, one flow a GPU; the
//              fastest of what the stack has.
// Leaves out:  trees, reduction inside switches, congestion, waiting for the slowest rank.
// Checked by:  tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/link/link.hpp"

#include <string>

namespace joulesim::hw {

struct AllReduce {
  Bytes bytes;  // of the buffer on one GPU
  int gpus = 2, boxes = 1;
  bool direct = false;  // the stack has one-shot and two-shot kernels
};

struct CollectiveTime {
  Time time;
  Time roofline;  // bytes over the links' rate
  std::string algorithm;
};

// `network` may be null with one box. GPUs are spread evenly over boxes.
CollectiveTime all_reduce_time(const LinkSpec& inside, const LinkSpec* network,
                               const AllReduce& what);

}  // namespace joulesim::hw

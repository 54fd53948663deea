// What happened when, for timeline viewers: spans on tracks and values over time, in seconds from
// the start of a request.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace joulesim::reports {

struct TraceSpan {
  std::string track, name;
  double begin = 0, seconds = 0;
  int depth = 0;  // 1: inside the span before it of depth 0
  std::vector<std::pair<std::string, std::string>> facts;  // shown when it is clicked
};

struct TracePoint {
  double time = 0, value = 0;
};

struct TraceCounter {  // holds its value until the next point
  std::string name, unit;
  std::vector<TracePoint> points;
};

struct Trace {
  std::string name, title;
  std::vector<TraceSpan> spans;  // by track and time, a span before those inside it
  std::vector<TraceCounter> counters;
  double end = 0;
};

}  // namespace joulesim::reports

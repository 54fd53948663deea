#include "reports/trace/trace_files.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

namespace joulesim::reports {
namespace {

std::int64_t picoseconds(double seconds) { return std::llround(std::max(0.0, seconds) * 1e12); }

// Names of wave viewers have no spaces.
std::string identifier(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += c == '%' ? std::string("percent") : std::string(1, plain ? c : '_');
  }
  return out.empty() ? "_" : out;
}

// Short codes of printable characters, "!" to "~".
std::string code_of(std::size_t number) {
  constexpr std::size_t kCodes = 94;
  std::string code;
  do {
    code += static_cast<char>('!' + number % kCodes);
    number /= kCodes;
  } while (number > 0);
  return code;
}

}  // namespace

std::string vcd_trace(const Trace& trace) {
  std::string head =
      fmt::format("$comment joulesim, {} $end\n$timescale 1 ps $end\n$scope module {} $end\n",
                  identifier(trace.name), identifier(trace.name));
  std::size_t codes = 0;
  std::map<std::string, std::string> tracks;                           // name: code
  std::map<std::int64_t, std::map<std::string, std::string>> changes;  // by time and code
  std::string start = "$dumpvars\n";
  for (const TraceSpan& span : trace.spans) {
    if (span.depth > 0) {
      continue;  // inside one that is open
    }
    if (!tracks.contains(span.track)) {
      const std::string code = tracks[span.track] = code_of(codes++);
      head += fmt::format("$var wire 1 {} {}_busy $end\n", code, identifier(span.track));
      start += "0" + code + "\n";
    }
    const std::string& code = tracks[span.track];
    const std::int64_t begin = picoseconds(span.begin);
    const std::int64_t end = picoseconds(span.begin + span.seconds);
    if (begin < end) {
      changes[begin][code] = "1" + code;  // after the end of a span before it
      changes[end].emplace(code, "0" + code);
    }
  }
  for (const TraceCounter& counter : trace.counters) {
    const std::string code = code_of(codes++);
    head += fmt::format("$var real 64 {} {}_{} $end\n", code, identifier(counter.name),
                        identifier(counter.unit));
    start += fmt::format("r0 {}\n", code);
    for (const TracePoint& point : counter.points) {
      changes[picoseconds(point.time)][code] = fmt::format("r{:.9g} {}", point.value, code);
    }
  }
  std::string out = head + "$upscope $end\n$enddefinitions $end\n#0\n" + start + "$end\n";
  for (const auto& [time, values] : changes) {
    if (time > 0) {
      out += fmt::format("#{}\n", time);
    }
    for (const auto& [code, value] : values) {
      out += value + "\n";
    }
  }
  const std::int64_t end = picoseconds(trace.end);
  if (changes.empty() || changes.rbegin()->first < end) {
    out += fmt::format("#{}\n", end);
  }
  return out;
}

}  // namespace joulesim::reports

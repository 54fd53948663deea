// Do trace files say what the trace says? Both are read back: the protobuf with protozero's reader,
// the value changes with a parser of their own.
#include "reports/trace/trace_files.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <sstream>
#include <string>
#include <vector>

using namespace joulesim::reports;

namespace {

Trace sample() {
  Trace trace;
  trace.name = "a run <&>";
  trace.spans = {{"request", "prefill", 0, 2e-6, 0, {}},
                 {"request", "decode", 2e-6, 4e-6, 0, {{"steps", "2"}}},
                 {"npu", "block 0", 0, 1e-6, 0, {{"origin", "simulated"}}},
                 {"npu", "norm", 0, 0.25e-6, 1, {}},
                 {"npu", "ffn", 0.25e-6, 0.75e-6, 1, {}},
                 {"npu", "block 1", 1e-6, 1e-6, 0, {}}};
  trace.counters = {{"power", "W", {{0, 1.5}, {3e-6, 2.25}, {6e-6, 0}}},
                    {"dram bandwidth", "GB/s", {{0, 12}, {1e-6, 30}}}};
  trace.end = 6e-6;
  return trace;
}

struct Slice {
  std::string track, name;
  std::uint64_t begin = 0, end = 0;
  int depth = 0;
  std::map<std::string, std::string> facts;
};

struct Read {
  std::vector<Slice> slices;
  std::map<std::string, std::vector<std::pair<std::uint64_t, double>>> counters;
  std::map<std::string, std::string> units;
  std::string process;
};

// As a viewer does: tracks by uuid, begins and ends matched on a stack for each track.
Read read_perfetto(const std::string& bytes) {
  Read read;
  std::map<std::uint64_t, std::string> names;
  std::map<std::uint64_t, std::vector<std::size_t>> open;
  protozero::pbf_reader trace(bytes);
  while (trace.next(1)) {
    std::uint64_t at = 0;
    protozero::pbf_reader packet(trace.get_message());
    while (packet.next()) {
      if (packet.tag() == 8) {
        at = packet.get_uint64();
      } else if (packet.tag() == 60) {
        protozero::pbf_reader track(packet.get_message());
        std::uint64_t uuid = 0;
        std::string name;
        while (track.next()) {
          if (track.tag() == 1) {
            uuid = track.get_uint64();
          } else if (track.tag() == 2) {
            name = track.get_string();
          } else if (track.tag() == 3) {
            protozero::pbf_reader process(track.get_message());
            REQUIRE(process.next(6));
            read.process = process.get_string();
          } else if (track.tag() == 8) {
            protozero::pbf_reader counter(track.get_message());
            REQUIRE(counter.next(6));
            read.units[name] = counter.get_string();
          } else {
            track.skip();
          }
        }
        names[uuid] = name;
      } else if (packet.tag() == 11) {
        protozero::pbf_reader event(packet.get_message());
        int type = 0;
        std::uint64_t uuid = 0;
        double value = 0;
        Slice slice;
        while (event.next()) {
          if (event.tag() == 9) {
            type = event.get_int32();
          } else if (event.tag() == 11) {
            uuid = event.get_uint64();
          } else if (event.tag() == 23) {
            slice.name = event.get_string();
          } else if (event.tag() == 44) {
            value = event.get_double();
          } else if (event.tag() == 4) {
            protozero::pbf_reader fact(event.get_message());
            std::string name;
            while (fact.next()) {
              const std::string text = fact.tag() == 10 || fact.tag() == 6 ? fact.get_string() : "";
              (fact.tag() == 10 ? name : slice.facts[name]) = text;
            }
          } else {
            event.skip();
          }
        }
        REQUIRE(names.contains(uuid));
        if (type == 1) {
          slice.track = names[uuid];
          slice.begin = at;
          slice.depth = static_cast<int>(open[uuid].size());
          open[uuid].push_back(read.slices.size());
          read.slices.push_back(slice);
        } else if (type == 2) {
          REQUIRE_FALSE(open[uuid].empty());
          read.slices[open[uuid].back()].end = at;
          open[uuid].pop_back();
        } else {
          REQUIRE(type == 4);
          read.counters[names[uuid]].emplace_back(at, value);
        }
      } else {
        packet.skip();
      }
    }
  }
  for (const auto& [uuid, left] : open) {
    CHECK(left.empty());
  }
  return read;
}

}  // namespace

TEST_CASE("a Perfetto trace holds every span, nested, and every value") {
  const Trace trace = sample();
  const Read read = read_perfetto(perfetto_trace(trace));
  CHECK(read.process == trace.name);
  REQUIRE(read.slices.size() == trace.spans.size());
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const TraceSpan& span = trace.spans[i];
    const Slice& slice = read.slices[i];
    INFO(span.name);
    CHECK(slice.track == span.track);
    CHECK(slice.name == span.name);
    CHECK(slice.depth == span.depth);
    CHECK(static_cast<double>(slice.begin) == Approx(span.begin * 1e9));
    CHECK(static_cast<double>(slice.end) == Approx((span.begin + span.seconds) * 1e9));
    CHECK(slice.facts.size() == span.facts.size());
    for (const auto& [name, value] : span.facts) {
      CHECK(slice.facts.at(name) == value);
    }
  }
  CHECK(read.units.at("power") == "W");
  REQUIRE(read.counters.at("power").size() == 3);
  CHECK(read.counters.at("power")[1] == std::pair<std::uint64_t, double>(3000, 2.25));
  CHECK(read.counters.at("dram bandwidth")[1].second == 30);
}

TEST_CASE("a value change dump holds busy bits and values at their times") {
  const std::string text = vcd_trace(sample());
  INFO(text);
  std::istringstream words(text);
  std::map<std::string, std::string> names;                           // by code
  std::map<std::string, std::map<std::int64_t, std::string>> values;  // by name and time
  std::int64_t at = -1;
  bool declared = false;
  for (std::string word; words >> word;) {
    if (word == "$var") {
      std::string type, width, code, name;
      words >> type >> width >> code >> name;
      CHECK(width == (type == "wire" ? "1" : "64"));
      CHECK(names.emplace(code, name).second);
    } else if (word == "$enddefinitions") {
      declared = true;
    } else if (declared && word[0] == '#') {
      const std::int64_t next = std::stoll(word.substr(1));
      CHECK(next > at);
      at = next;
    } else if (declared && (word[0] == '0' || word[0] == '1')) {
      values[names.at(word.substr(1))][at] = word.substr(0, 1);
    } else if (declared && word[0] == 'r') {
      std::string code;
      words >> code;
      values[names.at(code)][at] = word.substr(1);
    }
  }
  CHECK(at == 6000000);  // picoseconds
  using Changes = std::map<std::int64_t, std::string>;
  CHECK(values.at("request_busy") == Changes{{0, "1"}, {2000000, "1"}, {6000000, "0"}});
  CHECK(values.at("npu_busy") == Changes{{0, "1"}, {1000000, "1"}, {2000000, "0"}});
  CHECK(values.at("power_W") == Changes{{0, "1.5"}, {3000000, "2.25"}, {6000000, "0"}});
  CHECK(values.at("dram_bandwidth_GB_s") == Changes{{0, "12"}, {1000000, "30"}});
}

TEST_CASE("an empty trace is a valid file") {
  Trace trace;
  trace.name = "nothing";
  CHECK(read_perfetto(perfetto_trace(trace)).slices.empty());
  CHECK(vcd_trace(trace).find("$enddefinitions $end") != std::string::npos);
}

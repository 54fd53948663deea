#include "reports/trace/trace_files.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <protozero/pbf_writer.hpp>

namespace joulesim::reports {
namespace {

// Field numbers of perfetto/trace/*.proto.
namespace packet {
enum : protozero::pbf_tag_type {
  kTimestamp = 8,
  kSequence = 10,
  kEvent = 11,
  kSequenceFlags = 13,
  kTrack = 60
};
}
namespace track {
enum : protozero::pbf_tag_type { kUuid = 1, kName = 2, kProcess = 3, kParent = 5, kCounter = 8 };
}
namespace event {
enum : protozero::pbf_tag_type {
  kAnnotation = 4,
  kType = 9,
  kTrackUuid = 11,
  kName = 23,
  kValue = 44
};
enum Type : std::int32_t { kBegin = 1, kEnd = 2, kCounter = 4 };
}  // namespace event

constexpr protozero::pbf_tag_type kPacketInTrace = 1;
constexpr protozero::pbf_tag_type kProcessPid = 1;
constexpr protozero::pbf_tag_type kProcessName = 6;
constexpr protozero::pbf_tag_type kCounterUnitName = 6;
constexpr protozero::pbf_tag_type kAnnotationText = 6;
constexpr protozero::pbf_tag_type kAnnotationName = 10;
constexpr std::uint32_t kStateCleared = 1;
constexpr std::uint32_t kOneSequence = 1;
constexpr std::uint64_t kRun = 1;  // uuid of the process track

std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(std::llround(std::max(0.0, seconds) * 1e9));
}

class Writer {
 public:
  Writer() : trace_(out_) {}

  void process(const std::string& name) {
    std::string text;
    protozero::pbf_writer descriptor(text);
    descriptor.add_uint64(track::kUuid, kRun);
    std::string inner;
    protozero::pbf_writer process(inner);
    process.add_int32(kProcessPid, 1);
    process.add_string(kProcessName, name);
    descriptor.add_message(track::kProcess, inner);
    add_track(text, kStateCleared);
  }

  std::uint64_t track_of(const std::string& name, const std::string* unit = nullptr) {
    const std::uint64_t uuid = ++last_uuid_;
    std::string text;
    protozero::pbf_writer descriptor(text);
    descriptor.add_uint64(track::kUuid, uuid);
    descriptor.add_string(track::kName, name);
    descriptor.add_uint64(track::kParent, kRun);
    if (unit != nullptr) {
      std::string inner;
      protozero::pbf_writer(inner).add_string(kCounterUnitName, *unit);
      descriptor.add_message(track::kCounter, inner);
    }
    add_track(text, 0);
    return uuid;
  }

  void begin(std::uint64_t uuid, std::uint64_t at, const TraceSpan& span) {
    std::string text;
    protozero::pbf_writer event(text);
    event.add_int32(event::kType, event::kBegin);
    event.add_uint64(event::kTrackUuid, uuid);
    event.add_string(event::kName, span.name);
    for (const auto& [name, value] : span.facts) {
      std::string inner;
      protozero::pbf_writer fact(inner);
      fact.add_string(kAnnotationName, name);
      fact.add_string(kAnnotationText, value);
      event.add_message(event::kAnnotation, inner);
    }
    add_event(text, at);
  }

  void end(std::uint64_t uuid, std::uint64_t at) {
    std::string text;
    protozero::pbf_writer event(text);
    event.add_int32(event::kType, event::kEnd);
    event.add_uint64(event::kTrackUuid, uuid);
    add_event(text, at);
  }

  void value(std::uint64_t uuid, std::uint64_t at, double value) {
    std::string text;
    protozero::pbf_writer event(text);
    event.add_int32(event::kType, event::kCounter);
    event.add_uint64(event::kTrackUuid, uuid);
    event.add_double(event::kValue, value);
    add_event(text, at);
  }

  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  void add_track(const std::string& descriptor, std::uint32_t flags) {
    std::string text;
    protozero::pbf_writer packet(text);
    packet.add_uint32(packet::kSequence, kOneSequence);
    if (flags != 0) {
      packet.add_uint32(packet::kSequenceFlags, flags);
    }
    packet.add_message(packet::kTrack, descriptor);
    trace_.add_message(kPacketInTrace, text);
  }
  void add_event(const std::string& event, std::uint64_t at) {
    std::string text;
    protozero::pbf_writer packet(text);
    packet.add_uint64(packet::kTimestamp, at);
    packet.add_uint32(packet::kSequence, kOneSequence);
    packet.add_message(packet::kEvent, event);
    trace_.add_message(kPacketInTrace, text);
  }

  std::string out_;
  protozero::pbf_writer trace_;
  std::uint64_t last_uuid_ = kRun;
};

}  // namespace

std::string perfetto_trace(const Trace& trace) {
  Writer writer;
  writer.process(trace.name);
  std::map<std::string, std::uint64_t> uuids;
  for (const TraceSpan& span : trace.spans) {
    if (!uuids.contains(span.track)) {
      uuids[span.track] = writer.track_of(span.track);
    }
  }
  struct Open {
    std::uint64_t uuid, end;
    int depth;
  };
  std::vector<Open> open;  // on the track at hand, inner ones last
  const auto close_down_to = [&](int depth) {
    while (!open.empty() && open.back().depth >= depth) {
      writer.end(open.back().uuid, open.back().end);
      open.pop_back();
    }
  };
  for (const TraceSpan& span : trace.spans) {
    const std::uint64_t uuid = uuids[span.track];
    close_down_to(!open.empty() && open.back().uuid != uuid ? 0 : span.depth);
    const std::uint64_t begin = nanoseconds(span.begin);
    writer.begin(uuid, begin, span);
    open.push_back({uuid, std::max(begin, nanoseconds(span.begin + span.seconds)), span.depth});
  }
  close_down_to(0);
  for (const TraceCounter& counter : trace.counters) {
    const std::uint64_t uuid = writer.track_of(counter.name, &counter.unit);
    for (const TracePoint& point : counter.points) {
      writer.value(uuid, nanoseconds(point.time), point.value);
    }
  }
  return writer.text();
}

}  // namespace joulesim::reports

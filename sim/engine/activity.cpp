#include "sim/engine/activity.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace joulesim::engine {
namespace {

using Json = nlohmann::ordered_json;

// Applies one operation to every counter of two activities, so that none can be forgotten in one
// place.
template <class Op>
void each_counter(Activity& a, const Activity& b, const Op& op) {
  op(a.duration, b.duration);
  op(a.dram.read, b.dram.read);
  op(a.dram.written, b.dram.written);
  op(a.dram.active, b.dram.active);
  op(a.dram.standby, b.dram.standby);
  op(a.dram.power_down, b.dram.power_down);
  op(a.dram.self_refresh, b.dram.self_refresh);
  op(a.dram.activates, b.dram.activates);
  op(a.dram.refreshes, b.dram.refreshes);
  op(a.dram_bursts, b.dram_bursts);
  op(a.dram_row_hits, b.dram_row_hits);
  op(a.cache_hits, b.cache_hits);
  op(a.cache_fills, b.cache_fills);
  op(a.cache_written, b.cache_written);
  op(a.cache_written_back, b.cache_written_back);
  op(a.flash_read, b.flash_read);
  op(a.flash_channel, b.flash_channel);
  op(a.flash_pages, b.flash_pages);
  op(a.flash_active, b.flash_active);
  op(a.file_calls, b.file_calls);
  op(a.file_faults, b.file_faults);
  op(a.file_commands, b.file_commands);
  op(a.file_copied, b.file_copied);
  op(a.file_processor, b.file_processor);
  op(a.link_moved, b.link_moved);
  op(a.display_read, b.display_read);
  op(a.display_missed, b.display_missed);
  op(a.computing, b.computing);
  op(a.waiting, b.waiting);
  a.unit_joules.resize(std::max(a.unit_joules.size(), b.unit_joules.size()));
  for (std::size_t i = 0; i < b.unit_joules.size(); ++i) {
    op(a.unit_joules[i], b.unit_joules[i]);
  }
}

template <class Op>
void each_operator_counter(OperatorActivity& a, const OperatorActivity& b, const Op& op) {
  op(a.exposed, b.exposed);
  op(a.computing, b.computing);
  op(a.starved, b.starved);
  op(a.starting, b.starting);
  op(a.ops, b.ops);
  op(a.moved, b.moved);
  a.joules.resize(std::max(a.joules.size(), b.joules.size()));
  for (std::size_t i = 0; i < b.joules.size(); ++i) {
    op(a.joules[i], b.joules[i]);
  }
}

Json json_of(const Activity& a);
Activity activity_of(const Json& j);

// The members in one list, for writing and reading alike.
template <class A, class Visit>
void members(A& a, const Visit& visit) {
  visit("duration", a.duration);
  visit("dram_read", a.dram.read);
  visit("dram_written", a.dram.written);
  visit("dram_active", a.dram.active);
  visit("dram_standby", a.dram.standby);
  visit("dram_power_down", a.dram.power_down);
  visit("dram_self_refresh", a.dram.self_refresh);
  visit("activates", a.dram.activates);
  visit("refreshes", a.dram.refreshes);
  visit("bursts", a.dram_bursts);
  visit("row_hits", a.dram_row_hits);
  visit("cache_hits", a.cache_hits);
  visit("cache_fills", a.cache_fills);
  visit("cache_written", a.cache_written);
  visit("cache_written_back", a.cache_written_back);
  visit("flash_read", a.flash_read);
  visit("flash_channel", a.flash_channel);
  visit("flash_pages", a.flash_pages);
  visit("flash_active", a.flash_active);
  visit("file_calls", a.file_calls);
  visit("file_faults", a.file_faults);
  visit("file_commands", a.file_commands);
  visit("file_copied", a.file_copied);
  visit("file_processor", a.file_processor);
  visit("link_moved", a.link_moved);
  visit("display_read", a.display_read);
  visit("display_missed", a.display_missed);
  visit("display_latency", a.display_latency);
  visit("computing", a.computing);
  visit("waiting", a.waiting);
}
template <class A, class Visit>
void operator_members(A& a, const Visit& visit) {
  visit("exposed", a.exposed);
  visit("computing", a.computing);
  visit("starved", a.starved);
  visit("starting", a.starting);
  visit("ops", a.ops);
  visit("moved", a.moved);
}

struct Write {
  Json& json;
  void operator()(const char* name, double v) const { json[name] = v; }
  template <Dim D>
  void operator()(const char* name, Quantity<D> v) const {
    json[name] = v.si();
  }
};
struct Read {
  const Json& json;
  void operator()(const char* name, double& v) const { v = json.at(name).get<double>(); }
  template <Dim D>
  void operator()(const char* name, Quantity<D>& v) const {
    v = Quantity<D>(json.at(name).get<double>());
  }
};

Json json_of(const Activity& a) {
  Json j;
  members(a, Write{j});
  j["unit_joules"] = a.unit_joules;
  j["operators"] = Json::array();
  for (const OperatorActivity& op : a.operators) {
    Json o{{"label", op.label}, {"limit", op.limit}, {"count", op.count}};
    operator_members(op, Write{o});
    o["joules"] = op.joules;
    j["operators"].push_back(std::move(o));
  }
  return j;
}

Activity activity_of(const Json& j) {
  Activity a;
  members(a, Read{j});
  a.unit_joules = j.at("unit_joules").get<std::vector<double>>();
  for (const Json& o : j.at("operators")) {
    OperatorActivity op;
    op.label = o.at("label").get<std::string>();
    op.limit = o.at("limit").get<std::string>();
    op.count = o.at("count").get<std::int64_t>();
    operator_members(op, Read{o});
    op.joules = o.at("joules").get<std::vector<double>>();
    a.operators.push_back(std::move(op));
  }
  return a;
}

}  // namespace

void Activity::add(const Activity& other, double times) {
  each_counter(*this, other, [times](auto& x, const auto& y) { x += times * y; });
  display_latency = max(display_latency, other.display_latency);
  for (const OperatorActivity& op : other.operators) {
    auto found = std::find_if(operators.begin(), operators.end(),
                              [&](const OperatorActivity& o) { return o.label == op.label; });
    if (found == operators.end()) {
      operators.push_back({});
      found = operators.end() - 1;
      found->label = op.label;
      found->limit = op.limit;
      found->count = 0;
    }
    found->count += static_cast<std::int64_t>(static_cast<double>(op.count) * times + 0.5);
    each_operator_counter(*found, op, [times](auto& x, const auto& y) { x += times * y; });
  }
}

Activity Activity::between(const Activity& a, const Activity& b, double share) {
  Activity result = a;
  const auto mix = [share](auto& x, const auto& y) { x = (1 - share) * x + share * y; };
  each_counter(result, b, mix);
  result.display_latency = max(a.display_latency, b.display_latency);
  for (OperatorActivity& op : result.operators) {
    if (const OperatorActivity* other = b.find(op.label)) {
      each_operator_counter(op, *other, mix);
    }
  }
  return result;
}

const OperatorActivity* Activity::find(const std::string& label) const {
  for (const OperatorActivity& op : operators) {
    if (op.label == label) {
      return &op;
    }
  }
  return nullptr;
}

void add_file_activity(const hw::FileCounters& file, const hw::FlashCounters& flash,
                       Activity& activity) {
  const auto time = [](hw::Picoseconds ps) { return Time(static_cast<double>(ps) * 1e-12); };
  activity.flash_read += Bytes(static_cast<double>(flash.host_bytes));
  activity.flash_channel += Bytes(static_cast<double>(flash.channel_bytes));
  activity.flash_pages += static_cast<double>(flash.senses);
  activity.flash_active += time(flash.active);
  activity.file_calls += static_cast<double>(file.calls);
  activity.file_faults += static_cast<double>(file.faults);
  activity.file_commands += static_cast<double>(file.commands);
  activity.file_copied += Bytes(static_cast<double>(file.copied));
  activity.file_processor += time(file.processor);
}

std::string to_json(const StepActivity& step) {
  Json j;
  j["segments"] = Json::array();
  for (const SegmentActivity& s : step.segments) {
    Json o{{"name", s.name},
           {"block", s.block},
           {"key", s.key},
           {"simulated", s.simulated},
           {"stands_for", s.stands_for}};
    o["activity"] = s.simulated ? json_of(s.activity) : Json();
    j["segments"].push_back(std::move(o));
  }
  j["total"] = json_of(step.total);
  j["trace_bin"] = step.trace.bin.si();
  j["trace"] = step.trace.bytes;
  j["spread_time"] = step.spread_time;
  j["spread_energy"] = step.spread_energy;
  j["blocks"] = step.blocks;
  j["blocks_simulated"] = step.blocks_simulated;
  j["mappings"] = step.mappings;
  return j.dump();
}

StepActivity step_from_json(const std::string& text) {
  const Json j = Json::parse(text);
  StepActivity step;
  for (const Json& o : j.at("segments")) {
    SegmentActivity s;
    s.name = o.at("name").get<std::string>();
    s.block = o.at("block").get<int>();
    s.key = o.at("key").get<std::string>();
    s.simulated = o.at("simulated").get<bool>();
    s.stands_for = o.at("stands_for").get<std::size_t>();
    if (s.simulated) {
      s.activity = activity_of(o.at("activity"));
    }
    step.segments.push_back(std::move(s));
  }
  step.total = activity_of(j.at("total"));
  step.trace.bin = Time(j.at("trace_bin").get<double>());
  step.trace.bytes = j.at("trace").get<std::vector<double>>();
  step.spread_time = j.at("spread_time").get<double>();
  step.spread_energy = j.at("spread_energy").get<double>();
  step.blocks = j.at("blocks").get<std::int64_t>();
  step.blocks_simulated = j.at("blocks_simulated").get<std::int64_t>();
  step.mappings = j.at("mappings").get<std::vector<std::string>>();
  return step;
}

}  // namespace joulesim::engine

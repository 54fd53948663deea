// What a run answers: immutable values with units, sources and limits. Written as result.json by
// `run`, read by `compare`, `explain` and the renderers, which compute nothing.
//
// Every number is in SI base units beside the text of its unit (see si_unit in
// sim/base/quantity.hpp). Checked by: tests/unit/result_json.cpp (round trip, unknown schema
// refused).
#pragma once

#include "sim/base/quantity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::reports {

inline constexpr int kResultSchema = 1;

// A described value: `text` when it is no number.
struct Fact {
  std::string name, label;
  AnyQuantity value;
  std::string text;
};

struct Metric {
  std::string name;   // "decode.tokens_per_second"; energy.per_token is the decode phase's
  std::string label;  // "Decode speed"
  AnyQuantity value;
  std::optional<double> low, high;  // same unit; absent when nothing ranged bears on it
  double assumed_share = 0;         // share of the value that rests on assumed figures
  std::string mechanism;            // one sentence: how it was obtained
  std::optional<double> p5 = {};    // of draws from the inputs' ranges; absent without sampling
  std::optional<double> p95 = {};
};

struct EnergyRow {  // joules of one request (all phases: load, prefill, decode)
  std::string phase, component, cause, spent;  // spent: movement, arithmetic, control, static, loss
  double joules = 0;
  double assumed_share = 0;
};

struct TimeRow {
  std::string phase, component, cause;
  double seconds = 0;
  double exposed_share = 0;  // the part that nothing else hides
};

struct OperatorRow {              // one kind of operator over one step of a phase
  std::string phase, name, unit;  // "decode", "ffn.gate", "npu"
  std::int64_t count = 0;         // executions per step
  double seconds = 0;             // all executions, exposed
  double joules = 0;
  double ops = 0;
  double bytes = 0;     // moved from or to memory
  std::string bound;    // "lpddr4x bandwidth", "npu arithmetic", "launch", …
  std::string mapping;  // tiles, stages, waves; empty where the unit has no choice
};

struct Footprint {
  std::string what;  // "weights", "kv cache", "activations"
  double bytes = 0;
};

struct MemoryRow {
  std::string tier, part;
  double capacity = 0, peak = 0;         // bytes, bytes per second
  double read = 0, written = 0;          // bytes per decoded token
  double achieved = 0, utilisation = 0;  // during decode: bytes per second, share of peak
  double row_hit_rate = 0;               // DRAM only
  std::vector<Footprint> footprint;
};

struct WhatIf {
  std::string change;  // "dram bandwidth × 2"
  double speedup = 1;  // of decode, by re-simulation
};

struct Bottleneck {
  std::string component, phase, sentence;
  double busy_share = 0;
  std::vector<WhatIf> what_if;
};

struct Roof {  // for the roofline: one compute unit in one format against one memory
  std::string unit, memory;
  double ops_per_second = 0, bytes_per_second = 0;
};

// A curve over time or another axis; units are SI without prefix. Curves whose names share the
// first word are drawn together: "power", "power.npu" (over one request), "bandwidth.<tier>" (over
// one decode step, drawn against the peak of that memory tier), "battery.charge" (over hours).
struct Series {
  std::string name, label, x_label, x_unit, y_label, y_unit;
  std::vector<double> x, y;
};

struct SourceRow {
  std::string owner, id, kind, title, detail;
  std::int64_t figures = 0;
};

struct AssumptionRow {
  std::string owner, key, value, low, high, reason;
};

struct Deviation {  // a lower fidelity against a higher one
  std::string phase, level, reference;
  double time = 0, energy = 0;  // relative: (level - reference) / reference
};

struct Fidelity {
  std::string level;  // burst, train, analytic
  std::vector<Deviation> deviations;
  double memo_spread_time = 0, memo_spread_energy = 0;  // spread between simulated equal blocks
  std::int64_t blocks = 0, blocks_simulated = 0;
};

// What a metric becomes when one input alone goes to the ends of its range, all else at its value.
struct SensitivityRow {
  std::string metric, input;  // "energy.per_token", "gpu, clocks"
  double low = 0, high = 0;   // in the metric's unit; low <= high
};

struct Digest {
  std::string path, fnv1a;  // 64-bit FNV-1a of the file's bytes, hexadecimal
};

struct Result {
  int schema = kResultSchema;
  std::string version;
  std::string name, title, question;  // the scenario's
  std::vector<Digest> digests;
  Fidelity fidelity;
  std::uint64_t seed = 0;
  std::int64_t samples = 0;  // draws behind p5 and p95
  std::vector<Fact> scenario, model, machine, workload;
  std::vector<Metric> metrics;
  std::vector<EnergyRow> energy;
  double energy_total = 0;     // joules per request; equals the sum of `energy`
  double energy_integral = 0;  // joules per request by integrating power over time
  std::vector<TimeRow> time;
  std::vector<OperatorRow> operators;
  std::vector<MemoryRow> memory;
  Bottleneck bottleneck;
  std::vector<Roof> roofs;
  std::vector<SensitivityRow> sensitivity;  // by metric, the widest first
  std::vector<Series> timeline;
  std::vector<Fact> claims;  // statements to judge, with the simulated value
  std::vector<SourceRow> sources;
  std::vector<AssumptionRow> assumptions;
  std::vector<std::string> warnings, limits;

  [[nodiscard]] const Metric* metric(const std::string& metric_name) const;
};

}  // namespace joulesim::reports

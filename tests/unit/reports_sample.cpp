#include "tests/unit/reports_sample.hpp"

#include <cmath>

namespace joulesim::reports {
namespace {

Fact number(const char* name, const char* label, AnyQuantity value) {
  return {name, label, value, ""};
}
Fact text(const char* name, const char* label, const char* value) {
  return {name, label, {}, value};
}
AnyQuantity count(double n) { return {n, {}}; }

void phone_energy(Result& r) {
  const auto add = [&](const char* phase, double scale) {
    const auto row = [&](const char* component, const char* cause, const char* spent, double joules,
                         double assumed) {
      r.energy.push_back({phase, component, cause, spent, joules * scale, assumed});
    };
    row("dram", "read", "movement", 1.92, 0.1);
    row("dram", "activate", "movement", 0.31, 0.1);
    row("dram", "refresh", "static", 0.05, 0);
    row("dram", "standby", "static", 0.22, 0.4);
    row("npu", "mac int8", "arithmetic", 0.44, 0.6);
    row("npu", "operand delivery", "movement", 0.21, 0.6);
    row("npu", "leakage", "static", 0.13, 1);
    row("sram", "read", "movement", 0.26, 0.5);
    row("sram", "write", "movement", 0.12, 0.5);
    row("cpu", "dispatch", "control", 0.35, 0.7);
    row("cpu", "idle", "static", 0.18, 0.7);
    row("display", "panel", "static", 2.4, 0.2);
    row("flash", "standby", "static", 0.01, 1);
    row("regulators", "conversion", "loss", 0.73, 1);
  };
  add("prefill", 0.08);
  add("decode", 1);
  r.energy.insert(r.energy.begin(), {"load", "flash", "page read", "movement", 0.42, 0.3});
  for (const EnergyRow& row : r.energy) {
    r.energy_total += row.joules;
  }
  r.energy_integral = r.energy_total * (1 + 1e-12);
}

void phone_operators(Result& r) {
  const auto add = [&](const char* phase, const char* name, const char* unit, std::int64_t n,
                       double us, double mj, double mops, double mb, const char* bound) {
    r.operators.push_back(
        {phase, name, unit, n, us * 1e-6, mj * 1e-3, mops * 1e6, mb * 1e6, bound, ""});
  };
  add("prefill", "ffn.gate", "npu", 32, 9100, 21, 40300, 79, "npu arithmetic");
  add("prefill", "ffn.up", "npu", 32, 9000, 21, 40300, 79, "npu arithmetic");
  add("prefill", "ffn.down", "npu", 32, 9050, 21, 40300, 79, "npu arithmetic");
  add("prefill", "attention.qkv", "npu", 32, 5200, 13, 25600, 49, "npu arithmetic");
  add("prefill", "attention.scores", "npu", 32, 1700, 2, 2300, 4, "sram bandwidth");
  add("decode", "ffn.gate", "npu", 32, 2560, 7.1, 157, 78.6, "dram bandwidth");
  add("decode", "ffn.up", "npu", 32, 2550, 7.1, 157, 78.6, "dram bandwidth");
  add("decode", "ffn.down", "npu", 32, 2570, 7.1, 157, 78.6, "dram bandwidth");
  add("decode", "attention.qkv", "npu", 32, 1390, 3.9, 85, 42.6, "dram bandwidth");
  add("decode", "attention.output", "npu", 32, 930, 2.6, 57, 29.1, "dram bandwidth");
  add("decode", "lm_head", "npu", 1, 1010, 2.8, 61, 30.7, "dram bandwidth");
  add("decode", "attention.scores", "npu", 32, 310, 0.4, 4.9, 2.4, "launch");
  add("decode", "attention.values", "npu", 32, 300, 0.4, 4.9, 2.4, "launch");
  add("decode", "softmax", "cpu", 32, 210, 0.2, 0.4, 0.1, "launch");
  add("decode", "rmsnorm", "cpu", 65, 190, 0.2, 0.3, 0.2, "launch");
  add("decode", "rope", "npu", 32, 80, 0.1, 0.2, 0.1, "launch");
  add("decode", "embedding", "cpu", 1, 2, 0.01, 0, 0.002, "launch");
}

void phone_series(Result& r) {
  Series total{"power", "whole device", "time", "s", "power", "W", {}, {}};
  Series npu{"power.npu", "npu", "time", "s", "power", "W", {}, {}};
  Series dram{"power.dram", "dram", "time", "s", "power", "W", {}, {}};
  for (int i = 0; i <= 300; ++i) {
    const double t = i * 0.006;
    const bool prefill = t < 0.12;
    const double wave = 0.08 * std::sin(40 * t);
    total.x.push_back(t);
    total.y.push_back((prefill ? 4.9 : 4.1) + wave);
    npu.x.push_back(t);
    npu.y.push_back((prefill ? 1.6 : 0.46) + wave / 4);
    dram.x.push_back(t);
    dram.y.push_back((prefill ? 0.6 : 1.45) + wave / 2);
  }
  Series bandwidth{"bandwidth.dram", "dram", "time", "s", "bandwidth", "B/s", {}, {}};
  for (int i = 0; i <= 240; ++i) {
    bandwidth.x.push_back(i * 5e-5);
    const int block = i % 40;
    bandwidth.y.push_back(block > 33 ? 6e9 : 3.1e10 + 1.2e9 * std::sin(i * 0.7));
  }
  Series charge{"battery.charge", "charge", "time of use", "s", "charge left", "J", {}, {}};
  for (int i = 0; i <= 40; ++i) {
    charge.x.push_back(i * 272.0);
    charge.y.push_back(12.41 * 3600 * (1 - i / 40.0));
  }
  r.timeline = {total, npu, dram, bandwidth, charge};
}

}  // namespace

Result phone_result() {
  Result r;
  r.version = "test";
  r.name = "phone_mobilellm_350m";
  r.title = "MobileLLM-350M on a phone's NPU";
  r.question = "How fast does a phone chat, and how long does its battery last?";
  r.digests = {{"scenarios/phone_mobilellm_350m.toml", "7f0e31c29a1be504"},
               {"hw/device/phone.toml", "0123456789abcdef"}};
  r.fidelity.level = "train";
  r.fidelity.deviations = {{"decode", "train", "burst", 0.0042, -0.0031}};
  r.fidelity.memo_spread_time = 0.0006;
  r.fidelity.memo_spread_energy = 0.0002;
  r.fidelity.blocks = 4096;
  r.fidelity.blocks_simulated = 35;
  r.seed = 1;
  r.sensitivity = {{"decode.tokens_per_second", "rates of the npu", 61.0, 90.0},
                   {"decode.tokens_per_second", "cost of the software stack", 82.0, 84.5},
                   {"energy.per_token", "dram, <read> & write", 0.052, 0.063}};
  r.scenario = {text("fidelity", "Fidelity", "train"),
                number("ambient", "Ambient", {298, kKelvin})};
  r.model = {text("name", "Model", "MobileLLM-350M"),
             number("parameters", "Parameters", count(345.3e6)),
             number("layers", "Layers", count(32)), text("weights", "Weight format", "int8"),
             number("kv_per_token", "KV cache per token", {20480, kByte / kToken})};
  r.machine = {text("name", "Device", "A phone of 2023"),
               text("npu", "NPU", "64 × 64 systolic, int8"),
               text("dram", "Memory", "LPDDR5-6400, 64 bit"),
               number("bandwidth", "Peak bandwidth", any(Bandwidth(5.12e10))),
               number("battery", "Battery", any(Energy(12.41 * 3600)))};
  r.workload = {number("prompt", "Prompt", any(Tokens(64))),
                number("generated", "Generated", any(Tokens(128)))};
  const auto metric = [&](const char* name, const char* label, AnyQuantity value, double low,
                          double high, double assumed, const char* mechanism) {
    r.metrics.push_back({name, label, value, low, high, assumed, mechanism});
  };
  metric("decode.tokens_per_second", "Decode speed", any(TokenRate(82.6)), 79.9, 84.0, 0.12,
         "simulated decode steps at five context lengths, interpolated between them");
  metric("decode.time_per_token", "Time per token", any(TimePerToken(0.012102)), 0.0119, 0.0125,
         0.12, "mean over the generated tokens");
  metric("prefill.time_to_first_token", "Time to first token", any(Time(0.0513)), 0.049, 0.058,
         0.35, "one simulated pass over the prompt");
  metric("energy.per_token", "Energy per token", any(EnergyPerToken(0.0573)), 0.044, 0.069, 0.41,
         "ledger of the decode phase over the generated tokens");
  metric("energy.per_request", "Energy per request", any(Energy(8.34)), 6.4, 10.1, 0.41,
         "sum of the ledger");
  metric("power.average", "Average power", any(Power(4.73)), 3.7, 5.6, 0.41, "energy over time");
  metric("battery.hours", "Battery life", any(Time(2.62 * 3600)), 2.2 * 3600, 3.4 * 3600, 0.4,
         "charge over the power of back-to-back requests, with the cell's losses");
  metric("battery.tokens", "Tokens per charge", any(Tokens(779000)), 650000, 1010000, 0.4,
         "battery life times speed");
  metric("memory.footprint", "Memory footprint", any(Bytes(3.71e8)), 3.71e8, 3.71e8, 0,
         "sum of tensors");
  r.metrics.push_back({"memory.dram_utilisation",
                       "DRAM utilisation",
                       count(0.571),
                       {},
                       {},
                       0.05,
                       "bytes moved over peak, decode"});
  phone_energy(r);
  r.time = {{"load", "flash", "page read", 0.21, 1},    {"prefill", "npu", "mac int8", 0.0381, 0.9},
            {"prefill", "dram", "read", 0.0121, 0.2},   {"decode", "dram", "read", 1.352, 0.93},
            {"decode", "npu", "mac int8", 0.281, 0.06}, {"decode", "cpu", "dispatch", 0.142, 0.71},
            {"decode", "sram", "fill", 0.118, 0.0}};
  phone_operators(r);
  r.memory = {{"flash", "ufs_3_1_256gb", 2.56e11, 2.1e9, 0, 0, 0, 0, 0, {{"weights", 3.46e8}}},
              {"dram",
               "lpddr5_6400_x64",
               8.59e9,
               5.12e10,
               3.51e8,
               2.1e4,
               2.92e10,
               0.571,
               0.94,
               {{"weights", 3.46e8}, {"kv cache", 3.9e6}, {"activations", 1.1e6}}},
              {"sram",
               "npu_buffer_4m",
               4.19e6,
               2.56e11,
               3.9e8,
               3.6e8,
               6.2e10,
               0.24,
               0,
               {{"tiles", 4.0e6}}}};
  r.bottleneck = {
      "dram",
      "decode",
      "Decode waits for DRAM: every token reads all 346 MB of weights, and the "
      "memory is busy 93 % of the time while the NPU computes 19 % of it.",
      0.93,
      {{"dram bandwidth × 2", 1.71}, {"npu arithmetic × 2", 1.02}, {"no launch cost", 1.09}}};
  r.roofs = {{"npu int8", "dram", 8.2e12, 5.12e10}, {"npu int8", "sram", 8.2e12, 2.56e11}};
  phone_series(r);
  r.claims = {
      number("smartphone_full_day", "Battery life of 24 h of chat", any(Time(2.62 * 3600)))};
  r.sources = {
      {"lpddr5_6400", "jesd209-5", "standard", "JESD209-5B, LPDDR5", "core timing table", 14},
      {"lpddr5_6400", "io-paper", "paper", "LPDDR5 interface energy", "doi 10.0000/example", 3},
      {"phone", "maker", "datasheet", "Maker's specification sheet", "", 5},
      {"npu", "scaled", "assumed", "Energy per MAC scaled from 7 nm", "", 4}};
  r.assumptions = {{"npu", "mac_int8", "0.21 pJ/MAC", "0.12 pJ/MAC", "0.35 pJ/MAC",
                    "no vendor publishes it; scaled from a 7 nm paper"},
                   {"regulators", "efficiency", "0.9", "0.85", "0.93", "typical of phone PMICs"}};
  r.warnings = {"41 % of the energy rests on assumed figures"};
  r.limits = {"dram: temperature beyond the 85 degree refresh rate is left out",
              "cpu: an operating system's background work is not modelled"};
  return r;
}

Result fleet_result() {
  Result r;
  r.version = "test";
  r.name = "fleet_llama_70b_h100";
  r.title = "Llama 3.1 70B on a fleet of H100";
  r.question = "How many GWh a year does a billion tokens an hour draw?";
  r.fidelity.level = "analytic";
  r.seed = 7;
  r.model = {text("name", "Model", "Llama 3.1 70B"),
             number("parameters", "Parameters", count(70.6e9))};
  r.machine = {text("name", "Device", "8 × H100 SXM"), number("pue", "PUE", count(1.2))};
  r.workload = {number("rate", "Demand", any(TokenRate(2.78e5)))};
  const auto metric = [&](const char* name, const char* label, AnyQuantity value, double low,
                          double high) {
    r.metrics.push_back({name, label, value, low, high, 0.2, "batch step table times the demand"});
  };
  metric("decode.tokens_per_second", "Decode speed", any(TokenRate(2140)), 2010, 2230);
  metric("energy.per_token", "Energy per token", any(EnergyPerToken(2.61)), 2.3, 2.9);
  metric("serving.max_batch", "Largest batch", count(256), 256, 256);
  metric("serving.p50_time_to_first_token", "Time to first token, median", any(Time(0.41)), 0.3,
         0.6);
  metric("serving.p99_time_between_tokens", "Time between tokens, p99", any(Time(0.062)), 0.05,
         0.07);
  metric("fleet.devices", "Devices", count(1040), 1000, 1110);
  metric("fleet.power", "Fleet power", any(Power(7.26e5)), 6.4e5, 8.1e5);
  metric("fleet.energy_per_year", "Energy per year", any(Energy(6.36e6 * 3.6e6)), 5.6e6 * 3.6e6,
         7.1e6 * 3.6e6);
  metric("fleet.co2_per_year", "Carbon per year", any(Mass(2.35e9)), 2.0e9, 2.7e9);
  metric("fleet.cost_per_million_tokens", "Cost per million tokens", any(Money(0.412)), 0.36, 0.47);
  const auto row = [&](const char* component, const char* cause, const char* spent, double joules) {
    r.energy.push_back({"decode", component, cause, spent, joules, 0.2});
    r.energy_total += joules;
  };
  row("hbm", "read", "movement", 612);
  row("hbm", "standby", "static", 140);
  row("gpu", "tensor fp8", "arithmetic", 540);
  row("gpu", "register file", "movement", 310);
  row("gpu", "leakage", "static", 420);
  row("nvlink", "all-reduce", "movement", 160);
  row("host", "idle", "static", 180);
  row("facility", "cooling", "loss", 320);
  r.energy_integral = r.energy_total;
  r.operators = {{"decode", "ffn", "gpu", 80, 0.0191, 21, 7.4e13, 4.4e10, "hbm bandwidth", ""},
                 {"decode", "attention", "gpu", 80, 0.0094, 9, 6.1e12, 2.1e10, "hbm bandwidth", ""},
                 {"decode", "all-reduce", "nvlink", 160, 0.0031, 2, 0, 1.3e9, "link latency", ""}};
  r.time = {{"decode", "gpu", "read", 0.0281, 0.9}, {"decode", "nvlink", "all-reduce", 0.0031, 1}};
  r.memory = {{"hbm",
               "hbm3_80gb",
               6.87e11,
               2.68e13,
               2.6e8,
               1.3e6,
               1.9e13,
               0.71,
               0.97,
               {{"weights", 7.06e10}, {"kv cache", 1.31e11}}}};
  r.bottleneck = {"hbm",
                  "decode",
                  "Decode waits for HBM at a batch of 256.",
                  0.71,
                  {{"hbm bandwidth × 2", 1.42}}};
  r.roofs = {{"gpu fp8", "hbm", 1.58e16, 2.68e13}};
  Series hourly{"demand", "demand", "hour of the week", "s", "tokens per second", "tokens/s",
                {},       {}};
  for (int i = 0; i <= 168; ++i) {
    hourly.x.push_back(i * 3600.0);
    hourly.y.push_back(2.78e5 * (1 + 0.4 * std::sin(i / 24.0 * 6.2831853)));
  }
  r.timeline = {hourly};
  r.sources = {{"h100", "nvidia", "datasheet", "H100 data sheet", "", 11}};
  return r;
}

Result odd_result() {
  Result r = phone_result();
  r.title = r.question = r.bottleneck.sentence = kOddText;
  for (EnergyRow& row : r.energy) {
    row.component = row.component == "dram" ? kOddText : row.component;
    row.cause = row.cause == "read" ? kOddText : row.cause;
  }
  for (OperatorRow& row : r.operators) {
    row.mapping = kOddText;
    row.name += kOddText;
    row.bound += kOddText;
  }
  for (Series& series : r.timeline) {
    series.label += kOddText;
  }
  r.model.front().text = r.machine.front().label = kOddText;
  r.roofs.front().unit = r.roofs.front().memory = r.sensitivity.front().input = kOddText;
  r.memory.front().tier = r.memory.front().part = kOddText;
  r.sources.front().title = r.assumptions.front().reason = kOddText;
  r.warnings = r.limits = {kOddText};
  return r;
}

}  // namespace joulesim::reports

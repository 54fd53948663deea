#include "sim/engine/published.hpp"

#include "models/arch/model_file.hpp"
#include "sim/engine/kernel_query.hpp"
#include "sim/engine/measured.hpp"
#include "sim/engine/published_metrics.hpp"
#include "sim/engine/published_model.hpp"
#include "sim/engine/published_run.hpp"
#include "sim/engine/published_stack.hpp"
#include "sim/engine/published_training.hpp"
#include "sim/engine/serving_step.hpp"
#include "sim/engine/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>

namespace joulesim::engine {
namespace {

// Where a row does not say: a prompt and an answer of customary benchmarks, and a chat's prompt.
constexpr std::int64_t kPrompt = 128, kAnswer = 128;

class Predictor {
 public:
  explicit Predictor(const Library& library)
      : library_(library), stacks_(library), runner_(library), measured_(library) {}

  PublishedPrediction predict(const PublishedRow& row) {
    PublishedPrediction p;
    try {
      p.skipped = fill(row, p);
    } catch (const InputError& fault) {
      const auto& all = fault.diagnostics().all();
      p.skipped = all.empty() ? "cannot be run" : all.front().message;
    }
    if (p.skipped.empty() && !(std::isfinite(p.value) && p.value > 0)) {
      p.skipped = "the prediction is no positive number";
    }
    return p;
  }

 private:
  std::string fill(const PublishedRow& row, PublishedPrediction& p) {
    p.group = group_of_metric(row.metric);
    if (p.group.empty()) {
      return fmt::format("'{}' is nothing that one device's simulation answers", row.metric);
    }
    const std::optional<double> factor = unit_factor(row.value_unit);
    if (!factor) {
      return fmt::format("'{}' in '{}': the unit is not known", row.metric, row.value_unit);
    }
    factor_ = *factor;
    if (row.metric == "non_embedding_memory" || row.metric == "model_file_size") {
      return size_alone(row, p);
    }
    const Machine* machine = nullptr;
    if (std::string reason = find_machine(row, machine); !reason.empty()) {
      return reason;
    }
    const MachineUnit* unit = row.unit.empty() ? &machine->units.front() : machine->unit(row.unit);
    if (unit == nullptr) {
      return fmt::format("'{}' has no unit '{}'", machine->title, row.unit);
    }
    p.device_class = machine->kind + " " + unit->name;
    const hw::RuntimeSpec& stack = stacks_.of(row, *unit);
    p.stack = stack.name;
    if (row.metric == "kernel_latency") {
      return kernel(row, *machine, p);
    }
    PublishedRequest request;
    request.machine = machine;
    request.device = machine->id;
    request.unit = unit->name;
    request.stack = &stack;
    if (std::string reason = find_model(row, *unit->unit, stack.habits, request); !reason.empty()) {
      return reason;
    }
    request.devices = std::max<std::int64_t>(1, row.devices);
    request.pipelined = lower(row.note).find("pipeline parallel") != std::string::npos;
    request.layers_in_turn = stack.habits.splits_layers || request.pipelined;
    if (p.group == "training") {
      const TrainingAnswer answer =
          answer_training(runner_, row, request, limit_of(*request.machine));
      p.bound = answer.bound;
      p.value = answer.si * factor_;
      return answer.refusal;
    }
    request.has_run = true;
    if (is_serving(row, stack)) {
      return serve(row, request, p);
    }
    request.batch = std::max<std::int64_t>(1, std::llround(row.batch));
    request.prompt = row.prompt > 0 ? row.prompt : row.prompt == 0 ? 1 : kPrompt;
    request.answer = row.answer > 0 ? row.answer : kAnswer;
    if (request.model.reads_image()) {
      request.prompt = request.answer = 1;  // an image, and what it shows
      return measure(row, request, p);
    }
    if (p.group == "prefill" && row.answer <= 0) {
      request.answer = 1;
    }
    if (row.prompt < 0 || row.answer < 0) {
      p.assumptions = fmt::format("prompt of {}, answer of {}", request.prompt, request.answer);
    }
    return measure(row, request, p);
  }

  std::string find_machine(const PublishedRow& row, const Machine*& machine) {
    std::vector<std::string> names;
    const std::string id = row.device_id.value_or("");
    if (!id.empty() && row.gpu_cores > 0) {
      names = {fmt::format("{}-{}", id, row.gpu_cores), fmt::format("{}-{}c", id, row.gpu_cores)};
    }
    names.push_back(id);
    std::string text = lower(row.device);
    std::replace(text.begin(), text.end(), ' ', '-');
    names.push_back(row.device);
    names.push_back(text);
    for (const std::string& name : names) {
      if (name.empty()) {
        continue;
      }
      const LibraryEntry* entry = library_.device(name);
      if (entry == nullptr) {
        continue;
      }
      auto& slot = machines_[entry->id];
      if (!slot) {
        slot = std::make_unique<Machine>(load_machine_file(library_, entry->path));
      }
      machine = slot.get();
      return {};
    }
    return id.empty() ? fmt::format("no device is named ('{}')", row.device)
                      : fmt::format("no device is called '{}'", id);
  }

  std::string find_model(const PublishedRow& row, const hw::ComputeUnit& unit,
                         const hw::StackHabits& habits, PublishedRequest& request) const {
    const std::string name = row.model_id.value_or(row.model);
    const models::ZooEntry* entry = name.empty() ? nullptr : published_model(library_, name);
    if (entry == nullptr) {
      return name.empty() || name == "-" ? "the row names no model"
                                         : fmt::format("no model is called '{}'", name);
    }
    const auto format = published_format(row.precision, row.weight_bits);
    if (!format) {
      return "neither the precision nor the bits of the weights are known";
    }
    request.model = models::read_model_file(entry->path).spec;
    store_as(request.model, row, *format, habits, &unit);
    const bool every_head = lower(row.note).find("mha-sized") != std::string::npos;
    for (models::LayerShape& layer : request.model.stack) {
      layer.kv_heads = every_head ? layer.heads : layer.kv_heads;
    }
    request.model_key = fmt::format("{}|{}|{}|{}|{}", entry->id, format->name, format->block_bytes,
                                    request.model.formats.linear_input.name, every_head);
    return {};
  }

  // What needs no device: bytes of the weights.
  std::string size_alone(const PublishedRow& row, PublishedPrediction& p) const {
    const models::ZooEntry* entry = published_model(library_, row.model_id.value_or(row.model));
    if (entry == nullptr) {
      return fmt::format("no model is called '{}'", row.model_id.value_or(row.model));
    }
    const auto format = published_format(row.precision, row.weight_bits);
    if (!format) {
      return "neither the precision nor the bits of the weights are known";
    }
    models::ModelSpec model = models::read_model_file(entry->path).spec;
    p.device_class = "any";
    hw::StackHabits habits;
    if (!row.runtime.empty()) {
      MachineUnit named;
      named.name = row.unit;
      const hw::RuntimeSpec& stack = stacks_.of(row, named);
      habits = stack.habits;
      p.stack = stack.name;
    }
    store_as(model, row, *format, habits, nullptr);
    const models::Phase phase = models::prefill_phase(model, 1);
    const models::OperatorGraph graph = models::build_graph(model, phase);
    double bytes = static_cast<double>(models::totals_of(graph).weight_bytes);
    if (row.metric == "non_embedding_memory") {
      bytes -= static_cast<double>(model.formats.embedding.bytes(model.vocab, model.hidden)) *
               (model.tied ? 1 : 2);
    }
    p.value = bytes * factor_;
    return {};
  }

  // "GEMM 64x12288x12288" (m, n, k) and "GEMV 2560x2560" (n, k), with the harness of the source.
  std::string kernel(const PublishedRow& row, const Machine& machine, PublishedPrediction& p) {
    std::vector<std::int64_t> sizes;
    const std::size_t begin = row.model.find(' ');
    std::string digits;
    for (const char c : row.model.substr(begin == std::string::npos ? 0 : begin) + "x") {
      if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
        digits += c;
      } else if (!digits.empty()) {
        constexpr std::size_t kMost = 12;
        sizes.push_back(digits.size() > kMost ? 0 : std::stoll(digits));
        digits.clear();
      }
    }
    const bool vector = row.model.starts_with("GEMV");
    if (vector && sizes.size() == 2) {
      sizes.insert(sizes.begin(), 1);
    }
    if ((!vector && !row.model.starts_with("GEMM")) || sizes.size() != 3) {
      return fmt::format("'{}' names no product that is known", row.model);
    }
    const auto format = published_format(row.precision, row.weight_bits);
    if (!format) {
      return "neither the precision nor the bits of the weights are known";
    }
    hw::KernelRequest ask;
    ask.m = sizes[0];
    ask.n = sizes[1];
    ask.k = sizes[2];
    constexpr std::int64_t kRow = 4096;
    ask.weight_bits = format->bits_per_element(kRow, kRow);
    const bool bytes = lower(row.precision).find("a8") != std::string::npos;
    ask.type = bytes ? hw::DataType::int8 : hw::DataType::fp16;
    ask.activation_bits = bytes ? 8 : 16;
    const hw::KernelAnswer answer = answer_kernel(
        machine, ask, measured_.runtime(lower(row.runtime), lower(row.note), lower(row.source)));
    p.bound = answer.bound;
    p.mapping = answer.mapping;
    p.value = answer.time.si() * factor_;
    p.naive = answer.roofline.si() * factor_;
    return answer.refusal;
  }

  static bool is_serving(const PublishedRow& row, const hw::RuntimeSpec& stack) {
    const bool open = row.prompt < 0 || std::fabs(row.batch - std::round(row.batch)) > 1e-6 ||
                      row.metric == "output_throughput_max_load" ||
                      row.metric == "throughput_server" || row.metric == "throughput_offline";
    const std::string& metric = row.metric;
    return stack.habits.most_sequences > 0 && open &&
           (metric == "output_throughput" || metric == "median_inter_token_latency" ||
            metric == "energy_per_output_token" || metric == "avg_power_all_gpus" ||
            metric == "output_throughput_max_load" || metric == "throughput_server" ||
            metric == "throughput_offline");
  }

  std::string serve(const PublishedRow& row, const PublishedRequest& request,
                    PublishedPrediction& p) {
    if (request.machine->unit(request.unit) != &request.machine->units.front()) {
      return "steady serving is answered for a device's first unit alone";
    }
    ServingLoad load;
    load.shards = request.devices;
    set_prompt(load,
               row.prompt > 0 ? std::optional(static_cast<double>(row.prompt)) : std::nullopt);
    load.answer = row.answer > 0 ? static_cast<double>(row.answer) : kChatPrompt;
    load.beams = row.beams;
    if (row.prompt < 0) {
      p.assumptions = fmt::format("a chat's prompt of {}", kChatPrompt);
    }
    load.batch = row.batch > 0 ? row.batch * row.beams : most_sequences(request, load);
    if (load.batch < 1) {
      return "the weights leave no room for a sequence's cache";
    }
    const ServingStep step = serving_step(*request.machine, request.model, load, *request.stack);
    if (!step.refusal.empty()) {
      return step.refusal;
    }
    const double rate = load.batch / load.beams / step.time.si();
    const double power = step.power.si() * static_cast<double>(request.devices);
    p.bound = step.bound;
    p.value = factor_ * (row.metric == "median_inter_token_latency" ? step.usual.si()
                         : row.metric == "avg_power_all_gpus"       ? power
                         : row.metric == "energy_per_output_token"  ? power / rate
                                                                    : rate);
    return {};
  }

  // As many as the memory holds beside the weights, up to what the stack serves.
  double most_sequences(const PublishedRequest& request, const ServingLoad& load) {
    PublishedRequest one = request;
    one.batch = one.answer = 1;
    one.prompt = std::max<std::int64_t>(1, std::llround(load.prompt + load.answer));
    const PublishedAnswer& answer = runner_.answer(one);
    if (!answer.refusal.empty() || !(answer.cache > Bytes(0))) {
      return 0;
    }
    const double mean = (load.prompt + load.answer / 2) / static_cast<double>(one.prompt);
    const Bytes room = request.machine->capacity.value * request.machine->usable_share.value -
                       answer.weights - request.stack->habits.workspace;
    const double fit = std::floor(room / (answer.cache * mean));
    const std::int64_t most = request.stack->habits.most_sequences;
    return most > 0 ? std::min(fit, static_cast<double>(most)) : fit;
  }

  std::string measure(const PublishedRow& row, const PublishedRequest& request,
                      PublishedPrediction& p) {
    if (row.metric == "max_batch") {
      return largest_batch(row, request, p);
    }
    const PublishedAnswer& a = runner_.answer(request);
    if (!a.refusal.empty()) {
      return a.refusal;
    }
    p.bound = a.bound;
    p.mapping = a.mapping;
    const auto batch = static_cast<double>(request.batch);
    const auto prompt = static_cast<double>(request.prompt);
    const auto tokens = static_cast<double>(request.answer);
    const auto devices = static_cast<double>(request.devices);
    const Time whole = a.prefill + a.step * std::max(0.0, tokens - 1);
    const hw::StackHabits& habits = request.stack->habits;
    const Bandwidth peak = request.machine->peak_bandwidth();
    const double naive_step = (a.weights / peak).si();
    const std::string& m = row.metric;
    double value = 0;
    double naive = 0;  // where data sheets alone give no answer
    if (m == "decode_throughput" || m == "decode_throughput_per_user") {
      value = batch / a.step.si();
      naive = batch / naive_step;
    } else if (m == "decode_latency" || m == "median_inter_token_latency" || m == "execute_time") {
      value = a.step.si();
      naive = naive_step;
    } else if (m == "prefill_throughput") {
      value = batch * prompt / a.prefill.si();
    } else if (m == "prefill_latency" || m == "time_to_first_token") {
      // The reader sees a token once the step behind it has been issued.
      value = (a.prefill + (m == "time_to_first_token" ? a.step : Time(0))).si();
    } else if (m == "output_throughput" || m == "throughput") {
      // A full pipeline has a batch in each of its stages.
      value = batch * tokens / whole.si() * (request.pipelined ? devices : 1);
      naive = batch / naive_step;
    } else if (m == "inference_latency" && request.model.reads_image()) {
      value = a.prefill.si();
    } else if (m == "end_to_end_latency" || m == "p90_latency") {
      value = whole.si();
      naive = naive_step * tokens;
    } else if (m == "energy_per_output_token" || m == "energy_per_token") {
      value = (a.step_board / batch).si() * devices;
      p.assumptions += (p.assumptions.empty() ? "" : "; ") + std::string("accelerators and memory");
    } else if (m == "energy_per_token_whole_device") {
      value = (a.step_device / batch).si() * devices;
    } else if (m == "battery_charge_per_token") {
      if (!request.machine->battery) {
        return fmt::format("'{}' has no battery", request.machine->title);
      }
      const Voltage cell = request.machine->battery->mean_voltage();
      value = (a.step_device / batch).si() * devices / cell.si();  // coulombs
    } else if (m == "energy_per_request") {
      value = ((a.prefill_device + a.step_device * tokens) / batch).si() * devices;
    } else if (m == "avg_power_all_gpus" || m == "avg_power_fraction_of_TDP") {
      const Energy energy = a.prefill_board + a.step_board * tokens;
      value = (energy / (a.prefill + a.step * tokens)).si();
      if (m == "avg_power_all_gpus") {
        value *= devices;
      } else {
        const std::optional<Power> limit = limit_of(*request.machine);
        if (!limit) {
          return fmt::format("'{}' states no power limit", request.machine->title);
        }
        value /= limit->si();
      }
    } else if (m == "peak_system_wall_power") {
      if (!request.machine->wall) {
        return fmt::format("'{}' says nothing about what stands between it and the wall",
                           request.machine->title);
      }
      value = std::max((a.prefill_wall / a.prefill).si(), (a.step_wall / a.step).si());
    } else if (m == "gpu_memory" || m == "resident_memory") {
      const double positions =
          std::max(prompt + tokens, static_cast<double>(habits.positions)) / (prompt + tokens);
      value = (a.weights + a.cache * positions + habits.workspace).si();
      naive = a.weights.si();
    } else if (m == "load_time" || m == "init_time") {
      const auto& rate = m == "load_time" ? habits.load_rate : habits.build_rate;
      if (!rate) {
        return fmt::format("stack '{}' says nothing about its {}", request.stack->name,
                           m == "load_time" ? "reading of files" : "building of graphs");
      }
      value = (a.weights / *rate).si();
    } else {
      return fmt::format("'{}' is not answered for a whole model", m);
    }
    p.value = value * factor_;
    p.naive = naive * factor_;
    return {};
  }

  std::string largest_batch(const PublishedRow& /*row*/, const PublishedRequest& request,
                            PublishedPrediction& p) {
    PublishedRequest one = request;
    one.batch = 1;
    const PublishedAnswer& a = runner_.answer(one);
    if (!a.refusal.empty()) {
      return a.refusal;
    }
    const Bytes room = request.machine->capacity.value * request.machine->usable_share.value -
                       a.weights - request.stack->habits.workspace;
    p.value = std::floor(room / a.cache) * factor_;
    return {};
  }

  // The board's power limit as its chip's part states it.
  static std::optional<Power> limit_of(const Machine& machine) {
    for (const Figure& figure : machine.figures) {
      if (figure.key == "power.limit") {
        return Power(figure.value.si);
      }
    }
    return std::nullopt;
  }

  const Library& library_;
  StackShelf stacks_;
  PublishedRunner runner_;
  MeasuredSetting measured_;
  std::map<std::string, std::unique_ptr<Machine>> machines_;
  double factor_ = 1;
};

}  // namespace

std::vector<PublishedPrediction> predict_published(const Library& library,
                                                   const std::vector<PublishedRow>& rows) {
  Predictor predictor(library);
  std::vector<PublishedPrediction> predictions;
  predictions.reserve(rows.size());
  for (const PublishedRow& row : rows) {
    predictions.push_back(predictor.predict(row));
  }
  return predictions;
}

}  // namespace joulesim::engine

#include "sim/engine/published_run.hpp"

#include "sim/engine/booking.hpp"
#include "sim/engine/shards.hpp"
#include "sim/engine/step_runner.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::engine {
namespace {

struct Boundaries {
  Energy board, device, wall;
};

// Who stands inside which boundary.
Boundaries boundaries_of(const std::vector<Cost>& costs) {
  Boundaries sum;
  for (const Cost& cost : costs) {
    const bool wall = cost.component == "power supply";
    const bool rest = cost.component == "rest of device" || cost.component == "display" ||
                      cost.component == "flash" || cost.component == "operating system";
    sum.wall += cost.energy;
    sum.device += wall ? Energy(0) : cost.energy;
    sum.board += wall || rest ? Energy(0) : cost.energy;
  }
  return sum;
}

// A step that belongs to the batch as a whole.
StepActivity play(const Prepared& prepared, const PlannedStep& step, const mapping::StepPlan& plan,
                  bool warm, const StepReduces& reduces) {
  StepJob job;
  job.name = step.name;
  job.machine = &prepared.machine;
  job.unit = prepared.unit;
  job.runtime = prepared.runtime.spec;
  job.plan = &plan;
  job.fidelity = FidelityLevel::analytic;
  job.warm = warm;
  job.file = prepared.file;
  job.reduces = reduces;
  return simulate_step(job);
}

const OperatorActivity* longest_of(const Activity& activity) {
  const OperatorActivity* longest = nullptr;
  for (const OperatorActivity& op : activity.operators) {
    if (longest == nullptr || op.exposed > longest->exposed) {
      longest = &op;
    }
  }
  return longest;
}

// The value at `at` of the line through two points.
template <class Q>
Q line(double x1, Q y1, double x2, Q y2, double at) {
  return y1 + (y2 - y1) * ((at - x1) / (x2 - x1));
}

}  // namespace

PublishedAnswer PublishedRunner::run_part(const PublishedRequest& request) const {
  PublishedAnswer answer;
  models::ModelSpec model = request.model;
  model.max_context = std::max(model.max_context, request.prompt + request.answer);
  Scenario scenario;
  scenario.id = "published";
  scenario.device = request.device;
  scenario.unit = request.unit;
  scenario.runtime = request.stack->name;
  scenario.prompt_tokens = request.prompt;
  scenario.generate_tokens = request.answer;
  scenario.batch = request.batch;
  scenario.devices = request.layers_in_turn ? 1 : request.devices;
  scenario.fidelity = FidelityLevel::analytic;
  scenario.fits = request.has_run;
  const auto prepared = prepare(library_, scenario, model);
  const mapping::StepPlan prefill_plan =
      request.batch > 1 ? replan(*prepared, prepared->prefill, request.batch, prepared->machine,
                                 *prepared->unit->unit, prepared->runtime.spec)
                        : prepared->prefill.plan;
  const auto tokens = static_cast<double>(request.batch);
  const auto reduces = [&](double rows) {
    return step_reduces(prepared->model, scenario.devices, rows);
  };
  const StepActivity prefill = play(*prepared, prepared->prefill, prefill_plan, false,
                                    reduces(tokens * static_cast<double>(request.prompt)));
  Activity decode;
  for (std::size_t i = 0; i < prepared->decode.size(); ++i) {
    const PlannedStep& step = prepared->decode[i];
    decode.add(play(*prepared, step, step.plan, true, reduces(tokens)).total,
               prepared->decode_weight[i] / static_cast<double>(request.answer));
  }
  const BookingContext context{&prepared->machine, prepared->unit, false, true};
  const auto take = [&](const Activity& activity, Time& time, Energy& board, Energy& device,
                        Energy& wall) {
    time = activity.duration;
    const Boundaries sum = boundaries_of(costs_of(activity, context));
    board = sum.board;
    device = sum.device;
    wall = sum.wall;
  };
  take(prefill.total, answer.prefill, answer.prefill_board, answer.prefill_device,
       answer.prefill_wall);
  take(decode, answer.step, answer.step_board, answer.step_device, answer.step_wall);
  answer.weights = Bytes(static_cast<double>(prepared->prefill.totals.weight_bytes));
  answer.cache = prepared->placement.use.front().kv_cache;
  if (const OperatorActivity* longest = longest_of(decode)) {
    answer.bound = longest->label == kAllReduce                  ? "link"
                   : longest->computing < longest->exposed * 0.5 ? "memory"
                                                                 : longest->limit;
    answer.mapping = longest->label;
  }
  return answer;
}

PublishedAnswer PublishedRunner::run(const PublishedRequest& request) const {
  if (request.devices <= 1 || !request.layers_in_turn) {
    return run_part(request);
  }
  // Every device holds so many layers; a token visits them in turn.
  const auto layers = static_cast<std::int64_t>(request.model.stack.size());
  const std::int64_t most = (layers + request.devices - 1) / request.devices;
  const std::int64_t fewer = std::max<std::int64_t>(1, most / 2);
  const auto part = [&](std::int64_t count) {
    PublishedRequest cut = request;
    cut.model.stack.resize(static_cast<std::size_t>(count));
    cut.devices = 1;
    return run_part(cut);
  };
  PublishedAnswer large = part(most);
  if (most == fewer) {
    return large;
  }
  const PublishedAnswer small = part(fewer);
  const auto whole = [&](auto PublishedAnswer::*value, double at) {
    large.*value =
        line(static_cast<double>(fewer), small.*value, static_cast<double>(most), large.*value, at);
  };
  const auto all = static_cast<double>(layers);
  const double devices = static_cast<double>(request.devices);
  for (Time PublishedAnswer::*value : {&PublishedAnswer::prefill, &PublishedAnswer::step}) {
    whole(value, all);
  }
  for (Energy PublishedAnswer::*value :
       {&PublishedAnswer::prefill_board, &PublishedAnswer::prefill_device,
        &PublishedAnswer::prefill_wall, &PublishedAnswer::step_board, &PublishedAnswer::step_device,
        &PublishedAnswer::step_wall}) {
    whole(value, all);
    large.*value /= devices;  // each works its share of the time, the idle others are left out
  }
  return large;
}

const PublishedAnswer& PublishedRunner::answer(const PublishedRequest& request) {
  const std::string key =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", request.device, request.unit, request.model_key,
                  request.stack->name, request.batch, request.prompt, request.answer,
                  request.devices, request.layers_in_turn);
  const auto found = answers_.find(key);
  if (found != answers_.end()) {
    return found->second;
  }
  PublishedAnswer answer;
  try {
    answer = run(request);
  } catch (const InputError& fault) {
    const auto& all = fault.diagnostics().all();
    answer.refusal = all.empty() ? "cannot be run" : all.front().message;
  }
  return answers_.emplace(key, std::move(answer)).first->second;
}

}  // namespace joulesim::engine

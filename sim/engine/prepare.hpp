// A scenario made ready: names resolved, formats set, everything placed, every step planned. No
// simulation.
#pragma once

#include "models/arch/build_graph.hpp"
#include "models/arch/model_file.hpp"
#include "models/arch/model_spec.hpp"
#include "models/graph/cost.hpp"
#include "sim/engine/exported.hpp"
#include "sim/engine/file_use.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/scenario.hpp"
#include "sim/engine/shards.hpp"
#include "sim/mapping/placement.hpp"
#include "sim/mapping/step.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace joulesim::engine {

struct PlannedStep {
  models::Phase phase;          // of the model's graph, for the batch that it was planned for
  std::int64_t new_tokens = 1;  // per sequence
  std::string name;             // "prefill of 128", "decode at 130"
  std::int64_t context = 0;     // positions already cached
  models::GraphTotals totals;
  mapping::StepPlan plan;
};

struct Prepared {
  Scenario scenario;
  models::ModelSpec model;    // what one device holds of it
  models::GraphTotals whole;  // of a decode step of all devices together
  std::vector<Figure> model_figures;
  std::vector<models::PublishedAccuracy> accuracy;  // of the model as its file describes it
  models::ModelFormats file_formats;                // before the scenario set others
  bool reshaped = false;                          // the scenario runs other layers than were judged
  std::shared_ptr<const ExportedModel> exported;  // null: the description is what runs
  Machine machine;
  const MachineUnit* unit = nullptr;  // of `machine`
  LoadedRuntime runtime;
  std::vector<mapping::MemoryTier> tiers;
  mapping::Placement placement;
  std::optional<FileUse> file;  // weights are read from the store while tokens are made
  std::optional<FileUse> load;  // weights are read from the store before the first token
  PlannedStep prefill;
  std::vector<PlannedStep> decode;    // at rising contexts, one sequence step each
  std::vector<double> decode_weight;  // tokens that each stands for; they sum to generate_tokens
  std::vector<DigestedFile> files;
};

// Throws InputError with all faults of the scenario, the device, its parts, the model and the
// placement.
std::unique_ptr<Prepared> prepare(const Library& library, const Scenario& scenario);

// The same for a model that is at hand already; the scenario's name of it is not looked up.
std::unique_ptr<Prepared> prepare(const Library& library, const Scenario& scenario,
                                  const models::ModelSpec& model);

// One step's operators: the model's graph after the scenario's transforms. Throws InputError when a
// transform does not fit the model.
models::OperatorGraph graph_of(const Prepared& prepared, const models::Phase& phase);

// The same steps planned for another machine, unit or software stack (what-if runs).
mapping::StepPlan replan(const Prepared& prepared, const PlannedStep& step, std::int64_t batch,
                         const Machine& machine, const hw::ComputeUnit& unit,
                         const hw::RuntimeSpec& runtime);

}  // namespace joulesim::engine

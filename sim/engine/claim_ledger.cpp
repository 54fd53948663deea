#include "sim/engine/claim_ledger.hpp"

#include "reports/result/result_json.hpp"
#include "sim/engine/claim.hpp"
#include "sim/engine/prepare.hpp"
#include "sim/engine/run.hpp"
#include "sim/engine/scenario.hpp"
#include "sim/engine/worker_pool.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <tuple>

namespace joulesim::engine {
namespace {

// One simulation that the ledger needs: a scenario file and settings.
using RunKey = std::pair<std::string, std::vector<std::string>>;

struct LoadedClaim {
  Scenario scenario;
  ClaimWish wish;
  std::map<std::string, RunKey> runs;           // by name, "base" among them
  std::vector<std::vector<RunKey>> curve_runs;  // per curve and value; empty over an input
};

const LibraryEntry& entry_of(const Library& library, const ClaimRunWish& run) {
  const LibraryEntry* entry = library.scenario(run.use);
  if (entry == nullptr) {
    Diagnostics faults;
    faults.error(run.place, fmt::format("unknown scenario '{}'{}", run.use,
                                        did_you_mean(run.use, library.scenario_names())));
    throw InputError(std::move(faults));
  }
  return *entry;
}

bool is_input(const ClaimWish& wish, const std::string& name) {
  return std::any_of(wish.claim.inputs.begin(), wish.claim.inputs.end(),
                     [&](const reports::ClaimInput& input) { return input.name == name; });
}

LoadedClaim load(const Library& library, const std::string& path) {
  LoadedClaim loaded;
  loaded.scenario = read_scenario(path, {});
  loaded.wish = *loaded.scenario.claim;
  loaded.wish.claim.path = library.stored_name(path);
  loaded.runs["base"] = {path, {}};
  for (const ClaimRunWish& run : loaded.wish.runs) {
    loaded.runs[run.name] = {run.use.empty() ? path : entry_of(library, run).path, run.settings};
  }
  for (const ClaimCurveWish& curve : loaded.wish.curves) {
    std::vector<RunKey> keys;
    if (!is_input(loaded.wish, curve.over)) {
      const auto of = loaded.runs.find(curve.of);
      if (of == loaded.runs.end()) {
        Diagnostics faults;
        faults.error(curve.place, fmt::format("the claim has no run '{}'", curve.of));
        throw InputError(std::move(faults));
      }
      for (const std::string& value : curve.values) {
        RunKey key = of->second;
        const bool bare = value.find_first_not_of("0123456789.eE+-") == std::string::npos;
        key.second.push_back(bare ? fmt::format("{}={}", curve.over, value)
                                  : fmt::format("{}=\"{}\"", curve.over, value));
        keys.push_back(std::move(key));
      }
    }
    loaded.curve_runs.push_back(std::move(keys));
  }
  return loaded;
}

std::string simulate_one(const Library& library, const RunKey& key) {
  const Scenario scenario = read_scenario(key.first, key.second);
  const auto prepared = prepare(library, scenario);
  RunOptions options;
  options.workers = 1;
  options.what_if = false;
  return reports::to_json(compose(*prepared, simulate(*prepared, options)));
}

reports::ClaimRun described(const std::string& name, const std::string& title, const RunKey& key,
                            const reports::Result& result) {
  reports::ClaimRun run;
  run.name = name;
  run.title = title.empty() ? result.title : title;
  run.settings = key.second;
  run.level = result.fidelity.level;
  return run;
}

reports::ClaimCurve curve_of(const LoadedClaim& loaded, std::size_t index,
                             const std::map<std::string, reports::Result>& own,
                             const std::map<RunKey, reports::Result>& all) {
  const ClaimCurveWish& wish = loaded.wish.curves[index];
  reports::ClaimCurve curve;
  curve.label = wish.label;
  curve.x_label = wish.x_label;
  curve.log_x = wish.log_x;
  curve.log_y = wish.log_y;
  curve.mark = wish.mark;
  for (const ClaimFigureWish& figure : loaded.wish.figures) {
    curve.y_label = figure.figure.id == wish.figure ? figure.figure.label : curve.y_label;
    curve.y_unit = figure.figure.id == wish.figure ? figure.figure.unit : curve.y_unit;
  }
  for (std::size_t i = 0; i < wish.values.size(); ++i) {
    const AnyQuantity x = parse_quantity(wish.values[i]);
    AnyQuantity y;
    if (loaded.curve_runs[index].empty()) {
      y = evaluate_figure(loaded.wish, wish.figure, own, {{wish.over, x}});
    } else {
      std::map<std::string, reports::Result> changed = own;
      changed.insert_or_assign(wish.of, all.at(loaded.curve_runs[index][i]));
      y = evaluate_figure(loaded.wish, wish.figure, changed, {});
    }
    curve.x_dim = x.dim;
    curve.y_dim = y.dim;
    curve.x.push_back(x.si);
    curve.y.push_back(y.si);
  }
  const double judged = evaluate_figure(loaded.wish, wish.figure, own, {}).si;
  for (const reports::ClaimInput& input : loaded.wish.claim.inputs) {
    if (input.name == wish.over) {
      curve.own_x = input.value.si;
    }
  }
  constexpr double kSame = 1e-9;
  for (std::size_t i = 0; i < curve.x.size() && !curve.own_x; ++i) {
    if (std::fabs(curve.y[i] - judged) <= kSame * std::fabs(judged)) {
      curve.own_x = curve.x[i];
    }
  }
  if (curve.own_x) {
    curve.own_y = judged;
  }
  if (wish.mark_x) {
    curve.mark_x = wish.mark_x->si;
  }
  if (wish.mark_y) {
    curve.mark_y = wish.mark_y->si;
  }
  return curve;
}

// "A2" before "A10".
std::pair<std::string, int> order_of(const std::string& id) {
  const auto digit = id.find_first_of("0123456789");
  int number = 0;
  for (std::size_t i = digit; i != std::string::npos && i < id.size(); ++i) {
    number = id[i] >= '0' && id[i] <= '9' && number < 100000 ? number * 10 + (id[i] - '0') : number;
  }
  return {id.substr(0, digit), number};
}

}  // namespace

std::vector<reports::Claim> judge_claims(const Library& library, const LedgerOptions& options) {
  std::vector<LoadedClaim> claims;
  Diagnostics faults;
  for (const LibraryEntry& entry : library.scenarios()) {
    try {
      if (!ConfigFile::read(entry.path).root().has("claim")) {
        continue;
      }
      LoadedClaim loaded = load(library, entry.path);
      const std::string& id = loaded.wish.claim.id;
      if (options.only.empty() ||
          std::find(options.only.begin(), options.only.end(), id) != options.only.end()) {
        claims.push_back(std::move(loaded));
      }
    } catch (const InputError& fault) {
      faults.append(fault.diagnostics());
    }
  }
  for (const std::string& id : options.only) {
    if (faults.ok() && std::none_of(claims.begin(), claims.end(),
                                    [&](const LoadedClaim& c) { return c.wish.claim.id == id; })) {
      faults.error("validate claims", fmt::format("there is no claim '{}'", id));
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  std::stable_sort(claims.begin(), claims.end(), [](const LoadedClaim& a, const LoadedClaim& b) {
    return order_of(a.wish.claim.id) < order_of(b.wish.claim.id);
  });

  std::map<RunKey, std::size_t> wanted;
  std::vector<WorkerJob> jobs;
  const auto want = [&](const RunKey& key) {
    if (wanted.emplace(key, jobs.size()).second) {
      jobs.push_back({fmt::format("{} {}", shown_path(key.first), fmt::join(key.second, " ")),
                      [&library, key] { return simulate_one(library, key); }});
    }
  };
  for (const LoadedClaim& claim : claims) {
    for (const auto& [name, key] : claim.runs) {
      want(key);
    }
    for (const auto& keys : claim.curve_runs) {
      std::for_each(keys.begin(), keys.end(), want);
    }
  }
  const std::vector<std::string> texts = run_in_workers(jobs, options.workers, options.progress);
  std::map<RunKey, reports::Result> results;
  for (const auto& [key, index] : wanted) {
    results.emplace(key, reports::from_json(texts[index], jobs[index].name));
  }

  std::vector<reports::Claim> judged;
  for (const LoadedClaim& loaded : claims) {
    try {
      std::map<std::string, reports::Result> own;
      for (const auto& [name, key] : loaded.runs) {
        own.emplace(name, results.at(key));
      }
      reports::Claim claim = evaluate_claim(loaded.wish, own);
      claim.runs.push_back(described("base", "", loaded.runs.at("base"), own.at("base")));
      for (const ClaimRunWish& run : loaded.wish.runs) {
        claim.runs.push_back(
            described(run.name, run.title, loaded.runs.at(run.name), own.at(run.name)));
      }
      for (std::size_t i = 0; i < loaded.wish.curves.size(); ++i) {
        claim.curves.push_back(curve_of(loaded, i, own, results));
      }
      judged.push_back(std::move(claim));
    } catch (const InputError& fault) {
      faults.append(fault.diagnostics());
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return judged;
}

}  // namespace joulesim::engine

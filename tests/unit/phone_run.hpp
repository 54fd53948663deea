// The demonstration's 350M model on a phone, in closed form, with a test's settings.
#pragma once

#include "reports/result/result.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/run.hpp"

#include <string>
#include <utility>
#include <vector>

namespace joulesim::engine::testing {

inline reports::Result phone_run(std::vector<std::string> settings) {
  const Library library = Library::open();
  const std::string path =
      std::string(JOULESIM_SOURCE_DIR) + "/scenarios/demo/mobilellm_350m_int8.toml";
  settings.emplace_back("engine.fidelity=\"analytic\"");
  return run_scenario(library, read_scenario(path, std::move(settings)), {});
}

}  // namespace joulesim::engine::testing

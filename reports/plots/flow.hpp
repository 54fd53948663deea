// Energy as a flow (a Sankey diagram): from the phases of a request through components to what it
// was spent on. Drawn as SVG by us, because gnuplot has no such plot.
//
// Checked by: tests/unit/reports_flow.cpp (what flows in flows out, hostile names stay texts).
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/result.hpp"

#include <string>
#include <vector>

namespace joulesim::reports {

struct FlowNode {
  std::string name;
  int column = 0;
  double joules = 0;
};

struct FlowLink {
  std::size_t from = 0, to = 0;  // nodes
  std::string spent;             // colours it
  double joules = 0;
};

struct Flow {
  std::vector<FlowNode> nodes;  // by column, then falling
  std::vector<FlowLink> links;
};

// Components below a hundredth of the whole are one node.
Flow energy_flow(const Result& result);

// "flow", or no SVG where nothing was spent.
PlotFile draw_flow(const Result& result);

}  // namespace joulesim::reports

#include "reports/plots/flow.hpp"

#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace joulesim::reports {
namespace {

constexpr double kLeast = 0.01;  // of the whole: smaller components are drawn as one
constexpr double kGap = 17;      // between nodes: a line of text
constexpr double kLine = 14;     // a node at least so high holds its label, else it stands below
constexpr double kTop = 8;
constexpr double kFlowHeight = 260;  // of the whole
// Nodes are as wide as their labels, so that no flow runs under one; the last column's labels stand
// beside it, where there are none.
constexpr double kX[] = {4, 222, 486};
constexpr double kNodeWidth[] = {142, 192, 12};
constexpr int kFlowWidth = 680;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&quot;"
           : c == '\'' ? "&#39;"
                       : std::string(1, static_cast<unsigned char>(c) < ' ' ? ' ' : c);
  }
  return out;
}

std::size_t node_in(Flow& flow, int column, const std::string& name) {
  for (std::size_t i = 0; i < flow.nodes.size(); ++i) {
    if (flow.nodes[i].column == column && flow.nodes[i].name == name) {
      return i;
    }
  }
  flow.nodes.push_back({name, column, 0});
  return flow.nodes.size() - 1;
}

void add_link(Flow& flow, std::size_t from, std::size_t to, const std::string& spent,
              double joules) {
  for (FlowLink& link : flow.links) {
    if (link.from == from && link.to == to && link.spent == spent) {
      link.joules += joules;
      return;
    }
  }
  flow.links.push_back({from, to, spent, joules});
}

// Where a node's flows leave and arrive, from the top.
struct Place {
  double top = 0, height = 0, in = 0, out = 0;
};

std::vector<Place> places_of(const Flow& flow, double total, double& bottom) {
  std::vector<Place> places(flow.nodes.size());
  double y[] = {kTop, kTop, kTop};
  for (std::size_t i = 0; i < flow.nodes.size(); ++i) {
    double& at = y[flow.nodes[i].column];
    const double height = kFlowHeight * flow.nodes[i].joules / total;
    places[i] = {at, height, at, at};
    at += std::max(height, 2.0) + kGap;
    bottom = std::max(bottom, at);
  }
  return places;
}

}  // namespace

Flow energy_flow(const Result& result) {
  Flow flow;
  std::map<std::string, double> of_component;
  double total = 0;
  for (const EnergyRow& row : result.energy) {
    of_component[row.component] += row.joules;
    total += row.joules;
  }
  const auto shown = [&](const std::string& component) {
    return of_component[component] < kLeast * total ? "others" : component;
  };
  for (const EnergyRow& row : result.energy) {
    if (!(row.joules > 0)) {
      continue;
    }
    const std::size_t phase = node_in(flow, 0, row.phase);
    const std::size_t component = node_in(flow, 1, shown(row.component));
    const std::size_t spent = node_in(flow, 2, row.spent);
    for (const std::size_t node : {phase, component, spent}) {
      flow.nodes[node].joules += row.joules;
    }
    add_link(flow, phase, component, row.spent, row.joules);
    add_link(flow, component, spent, row.spent, row.joules);
  }
  // In reading order; links follow their nodes.
  std::vector<std::size_t> order(flow.nodes.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const FlowNode& x = flow.nodes[a];
    const FlowNode& y = flow.nodes[b];
    return x.column != y.column ? x.column < y.column : x.joules > y.joules;
  });
  std::vector<std::size_t> place(order.size());
  Flow sorted;
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
    sorted.nodes.push_back(flow.nodes[order[i]]);
  }
  for (FlowLink link : flow.links) {
    link.from = place[link.from];
    link.to = place[link.to];
    sorted.links.push_back(link);
  }
  std::stable_sort(sorted.links.begin(), sorted.links.end(),
                   [](const FlowLink& a, const FlowLink& b) {
                     return std::pair(a.from, a.to) < std::pair(b.from, b.to);
                   });
  return sorted;
}

PlotFile draw_flow(const Result& result) {
  PlotFile plot{"flow", "Where the energy flows: phases, components, what it was spent on", ""};
  const Flow flow = energy_flow(result);
  double total = 0;
  for (const FlowNode& node : flow.nodes) {
    total += node.column == 0 ? node.joules : 0;
  }
  if (!(total > 0)) {
    return plot;
  }
  double bottom = 0;
  std::vector<Place> places = places_of(flow, total, bottom);
  std::string body;
  for (const FlowLink& link : flow.links) {
    const double height = kFlowHeight * link.joules / total;
    const int column = flow.nodes[link.from].column;
    const double x0 = kX[column] + kNodeWidth[column];
    const double x1 = kX[flow.nodes[link.to].column];
    const double middle = (x0 + x1) / 2;
    const double y0 = places[link.from].out;
    const double y1 = places[link.to].in;
    places[link.from].out += height;
    places[link.to].in += height;
    body += fmt::format(
        "<path d=\"M{0:.1f},{1:.2f}C{2:.1f},{1:.2f} {2:.1f},{3:.2f} {4:.1f},{3:.2f}V{5:.2f}"
        "C{2:.1f},{5:.2f} {2:.1f},{6:.2f} {0:.1f},{6:.2f}Z\" fill=\"{7}\" fill-opacity=\"0.45\">"
        "<title>{8}</title></path>\n",
        x0, y0, middle, y1, x1, y1 + height, y0 + height, spent_colour(link.spent),
        escaped(fmt::format("{}, {}: {}", flow.nodes[link.from].name, link.spent,
                            show(any(Energy(link.joules))))));
  }
  for (std::size_t i = 0; i < flow.nodes.size(); ++i) {
    const FlowNode& node = flow.nodes[i];
    const double x = kX[node.column];
    const double width = kNodeWidth[node.column];
    const bool last = node.column == 2;
    body += fmt::format(
        "<path d=\"M{:.1f},{:.2f}h{:.1f}v{:.2f}h-{:.1f}Z\" fill=\"{}\" fill-opacity=\"{}\"/>\n", x,
        places[i].top, width, std::max(places[i].height, 1.0), width,
        last ? spent_colour(node.name) : std::string("#808080"), last ? "1" : "0.3");
    const std::string label = fmt::format("{} {} · {}", node.name, show(any(Energy(node.joules))),
                                          percent(node.joules / total));
    const double below = places[i].top + places[i].height + 12;
    const double within = places[i].top + std::max(places[i].height / 2, 3.0) + 4;
    body += fmt::format("<g fill=\"rgb(64,64,64)\"><text x=\"{:.1f}\" y=\"{:.2f}\">{}</text></g>\n",
                        last ? x + width + 5 : x + 3,
                        last || places[i].height >= kLine ? within : below, escaped(label));
  }
  plot.svg = fmt::format(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "width=\"{0}\" height=\"{1:.0f}\" viewBox=\"0 0 {0} {1:.0f}\" font-size=\"12\" "
      "font-family=\"sans-serif\">\n{2}</svg>\n",
      kFlowWidth, bottom, body);
  return plot;
}

}  // namespace joulesim::reports

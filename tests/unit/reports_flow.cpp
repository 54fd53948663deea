// Does the flow of energy keep every joule, and stay a drawing whatever names it is given?
#include "reports/plots/flow.hpp"
#include "tests/unit/reports_sample.hpp"

#include <boost/property_tree/xml_parser.hpp>
#include <catch2/catch.hpp>

#include <sstream>
#include <string>

using namespace joulesim::reports;

TEST_CASE("what flows into a node flows out of it, and all of the energy flows") {
  for (const Result& r : {phone_result(), fleet_result(), odd_result()}) {
    const Flow flow = energy_flow(r);
    double all = 0;
    for (const EnergyRow& row : r.energy) {
      all += row.joules > 0 ? row.joules : 0;
    }
    double columns[] = {0, 0, 0};
    for (std::size_t i = 0; i < flow.nodes.size(); ++i) {
      double in = 0;
      double out = 0;
      for (const FlowLink& link : flow.links) {
        CHECK(flow.nodes[link.to].column == flow.nodes[link.from].column + 1);
        in += link.to == i ? link.joules : 0;
        out += link.from == i ? link.joules : 0;
      }
      const FlowNode& node = flow.nodes[i];
      INFO(node.name);
      CHECK((node.column == 0 || in == Approx(node.joules)));
      CHECK((node.column == 2 || out == Approx(node.joules)));
      columns[node.column] += node.joules;
    }
    for (const double column : columns) {
      CHECK(column == Approx(all));
    }
  }
}

TEST_CASE("components below a hundredth are one node") {
  Result r;
  r.energy = {{"decode", "dram", "read", "movement", 99, 0},
              {"decode", "a", "idle", "static", 0.4, 0},
              {"decode", "b", "idle", "static", 0.6, 0}};
  const Flow flow = energy_flow(r);
  REQUIRE(flow.nodes.size() == 5);
  CHECK(flow.nodes[1].name == "dram");
  CHECK(flow.nodes[2].name == "others");
  CHECK(flow.nodes[2].joules == Approx(1.0));
}

TEST_CASE("hostile names stay texts, and nothing spent draws nothing") {
  Result r;
  r.energy = {{"<script>alert(1)</script>", "a&b\"'", "x", "movement", 1, 0}};
  const std::string svg = draw_flow(r).svg;
  CHECK(svg.find("<script>") == std::string::npos);
  CHECK(svg.find("&lt;script&gt;") != std::string::npos);
  CHECK(svg.find("a&amp;b&quot;&#39;") != std::string::npos);
  CHECK(draw_flow(Result{}).svg.empty());
  // A share too small for a figure reads "< 0.1 %".
  r.energy.push_back({"decode", "dram", "read", "arithmetic", 1e-5, 0});
  std::istringstream in(draw_flow(r).svg);
  boost::property_tree::ptree tree;
  CHECK_NOTHROW(boost::property_tree::read_xml(in, tree));
}

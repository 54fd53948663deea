#include "reports/data/tables.hpp"
#include "reports/html/bundle.hpp"
#include "reports/result/files.hpp"
#include "reports/result/result_json.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/unit/reports_fixture.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <sstream>

using namespace joulesim;
using namespace joulesim::reports;
namespace fs = std::filesystem;

TEST_CASE("a run writes all its files and reads back") {
  const Folder folder("bundle-run");
  write_run(phone_result(), folder.path.string());
  for (const char* name : {"result.json", "summary.md", "report.html", "metrics.csv",
                           "plots/energy.svg", "plots/plots.gp"}) {
    INFO(name);
    CHECK(fs::exists(folder.path / name));
  }
  CHECK(to_json(read_result(folder.path.string())) == to_json(phone_result()));
}

TEST_CASE("without plots a run needs no gnuplot and leaves no old plots") {
  const Folder folder("bundle-plain");
  write_run(phone_result(), folder.path.string());
  const WithoutGnuplot without;
  write_run(phone_result(), folder.path.string(), {false});
  CHECK_FALSE(fs::exists(folder.path / "plots" / "energy.svg"));
  CHECK(read_text((folder.path / "report.html").string(), 1U << 20U).find("<svg") ==
        std::string::npos);
}

TEST_CASE("a fault leaves the folder as it was") {
  const Folder folder("bundle-fault");
  const WithoutGnuplot without;
  CHECK_THROWS_AS(write_run(phone_result(), folder.path.string()), InputError);
  CHECK_FALSE(fs::exists(folder.path));
}

TEST_CASE("a comparison links the pages that stand beside it") {
  const Folder folder("bundle-comparison");
  const Result phone = phone_result();
  write_run(phone, (folder.path / phone.name).string());
  write_comparison({phone, fleet_result()}, (folder.path / "comparison").string());
  const std::string page =
      read_text((folder.path / "comparison" / "comparison.html").string(), 8U << 20U);
  CHECK(page.find("href=\"../" + phone.name + "/report.html\"") != std::string::npos);
  CHECK(page.find("href=\"../" + fleet_result().name) == std::string::npos);
  CHECK_THROWS_AS(write_comparison({}, folder.path.string()), InputError);
}

TEST_CASE("CSV has a row per metric with exact numbers") {
  const std::string csv = metrics_csv(phone_result());
  std::istringstream lines(csv);
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    ++count;
  }
  CHECK(count == phone_result().metrics.size() + 1);
  CHECK(csv.find("decode.time_per_token,0.012102,s/token,0.0119,0.0125,0.12,Time per token\n") !=
        std::string::npos);
}

TEST_CASE("CSV fields with commas and quotes are quoted") {
  Result r = phone_result();
  r.metrics.front().label = "a, \"b\"";
  CHECK(metrics_csv(r).find(",\"a, \"\"b\"\"\"\n") != std::string::npos);
}

TEST_CASE("a comparison's CSV gives ratios to the first") {
  Result other = phone_result();
  other.name = "other";
  other.metrics.front().value.si *= 2;
  CHECK(comparison_csv({phone_result(), other})
            .find("other,decode.tokens_per_second,165.2,tokens/s,79.9,84,0.12,2\n") !=
        std::string::npos);
}

TEST_CASE("Markdown keeps odd characters as text") {
  const std::string text = summary_markdown(odd_result());
  CHECK(text.find("a\\<b") != std::string::npos);
  CHECK(text.find("\\|z\\|") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

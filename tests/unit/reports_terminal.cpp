#include "reports/terminal/progress.hpp"
#include "reports/terminal/summary.hpp"
#include "reports/terminal/text.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace joulesim::reports;

TEST_CASE("columns counts what a terminal shows") {
  CHECK(columns("µJ") == 2);
  CHECK(columns("日本") == 4);
  CHECK(columns("e\u0301") == 1);
  CHECK(columns("\xff\xfe") == 2);
}

TEST_CASE("tables stay aligned with characters of any width") {
  Table table({Align::left, Align::right});
  table.row({"µ", "1"});
  table.row({"日本語", "12345"});
  std::istringstream lines(table.render(0));
  std::string first;
  std::string second;
  std::getline(lines, first);
  std::getline(lines, second);
  CHECK(columns(first) == columns(second));
}

TEST_CASE("bars are as long as their share") {
  CHECK(bar(1, 4) == "████");
  CHECK(bar(0.5, 4) == "██");
  CHECK(bar(0, 4).empty());
  CHECK(bar(1e-9, 4) == "▏");
  CHECK(bar(7, 4) == "████");
}

TEST_CASE("no line of wrapped text is wider than asked") {
  std::istringstream lines(
      wrap("a sentence of several words that must be broken twice or more", 20, 2));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    CHECK(columns(line) <= 20);
    CHECK(line.starts_with("  "));
    ++count;
  }
  CHECK(count == 4);
}

TEST_CASE("text of a file cannot steer the terminal") {
  const std::string text = terminal_summary(odd_result()) + terminal_comparison({odd_result()});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(printable("a\x07\x1b[2Jb\u202ec") == "a[2Jbc");
}

TEST_CASE("a comparison of many results stays within the terminal") {
  std::vector<Result> many(7, phone_result());
  std::istringstream lines(terminal_comparison(many, {false, 90}));
  std::string line;
  std::string text;
  while (std::getline(lines, line)) {
    CHECK(columns(line) <= 90);
    text += line;
  }
  CHECK(text.find("[7]  ") != std::string::npos);
  CHECK_FALSE(terminal_comparison({phone_result()}).empty());
}

TEST_CASE("colour is used only when asked for") {
  CHECK(terminal_summary(phone_result(), {false, 100}).find('\x1b') == std::string::npos);
  CHECK(terminal_summary(phone_result(), {true, 100}).find('\x1b') != std::string::npos);
}

TEST_CASE("a progress bar writes nothing where there is no terminal") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    ProgressBar progress("work", false, file);
    CHECK_FALSE(progress.shown());
    progress.update(0.5);
  }
  CHECK(std::ftell(file) == 0);
  std::fclose(file);
}

TEST_CASE("a progress line keeps its length") {
  CHECK(columns(ProgressBar::line("work", 0, "")) == columns(ProgressBar::line("work", 1, "")));
  CHECK(ProgressBar::line("work", 0.43, "step").find("43 %  step") != std::string::npos);
}

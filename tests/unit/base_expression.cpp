// Do the cross-checks in files compute with dimensions, and name what they cannot compute?
#include "sim/base/expression.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

using namespace joulesim;

namespace {

Evaluated evaluate(const std::string& text) {
  const std::map<std::string, AnyQuantity> names = {
      {"data_rate", {4266e6, inverse(kSecond)}},
      {"width", {8, kByte}},
      {"time", {2, kSecond}},
      {"later", {5, kSecond}},
      {"array.rows", {16, Dim{}}},
  };
  return evaluate_expression(text, [&](const std::string& name) -> std::optional<AnyQuantity> {
    const auto found = names.find(name);
    return found == names.end() ? std::nullopt : std::optional(found->second);
  });
}

double number(const std::string& text) {
  INFO(text);
  const Evaluated result = evaluate(text);
  REQUIRE(result.value);
  CHECK(result.fault.empty());
  return result.value->si;
}

std::string fault(const std::string& text) {
  const Evaluated result = evaluate(text);
  CHECK_FALSE(result.value);
  return result.fault;
}

}  // namespace

TEST_CASE("products bind closer than sums, and both run from the left") {
  CHECK(number("1 + 2 * 3") == 7);
  CHECK(number("(1 + 2) * 3") == 9);
  CHECK(number("7 - 2 - 1") == 4);
  CHECK(number("8 / 2 / 2") == 2);
  CHECK(number("  2*( 3+4 ) ") == 14);
  CHECK(number("1.5 * array.rows") == 24);
}

TEST_CASE("an expression's dimension follows from its names") {
  const Evaluated bandwidth = evaluate("data_rate * width");
  REQUIRE(bandwidth.value);
  CHECK(bandwidth.value->dim == kByte / kSecond);
  CHECK(bandwidth.value->si == Approx(34.128e9));
  CHECK(evaluate("width / time").value->dim == kByte / kSecond);
  CHECK(evaluate("later - time").value->dim == kSecond);
  CHECK(evaluate("later / time").value->dim == Dim{});
}

TEST_CASE("sums of different dimensions name both") {
  CHECK(fault("time + width") == "\"time + width\" adds a time and a size");
  CHECK(fault("time - 1") == "\"time - 1\" adds a time and a pure number");
}

TEST_CASE("broken expressions say what is missing") {
  CHECK(fault("rate * 2") == "\"rate * 2\" names 'rate', which is not here");
  CHECK(fault("2 *") == "\"2 *\" lacks an operand");
  CHECK(fault("") == "\"\" lacks an operand");
  CHECK(fault("(1 + 2") == "\"(1 + 2\" lacks a ')'");
  CHECK(fault("1 2") == "found '2' in \"1 2\"; expected an operator");
  CHECK(fault("1 + 2)") == "found ')' in \"1 + 2)\"; expected an operator");
  CHECK_FALSE(fault("1 % 2").empty());
}

TEST_CASE("nesting without end is refused") {
  CHECK(number(std::string(40, '(') + "3" + std::string(40, ')')) == 3);
  CHECK(fault(std::string(100000, '(')) == "found more than 50 nested parentheses");
}

TEST_CASE("a number with letters in it is refused") {
  CHECK(fault("2x") == "found '2x' in \"2x\"; expected a number");
  CHECK(fault("1.2.3 * 2") == "found '1.2.3' in \"1.2.3 * 2\"; expected a number");
}

TEST_CASE("a division by zero gives no value") {
  CHECK(fault("1 / 0") == "\"1 / 0\" divides by zero");
}

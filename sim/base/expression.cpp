#include "sim/base/expression.hpp"

#include <fmt/format.h>

#include <cctype>
#include <stdexcept>
#include <string_view>

namespace joulesim {
namespace {

class Parser {
 public:
  Parser(std::string_view text,
         const std::function<std::optional<AnyQuantity>(const std::string&)>& lookup)
      : text_(text), lookup_(lookup) {}

  AnyQuantity all() {
    const AnyQuantity value = sum();
    if (skip_space(); at_ < text_.size()) {
      throw std::invalid_argument(
          fmt::format("found '{}' in \"{}\"; expected an operator", text_.substr(at_), text_));
    }
    return value;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
  }
  bool take(char c) {
    skip_space();
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  AnyQuantity sum() {
    AnyQuantity value = product();
    while (true) {
      const bool plus = take('+');
      if (!plus && !take('-')) {
        return value;
      }
      const AnyQuantity other = product();
      if (other.dim != value.dim) {
        throw std::invalid_argument(fmt::format(
            "\"{}\" adds {} and {}", text_, dimension_name(value.dim), dimension_name(other.dim)));
      }
      value.si += plus ? other.si : -other.si;
    }
  }
  AnyQuantity product() {
    AnyQuantity value = atom();
    while (true) {
      if (take('*')) {
        const AnyQuantity other = atom();
        value = {value.si * other.si, value.dim * other.dim};
      } else if (take('/')) {
        const AnyQuantity other = atom();
        if (other.si == 0) {
          throw std::invalid_argument(fmt::format("\"{}\" divides by zero", text_));
        }
        value = {value.si / other.si, value.dim / other.dim};
      } else {
        return value;
      }
    }
  }
  AnyQuantity atom() {
    constexpr int kDeepest = 50;
    if (take('(')) {
      if (++depth_ > kDeepest) {
        throw std::invalid_argument("found more than 50 nested parentheses");
      }
      const AnyQuantity value = sum();
      --depth_;
      if (!take(')')) {
        throw std::invalid_argument(fmt::format("\"{}\" lacks a ')'", text_));
      }
      return value;
    }
    skip_space();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || text_[at_] == '.')) {
      ++at_;
    }
    const std::string word(text_.substr(begin, at_ - begin));
    if (word.empty()) {
      throw std::invalid_argument(fmt::format("\"{}\" lacks an operand", text_));
    }
    if (std::isdigit(static_cast<unsigned char>(word[0])) != 0) {
      std::size_t end = 0;
      const double number = std::stod(word, &end);
      if (end != word.size()) {
        throw std::invalid_argument(
            fmt::format("found '{}' in \"{}\"; expected a number", word, text_));
      }
      return {number, {}};
    }
    const auto value = lookup_(word);
    if (!value) {
      throw std::invalid_argument(fmt::format("\"{}\" names '{}', which is not here", text_, word));
    }
    return *value;
  }

  std::string_view text_;
  const std::function<std::optional<AnyQuantity>(const std::string&)>& lookup_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Evaluated evaluate_expression(
    const std::string& text,
    const std::function<std::optional<AnyQuantity>(const std::string&)>& lookup) {
  try {
    return {Parser(text, lookup).all(), {}};
  } catch (const std::exception& fault) {
    return {std::nullopt, fault.what()};
  }
}

}  // namespace joulesim

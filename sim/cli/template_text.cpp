#include "sim/cli/template_text.hpp"

#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace joulesim::cli {
namespace {
constexpr std::size_t kWidth = 110;
constexpr std::size_t kRemarkColumn = 56;  // at most; longer lines have their remark close by
}  // namespace

void TemplateText::comment(const std::string& text) {
  lines_.push_back({text.empty() ? "#" : "# " + text, {}, {}, {}});
}

void TemplateText::names(const std::string& head, const std::vector<std::string>& names) {
  std::string text = "# " + head;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string word = " " + names[i] + (i + 1 < names.size() ? "," : "");
    if (text.size() + word.size() > kWidth) {
      lines_.push_back({text, {}, {}, {}});
      text = "#  ";
    }
    text += word;
  }
  lines_.push_back({text, {}, {}, {}});
}

void TemplateText::section(const std::string& header, const std::string& remark) {
  lines_.push_back({"", {}, {}, {}});
  lines_.push_back({remark.empty() ? header : header + "  # " + remark, {}, {}, {}});
}

void TemplateText::line(std::string key, std::string value, std::string remark) {
  lines_.push_back({"", std::move(key), std::move(value), std::move(remark)});
}

std::string TemplateText::render() const {
  std::string out;
  for (std::size_t i = 0; i < lines_.size();) {
    if (lines_[i].key.empty()) {
      out += lines_[i++].text + "\n";
      continue;
    }
    std::size_t end = i;
    std::size_t key = 0;
    std::size_t value = 0;
    for (; end < lines_.size() && !lines_[end].key.empty(); ++end) {
      key = std::max(key, lines_[end].key.size());
    }
    for (std::size_t k = i; k < end; ++k) {
      const std::size_t length = key + 3 + lines_[k].value.size();
      value = length <= kRemarkColumn ? std::max(value, length) : value;
    }
    for (; i < end; ++i) {
      const Line& line = lines_[i];
      std::string text = fmt::format("{:<{}} = {}", line.key, key, line.value);
      if (!line.remark.empty()) {
        const std::string whole = fmt::format("{:<{}}  # {}", text, value, line.remark);
        text = whole.size() <= kWidth ? whole : fmt::format("# {}\n{}", line.remark, text);
      }
      out += text + "\n";
    }
  }
  return out;
}

std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "\"";
}

void write_new_file(const std::string& path, const std::string& text) {
  std::error_code none;
  if (std::filesystem::exists(path, none)) {
    throw InputError(fmt::format("{} is there already; expected a new name for --out", path));
  }
  reports::write_atomically(path, text);
}

}  // namespace joulesim::cli

// Text of a new TOML file: lines with remarks in one column, lists of names as comments.
//
// Checked by: tests/cli/new_files.cpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace joulesim::cli {

class TemplateText {
 public:
  // Lines of comment before everything, or between.
  void comment(const std::string& text);
  void names(const std::string& head, const std::vector<std::string>& names);  // wrapped comment
  // A blank line and "[name]" or "[[name]]", with a remark.
  void section(const std::string& header, const std::string& remark = {});
  // "key = value   # remark"; keys and remarks of a section stand in columns.
  void line(std::string key, std::string value, std::string remark = {});

  [[nodiscard]] std::string render() const;

 private:
  struct Line {
    std::string text;  // as it is, where `key` is empty
    std::string key, value, remark;
  };
  std::vector<Line> lines_;
};

// The text in TOML's basic quotes.
std::string toml_text(const std::string& text);

// Writes a file that is not there yet; throws InputError when it is, or cannot be written.
void write_new_file(const std::string& path, const std::string& text);

}  // namespace joulesim::cli

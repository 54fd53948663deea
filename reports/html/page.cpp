#include "reports/html/page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <kainjow/mustache.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;
namespace mustache = kainjow::mustache;

struct Tag {
  char kind = 'v';  // v variable, # ^ / as in mustache
  std::string name;
};

std::vector<Tag> tags_of(const std::string& text) {
  std::vector<Tag> out;
  for (auto at = text.find("{{"); at != std::string::npos; at = text.find("{{", at)) {
    const bool raw = text.compare(at, 3, "{{{") == 0;
    const std::string close = raw ? "}}}" : "}}";
    const auto begin = at + (raw ? 3 : 2);
    const auto end = text.find(close, begin);
    if (end == std::string::npos) {
      out.push_back({'v', "(a tag that does not end)"});
      return out;
    }
    const char first = text[begin];
    const bool section = first == '#' || first == '^' || first == '/';
    out.push_back({section ? first : 'v',
                   text.substr(begin + (section ? 1 : 0), end - begin - (section ? 1 : 0))});
    at = end + close.size();
  }
  return out;
}

// Walks the template as the renderer will, once for each item of a list.
class Names {
 public:
  Names(std::vector<Tag> tags, const Json& data) : tags_(std::move(tags)), context_{&data} {}

  std::set<std::string> missing;
  void check() {
    const std::size_t end = walk(0, "", true);
    if (end != tags_.size()) {
      missing.insert(fmt::format("(a section '{}' that was not opened)", tags_[end].name));
    }
  }

 private:
  [[nodiscard]] const Json* find(const std::string& name) const {
    for (auto it = context_.rbegin(); it != context_.rend(); ++it) {
      if ((*it)->is_object() && (*it)->contains(name)) {
        return &(**it)[name];
      }
    }
    return nullptr;
  }

  // Returns the index of the tag that closes the section begun before `at`.
  std::size_t walk(std::size_t at, const std::string& path, bool live) {
    while (at < tags_.size() && tags_[at].kind != '/') {
      const Tag& tag = tags_[at++];
      const Json* value = live ? find(tag.name) : nullptr;
      if (live && value == nullptr) {
        missing.insert(path + tag.name);
      }
      if (tag.kind != 'v') {
        at = section(at, tag, value, path + tag.name + "/");
      }
    }
    return at;
  }

  std::size_t section(std::size_t begin, const Tag& tag, const Json* value,
                      const std::string& path) {
    const bool empty = value == nullptr || *value == false || (value->is_array() && value->empty());
    std::size_t end = begin;
    if (tag.kind == '^' || empty || !value->is_structured()) {
      end = walk(begin, path, value != nullptr && (tag.kind == '^') == empty);
    } else {
      const auto enter = [&](const Json& item) {
        context_.push_back(&item);
        end = walk(begin, path, true);
        context_.pop_back();
      };
      if (value->is_array()) {
        for (const Json& item : *value) {
          enter(item);
        }
      } else {
        enter(*value);
      }
    }
    if (end >= tags_.size() || tags_[end].name != tag.name) {
      missing.insert(fmt::format("(a section '{}' that is not closed)", tag.name));
      return tags_.size();
    }
    return end + 1;
  }

  std::vector<Tag> tags_;
  std::vector<const Json*> context_;
};

void collect(const Json& data, std::set<std::string>& names) {
  if (data.is_object()) {
    for (const auto& [name, value] : data.items()) {
      names.insert(name);
      collect(value, names);
    }
  } else if (data.is_array()) {
    for (const Json& item : data) {
      collect(item, names);
    }
  }
}

mustache::data to_mustache(const Json& json) {
  if (json.is_object()) {
    mustache::data object(mustache::data::type::object);
    for (const auto& [name, value] : json.items()) {
      object.set(name, to_mustache(value));
    }
    return object;
  }
  if (json.is_array()) {
    mustache::data list(mustache::data::type::list);
    for (const Json& item : json) {
      list.push_back(to_mustache(item));
    }
    return list;
  }
  if (json.is_boolean()) {
    return mustache::data(json.get<bool>());
  }
  return mustache::data(json.get<std::string>());
}

}  // namespace

std::vector<std::string> missing_names(const std::string& page_template, const Json& data) {
  Names names(tags_of(page_template), data);
  names.check();
  return {names.missing.begin(), names.missing.end()};
}

std::vector<std::string> unused_names(const std::string& page_template, const Json& data) {
  std::set<std::string> names;
  collect(data, names);
  for (const Tag& tag : tags_of(page_template)) {
    names.erase(tag.name);
  }
  return {names.begin(), names.end()};
}

std::string fill(const std::string& page_template, const Json& data) {
  const auto missing = missing_names(page_template, data);
  if (!missing.empty()) {
    throw std::logic_error(fmt::format("page template: no data for {}", fmt::join(missing, ", ")));
  }
  mustache::mustache page(page_template);
  if (!page.is_valid()) {
    throw std::logic_error("page template: " + page.error_message());
  }
  return page.render(to_mustache(data));
}

}  // namespace joulesim::reports

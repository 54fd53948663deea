#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace joulesim {

std::string_view SourceText::line(std::size_t number) const {
  std::string_view rest = text;
  for (std::size_t i = 1; i < number; ++i) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  return rest.ends_with('\r') ? rest.substr(0, rest.size() - 1) : rest;
}

std::string Region::where() const {
  const std::string path = file ? file->path : std::string();
  if (line == 0) {
    return path;
  }
  return fmt::format("{}:{}:{}", path, line, column);
}

void Diagnostics::error(Region region, std::string message) {
  all_.push_back({Diagnostic::Level::error, std::move(region), std::move(message)});
  ++errors_;
}

void Diagnostics::warning(Region region, std::string message) {
  all_.push_back({Diagnostic::Level::warning, std::move(region), std::move(message)});
}

void Diagnostics::error(const std::string& path, std::string message) {
  error(Region{std::make_shared<const SourceText>(SourceText{path, {}}), 0, 0, 0},
        std::move(message));
}

void Diagnostics::append(const Diagnostics& other) {
  all_.insert(all_.end(), other.all_.begin(), other.all_.end());
  errors_ += other.errors_;
}

std::string Diagnostics::render() const {
  std::vector<std::size_t> order(all_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const Region& x = all_[a].region;
    const Region& y = all_[b].region;
    const std::string empty;
    return std::tie(x.file ? x.file->path : empty, x.line, x.column) <
           std::tie(y.file ? y.file->path : empty, y.line, y.column);
  });
  std::string out;
  std::string previous;
  for (const std::size_t index : order) {
    const Diagnostic& d = all_[index];
    const std::string where = d.region.where();
    std::string text =
        fmt::format("{}{}{}: {}\n", where, where.empty() ? "" : ": ",
                    d.level == Diagnostic::Level::error ? "error" : "warning", d.message);
    if (d.region.line > 0 && d.region.file) {
      std::string line(d.region.file->line(d.region.line));
      // Columns count code points as the TOML reader does; tabs become spaces so that the caret
      // fits.
      std::replace(line.begin(), line.end(), '\t', ' ');
      if (!line.empty()) {
        const std::size_t lead = d.region.column > 0 ? d.region.column - 1 : 0;
        const std::size_t tail = std::max<std::size_t>(1, d.region.length) - 1;
        constexpr std::size_t kWidest = 160;
        if (line.size() > kWidest && lead < kWidest) {
          line = line.substr(0, kWidest) + " …";
        }
        text += fmt::format("{:>5} | {}\n      | {}^{}\n", d.region.line, line,
                            std::string(lead, ' '), std::string(tail, '~'));
      }
    }
    if (text != previous) {
      out += text;
    }
    previous = std::move(text);
  }
  return out;
}

namespace {
Diagnostics single(const std::string& message) {
  Diagnostics diagnostics;
  diagnostics.error(Region{}, message);
  return diagnostics;
}
}  // namespace

InputError::InputError(Diagnostics diagnostics)
    : std::runtime_error(diagnostics.render()),
      diagnostics_(std::make_shared<const Diagnostics>(std::move(diagnostics))) {}

InputError::InputError(const std::string& message) : InputError(single(message)) {}

namespace {

// Letters to insert, drop, change or swap with their neighbour (optimal string alignment).
std::size_t slips_between(std::string_view word, std::string_view other) {
  std::vector<std::size_t> before_last(other.size() + 1);
  std::vector<std::size_t> last(other.size() + 1);
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= word.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t change = last[j - 1] + (word[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = slips_between(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string best = nearest(word, candidates);
  return best.empty() ? std::string() : fmt::format("; did you mean '{}'?", best);
}

}  // namespace joulesim

#include "reports/terminal/progress.hpp"

#include "reports/terminal/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace joulesim::reports {

ProgressBar::ProgressBar(std::string label, bool quiet, std::FILE* out)
    : label_(std::move(label)), out_(out), shown_(!quiet && ::isatty(::fileno(out)) == 1) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(double share, const std::string& note) {
  constexpr std::chrono::milliseconds kShortest(100);
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || (drawn_ && now - last_ < kShortest)) {
    return;
  }
  last_ = now;
  drawn_ = true;
  fmt::print(out_, "\r\x1b[K{}", line(label_, share, note));
  std::fflush(out_);
}

void ProgressBar::clear() {
  if (drawn_) {
    fmt::print(out_, "\r\x1b[K");
    std::fflush(out_);
    drawn_ = false;
  }
}

std::string ProgressBar::line(const std::string& label, double share, const std::string& note) {
  constexpr std::size_t kWidth = 24;
  const double bounded = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
  const std::string filled = bar(bounded, kWidth);
  const std::string rest(kWidth - columns(filled), ' ');
  return fmt::format("{}  {}{}  {:3.0f} %{}{}", printable(label), filled, rest, bounded * 100,
                     note.empty() ? "" : "  ", printable(note));
}

bool stdout_has_colour() {
  const char* none = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (none == nullptr || *none == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

}  // namespace joulesim::reports

#include "reports/result/files.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <unistd.h>

namespace joulesim::reports {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  Diagnostics diagnostics;
  diagnostics.error(path, what);
  throw InputError(std::move(diagnostics));
}

// Opens a file that did not exist, with the permissions that the user's umask grants.
int open_new(const std::string& path) {
  return ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
}

bool write_all(int file, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

void write_atomically(const std::string& path, const std::string& text) {
  const std::filesystem::path target(path);
  std::error_code error;
  if (target.has_parent_path()) {
    std::filesystem::create_directories(target.parent_path(), error);
    if (error) {
      fail(path, fmt::format("cannot make the folder '{}': {}", target.parent_path().string(),
                             error.message()));
    }
  }
  const std::string temporary = fmt::format("{}.{}.new", path, ::getpid());
  ::unlink(temporary.c_str());
  const int file = open_new(temporary);
  if (file < 0) {
    fail(path, fmt::format("cannot be written: {}", std::strerror(errno)));
  }
  const bool written = write_all(file, text);
  const int reason = errno;
  const bool closed = ::close(file) == 0;
  if (!written || !closed || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int why = written ? errno : reason;
    ::unlink(temporary.c_str());
    fail(path, fmt::format("cannot be written: {}", std::strerror(why)));
  }
}

std::string read_text(const std::string& path, std::size_t limit) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fail(path, "no such file");
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    fail(path, "found a folder or a device; expected a file");
  }
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::string chunk(1U << 16U, '\0');
  while (in && text.size() <= limit) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<std::size_t>(in.gcount()));
  }
  if (text.size() > limit) {
    fail(path, fmt::format("found more than {} MiB; expected a smaller file", limit >> 20U));
  }
  if (!in.eof()) {
    fail(path, "cannot be read");
  }
  return text;
}

void remove_stale(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
}

}  // namespace joulesim::reports

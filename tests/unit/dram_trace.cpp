// Are traces what their recipe says, and files of them read as they are or refused with a reason?
#include "hw/dram/trace_file.hpp"
#include "hw/dram/trace_patterns.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::uint64_t digest(Trace trace) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const TraceRequest request : trace) {
    h = (h ^ request.word()) * 0x100000001b3ULL;
    h ^= h >> 29;
  }
  return h;
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& bytes) {
    std::string name = (fs::temp_directory_path() / "joulesim-trace-XXXXXX").string();
    const int file = ::mkstemp(name.data());
    REQUIRE(file >= 0);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TemporaryFile() { fs::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile(TemporaryFile&&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string words(const std::vector<std::uint64_t>& values) {
  std::string out;
  for (const std::uint64_t value : values) {
    for (int shift = 0; shift < 64; shift += 8) {
      out.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift)));
    }
  }
  return out;
}

void refuses(const std::string& path, const std::string& reason) {
  INFO(path);
  CHECK_THROWS_WITH(TraceFile(path), Contains(reason) && Contains(path));
}

}  // namespace

// Seed 7, 65536 base requests: digests of what a Python program made from the same recipe.
TEST_CASE("trace patterns are those of the recipe, request for request") {
  struct Row {
    std::string name;
    std::size_t requests;
    std::uint64_t digest;
  };
  const std::vector<Row> rows = {
      {"seq_read", 65536, 0xdca03bd74fe2f461ULL},     {"seq_rw20", 65536, 0x9d71e40b9d12d15eULL},
      {"seq_rw20_sep", 65536, 0x61532305e5d70ed0ULL}, {"two_stream", 65536, 0xce3792fc7017637cULL},
      {"stride4k", 16384, 0xb8c2a1832a02816aULL},     {"rand64", 16384, 0xaba684d5778a291aULL},
      {"rand4k", 65536, 0x2619076da2f6cf3eULL}};
  REQUIRE(rows.size() == trace_pattern_names().size());
  for (const Row& row : rows) {
    const auto trace = make_trace(row.name, 7, 65536);
    INFO(row.name);
    CHECK(trace.size() == row.requests);
    CHECK(digest(trace) == row.digest);
  }
  CHECK_THROWS_WITH(make_trace("seq_write", 1, 8), Contains("seq_write") && Contains("rand4k"));
}

TEST_CASE("a trace file is read as little-endian words with the write in bit 63") {
  const TemporaryFile file(words({0, 64, (std::uint64_t{1} << 63) | 0x10000040, 128}));
  const TraceFile trace(file.path());
  REQUIRE(trace.requests().size() == 4);
  CHECK(trace.requests()[2].address() == 0x10000040);
  CHECK(trace.requests()[2].write());
  CHECK_FALSE(trace.requests()[3].write());
  CHECK(trace.facts().writes == 1);
  CHECK(trace.facts().end == 0x10000080);
}

TEST_CASE("a trace file that is none is refused with the reason") {
  refuses((fs::temp_directory_path() / "joulesim-no-such-trace.bin").string(), "No such file");
  refuses(fs::temp_directory_path().string(), "no regular file");
  const TemporaryFile empty("");
  refuses(empty.path(), "empty");
  const TemporaryFile cut(words({0, 64}) + "abc");
  refuses(cut.path(), "19 B");
  const TemporaryFile uneven(words({0, 64, (std::uint64_t{1} << 63) | 100}));
  refuses(uneven.path(), "request 2 (byte 16) at address 0x64");
}

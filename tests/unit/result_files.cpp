#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/unit/reports_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace joulesim;
using namespace joulesim::reports;
namespace fs = std::filesystem;

TEST_CASE("a written file holds the text and leaves nothing beside it") {
  const Folder folder("files-write");
  const std::string path = (folder.path / "a" / "b.txt").string();
  write_atomically(path, "one");
  write_atomically(path, "two\n");
  CHECK(read_text(path, 100) == "two\n");
  CHECK(std::distance(fs::directory_iterator(folder.path / "a"), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that cannot be written is named with the reason") {
  const Folder folder("files-fail");
  write_atomically((folder.path / "file").string(), "x");
  CHECK_THROWS_AS(write_atomically((folder.path / "file" / "below").string(), "x"), InputError);
  fs::create_directories(folder.path / "taken");
  CHECK_THROWS_WITH(write_atomically((folder.path / "taken").string(), "x"),
                    Catch::Contains("taken") && Catch::Contains("cannot be written"));
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 2);
}

TEST_CASE("reading refuses what is absent, no file, or too large") {
  const Folder folder("files-read");
  write_atomically((folder.path / "big").string(), std::string(2000, 'x'));
  CHECK_THROWS_WITH(read_text((folder.path / "none").string(), 10),
                    Catch::Contains("no such file"));
  CHECK_THROWS_WITH(read_text(folder.path.string(), 10), Catch::Contains("expected a file"));
  CHECK_THROWS_WITH(read_text((folder.path / "big").string(), 1000),
                    Catch::Contains("smaller file"));
  CHECK(read_text((folder.path / "big").string(), 2000).size() == 2000);
}

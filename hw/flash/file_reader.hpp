// A program's readers at work on a file: an operating system's path over a flash array, in time.
//
// Reads are handed in as they are asked for and cut into pieces, which the reader threads take in
// order. A thread works on one piece: it spends processor time, waits for the store, spends time
// again, and takes the next. run() carries out everything up to a time, so that the array sees all
// commands in order; a caller that has nothing else to do jumps from next() to next().
//
// Models:      what StorageSystemSpec says; the page cache through a function that tells what is
//              missing and takes it in; windows in flight, which later reads wait for.
// Leaves out:  what StorageSystemSpec leaves out; scheduling of threads on cores.
// Checked by:  tests/timing/file_reader.cpp, tests/anchors/storage_path.cpp.
#pragma once

#include "hw/flash/flash_array.hpp"
#include "hw/flash/storage_system.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

namespace joulesim::hw {

struct FileRange {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
};

// The i-th of many chunks that are spread over a file, one in each stride, each at a place of its
// own there: rows of neurons or of an embedding, which nobody can foresee.
FileRange scattered_chunk(std::uint64_t base, std::uint64_t stride, std::uint64_t chunk,
                          std::uint64_t i);

struct FileCounters {
  std::uint64_t calls = 0, faults = 0, commands = 0;
  std::uint64_t fetched = 0;  // bytes from the store into memory
  std::uint64_t copied = 0;   // bytes from the page cache to the program
  Picoseconds processor = 0;  // time of all threads

  FileCounters operator-(const FileCounters& earlier) const;
};

class FileReader {
 public:
  // The whole pages of a range that the page cache lacks; from then on it has them.
  using Missing = std::function<std::vector<FileRange>(const FileRange&)>;

  // `file_end`: nothing is read ahead beyond it.
  FileReader(const StorageSystemSpec& spec, FilePath path, int threads, FlashArray& array,
             std::uint64_t file_end, Missing missing);

  // A read that is wanted from `now` on; times must not go back.
  void submit(std::uint64_t ticket, FileRange range, Picoseconds now);

  struct Done {
    std::uint64_t ticket;
    Picoseconds at;
  };
  // When there is something to do next; nothing when all is done.
  [[nodiscard]] std::optional<Picoseconds> next() const;
  // Does what is due until `now`; returns the reads that are complete by then, in order of time.
  std::vector<Done> run(Picoseconds now);
  // Does everything; the time of the last completion.
  Picoseconds finish();

  [[nodiscard]] const FileCounters& counters() const { return counters_; }

 private:
  struct Piece {
    std::uint64_t ticket;
    FileRange range;
  };
  enum class Stage : std::uint8_t { idle, begun, fetching, using_it };
  struct Thread {
    Stage stage = Stage::idle;
    Piece piece;
    std::uint64_t cursor = 0;  // mmap: the page that is touched next
    std::uint64_t chunk_end = 0;
  };
  struct Event {
    Picoseconds at;
    std::uint64_t order;
    std::size_t thread;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Window {
    FileRange range;
    Picoseconds done;
  };

  void wake(std::size_t thread, Picoseconds at);
  void work(std::size_t thread, Picoseconds now);
  void begin(std::size_t thread, Picoseconds now);
  void fetch_piece(std::size_t thread, Picoseconds now);
  void use_piece(std::size_t thread, Picoseconds now);
  void complete(std::size_t thread, Picoseconds now);
  // Asks the store for what a range lacks; the processor time that asking takes.
  Picoseconds fetch(FileRange range, Picoseconds now);
  Picoseconds ask(FileRange range, Picoseconds now);
  // When all that is on its way for a range will be there.
  [[nodiscard]] Picoseconds available(FileRange range, Picoseconds now) const;
  [[nodiscard]] FileRange whole_pages(FileRange range) const;
  Picoseconds spend(Picoseconds time);

  StorageSystemSpec spec_;
  FilePath path_;
  FlashArray& array_;
  std::uint64_t file_end_;
  Missing missing_;
  std::uint64_t page_, command_size_, read_window_, fault_maps_, fault_reads_;
  Picoseconds call_, command_, take_in_, fault_;
  double ps_per_copied_byte_;

  std::vector<Thread> threads_;
  std::deque<Piece> pieces_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> open_;  // ticket, pieces left
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Window> windows_;                // on their way
  std::uint64_t ahead_end_ = 0;                // of the last window read ahead
  std::uint64_t trigger_ = ~std::uint64_t{0};  // its use asks for the next
  std::uint64_t order_ = 0;
  Picoseconds now_ = 0, asked_ = 0;
  std::vector<Done> done_;
  FileCounters counters_;
};

}  // namespace joulesim::hw

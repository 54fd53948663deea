// A file on a store, as a compute unit reads it: the operating system's path in front of the flash
// array, and what it moves in the memory.
//
// A train of the unit becomes reads of the file. When they are done the data lie in memory: the
// store's bytes have been written there, copies have been read and written, and the unit reads them
// at last; the answer comes with the last byte.
//
// Protocol: TLM-2.0 base protocol in two phases with a BurstTrain extension on both sides; the
// memory's part is sent when a read is complete.
//
// Models:      what FileReader and FlashArray model; memory traffic of the store, of copies and of
//              the unit, by client; rows that are spread over the file at random places.
// Leaves out:  writes (a bug of the caller); the system cache, which data that stream through miss.
// Checked by:  tests/timing/file_server.cpp.
#pragma once

#include "hw/component/burst_train.hpp"
#include "hw/flash/file_reader.hpp"

#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

namespace joulesim::hw {

struct FileServerSettings {
  FilePath path = FilePath::direct;
  int threads = 1;
  std::uint64_t file_end = 0;
  std::uint64_t buffer_base = 0, buffer_bytes = 1U << 26U;  // where in memory the data go
  std::uint16_t store_client = 0, unit_client = 0;          // at the memory
};

class FileServer : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<FileServer> socket;
  tlm_utils::simple_initiator_socket<FileServer> memory;

  FileServer(const sc_core::sc_module_name& name, const FlashSpec& flash,
             const StorageSystemSpec& system, const FileServerSettings& settings,
             FileReader::Missing missing);

  [[nodiscard]] const FlashArray& array() const { return array_; }
  [[nodiscard]] const FileCounters& counters() const { return reader_.counters(); }

 private:
  struct Packet : tlm::tlm_generic_payload {
    explicit Packet(tlm::tlm_mm_interface* pool) : tlm::tlm_generic_payload(pool) {
      set_extension(&train);
    }
    Packet(const Packet&) = delete;
    Packet& operator=(const Packet&) = delete;
    ~Packet() override { clear_extension(&train); }
    BurstTrain train;
    std::int64_t request = -1;  // -1: nobody waits for it
  };
  class Pool : public tlm::tlm_mm_interface {
   public:
    Packet& take();
    void free(tlm::tlm_generic_payload* payload) override;

   private:
    std::vector<std::unique_ptr<Packet>> all_;
    std::vector<Packet*> idle_;
  };
  struct Request {
    tlm::tlm_generic_payload* payload = nullptr;
    std::uint64_t base = 0, bytes = 0;
    std::uint64_t reads = 0;  // of the file, not complete
    int moving = 0;           // trains at the memory
  };
  struct Complete {
    Picoseconds at;
    std::uint64_t order;
    std::size_t request;
    bool operator>(const Complete& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay);
  void work();
  void move(std::size_t request);
  void send(std::uint64_t address, std::uint64_t bytes, bool write, std::uint16_t client,
            std::int64_t request);
  void landed(std::size_t request);  // answers when nothing is on its way any more

  FileServerSettings settings_;
  FlashArray array_;
  FileReader reader_;
  Pool pool_;
  std::vector<Request> requests_;
  std::vector<std::size_t> free_;
  std::priority_queue<Complete, std::vector<Complete>, std::greater<>> complete_;
  std::uint64_t order_ = 0, stored_ = 0, copied_ = 0;
  sc_core::sc_event wake_;
};

}  // namespace joulesim::hw

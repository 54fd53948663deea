#include "hw/component/tile_engine.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace joulesim::hw {
namespace {
sc_core::sc_time ps(std::int64_t value) {
  return sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(value));
}
std::int64_t now_ps() { return static_cast<std::int64_t>(sc_core::sc_time_stamp().value()); }
}  // namespace

TileEngine::Packet& TileEngine::Pool::take() {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Packet>(this));
    idle_.push_back(all_.back().get());
  }
  Packet& packet = *idle_.back();
  idle_.pop_back();
  packet.acquire();
  return packet;
}

void TileEngine::Pool::free(tlm::tlm_generic_payload* payload) {
  idle_.push_back(static_cast<Packet*>(payload));
}

TileEngine::TileEngine(const sc_core::sc_module_name& name, const ComputeUnit& unit,
                       const RuntimeSpec& runtime, std::size_t tiers)
    : sc_module(name), unit_(unit), runtime_(runtime), joules_(unit.causes().size()) {
  if (sc_core::sc_get_time_resolution() != sc_core::sc_time(1, sc_core::SC_PS)) {
    throw std::logic_error("the simulation's time resolution is not 1 ps");
  }
  for (std::size_t tier = 0; tier < tiers; ++tier) {
    Port port;
    port.socket = std::make_unique<tlm_utils::simple_initiator_socket_tagged<TileEngine>>(
        ("port" + std::to_string(tier)).c_str());
    port.socket->register_nb_transport_bw(this, &TileEngine::backward, static_cast<int>(tier));
    ports_.push_back(std::move(port));
  }
  SC_HAS_PROCESS(TileEngine);
  SC_THREAD(dma_thread);
  SC_THREAD(compute_thread);
}

void TileEngine::submit(const std::vector<Work>& works, const std::vector<TileProgram>& programs) {
  if (programs_ != nullptr) {
    throw std::logic_error("a step was submitted while another one runs");
  }
  works_ = &works;
  programs_ = &programs;
  finished_programs_ = 0;
  started_programs_ = 0;
  traces_.clear();
  submitted_.notify(sc_core::SC_ZERO_TIME);
}

void TileEngine::dma_thread() {
  while (true) {
    wait(submitted_);
    for (std::size_t p = 0; p < programs_->size(); ++p) {
      load_program(p);
    }
  }
}

void TileEngine::load_program(std::size_t p) {
  const TileProgram& program = (*programs_)[p];
  const Work& work = (*works_)[program.work];
  std::vector<std::uint64_t> offsets(work.streams.size());
  const auto wait_for_turn = [&] {
    while (finished_programs_ < p) {
      wait(program_done_);
    }
    if (meeting_.turn) {
      meeting_.turn(p);
    }
  };
  if (!runtime_.prefetch_weights) {
    wait_for_turn();
    while (program.loads_after_start && started_programs_ <= p) {
      wait(program_started_);
    }
  }
  const Bandwidth port = unit_.port_bandwidth();
  const Bandwidth rate = program.draw > Bandwidth(0) ? min(program.draw, port) : port;
  for (const TileRun& run : program.runs) {
    // What earlier operators have produced can only be loaded once they have finished.
    const bool dependent =
        std::any_of(run.loads.begin(), run.loads.end(), [&](const TileMove& move) {
          return work.streams[move.stream].role != DataStream::Role::weight;
        });
    if (dependent) {
      wait_for_turn();
    }
    for (std::int64_t i = 0; i < run.count; ++i) {
      const bool buffered = !run.loads.empty();
      while (buffered && buffers_used_ >= unit_.tile_buffers()) {
        wait(buffer_free_);
      }
      buffers_used_ += buffered ? 1 : 0;
      window_.push_back({0, false, buffered});
      const std::int64_t tile = first_tile_ + static_cast<std::int64_t>(window_.size()) - 1;
      for (const TileMove& move : run.loads) {
        send(work.streams[move.stream], move.bytes, offsets[move.stream], tile, rate);
      }
      Tile& entry = window_[static_cast<std::size_t>(tile - first_tile_)];
      entry.issued = true;
      if (entry.pending == 0) {
        tile_ready_.notify(sc_core::SC_ZERO_TIME);
      }
      // Bound the run-ahead over tiles that load nothing.
      constexpr std::size_t kWidestWindow = 4096;
      while (window_.size() >= kWidestWindow) {
        wait(buffer_free_);
      }
    }
  }
}

void TileEngine::compute_thread() {
  while (true) {
    wait(submitted_);
    for (std::size_t p = 0; p < programs_->size(); ++p) {
      compute_program(p);
      ++finished_programs_;
      if (on_program_done_) {
        on_program_done_(finished_programs_);
      }
      program_done_.notify(sc_core::SC_ZERO_TIME);
    }
    while (writes_in_flight_ > 0) {
      wait(landed_);
    }
    programs_ = nullptr;
    done_.notify(sc_core::SC_ZERO_TIME);
  }
}

void TileEngine::compute_program(std::size_t p) {
  const TileProgram& program = (*programs_)[p];
  const Work& work = (*works_)[program.work];
  std::vector<std::uint64_t> offsets(work.streams.size());
  OperatorTrace trace;
  trace.work = program.work;
  if (meeting_.turn) {
    meeting_.turn(p);
  }
  trace.begin_ps = now_ps();
  if (meeting_.begun) {
    meeting_.begun(p);
  }
  if (program.start_ps > 0) {
    wait(ps(program.start_ps));
  }
  ++started_programs_;
  program_started_.notify(sc_core::SC_ZERO_TIME);
  for (const TileRun& run : program.runs) {
    for (std::int64_t i = 0; i < run.count; ++i) {
      const std::int64_t since = now_ps();
      while (window_.empty() || !window_.front().issued || window_.front().pending > 0) {
        wait(tile_ready_);
      }
      trace.starved_ps += now_ps() - since;
      if (run.compute_ps > 0) {
        wait(ps(run.compute_ps));
        trace.compute_ps += run.compute_ps;
      }
      joules_.resize(std::max(joules_.size(), run.joules.size()));
      for (std::size_t cause = 0; cause < run.joules.size(); ++cause) {
        joules_[cause] += run.joules[cause];
      }
      for (const TileMove& move : run.stores) {
        send(work.streams[move.stream], move.bytes, offsets[move.stream], -1, Bandwidth(0));
      }
      buffers_used_ -= window_.front().buffered ? 1 : 0;
      window_.pop_front();
      ++first_tile_;
      buffer_free_.notify(sc_core::SC_ZERO_TIME);
    }
  }
  if (program.drain_ps > 0) {
    wait(ps(program.drain_ps));
  }
  trace.own_end_ps = now_ps();
  if (meeting_.end) {
    meeting_.end(p);
  }
  trace.end_ps = now_ps();
  compute_total_ps_ += trace.compute_ps;
  traces_.push_back(trace);
}

void TileEngine::send(const DataStream& stream, std::uint64_t bytes, std::uint64_t& offset,
                      std::int64_t tile, Bandwidth rate) {
  if (bytes == 0 || stream.tier < 0) {
    return;
  }
  const auto tier = static_cast<std::size_t>(stream.tier);
  if (tile >= 0) {
    // The port passes one load after the other; writes share the memory but not this limit.
    if (port_free_ > sc_core::sc_time_stamp()) {
      wait(port_free_ - sc_core::sc_time_stamp());
    }
    const double seconds = static_cast<double>(bytes) / rate.si();
    port_free_ = sc_core::sc_time_stamp() + ps(std::llround(seconds * 1e12));
  }
  // A stretch of a chunked stream is a part of a chunk, whole chunks, and a part again.
  const std::uint64_t total = stream.bytes();
  std::uint64_t left = bytes;
  while (left > 0) {
    // A stream that is read several times starts again at its beginning.
    const std::uint64_t at = offset % total;
    BurstTrain train;
    train.write = stream.writes();
    train.client = ports_[tier].client;
    const std::uint64_t within = at % stream.chunk;
    train.base = stream.base + at / stream.chunk * stream.stride + within;
    if (within > 0 || left < stream.chunk || stream.count == 1) {
      train.kind = BurstTrain::Kind::sequential;
      train.chunk = std::min(left, stream.chunk - within);
      train.stride = train.chunk;
      train.count = 1;
    } else {
      train.kind = BurstTrain::Kind::strided;
      train.chunk = stream.chunk;
      train.stride = stream.stride;
      train.count = std::min(left / stream.chunk, (total - at) / stream.chunk);
    }
    offset += train.bytes();
    left -= train.bytes();
    send_train(tier, train, tile);
  }
}

void TileEngine::send_train(std::size_t tier, const BurstTrain& train, std::int64_t tile) {
  Packet& packet = pool_.take();
  packet.tile = tile;
  packet.train.copy_from(train);
  packet.set_command(train.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  packet.set_address(train.base);
  packet.set_data_length(
      static_cast<unsigned>(std::min<std::uint64_t>(train.bytes(), 0xFFFFFFFFU)));
  packet.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  if (tile >= 0) {
    ++window_[static_cast<std::size_t>(tile - first_tile_)].pending;
  } else {
    ++writes_in_flight_;
  }
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  (*ports_[tier].socket)->nb_transport_fw(packet, phase, delay);
}

tlm::tlm_sync_enum TileEngine::backward(int /*tier*/, tlm::tlm_generic_payload& payload,
                                        tlm::tlm_phase& phase, sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_RESP) {
    return tlm::TLM_ACCEPTED;
  }
  auto& packet = static_cast<Packet&>(payload);
  if (packet.tile < 0) {
    if (--writes_in_flight_ == 0) {
      landed_.notify(sc_core::SC_ZERO_TIME);
    }
  } else {
    Tile& tile = window_[static_cast<std::size_t>(packet.tile - first_tile_)];
    if (--tile.pending == 0 && tile.issued) {
      tile_ready_.notify(sc_core::SC_ZERO_TIME);
    }
  }
  packet.release();
  return tlm::TLM_COMPLETED;
}

}  // namespace joulesim::hw

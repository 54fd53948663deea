#include "hw/flash/flash_controller.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace joulesim::hw {
namespace {

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: the finalizer.
std::uint64_t mix(std::uint64_t i) {
  std::uint64_t z = i + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

FlashController::FlashController(const sc_core::sc_module_name& name, const FlashSpec& spec)
    : sc_module(name), array_(spec) {
  if (sc_core::sc_get_time_resolution() != sc_core::sc_time(1, sc_core::SC_PS)) {
    throw std::logic_error("the simulation's time resolution is not 1 ps");
  }
  SC_HAS_PROCESS(FlashController);
  SC_METHOD(work);
  sensitive << wake_;
  dont_initialize();
}

std::uint16_t FlashController::add_client() {
  const auto client = static_cast<std::uint16_t>(sockets_.size());
  // Sockets may only be made inside a module; this one's construction is over.
  sc_core::sc_simcontext* context = sc_core::sc_get_curr_simcontext();
  context->hierarchy_push(this);
  sockets_.push_back(std::make_unique<Socket>(("client" + std::to_string(client)).c_str()));
  context->hierarchy_pop();
  sockets_.back()->register_nb_transport_fw(this, &FlashController::forward, client);
  return client;
}

tlm::tlm_sync_enum FlashController::forward(int client, tlm::tlm_generic_payload& payload,
                                            tlm::tlm_phase& phase, sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_REQ) {
    return tlm::TLM_ACCEPTED;
  }
  const BurstTrain* train = payload.get_extension<BurstTrain>();
  if (train == nullptr || train->write) {
    // Placement must not send anything else here: a machine that writes to flash is not modelled.
    throw std::logic_error(std::string(name()) +
                           ": only reads that carry a burst train are served");
  }
  if (payload.has_mm()) {
    payload.acquire();
  }
  arrivals_.push_back({&payload, train, static_cast<std::uint16_t>(client)});
  wake_.notify(sc_core::SC_ZERO_TIME);
  return tlm::TLM_ACCEPTED;
}

void FlashController::work() {
  const auto now = static_cast<Picoseconds>(sc_core::sc_time_stamp().value());
  std::stable_sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) {
    return a.train->priority != b.train->priority ? a.train->priority > b.train->priority
                                                  : a.client < b.client;
  });
  for (const Arrival& arrival : std::exchange(arrivals_, {})) {
    completions_.push({serve(*arrival.train, now), served_++, arrival.payload, arrival.client});
  }
  while (!completions_.empty() && completions_.top().done <= now) {
    const Completion completion = completions_.top();
    completions_.pop();
    completion.payload->set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    (*sockets_[completion.client])->nb_transport_bw(*completion.payload, phase, delay);
    if (completion.payload->has_mm()) {
      completion.payload->release();
    }
  }
  if (!completions_.empty()) {
    // An arrival notified in the meantime is in `arrivals_` and keeps its delta notification.
    if (arrivals_.empty()) {
      wake_.notify(
          sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(completions_.top().done - now)));
    }
  }
}

Picoseconds FlashController::serve(const BurstTrain& train, Picoseconds now) {
  if (train.kind == BurstTrain::Kind::sequential) {
    return array_.read(train.base, train.bytes(), now);
  }
  Picoseconds done = now;
  for (std::uint64_t i = 0; i < train.count; ++i) {
    const std::uint64_t offset = train.kind == BurstTrain::Kind::strided
                                     ? i * train.stride
                                     : mix(i) % std::max<std::uint64_t>(train.stride, 1);
    done = std::max(done, array_.read(train.base + offset, train.chunk, now));
  }
  return done;
}

}  // namespace joulesim::hw

// What the linear layers of a model are fed while it reads a text.
//
// Models:     per layer the sum of the outer products of its input rows, and their largest
//             magnitude, gathered by a datapath that leaves all results alone.
// Leaves out: experts of mixtures, each of which sees only some rows.
// Checked by: tests/kernels/models_quantise.cpp
#pragma once

#include "models/kernels/linear.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace joulesim::models {

struct InputStatistics {
  std::int64_t columns = 0;
  std::int64_t rows = 0;           // that were seen
  std::vector<double> products;    // columns x columns: sum of x x^T; empty when not asked for
  std::vector<double> magnitudes;  // sum of |x| of each column
  float largest = 0.0F;            // of all |x|
};

class InputRecorder final : public Datapath {
 public:
  // `inner` computes and outlives the recorder. Without keys, all layers are recorded.
  InputRecorder(Datapath& inner, std::set<std::string> keys, bool products)
      : inner_(inner), keys_(std::move(keys)), products_(products) {}

  // Begins a run whose results nobody reads: once all keys were recorded in it, what follows gives
  // zeros.
  void begin_partial_run() { open_ = keys_; }

  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;
  void attend(std::span<const float> query, const AttentionInputs& inputs,
              const Attributes& attributes, std::int64_t position, std::span<float> y) override {
    if (!is_done()) {
      inner_.attend(query, inputs, attributes, position, y);
    }
  }
  void activate(Activation activation, std::span<const float> x, std::span<const float> by,
                std::span<float> y) override {
    inner_.activate(activation, x, by, y);
  }

  [[nodiscard]] const std::map<std::string, InputStatistics>& statistics() const { return seen_; }

 private:
  [[nodiscard]] bool is_done() const { return open_ && open_->empty(); }

  Datapath& inner_;
  std::set<std::string> keys_;
  std::optional<std::set<std::string>> open_;  // keys of a partial run that were not seen yet
  bool products_;
  std::map<std::string, InputStatistics> seen_;
};

// The layer whose inputs `key` shares: key and value read what the query does, up what gate does.
std::string input_of(const std::string& key);

}  // namespace joulesim::models

// Writes the graph of one model and phase; one source file per part of a block.
//
// Checked by: see build_graph.hpp.
#pragma once

#include "models/arch/build_graph.hpp"
#include "models/graph/builder.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace joulesim::models {

class GraphWriter {
 public:
  GraphWriter(const ModelSpec& spec, const Phase& phase);
  OperatorGraph build();

 private:
  // build_graph.cpp: operators and weights
  TensorId apply(OpKind kind, Role role, const std::string& name, std::vector<TensorId> inputs,
                 const Attributes& attributes, const Format& format,
                 TensorKind tensor_kind = TensorKind::kActivation);
  TensorId recur(OpKind kind, Role role, const std::string& name, std::vector<TensorId> inputs,
                 const Attributes& attributes);
  TensorId weight(const std::string& key, Shape shape, const Format& format);
  TensorId norm(TensorId x, const std::string& name, const std::string& key, std::int64_t width,
                const Format& format, bool grouped = false);
  TensorId block_norm(TensorId x, const std::string& name, std::int64_t width, const Format& format,
                      bool grouped = false);
  TensorId matmul(TensorId x, Role role, const std::string& name, const std::string& key,
                  Shape shape, bool bias, const Format& format,
                  TensorKind kind = TensorKind::kActivation);
  TensorId linear(TensorId x, Role role, const std::string& name, Shape shape, bool bias,
                  const Format& format);
  TensorId activate(TensorId x, Activation activation, const std::string& name,
                    const Format& format);
  TensorId gate(TensorId gate, TensorId x, Activation activation, const std::string& name,
                const Format& format);
  TensorId add(TensorId a, TensorId b, const std::string& name);
  TensorId slice(TensorId x, const std::string& name, std::int64_t offset, std::int64_t width,
                 std::int64_t heads = 1);

  // build_graph.cpp: the stack
  TensorId embed();
  TensorId embed_tokens(const std::string& prefix);
  TensorId read_frames();
  TensorId add_positions(TensorId x, const std::string& prefix, std::int64_t rows);
  void encode();
  TensorId block(TensorId x, const LayerShape& layer, std::int64_t stored);
  TensorId sublayer(TensorId x, const std::string& name,
                    const std::function<TensorId(TensorId)>& inner);
  void finish(TensorId x);
  void head(TensorId x);
  void pool(TensorId x);

  // build_attention.cpp
  TensorId rotate(TensorId x, const std::string& name, std::int64_t heads, std::int64_t head_dim,
                  std::int64_t from, bool local);
  TensorId attention(TensorId x, const LayerShape& layer, std::int64_t stored);
  TensorId cross_attention(TensorId x, const LayerShape& layer);
  TensorId latent_attention(TensorId x, const LayerShape& layer);
  std::vector<TensorId> append(const std::string& name, std::vector<TensorId> rows,
                               const Attributes& attributes);
  [[nodiscard]] Attributes attention_attributes(const LayerShape& layer, std::int64_t stored) const;

  // build_feed_forward.cpp
  TensorId feed_forward(TensorId x, const LayerShape& layer);
  TensorId dense(TensorId x, const std::string& name, std::int64_t width, bool sub_norm);
  TensorId experts(TensorId x, std::int64_t width);
  TensorId expert_linear(TensorId x, Role role, const std::string& name, Shape one,
                         TensorId routing, const Attributes& attributes);

  // build_recurrent.cpp
  TensorId mamba(TensorId x);
  TensorId mamba2(TensorId x);
  TensorId time_mix(TensorId x, Mixer version);
  TensorId channel_mix(TensorId x, std::int64_t width);
  TensorId interpolate(TensorId x, TensorId before, const std::string& name, TensorId share);
  TensorId convolve(TensorId x, std::int64_t channels);

  const ModelSpec& spec_;
  const Phase& phase_;
  const ModelFormats& formats_;
  GraphBuilder graph_;
  Attributes base_;
  std::map<std::string, StorageId> storages_;
  std::string prefix_;  // names of the executed block
  std::string stored_;  // names of the stored layer that it runs
  std::string stage_;   // "encoder." while the encoder is written
  bool causal_ = true;
  int block_ = -1;
  TensorId memory_;  // the encoder's output
};

}  // namespace joulesim::models

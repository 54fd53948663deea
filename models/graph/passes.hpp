// Passes: pure functions from graph to graph. A pass that finds nothing to do returns an equal
// graph; what it does not know, it leaves alone.
//
// Models:     kernels that merge neighbours (bytes between them are saved, the arithmetic stays),
//             weights that several places share, narrower key-value caches, low-rank adapters,
//             reversible residual streams.
// Leaves out: what happens to weights (models/transform), dimensions that shrink
//             (models/graph/axes.hpp).
// Checked by: tests/kernels/models_passes.cpp
#pragma once

#include "models/graph/graph.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// Fusions. Outputs are equal bit for bit: the same operators run in the same order, in one kernel.
OperatorGraph fuse_qkv(const OperatorGraph& graph);            // query, key, value: one product
OperatorGraph fuse_gate_up(const OperatorGraph& graph);        // gate, up and activation: one
OperatorGraph fuse_rope(const OperatorGraph& graph);           // head norms, rope into the product
OperatorGraph fuse_norm(const OperatorGraph& graph);           // a norm into its only reader
OperatorGraph fuse_residual(const OperatorGraph& graph);       // a residual into the product before
OperatorGraph fuse_residual_norm(const OperatorGraph& graph);  // a residual and the norm behind it
OperatorGraph fuse_all(const OperatorGraph& graph);            // the first five, in this order

// The head reads the embedding table. Outputs are equal when both held the same numbers.
OperatorGraph tie_embeddings(const OperatorGraph& graph);

// Blocks i, i+1, … i+times-1 run with the weights of block i (MobileLLM-LS, arXiv 2402.14905:
// times = 2). Outputs are those of a model whose blocks hold equal weights.
OperatorGraph share_blocks(const OperatorGraph& graph, std::int64_t times);

// Key-value caches in another format: any format name, or int8_head, int4_head, int3_head: one
// fp16 scale per head and token.
OperatorGraph quantise_kv_cache(const OperatorGraph& graph, const std::string& format);

// Adapters of LoRA (arXiv 2106.09685) beside the query and value products, or beside every product
// of a block: y = W x + scale * B (A x), A of `rank` rows. Weights get the names of their matrix
// with ".lora_a" and ".lora_b" behind.
OperatorGraph attach_lora(const OperatorGraph& graph, std::int64_t rank, double scale,
                          bool everywhere = false);

// Residual streams of reversible blocks (arXiv 1707.04585): y1 = x1 + attention(norm(x2)),
// y2 = x2 + feed_forward(norm(y1)), starting from two copies of the embedding and ending in
// their mean. Another function than the graph's; its blocks can be computed backwards.
OperatorGraph make_reversible(const OperatorGraph& graph);

// The same graph followed by the way back: every block's inputs from its outputs, last block first.
// The outputs are the two streams as they come back to the beginning.
OperatorGraph with_inverse(const OperatorGraph& reversible);

// A pass as scenarios name it: "fuse_qkv", "share_blocks:2".
struct Transform {
  std::string name;
  std::string argument;
};
// Throws InputError, with the nearest known name, when the text is no transform.
Transform parse_transform(const std::string& text);
std::vector<std::string> transform_names();  // with an example of each argument
OperatorGraph apply(const OperatorGraph& graph, std::span<const Transform> transforms);

}  // namespace joulesim::models

// Puts tensors of a file under our names and into our shapes.
//
// Models:     see the list of changes below. Rows are kept as stored, and copied only where they do
//             not lie side by side; where elements must move, formats have to be plain numbers.
// Checked by: tests/unit/models_placing.cpp, tests/oracle/models_stories.cpp
#pragma once

#include "models/import/model.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::models {

enum class Change : std::uint8_t {
  kNone,
  kIgnore,       // a table that follows from the dimensions, or a second copy
  kTranspose,    // stored [in][out]
  kPlusOne,      // gains stored less one
  kNegativeExp,  // A of a scan, stored as the logarithm of -A
  kOneMinus,     // shares of the token before, stored as those of this one
  kDecay,        // exp(-exp(x)), which no token changes
  kSplitQkv,     // rows of query, key and value, one after the other
  kSplitQkvIn,   // the same, stored [in][out]
  kSplitHeads,   // query, key and value of each head (or group of heads) in turn
  kSplitGateUp,  // rows of gate, then of up
  kSplitLatent,  // rows per head that carry keys, then values
  kSplitShares,  // five matrices of RWKV-6, [5][rank][hidden]
  kExpert,       // of one expert, to be put behind those before it
};

struct TheirTensor {
  std::string ours;  // "block.3.attn.query"; of a split, "block.3.attn." or "block.3.ffn."
  std::string bias;  // ".bias" for a vector that is split like its matrix
  Change change = Change::kNone;
  std::int64_t expert = -1;
};

// A row of a table of names; a '#' stands for a number: the layer, then the expert.
struct NameRow {
  const char* theirs;
  const char* ours;
  Change change = Change::kNone;
};
std::optional<TheirTensor> find_name(const std::vector<NameRow>& rows, std::string_view name);

// Nothing for a name that is not known.
using NameOf = std::function<std::optional<TheirTensor>(const std::string&)>;

// Faults are sentences "found …; expected …".
void place_tensors(const NameOf& name_of, std::map<std::string, WeightMatrix> tensors, Model& model,
                   std::vector<std::string>& faults);

}  // namespace joulesim::models

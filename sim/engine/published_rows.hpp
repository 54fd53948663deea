// Published end-to-end figures as rows of a JSON list: what each asks for.
//
// A row's value, and whatever its texts say about its result, is never read here or by what
// predicts; texts are searched for what was run alone.
//
// Checked by: tests/anchors/published.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct PublishedRow {
  std::string id, source, device, model, precision, runtime, unit, metric, value_unit, kind;
  // Searched for the names of software stacks, and for what was run where no field says it:
  // "pipeline parallel", "MHA-sized" caches, "beam search width 4".
  std::string note;
  std::optional<std::string> device_id, model_id;
  std::optional<double> weight_bits;
  double batch = 0;  // 0: not said
  double beams = 1;  // of a beam search, from the note
  std::int64_t devices = 1, gpu_cores = 0;
  std::int64_t prompt = -1, answer = -1;  // tokens; -1: not said
};

struct PublishedTable {
  std::string path, text;          // the file as it is
  std::vector<PublishedRow> rows;  // in its order
  std::vector<double> values;      // measured; NaN where a row has none. For errors alone.
};

// Throws InputError for a file that cannot be read, is no JSON list of objects, or has fields of
// the wrong type.
PublishedTable read_published(const std::string& path);

}  // namespace joulesim::engine

// Published end-to-end figures as rows of a JSON list: what each asks for.
//
// A row's value, and whatever its texts say about its result, is never read here or by what
// predicts; texts are searched for names of software stacks alone.
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
  std::string note;  // searched for the names of software stacks, and "pipeline parallel"
  std::optional<std::string> device_id, model_id;
  std::optional<double> weight_bits;
  double batch = 0;  // 0: not said
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

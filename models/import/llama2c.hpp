// llama2.c checkpoint files: a short header, then the matrices of a llama one after another.
//
// Models:     version 0 (no magic, fp32), version 1 (fp32), version 2 (int8 with fp32 scales per
// group). Leaves out: rows that are no whole number of groups. Checked by:
// tests/oracle/models_stories.cpp, tests/unit/models_containers.cpp
#pragma once

#include "models/import/mapped_file.hpp"
#include "models/import/model.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace joulesim::models {

// Versions 1 and 2 by their magic number; version 0 has none, so its header must explain the file's
// size.
[[nodiscard]] bool is_llama2c(std::span<const std::byte> bytes);

// Throws BinaryFault, or InputError about `path`.
Model model_from_llama2c(std::shared_ptr<const MappedFile> file, const std::string& path);

// The token table that such checkpoints come with (tokenizer.bin). Throws InputError.
TokenTable read_llama2c_tokens(const std::string& path, std::int64_t vocab);

}  // namespace joulesim::models

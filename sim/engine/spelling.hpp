// Names as people spell them in tables.
#pragma once

#include <string>

namespace joulesim::engine {

// ASCII letters small; everything else as it is.
std::string lower(std::string text);

}  // namespace joulesim::engine

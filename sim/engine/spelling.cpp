#include "sim/engine/spelling.hpp"

#include <cctype>

namespace joulesim::engine {

std::string lower(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

}  // namespace joulesim::engine

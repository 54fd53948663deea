// Where the tests find the source tree, optional data and the program: defined once, in places.cpp,
// so that objects do not depend on the folder that they are built in. Included before every test.
#pragma once

namespace joulesim::tests {
const char* source_folder();
const char* data_folder();
}  // namespace joulesim::tests

#define JOULESIM_SOURCE_DIR ::joulesim::tests::source_folder()
#define JOULESIM_DATA_DIR ::joulesim::tests::data_folder()

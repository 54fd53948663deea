// The test runner. SystemC's shared library defines `main` and wants `sc_main`, so ours defines
// both: Catch runs from a plain `main`, and a test elaborates SystemC itself (one elaboration per
// process).
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

extern "C" int sc_main(int argc, char* argv[]);
int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }

"""Do the other lints find what they look for? Each fault below is planted alone in a small clean tree."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
HEAD = "// What it is.\n#pragma once\n"
CLEAN = {
    "sim/base/quantity.hpp": HEAD,
    "sim/base/other.hpp": HEAD,
    "sim/engine/run.hpp": HEAD,
    "sim/cli/main.cpp": '#include "sim/engine/run.hpp"\n#include <CLI/CLI.hpp>\n',
    "hw/component/unit.hpp": HEAD + '#include "sim/base/quantity.hpp"\n#include <systemc>\n',
    "hw/dram/bank.hpp": HEAD + '#include "hw/component/unit.hpp"\n',
    "hw/dram/part.toml": 'title = "clean 3 b"\n[a]\nclock = { value = "1 GHz", source = "s" }\nrows = 8\n',
    "models/graph/op.hpp": HEAD,
    "reports/result/result.hpp": HEAD,
}

# lint, file, its text, what must be printed
FAULTS = [
    ("layers", "sim/base/x.cpp", '#include "models/graph/op.hpp"\n', "sim/base/x.cpp:1:"),
    ("layers", "hw/gpu/x.cpp", '\n#include "hw/dram/bank.hpp"\n', "hw/gpu/x.cpp:2:"),
    ("layers", "hw/dram/x.cpp", '#include "models/graph/op.hpp"\n', "hw/dram/x.cpp:1:"),
    ("layers", "models/arch/x.cpp", '#include "hw/component/unit.hpp"\n', "models/arch/x.cpp:1:"),
    ("layers", "reports/html/x.cpp", '#include "sim/engine/run.hpp"\n', "reports/html/x.cpp:1:"),
    ("layers", "reports/result/x.cpp", '#include "reports/html/x.hpp"\n', "reports/result/x.cpp:1:"),
    ("layers", "sim/mapping/x.cpp", '#include "hw/dram/bank.hpp"\n', "sim/mapping/x.cpp:1:"),
    ("layers", "sim/mapping/x.cpp", '#include "hw/component/unit.hpp"\n', "reaches SystemC through hw/component/unit.hpp"),
    ("layers", "sim/engine/x.cpp", '#include "sim/cli/commands.hpp"\n', "sim/engine/x.cpp:1:"),
    ("layers", "hw/dram/x.cpp", '#include "bank.hpp"\n', "expected a path from its root"),
    ("layers", "hw/tape/x.cpp", "\n", "'hw/tape' has no place"),
    ("layers", "models/graph/x.cpp", "#include <tlm>\n", "models/graph/x.cpp:1: SystemC"),
    ("layers", "models/arch/x.cpp", "#include <boost/graph/graphviz.hpp>\n", "Boost.Graph"),
    ("layers", "sim/cli/x.cpp", "#include <CLI/CLI.hpp>\n", "CLI11"),
    ("layers", "sim/engine/x.cpp", "#include <toml++/toml.h>\n", "toml++"),
    ("layers", "reports/html/x.cpp", "#include <gnuplot-iostream.h>\n", "gnuplot-iostream"),
    ("habits", "sim/base/x.cpp", "int a;\n// TODO: more\n", "sim/base/x.cpp:2: 'TODO'"),
    ("habits", "hw/dram/x.toml", '# a placeholder\n', "hw/dram/x.toml:1: 'placeholder'"),
    ("habits", "scenarios/x.toml", '# Not implemented.\n', "scenarios/x.toml:1: 'Not implemented'"),
    ("habits", "tests/unit/x.cpp", 'open("/home/someone/x");\n', "tests/unit/x.cpp:1: '/home/s'"),
    ("habits", "sim/base/x.cpp", "int a;\n" * 451, "sim/base/x.cpp:451: more than 450 lines"),
    ("habits", "sim/base/utils.hpp", HEAD, "'utils' says nothing"),
    ("habits", "hw/misc/x.hpp", HEAD, "'misc' says nothing"),
    ("habits", "sim/base/x.hpp", "#pragma once\n", "the head"),
    ("habits", "sim/base/x.hpp", "// x\n", "'#pragma once' is missing"),
    ("units", "hw/dram/x.toml", '[a]\nread = { value = "4 furlong", source = "s" }\n', "hw/dram/x.toml:2: read"),
    ("units", "scenarios/x.toml", 'wait = "3 cycles"\n', "spelled with 'clk'"),
    ("units", "hw/dram/x.toml", 'delay_ns = { value = 8, source = "s" }\n', "delay_ns is a bare number"),
    ("units", "hw/dram/x.hpp", HEAD + "void wait(double delay_seconds);\n", "hw/dram/x.hpp:3:"),
    ("units", "hw/dram/x.hpp", HEAD + "double total_joules() const;\n", "hw/dram/x.hpp:3:"),
]

UNITS = ["s", "min", "h", "day", "Hz", "J", "Wh", "W", "B", "KiB", "MiB", "GiB", "bit", "b", "op", "MAC", "A", "V", "K", "clk", "cycles"]


def plant(root, path, text):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(lint, root):
    done = subprocess.run([sys.executable, HERE / f"{lint}.py", root], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def clean_tree(root):
    for path, text in CLEAN.items():
        plant(root, path, text)
    plant(root, "sim/base/quantity.cpp", "\n".join(f'    Unit{{"{name}", kOne, 1, true}},' for name in UNITS))


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        clean_tree(pathlib.Path(folder))
        for lint in ("layers", "habits", "units"):
            status, said = run(lint, folder)
            if status != 0:
                failed += 1
                print(f"{lint} finds a fault in a clean tree:\n{said}")
    for lint, path, text, expected in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            clean_tree(pathlib.Path(folder))
            plant(pathlib.Path(folder), path, text)
            status, said = run(lint, folder)
            if status != 1 or expected not in said:
                failed += 1
                print(f"{lint} on {path}: status {status}, expected 1 and '{expected}', found:\n{said}")
    print(f"{len(FAULTS)} planted faults, {failed} wrong answers")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

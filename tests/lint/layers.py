"""Do includes obey the layers? Prints every include that does not, as file:line.

The table below is the architecture: each folder and what it may include besides itself. Folders of
`sim`, `hw`, `models` and `reports` that are not in it may not hold C++ at all. Libraries have homes
too; a layer that must not know SystemC must not reach it through other headers either.
"""

import pathlib
import re
import sys

BASE = "sim/base"
COMPONENT = "hw/component"
GRAPH = "models/graph"
RESULT = "reports/result"
HARDWARE = [
    "hw/" + name
    for name in "battery cpu display dram flash gpu link lpu neuro npu power quantum runtime sram".split()
]
MODELS = ["models/arch", "models/import", "models/kernels", "models/transform"]
REPORTS = ["reports/" + name for name in "data html plots terminal trace".split()]
ROOF = ["sim/mapping", "sim/engine", "sim/serving"]
CATALOG = "hw"  # files that lie in hw itself

MAY_INCLUDE = {
    BASE: [],
    COMPONENT: [BASE],
    **{folder: [BASE, COMPONENT] for folder in HARDWARE},
    "hw/pim": [BASE, COMPONENT, "hw/dram"],
    CATALOG: [BASE, COMPONENT, *HARDWARE, "hw/pim"],
    GRAPH: [BASE],
    **{folder: [BASE, GRAPH, *MODELS] for folder in MODELS},
    RESULT: [BASE],
    **{folder: [BASE, RESULT, *REPORTS] for folder in REPORTS},
    "sim/mapping": [BASE, GRAPH, COMPONENT],
    "sim/serving": [BASE, RESULT],
    "sim/engine": [
        BASE, COMPONENT, *HARDWARE, "hw/pim", CATALOG, GRAPH, *MODELS, RESULT,
        "sim/mapping", "sim/serving",
    ],
}
ANYTHING = "sim/cli"

# Libraries: include prefix, where it may stand, what it is called.
LIBRARIES = [
    (("systemc", "tlm", "sysc/"), ("hw/", "sim/engine/", "sim/cli/main.cpp"), "SystemC"),
    (("boost/graph",), ("models/graph/",), "Boost.Graph"),
    (("CLI/",), ("sim/cli/main.cpp",), "CLI11"),
    (("toml++",), ("sim/base/",), "toml++"),
    (("gnuplot-iostream",), ("reports/plots/",), "gnuplot-iostream"),
    (("unicode/",), ("models/import/",), "ICU"),
    (("catch2/",), (), "Catch2"),
]
NO_SYSTEMC = (BASE + "/", "models/", "reports/", "sim/mapping/", "sim/serving/")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def folder_of(path):
    parts = path.split("/")
    return parts[0] if len(parts) == 2 else "/".join(parts[:2])


def includes_of(root, path):
    """(line, path, is ours) of every include."""
    found = []
    for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            found.append((number, match[1] or match[2], match[1] is not None))
    return found


def check_ours(root, path, line, target):
    if not (root / target).is_file():
        return f"{path}:{line}: '{target}' is no file of this repository; expected a path from its root"
    here, there = folder_of(path), folder_of(target)
    if here == there or here == ANYTHING:
        return None
    if there not in MAY_INCLUDE[here]:
        allowed = ", ".join(MAY_INCLUDE[here]) or "nothing of ours"
        return f"{path}:{line}: {here} includes '{target}'; it may include {allowed}"
    return None


def check_library(path, line, target):
    for prefixes, homes, name in LIBRARIES:
        if target.startswith(prefixes) and not path.startswith(homes):
            home = ", ".join(homes) or "tests"
            return f"{path}:{line}: {name} outside its home; it may be included in {home}"
    return None


def reach(includes, path, seen):
    """The chain of files by which `path` reaches SystemC, or None."""
    seen.add(path)
    for _, target, ours in includes.get(path, []):
        if not ours and target.startswith(LIBRARIES[0][0]):
            return [path]
        if ours and target not in seen:
            chain = reach(includes, target, seen)
            if chain:
                return [path, *chain]
    return None


def main(root):
    root = pathlib.Path(root)
    paths = sorted(
        str(path.relative_to(root))
        for top in ("sim", "hw", "models", "reports")
        for path in (root / top).rglob("*")
        if path.suffix in (".cpp", ".hpp")
    )
    includes = {path: includes_of(root, path) for path in paths}
    faults = []
    for path in paths:
        if folder_of(path) not in (*MAY_INCLUDE, ANYTHING):
            faults.append(f"{path}:1: folder '{folder_of(path)}' has no place in the table of layers")
            continue
        for line, target, ours in includes[path]:
            fault = check_ours(root, path, line, target) if ours else check_library(path, line, target)
            if fault:
                faults.append(fault)
    for path in paths:
        if path.startswith(NO_SYSTEMC):
            chain = reach(includes, path, set())
            if chain and len(chain) > 1:
                faults.append(f"{path}:1: reaches SystemC through {' -> '.join(chain[1:])}")
    print("\n".join(faults) or f"{len(paths)} files obey the layers")
    return 1 if faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

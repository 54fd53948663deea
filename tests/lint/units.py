"""Is every unit spelled the one way, and does no dimension travel as a bare number?

Prints, as file:line: quantities in TOML files whose unit the program does not know or that has a
preferred spelling, keys that carry a unit in their name before a bare number, and functions in headers
that take or return a naked double called after a dimension.
"""

import pathlib
import re
import sys
import tomllib

PROSE = {"title", "detail", "reason", "note", "at", "question", "equals", "aliases", "scenario"}
PREFERRED = {"OP": "op", "b": "bit", "yr": "year", "cycle": "clk", "cycles": "clk"}
PREFIXES = "fpnuµmkMGTPE"

QUANTITY = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)? ([A-Za-zµ%][\w µ%/*]*)")
UNIT_KEY = re.compile(r"\w+_(?:bytes|bits|ns|ps|us|ms|seconds|hz|khz|mhz|ghz|kb|mb|gb|tb|pj|nj|joules|mw|watts|volts|amps)")
# A count of bytes by name in today's device files; nothing may join it.
KNOWN_KEYS = {"interleave_bytes"}

DIMENSION = r"(?:\w*_)?(?:seconds|joules|bytes|watts|hertz|volts|amperes|ns|ps|pj|nj)"
PARAMETER = re.compile(rf"\bdouble (?:const )?({DIMENSION})\s*[,)]")
RETURNED = re.compile(rf"\bdouble ({DIMENSION})\s*\(")
# Today's naked doubles: inner timing, to become typed; nothing may join them.
KNOWN_DOUBLES = {
    ("hw/component/tiling.hpp", "moved_bytes"),
    ("hw/dram/controller.hpp", "bytes"),
    ("hw/gpu/simt_gpu.hpp", "memory_seconds"),
}


def known_units(root):
    """Unit names, and whether they take prefixes, from the table the program parses with."""
    text = (root / "sim/base/quantity.cpp").read_text(encoding="utf-8")
    units = {name: prefixed == "true" for name, prefixed in re.findall(r'Unit\{"([^"]+)",.*?, (true|false)\}', text)}
    if len(units) < 20:
        raise SystemExit("sim/base/quantity.cpp: found no table of units")
    return units


def base_unit(units, name):
    if name in units:
        return name
    if name[:1] in PREFIXES and units.get(name[1:]):
        return name[1:]
    return None


def fault_of_unit(units, unit):
    for part in re.split(r"[/*]", unit):
        base = base_unit(units, part)
        if base is None:
            return f"unknown unit '{part}'"
        if PREFERRED.get(base, base) != base:
            return f"unit '{part}'; spelled with '{PREFERRED[base]}' here"
    return None


def walk(value, key=""):
    """(key, leaf) of everything that is no prose; `value` and list items belong to the key above."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in PROSE and name != "sources":
                yield from walk(inner, key if name in ("value", "range") else name)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, key)
    else:
        yield key, value


def line_of(lines, text):
    return next((number for number, line in enumerate(lines, 1) if text in line), 1)


def faults_of_toml(root, units, path):
    name = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for key, value in walk(tomllib.loads(text)):
        if isinstance(value, str):
            match = QUANTITY.fullmatch(value)
            fault = fault_of_unit(units, match[1]) if match else None
            if fault:
                yield f'{name}:{line_of(lines, value)}: {key} = "{value}" has the {fault}'
        elif not isinstance(value, bool) and isinstance(value, (int, float)):
            if UNIT_KEY.fullmatch(key) and key not in KNOWN_KEYS:
                yield f"{name}:{line_of(lines, key)}: {key} is a bare number; expected a value with a unit"


def faults_of_header(root, path):
    name = path.relative_to(root).as_posix()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        code = line.split("//")[0]
        for pattern in (PARAMETER, RETURNED):
            for match in pattern.finditer(code):
                if (name, match[1]) not in KNOWN_DOUBLES:
                    yield f"{name}:{number}: '{match[0]}' is a naked double; expected a type of sim/base/quantity.hpp"


def main(root):
    root = pathlib.Path(root)
    units = known_units(root)
    tables = sorted(path for top in ("hw", "models", "scenarios") for path in (root / top).rglob("*.toml"))
    headers = sorted(
        path
        for top in ("sim", "hw", "models", "reports")
        for path in (root / top).rglob("*.hpp")
        if not path.is_relative_to(root / "sim/base")
    )
    faults = [fault for path in tables for fault in faults_of_toml(root, units, path)]
    faults += [fault for path in headers for fault in faults_of_header(root, path)]
    print("\n".join(faults) or f"{len(tables)} files of figures and {len(headers)} headers spell units alike")
    return 1 if faults or not tables else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

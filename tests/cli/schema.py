"""Do the schemas say what the readers say?

Every file of the catalogue conforms to the schema of its kind (draft 2020-12, judged by jsonschema). A key
that nobody knows, put into every section of some files, is refused by schema and by `check` alike; so is a
file without a key that its schema calls needed. The reference pages are what the program writes.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

SKIPPED = 77
KINDS = ("scenario", "device", "part", "model")
PAGES = {
    "scenario": "scenarios/format.md",
    "device": "hw/device/format.md",
    "part": "hw/format.md",
    "model": "models/zoo/format.md",
}
# Files whose sections are tried with a key that nobody knows, one of each component model among them.
TRIED = """scenarios/demo/*.toml scenarios/claims/a1*.toml hw/device/iphone_13.toml hw/device/h100_sxm_80gb.toml
    hw/dram/lpddr5_6400.toml hw/dram/ddr4_3200.toml hw/flash/ufs_4_0.toml hw/flash/system_ios.toml
    hw/sram/l2_h100.toml hw/npu/edge_tpu.toml hw/lpu/*.toml hw/pim/*.toml hw/neuro/*.toml hw/quantum/*.toml
    hw/gpu/h100_sxm.toml hw/cpu/cpu_m1.toml hw/display/*.toml hw/battery/iphone_13_battery.toml
    hw/link/nvlink_4.toml hw/power/phone_supply.toml hw/power/phone_base.toml hw/runtime/bitnet_cpp.toml
    models/zoo/mobilellm_125m.toml models/zoo/bert*.toml models/zoo/mamba*.toml""".split()
NOBODYS = "nobody_knows_this"


def kind_of(data):
    return next((kind for kind in ("scenario", "device", "part") if kind in data), "model")


def said(validator, data):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:120]}" for e in validator.iter_errors(data)]


def conforming(root, validators):
    faults = []
    count = 0
    for top in ("scenarios", "hw", "models/zoo"):
        for path in sorted((root / top).rglob("*.toml")):
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            count += 1
            for fault in said(validators[kind_of(data)], data):
                faults.append(f"{path.relative_to(root)}: {fault}")
    print(f"{count} files looked at")
    return faults if count else ["found no files"]


def with_unknown_keys(text):
    """The text with a key that nobody knows, once at the top and once in each section."""
    yield f"{NOBODYS} = 1\n{text}"
    for match in re.finditer(r"^\[(?!sources|\[)[^\n]*\]\]?$|^\[\[[^\n]*\]\]$", text, re.M):
        yield f"{text[: match.end()]}\n{NOBODYS} = 1{text[match.end() :]}"


def refused(program, root, validators):
    faults = []
    variants = []
    with tempfile.TemporaryDirectory() as folder:
        for pattern in TRIED:
            found = sorted(root.glob(pattern))
            if not found:
                faults.append(f"{pattern} names no file")
            for path in found:
                for number, text in enumerate(with_unknown_keys(path.read_text(encoding="utf-8"))):
                    data = tomllib.loads(text)
                    variant = pathlib.Path(folder) / f"{path.stem}.{number}.toml"
                    variant.write_text(text, encoding="utf-8")
                    variants.append(variant)
                    if not said(validators[kind_of(data)], data):
                        faults.append(f"{path.name}, section {number}: the schema takes a key that nobody knows")
        done = subprocess.run([program, "check", *variants], cwd=root, capture_output=True, text=True)
        for variant in variants:
            if not re.search(rf"{re.escape(variant.name)}:\d+:\d+: error: unknown key '{NOBODYS}'", done.stderr):
                faults.append(f"{variant.name}: `check` takes a key that nobody knows")
    print(f"{len(variants)} files with a key that nobody knows tried")
    return faults


def without_needed(program, root, validators):
    """Takes a key that the schema calls needed out of a scenario and a model: `check` must miss it too."""
    faults = []
    for name in ("scenarios/demo/mobilellm_350m_int8.toml", "models/zoo/mobilellm_125m.toml"):
        text = (root / name).read_text(encoding="utf-8")
        data = tomllib.loads(text)
        validator = validators[kind_of(data)]
        for section, keys in [("", data), *((k, v) for k, v in data.items() if isinstance(v, dict) and k != "sources")]:
            for key in keys:
                less = copy.deepcopy(data)
                del (less[section] if section else less)[key]
                missed = any("is a required property" in fault for fault in said(validator, less))
                cut = without(text, section, key)
                if cut is None or not missed:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    path = pathlib.Path(folder) / pathlib.Path(name).name
                    path.write_text(cut, encoding="utf-8")
                    if subprocess.run([program, "check", path], cwd=root, capture_output=True).returncode != 1:
                        faults.append(f"{name}: the schema needs [{section}] {key}, `check` does not")
    return faults


def without(text, section, key):
    """The text without one line of a section; None where the key is a section itself."""
    here = ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        header = re.match(r"^\[\[?([^\]]*)\]", line)
        here = header[1] if header else here
        if not header and here == section and re.match(rf"^{re.escape(key)}\s*=", line):
            return "\n".join(lines[:number] + lines[number + 1 :]) + "\n"
    return None


def pages(program, root):
    for kind, name in PAGES.items():
        written = subprocess.run([program, "schema", kind, "--page"], cwd=root, capture_output=True, text=True).stdout
        path = root / name
        if not path.is_file() or path.read_text(encoding="utf-8") != written:
            yield f"{name} is not what `joulesim schema {kind} --page` writes"


def main(program, root):
    root = pathlib.Path(root)
    faults = list(pages(program, root))
    try:
        import jsonschema
    except ImportError:
        print("no python3-jsonschema; the schemas were not judged")
        print("\n".join(faults))
        return 1 if faults else SKIPPED
    validators = {}
    for kind in KINDS:
        schema = json.loads(subprocess.run([program, "schema", kind], capture_output=True, check=True).stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[kind] = jsonschema.Draft202012Validator(schema)
    faults += conforming(root, validators)
    faults += refused(program, root, validators)
    faults += without_needed(program, root, validators)
    print("\n".join(faults) or "schemas and readers agree")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))

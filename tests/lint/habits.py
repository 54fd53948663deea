"""Is every file finished, movable and small, and does every header say what it is?

Prints, as file:line: words that only unfinished files have, paths of one person's machine, code files
longer than a reader can hold, folders and files named after nothing, headers without a head.
"""

import pathlib
import re
import sys

TOPS = ("sim", "hw", "models", "reports", "scenarios", "tests", ".ci")
FILES = ("CMakeLists.txt", "CMakePresets.json", "README.md", "joulesim")
TEXT = (".cpp", ".hpp", ".in", ".toml", ".py", ".sh", ".cmake", ".txt", ".md", ".mustache", ".css", ".js", ".json", "")
CODE = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".js", "")

UNFINISHED = re.compile(
    r"\b(todo|fixme|xxx|hack|hacky|stub|stubs|stubbed|placeholders?|dummy|not (?:yet )?implemented)\b", re.I
)
# Folders for temporary files are asked for, home folders never meant.
MACHINE = re.compile(r"(?<![\w.$}])/(?:home|root|work|Users|mnt)/\w|C:\\")
NAMELESS = re.compile(r"^(utils?|commons?|core|misc|helpers?)$")

MOST_LINES = 450


def files_of(root):
    for name in FILES:
        if (root / name).is_file():
            yield root / name
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix in TEXT:
                yield path


def faults_of(root, path):
    name = path.relative_to(root).as_posix()
    for part in (*path.relative_to(root).parts[:-1], path.stem):
        if NAMELESS.match(part):
            yield f"{name}:1: '{part}' says nothing about what is inside"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return
    if path.suffix in CODE and len(lines) > MOST_LINES:
        yield f"{name}:{len(lines)}: more than {MOST_LINES} lines"
    if path.suffix == ".hpp":
        if not lines or not lines[0].startswith("//"):
            yield f"{name}:1: the head that says what this header is is missing"
        if "#pragma once" not in lines:
            yield f"{name}:1: '#pragma once' is missing"
    if name.startswith("tests/lint/"):
        return  # the words themselves stand here
    for number, line in enumerate(lines, 1):
        for kind, pattern in (("an unfinished file", UNFINISHED), ("one machine", MACHINE)):
            match = pattern.search(line)
            if match:
                yield f"{name}:{number}: '{match[0]}' is a mark of {kind}"


def main(root):
    root = pathlib.Path(root)
    paths = list(files_of(root))
    faults = [fault for path in paths for fault in faults_of(root, path)]
    print("\n".join(faults) or f"{len(paths)} files keep the habits")
    return 1 if faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

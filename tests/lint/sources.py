"""Does `joulesim check` find every part, device, model and scenario file without fault?"""

import pathlib
import subprocess
import sys


def main(program, root):
    root = pathlib.Path(root)
    files = sorted(
        path.relative_to(root).as_posix()
        for top in ("hw", "models/zoo", "scenarios")
        for path in (root / top).rglob("*.toml")
    )
    if not files:
        print("found no files to check")
        return 1
    return subprocess.run([program, "check", *files], cwd=root).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))

#!/usr/bin/env python3
"""Random scenarios through CPython 3.13 and through the C runtime: the logs must be the same.

    bounded_fuzz.py CONFORM COUNT [FIRST]

COUNT seeds from FIRST (1000001) on, a quarter of each kind. Without a CPython 3.13 nothing is run,
and the test counts as skipped.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77


def pythons():
    """Interpreters that might be CPython 3.13."""
    found = shutil.which("python3.13")
    if found:
        yield found
    for root in (Path.home() / ".pyenv", Path("/opt/pyenv")):
        for version in sorted(root.glob("versions/3.13*"), reverse=True):
            yield str(version / "bin/python3")


def is_reference(python):
    """It is CPython 3.13, and works."""
    ask = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        told = subprocess.run([python, "-c", ask], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.stdout.split() == ["cpython", "3", "13"]


def main():
    conform, count = str(Path(sys.argv[1]).resolve()), sys.argv[2]
    first = sys.argv[3] if len(sys.argv) > 3 else "1000001"
    python = next(filter(is_reference, pythons()), None)
    if not python:
        print("fuzz NOT RUN: no CPython 3.13 was found")
        return SKIPPED
    here = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="coro-fuzz-") as folder:
        # What differs is kept beside the scripts: not in the source tree.
        for script in ("fuzz.py", "gen.py", "oracle.py"):
            shutil.copy(here / script, folder)
        done = subprocess.run([python, Path(folder) / "fuzz.py", "-n", count, "-s", first, "--py311",
                               "--once", "--runner", conform])
        for scenario in sorted(Path(folder).glob("fuzz-fail/*.scn")):
            print(f"---- {scenario.name}\n{scenario.read_text()}")
    return done.returncode


sys.exit(main())

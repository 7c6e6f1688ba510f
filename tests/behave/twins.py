#!/usr/bin/env python3
"""Runs a demo and its twin in Python: both must print the same lines, and nothing else.

    twins.py DEMO TWIN.py

A twin that says "Needs Python 3.N" in its first lines is skipped where there is none.
"""

import difflib
import glob
import os
import re
import subprocess
import sys

LIMIT = 60  # seconds: far more than any of them takes


def find_python():
    """Python 3.13 where pyenv has it, else the one that runs this."""
    roots = [os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")]
    for root in filter(None, roots):
        found = sorted(glob.glob(os.path.join(root, "versions", "3.13.*", "bin", "python3")))
        if found:
            return found[-1]
    return sys.executable


def run(command, **environment):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=LIMIT, env={**os.environ, **environment})
    if done.returncode or done.stderr:
        sys.stderr.buffer.write(done.stderr)
        sys.exit(f"{command[-1]}: exit status {done.returncode}")
    return done.stdout


def is_skipped(python, twin):
    """It needs a later Python than this."""
    with open(twin, encoding="utf-8") as text:
        needs = re.search(r"Needs Python 3\.(\d+)", text.read(500))
    if not needs:
        return False
    minor = run([python, "-c", "import sys; print(sys.version_info.minor)"])
    return int(minor) < int(needs[1])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    demo, twin = sys.argv[1:]
    python = find_python()
    if is_skipped(python, twin):
        print(f"skipped: {twin} needs a later Python than {python}")
        sys.exit(77)
    # The demos that sleep need not do so in earnest.
    ours = run([demo], COROSCOPE_TIME="virtual")
    theirs = run([python, twin])
    if not ours:
        sys.exit(f"{demo} prints nothing")
    if ours != theirs:
        lines = difflib.unified_diff(theirs.decode(errors="replace").splitlines(),
                                     ours.decode(errors="replace").splitlines(),
                                     twin, demo, lineterm="")
        sys.exit("\n".join(lines))
    print(f"{len(ours.splitlines())} lines, the same")


if __name__ == "__main__":
    main()

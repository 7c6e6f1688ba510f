#!/usr/bin/env python3
"""Runs a demo and its twin in Python: both must print the same lines, and nothing else.

    twins.py DEMO TWIN.py
"""

import difflib
import glob
import os
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


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    demo, twin = sys.argv[1:]
    # The demos that sleep need not do so in earnest.
    ours = run([demo], COROSCOPE_TIME="virtual")
    theirs = run([find_python(), twin])
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

#!/usr/bin/env python3
"""Checks the scripts of the tree: they can be run, they parse, and `run help` tells all.

    scripts.py TREE
"""
import os
import subprocess
import sys
from pathlib import Path


def main():
    tree = Path(sys.argv[1]).resolve()
    mistakes = []
    for name in ("run", ".ci/run"):
        script = tree / name
        if not os.access(script, os.X_OK):
            mistakes.append(f"{name} is not there, or not executable")
            continue
        parsed = subprocess.run(["sh", "-n", script], stderr=subprocess.PIPE, text=True)
        if parsed.returncode != 0:
            mistakes.append(f"{name} does not parse:\n{parsed.stderr}")
    if not mistakes:
        told = subprocess.run([tree / "run", "help"], stdout=subprocess.PIPE, text=True)
        for word in ("demo", "test", "build", "fuzz"):
            if told.returncode != 0 or f"./run {word}" not in told.stdout:
                mistakes.append(f"`./run help` does not tell of `{word}`")
        wrong = subprocess.run([tree / "run", "nonsense"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        if wrong.returncode != 2 or "nonsense" not in wrong.stderr:
            mistakes.append("`./run nonsense` is not refused with status 2")
    print("\n".join(mistakes) or "the scripts are whole")
    return 1 if mistakes else 0


sys.exit(main())

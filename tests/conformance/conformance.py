#!/usr/bin/env python3
"""Runs the scenarios of a folder through the C runtime and compares their logs, byte for byte.

    conformance.py CONFORM FOLDER [PREFIX ...]

CONFORM is the interpreter; each NAME.scn has the log that CPython prints in NAME.exp. With
prefixes, only the scenarios whose names begin with one of them.
"""
import subprocess
import sys
from pathlib import Path


def difference(expected, got):
    """The first line that is not the same, for people."""
    wanted, found = expected.splitlines(), got.splitlines()
    for number in range(max(len(wanted), len(found))):
        want = wanted[number] if number < len(wanted) else "(end)"
        have = found[number] if number < len(found) else "(end)"
        if want != have:
            return f"   line {number + 1}\n     CPython  {want}\n     here     {have}"
    return "   the same lines, other bytes"


def run(conform, scenario):
    """Log and errors; an exit status that is not 0 is an error too."""
    try:
        done = subprocess.run([conform, str(scenario)], capture_output=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "", "still running after 30 seconds"
    errors = done.stderr.decode(errors="replace")
    if done.returncode:
        errors = f"exit status {done.returncode}: {errors}"
    return done.stdout.decode(errors="replace"), errors


def main():
    conform, folder, prefixes = sys.argv[1], Path(sys.argv[2]), tuple(sys.argv[3:])
    scenarios = [s for s in sorted(folder.glob("*.scn")) if s.name.startswith(prefixes or "")]
    failed = 0
    for scenario in scenarios:
        expected = scenario.with_suffix(".exp").read_text()
        got, errors = run(conform, scenario)
        if got == expected and not errors:
            continue
        failed += 1
        print(f"DIFFERS {scenario.name}")
        print(difference(expected, got))
        if errors:
            print("   " + errors.strip()[-300:])
    print(f"{len(scenarios)} scenarios, {len(scenarios) - failed} the same, {failed} different")
    return 1 if failed or not scenarios else 0


sys.exit(main())

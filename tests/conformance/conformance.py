#!/usr/bin/env python3
"""Runs scenarios through the C runtime and compares their logs with CPython's, byte for byte.

    conformance.py [OPTION ...] CONFORM FOLDER ... [PREFIX ...]

CONFORM is the interpreter; each NAME.scn of the folders has the log that CPython prints in NAME.exp. With
prefixes, only the scenarios whose names begin with one of them. A scenario also fails when it leaves something
behind, or says anything on standard error.

    --take N         of KIND_1, KIND_2 ... (the corpus) only the first N of each kind
    --wrapper CMD    runs CMD CONFORM FILE; a {} in it is a file of its own for each scenario, which must not
                     be empty afterwards; without, what meson runs programs of another machine with
    --jobs N         so many at a time
    --leaving        the other way round: what is left behind on purpose must be told
"""
import argparse
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

PATIENCE = 120  # seconds
LEFT = {"coroutine": "coroutines: 1,", "exception": "exceptions: 1,", "object": "objects:", "byte": "bytes:",
        "descriptor": "descriptors:"}


def difference(expected, got):
    """The first line that is not the same, for people."""
    wanted, found = expected.splitlines(), got.splitlines()
    for number in range(max(len(wanted), len(found))):
        want = wanted[number] if number < len(wanted) else "(end)"
        have = found[number] if number < len(found) else "(end)"
        if want != have:
            return f"   line {number + 1}\n     CPython  {want}\n     here     {have}"
    return "   the same lines, other bytes"


class Interpreter:
    """conform, and how it is run."""

    def __init__(self, conform, wrapper):
        self.conform, self.wrapper = conform, shlex.split(wrapper)
        # Then mallinfo2() counts each byte, and conform can.
        self.environment = dict(os.environ, GLIBC_TUNABLES="glibc.malloc.tcache_count=0")

    def run(self, *arguments):
        """Log, errors and exit status; a status that is not 0 is an error too."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "file"
            command = [word.replace("{}", str(file)) for word in self.wrapper] + [self.conform, *arguments]
            try:
                done = subprocess.run(command, capture_output=True, timeout=PATIENCE, env=self.environment)
            except subprocess.TimeoutExpired:
                return "", f"still running after {PATIENCE} seconds", -1
            # A recorder tells of its work. If it lost an event, that is an error.
            errors = re.sub(r"(?m)^coroscope: \d+ events, 0 lost, .*\n", "", done.stderr.decode(errors="replace"))
            if done.returncode:
                errors = f"exit status {done.returncode}: {errors}"
            if "{}" in self.wrapper and not (file.is_file() and file.stat().st_size):
                errors += f"\n{self.wrapper[0]} has written nothing"
        return done.stdout.decode(errors="replace"), errors, done.returncode


def chosen(folders, prefixes, take):
    """The scenarios to run."""
    seen = {}
    for folder in folders:
        for scenario in sorted(folder.glob("*.scn"), key=lambda path: [int(part) if part.isdigit() else part
                                                                       for part in re.split(r"(\d+)", path.name)]):
            numbered = re.fullmatch(r"([a-z]+)_\d+\.scn", scenario.name)
            if numbered:
                seen[numbered[1]] = seen.get(numbered[1], 0) + 1
            if scenario.name.startswith(prefixes or "") and not (take and numbered and seen[numbered[1]] > take):
                yield scenario


def compare(interpreter, scenario):
    """What is wrong, or nothing."""
    expected = scenario.with_suffix(".exp").read_text()
    got, errors, _ = interpreter.run(str(scenario))
    if got == expected and not errors:
        return ""
    told = f"DIFFERS {scenario.name}\n" + (difference(expected, got) if got != expected else "   the same log")
    return told + ("\n   " + errors.strip()[-1000:] if errors else "")


def leave(interpreter, scenario, what):
    """Leaves one thing behind: what is wrong, or nothing."""
    _, errors, status = interpreter.run("--leave", what, str(scenario))
    return "" if status == 3 and f"left: {LEFT[what]}" in errors else f"{scenario.name}: a {what} that is left: {status}, {errors}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--take", type=int)
    parser.add_argument("--wrapper", default=os.environ.get("MESON_EXE_WRAPPER", ""))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--leaving", action="store_true")
    parser.add_argument("conform")
    parser.add_argument("rest", nargs="+")
    options = parser.parse_args()
    folders = [Path(word) for word in options.rest if Path(word).is_dir()]
    prefixes = tuple(word for word in options.rest if not Path(word).is_dir())
    interpreter = Interpreter(options.conform, options.wrapper)
    scenarios = list(chosen(folders, prefixes, options.take))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        if options.leaving:
            told = pool.map(lambda pair: leave(interpreter, *pair), [(scenario, what) for scenario in scenarios for what in LEFT])
        else:
            told = pool.map(lambda scenario: compare(interpreter, scenario), scenarios)
        told = list(told)
    wrong = [text for text in told if text]
    print("\n".join(wrong + [f"{len(scenarios)} scenarios, {len(told) - len(wrong)} as they should be, {len(wrong)} not"]))
    return 1 if wrong or not told else 0


sys.exit(main())

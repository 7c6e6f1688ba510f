#!/usr/bin/env python3
"""Compiles every header alone: C17, and the public ones of the runtime as C++17 too.

    headers.py TREE CC [CXX]

A header that is included first must bring all that it needs, and have a guard. What the macros of the
public ones make is compiled in macros.c, both ways. A function that is awaited does not compile.
"""
import re
import subprocess
import sys
from pathlib import Path

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function", "-Werror"]

# What takes an awaitable refuses the function of a body, when the program is compiled.
AWAITS = ["coro_await(AWAITED)", "coro_shield(AWAITED)", "coro_wait_for(AWAITED, 1)"]
AWAITING = """#include <coroscope/coro.h>
static coro_value body(coro_value argument) { return argument; }
coro_value waits(coro_value unused);
coro_value waits(coro_value unused) { (void)unused; (void)body; return CALL; }
"""


def check(command, header, twice):
    """Compiles a file that includes the header, twice to test its guard."""
    source = f'#include "{header}"\n' * (2 if twice else 1)
    run = subprocess.run(command + ["-fsyntax-only", "-"], input=source, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return None if run.returncode == 0 else run.stdout


def main():
    tree, cc = Path(sys.argv[1]).resolve(), sys.argv[2].split()
    cxx = sys.argv[3].split() if len(sys.argv) > 3 else None
    include = [f"-I{tree}/runtime/include", f"-I{tree}/tracer/include"]
    mistakes, count = [], 0
    for folder in ("runtime", "tracer", "tui"):
        for header in sorted((tree / folder).rglob("*.h")):
            path = header.relative_to(tree).as_posix()
            public = path.startswith("runtime/include/")
            count += 1
            # A user of the runtime need not ask for GNU extensions.
            if public:
                ways = [cc + ["-x", "c", "-std=c17", "-Wstrict-prototypes"]]
                if cxx:
                    ways.append(cxx + ["-x", "c++", "-std=c++17"])
            else:
                ways = [cc + ["-x", "c", "-std=gnu17", "-D_GNU_SOURCE", "-Wstrict-prototypes"]]
            for way in ways:
                said = check(way + WARNINGS + include, header, True)
                if said:
                    mistakes.append(f"{path} does not compile alone:\n{said}")
            if not re.search(r"^#ifndef \w+_H\n#define \w+_H", header.read_text(), re.M):
                mistakes.append(f"{path} has no guard")
    # Their macros are compiled only where they are used.
    ways = [cc + ["-x", "c", "-std=c17"]] + ([cxx + ["-x", "c++", "-std=c++17"]] if cxx else [])
    for way in ways:
        said = check(way + WARNINGS + include, tree / "tests/structure/macros.c", False)
        if said:
            mistakes.append(f"tests/structure/macros.c does not compile:\n{said}")
    for way in ways:
        for call in AWAITS:
            for awaited, compiles in (("coro_coroutine(body, CORO_NONE)", True), ("body", False)):
                source = AWAITING.replace("CALL", call.replace("AWAITED", awaited))
                run = subprocess.run(way + include + ["-S", "-o", "/dev/null", "-"], input=source,
                                     text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                if (run.returncode == 0) != compiles:
                    mistakes.append(f"{call} of {awaited}: compiles: {not compiles}\n{run.stdout}")
                elif not compiles and not re.search("a function is awaited|deleted", run.stdout):
                    mistakes.append(f"{call} of {awaited} is not told clearly:\n{run.stdout}")
    if count < 10:
        mistakes.append(f"only {count} headers found below {tree}")
    print("\n".join(mistakes) or f"{count} headers compile alone")
    return 1 if mistakes else 0


sys.exit(main())

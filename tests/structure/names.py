#!/usr/bin/env python3
"""Checks that each name of the runtime in docs/from-asyncio.md, and in the overview of coro.h, is declared
in a public header.

    names.py TREE
"""
import re
import sys
from pathlib import Path


def main():
    tree = Path(sys.argv[1]).resolve()
    headers = tree / "runtime/include/coroscope"
    declared = set()
    for header in headers.glob("*.h"):
        code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        declared |= set(re.findall(r"^#define (CORO_\w+|coro_\w+)", code, re.M))
        declared |= set(re.findall(r"\b(coro_\w+)\)?\(", code))
    mistakes, count = [], 0
    table = re.findall(r"`((?:coro|CORO)_\w+)`", (tree / "docs/from-asyncio.md").read_text())
    overview = (headers / "coro.h").read_text().split("Which calls wait", 1)[1].split("*/", 1)[0]
    waiting = re.findall(r"\b((?:coro|CORO)_\w+)", overview)
    for place, names in (("docs/from-asyncio.md", table), ("coro.h", waiting)):
        count += len(names)
        mistakes += [f"{place} names {name}, which no header declares"
                     for name in names if name not in declared]
    if len(table) < 50 or len(waiting) < 30:
        mistakes.append(f"only {len(table)} names in the table and {len(waiting)} in the overview")
    print("\n".join(mistakes) or f"{count} names are declared")
    return 1 if mistakes else 0


sys.exit(main())

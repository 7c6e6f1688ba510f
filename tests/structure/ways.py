#!/usr/bin/env python3
"""Checks that what the documents say of the tree is so: each path in backticks exists (NAME stands for any),
and each `function()` in `path` is defined there.

    ways.py TREE
"""
import re
import sys
from pathlib import Path

# Documents, and what their paths count from.
DOCUMENTS = {"docs/architecture.md": "", "docs/hacking.md": "", "docs/format.md": "", "tracer/README.md": "tracer",
             "runtime/README.md": "runtime", "tui/README.md": "tui"}
FILE = r"[\w.-]+(?:/[\w.-]+)*\.(?:c|h|S|def|py)"


def defines(text, function):
    """Whether a definition stands at the beginning of a line: `int f(` and no semicolon before the body."""
    for match in re.finditer(rf"^[A-Za-z_][^;{{}}\n#]*\b{function}\)?\(", text, re.M):
        rest = text[match.end():]
        if re.match(r"[^;{}]*\n\{", rest):
            return True
    return False


def main():
    tree = Path(sys.argv[1]).resolve()
    mistakes, files, functions = [], 0, 0
    for name, base in DOCUMENTS.items():
        text = (tree / name).read_text()
        for path in re.findall(rf"`({FILE})`", text):
            if "/" not in path or "NAME" in path:
                continue
            files += 1
            if not any((tree / begin / path).is_file() for begin in (base, "", base + "/include")):
                mistakes.append(f"{name} names {path}, which is not there")
        for function, path in re.findall(rf"`(\w+)\(\)`\s+in\s+`({FILE})`", text):
            functions += 1
            file = tree / base / path
            if file.is_file() and not defines(file.read_text(), function):
                mistakes.append(f"{name}: {function}() is not in {path}")
    if files < 20 or functions < 15:
        mistakes.append(f"only {files} files and {functions} functions found")
    print("\n".join(mistakes) or f"{files} files and {functions} functions stand where the documents say")
    return 1 if mistakes else 0


sys.exit(main())

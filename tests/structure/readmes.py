#!/usr/bin/env python3
"""Checks that the README of each top folder names what is in it, and nothing that is not.

    readmes.py TREE

A name stands in backticks: `core/`, `main.c`; a demo's files may share theirs: `channel`.
"""
import re
import sys
from pathlib import Path

# Files that speak for themselves in every folder.
SILENT = {"README.md", "meson.build", "__pycache__"}


def entries(folder):
    """What is in a folder: files, and folders with something in them."""
    for entry in sorted(folder.iterdir()):
        if entry.name in SILENT or entry.name.startswith("."):
            continue
        if entry.is_dir() and not any(path.is_file() for path in entry.rglob("*")):
            continue
        yield entry


def main():
    tree = Path(sys.argv[1]).resolve()
    mistakes = []
    folders = [f for f in ("runtime", "tracer", "tui", "demos", "tests", "docs")]
    for name in folders:
        folder = tree / name
        readme = folder / "README.md"
        if not readme.is_file():
            mistakes.append(f"{name}/README.md is missing")
            continue
        text = readme.read_text()
        named = {word.rstrip("/") for word in re.findall(r"`([^`\s]+)`", text)}
        for entry in entries(folder):
            if entry.name not in named and not (entry.is_file() and entry.stem in named):
                mistakes.append(f"{name}/README.md does not name {entry.name}")
        # The first cell of a row, or the beginning of a point, is a name of something here.
        for claimed in re.findall(r"^(?:\| |- )`([^`\s]+)`", text, re.M):
            claim = claimed.rstrip("/")
            if not (folder / claim).exists() and not list(folder.glob(claim + ".*")):
                mistakes.append(f"{name}/README.md names {claimed}, which is not there")
    print("\n".join(mistakes) or "each README names what is in its folder")
    return 1 if mistakes else 0


sys.exit(main())

#!/usr/bin/env python3
"""Writes docs/events.md: the table of events, from runtime/include/coroscope/trace_events.def.

    generate-events.py TREE            rewrites TREE/docs/events.md
    generate-events.py --check TREE    exits with 1 if it is not what it would write
"""
import re
import sys
from pathlib import Path

HEAD = """# Events

One row a kind. An event changes exactly one object, the *row*; *peer* is the other object that it
names. *Before* and *after* are the row's states. Numbers and names keep their meaning for ever.
This file is made by `docs/generate-events.py` from `runtime/include/coroscope/trace_events.def`.
"""
TABLE = """
## {title}

| | kind | row | peer | value | before | after | what happened |
|---|---|---|---|---|---|---|---|
"""
EVENT = re.compile(r'CORO_EVENT\((\d+), \w+, (\w+), ' + ', '.join([r'"([^"]*)"'] * 6) + r'\)$')
SECTION = re.compile(r'/\* (.*) \*/$')
WORDS = (
    ("Kinds of object", "CORO_OBJECT_KINDS"),
    ("States", "CORO_STATES"),
    ("Reasons of a future", "CORO_REASONS"),
    ("Kinds of value", "CORO_VALUE_KINDS"),
)


def words_of(abi, macro):
    """The names in an X-macro of trace_abi.h, in the order of their numbers."""
    text = re.search(r'#define %s\(X\)(.*?\\\n)*.*\n' % macro, abi).group(0)
    return re.findall(r'X\(\d+, \w+, (\w+)\)', text)


def document(tree):
    include = tree / "runtime/include/coroscope"
    abi = (include / "trace_abi.h").read_text()
    out = HEAD
    title = None
    # What stands before the first kind explains the columns of the file itself.
    lines = (include / "trace_events.def").read_text().split("*/", 1)[1].splitlines()
    for line in lines:
        section, event = SECTION.match(line), EVENT.match(line)
        if section:
            title = section.group(1).split(":")[0].rstrip(".")
            out += TABLE.format(title=title)
        elif event:
            out += "| " + " | ".join(event.groups()[:1] + (f"`{event.group(2)}`",) + event.groups()[2:]) + " |\n"
        elif line.strip():
            sys.exit(f"trace_events.def: not understood: {line}")
    out += "\n## Words\n\n"
    for name, macro in WORDS:
        out += f"{name}: " + ", ".join(f"`{word}`" for word in words_of(abi, macro)) + ".\n\n"
    return out.rstrip() + "\n"


def main(arguments):
    check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + check:
        sys.exit(__doc__)
    tree = Path(arguments[-1])
    path, text = tree / "docs/events.md", document(tree)
    if check:
        if not path.exists() or path.read_text() != text:
            sys.exit("docs/events.md is not up to date: run docs/generate-events.py")
    else:
        path.write_text(text)


main(sys.argv[1:])

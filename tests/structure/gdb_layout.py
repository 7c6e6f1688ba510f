#!/usr/bin/env python3
"""Checks that what gdb's script has pinned is what the runtime's headers and switches say.

    gdb_layout.py TREE COMPILER...
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Of struct coro_object, in the order in which the script unpacks it.
FIELDS = ("magic row serial cseq kind state reason flags waits_on parent name creation_site gen resumes").split()

PROGRAM = """
#include <stdio.h>
#include <coroscope/coro.h>
#include "core/slot.h"
#include "loop/layout.h"
int main(void)
{
	printf("%zu", sizeof(struct coro_object));
	{fields}
	printf("\\nmagic %lu %lu\\n", (unsigned long)CORO_OBJECT_MAGIC, (unsigned long)CORO__LAYOUT_MAGIC);
	printf("key %d\\n", CORO__KEY_GENERATION);
	printf("note %d\\n", CORO__LAYOUT_NOTE_TYPE);
	printf("frames %d %d\\n", CORO_FRAME_X86_64_V1, CORO_FRAME_AARCH64_V1);
	return 0;
}
"""


def pinned(tree):
    """The names of the script's section."""
    text = (tree / "runtime/gdb/coroscope-gdb.py").read_text()
    section = re.search(r"^# ---- What is pinned -+\n(.*?)^class ", text, re.M | re.S)[1]
    names = {}
    exec("import struct\n" + section, names)  # assignments of constants
    return names


def names_of(header, macro):
    """The names people see of an X-macro, by number; "?" where there is none."""
    body = re.search(rf"#define {macro}\(X\)(.*?[^\\])\n", header, re.S)[1]
    found = {int(number): name for number, name in re.findall(r"X\((\d+), \w+, (\w+)\)", body)}
    return [found.get(number, "?") for number in range(max(found) + 1)]


def said_by_compiler(tree, compiler):
    fields = "\n".join(f'printf(" %zu", offsetof(struct coro_object, {field}));' for field in FIELDS)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "layout.c"
        source.write_text(PROGRAM.replace("{fields}", fields))
        subprocess.run([*compiler, "-std=gnu17", "-D_GNU_SOURCE", f"-I{tree}/runtime/include", f"-I{tree}/runtime", "-c", source,
                        "-o", source.with_suffix(".o")], check=True)
        # Linked alone: nothing of the library is used.
        subprocess.run([*compiler, source.with_suffix(".o"), "-o", source.with_suffix("")], check=True)
        lines = subprocess.run([source.with_suffix("")], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [int(number) for number in lines[0].split()], {
        line.split()[0]: [int(number) for number in line.split()[1:]] for line in lines[1:]}


def offsets_of(struct):
    """Where the fields of a struct.Struct without padding of its own begin."""
    sizes = {"B": 1, "H": 2, "I": 4, "Q": 8}
    at, offsets = 0, []
    for code in struct.format.lstrip("<"):
        offsets.append(at)
        at += sizes[code]
    return [struct.size] + offsets


def saved_x86_64(tree):
    """What stands where after the pushes of coro__switch."""
    text = (tree / "runtime/context/switch_x86_64.S").read_text().split("coro__switch_resume")[0]
    pushed = list(reversed(re.findall(r"pushq\s+%(\w+)", text)))
    size = 8 * len(pushed)
    return {name: 8 * i for i, name in enumerate(pushed)}, size, size + 8


def saved_aarch64(tree):
    text = (tree / "runtime/context/switch_aarch64.S").read_text().split("coro__switch_resume")[0]
    saved = {}
    for first, second, at in re.findall(r"stp\s+(x\d+), (x\d+), \[sp, #(\d+)\]", text):
        saved[first], saved[second] = int(at), int(at) + 8
    return saved, saved.pop("x30"), int(re.search(r"sub\s+sp, sp, #(\d+)", text)[1])


def main():
    tree, compiler = Path(sys.argv[1]).resolve(), sys.argv[2:]
    script = pinned(tree)
    header = (tree / "runtime/include/coroscope/trace_abi.h").read_text()
    layout = (tree / "runtime/loop/layout.h").read_text()
    table = re.search(r"#define CORO__LAYOUT\(X\)(.*?[^\\])\n\n", layout, re.S)[1]
    object_offsets, numbers = said_by_compiler(tree, compiler)
    claims = [
        ("the fields of coro__layout", script["LAYOUT"], re.findall(r"^\tX\((\w+),", table, re.M)),
        ("the kinds of object", script["KINDS"], names_of(header, "CORO_OBJECT_KINDS")),
        ("the states", script["STATES"], names_of(header, "CORO_STATES")),
        ("the reasons", script["REASONS"], names_of(header, "CORO_REASONS")),
        ("struct coro_object", offsets_of(script["OBJECT"]), object_offsets),
        ("the magics", [script["OBJECT_MAGIC"], script["LAYOUT_MAGIC"]], numbers["magic"]),
        ("the key of a slot", [script["KEY_GENERATION"]], numbers["key"]),
        ("the type of the note", [script["NOTE_TYPE"]], numbers["note"]),
        ("the name of the note", script["NOTE_NAME"].decode().rstrip("\0"), re.search(r'CORO_NOTE_NAME "(\w+)"', header)[1]),
        ("the versions of what a switch saves", list(script["FRAMES"]), numbers["frames"]),
    ]
    for number, saved in ((1, saved_x86_64(tree)), (2, saved_aarch64(tree))):
        frame = script["FRAMES"][number]
        claims.append((f"what a switch saves, version {number}", (frame["saved"], frame["pc"][1], frame["sp"][1]), saved))
    mistakes = [f"{what}: the script has {has}\n    it is {is_so}" for what, has, is_so in claims if has != is_so]
    if len(script["LAYOUT"]) < 30:
        mistakes.append(f"only {len(script['LAYOUT'])} fields found")
    print("\n".join(mistakes) or f"{len(claims)} claims of gdb's script hold")
    return 1 if mistakes else 0


sys.exit(main())

"""Run by gdb: the frames and variables of a suspended body, as gdb sees them, as JSON.

    gdb -batch -nx -p PID -ex "python SP = ..." -x locals_gdb.py PROGRAM

The process is killed afterwards: its registers were overwritten.
"""
import json
import os
import tempfile

import gdb

FOLDER = tempfile.mkdtemp()
DUMP = os.path.join(FOLDER, "value")


def raw(value):
    """The bytes of a value as hex; None: gdb has none of it, or not all."""
    if value.is_optimized_out or not value.type.strip_typedefs().sizeof:
        return None
    gdb.set_convenience_variable("dumped", value)
    try:
        gdb.execute(f"dump binary value {DUMP} $dumped", to_string=True)
    except gdb.error:
        return None
    with open(DUMP, "rb") as file:
        return file.read().hex()


def variables(frame):
    """Of a frame, those of the innermost block first."""
    try:
        block = frame.block()
    except RuntimeError:
        return []
    found = []
    while block:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument):
                continue
            try:
                value = symbol.value(frame)
                data = raw(value)
                text = value.format_string(max_elements=8) if data is not None else None
            except (gdb.error, UnicodeDecodeError) as error:
                data, text = None, str(error)
            found.append({"name": symbol.name, "bytes": data, "text": text})
        if block.function:
            break
        block = block.superblock
    return found


def frames():
    frame, found = gdb.newest_frame(), []
    while frame:
        frame.select()
        place = frame.find_sal()
        if frame.type() != gdb.TAILCALL_FRAME:
            found.append({"function": frame.name(), "line": place.line, "pc": frame.pc(),
                          "inlined": frame.type() == gdb.INLINE_FRAME, "variables": variables(frame)})
        try:
            frame = frame.older()
        except gdb.error:
            break
    return found


gdb.execute("set confirm off")
gdb.execute("set print frame-arguments none")
gdb.execute("set backtrace past-main on")
gdb.execute(f"set $rsp = {SP}", to_string=True)
gdb.execute("set $rip = &coro__switch_resume", to_string=True)
print("JSON" + json.dumps(frames()))
if os.path.exists(DUMP):
    os.unlink(DUMP)
os.rmdir(FOLDER)
gdb.execute("kill")

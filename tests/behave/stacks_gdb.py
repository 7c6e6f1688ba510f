"""Run by gdb, attached to stacks.c: the frames of each suspended body, as stacks.py compares them.

$STACKS_BODIES is "NAME=ADDRESS ...", $STACKS_RESUME the address of coro__switch_resume, where a body goes on with its
saved stack pointer. Prints "gdb NAME PC:REGISTERS ..." for each, with rsp, rbx, rbp and r12 to r15. The program is killed:
its registers are not its own any more."""
import os

import gdb

REGISTERS = ["rsp", "rbx", "rbp", "r12", "r13", "r14", "r15"]
number = gdb.lookup_type("unsigned long")
resume = int(os.environ["STACKS_RESUME"], 16)
for entry in os.environ["STACKS_BODIES"].split():
    name, address = entry.split("=")
    saved = gdb.selected_inferior().read_memory(int(address, 16) + 56, 8)
    gdb.execute(f"set $rsp = {int.from_bytes(saved.tobytes(), 'little')}")
    gdb.execute(f"set $rip = {resume}")
    frame, found = gdb.newest_frame().older(), []
    while frame is not None and len(found) < 100:
        # Those that were inlined, and those that gdb makes up for tail calls, have no frame.
        if frame.type() == gdb.NORMAL_FRAME:
            values = [int(frame.read_register(name).cast(number)) for name in REGISTERS]
            found.append(f"{frame.pc():x}:" + ",".join(f"{value:x}" for value in values))
        frame = frame.older()
    print("\t".join(["gdb", name] + found))
gdb.execute("kill")

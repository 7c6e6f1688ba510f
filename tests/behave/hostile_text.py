"""A trace in which every text would drive the terminal: no command, and no key of the screen, lets one through."""
import errno
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import unicodedata
from support import PATIENCE, begin

maker = sys.argv.pop(4)
program, checks, folder = begin()
trace = folder / "hostile.coro"
subprocess.run([maker, trace], check=True)

# What a terminal is told by whoever draws on it: colours, places, modes, and to keep its title meanwhile. New titles,
# questions, strings and resets are not among it, and all hostile texts with an ESC hold one of these.
DRAWING = re.compile(rb"\x1b\[[?>]?[0-9;:]*[@A-HJKLMPSTXZdfhlmr]|\x1b\[2[23];0;0t|\x1b[()][AB0]|\x1b[=>78M]")
BIDI = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def driving(text, allowed):
    """Characters of a text that a terminal obeys."""
    return {c for c in text if unicodedata.category(c) == "Cc" and c not in allowed or c in BIDI}


def clean(what, told, allowed="\n"):
    try:
        text = told.decode("utf-8")
    except UnicodeDecodeError as error:
        checks.check(f"{what}: is UTF-8", False, str(error))
        return
    checks.check(f"{what}: nothing drives the terminal", not driving(text, allowed), repr(sorted(driving(text, allowed))))


def on_terminal(arguments, steps=()):
    """The command on a terminal: what it wrote, in answer to each of `steps`, which are typed when it has drawn what it had
    to draw: when it sleeps."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execv(program.coroscope, [program.coroscope, *map(str, arguments)])
    told, steps, end = b"", list(steps), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                told += os.read(fd, 65536)
            except OSError as error:
                assert error.errno == errno.EIO
                break
        elif steps and told:
            os.write(fd, steps.pop(0))
    os.close(fd)
    return told, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


COMMANDS = [["ps", "--all"], ["ps", "--all", "--json"], ["tree", "--all"], ["tree", "--all", "--json"], ["events"],
            ["events", "--json"], ["stat"], ["stat", "--json"], ["ps", "--all", "--at", "20"]]
for command in COMMANDS:
    arguments = [*command, trace]
    done = subprocess.run([program.coroscope, *map(str, arguments)], capture_output=True, timeout=PATIENCE)
    name = " ".join(command)
    checks.check(f"{name}: tells something", done.returncode == 0 and done.stdout, done.stderr)
    clean(name, done.stdout)
    clean(f"{name}: errors", done.stderr)
    told, status = on_terminal(arguments)
    checks.check(f"{name} on a terminal: status", status == 0, status)
    clean(f"{name} on a terminal", DRAWING.sub(b"", told), "\r\n")

# In JSON they are told all the same.
told = [json.loads(line) for line in program.run("events", "--json", trace)[1].splitlines()]
output = "".join(event["text"] for event in told if event["kind"] == "output")
checks.check("events --json: output says what was written", "\x1b]0;title\x07" in output and "\x9b6n\x9d0;t" in output and
             "\u202e\u2066\u200f\u2028" in output, repr(output))

# Everything that the language shows.
script = ["goto end", "ps", "tree", "output", "events 200", "list", "info", "break yield", "help"]
script += [f"{word} {serial}" for serial in range(1, 15) for word in ("print", "info", "where", "list", "history")]
script += ["goto 1"] + ["event", "list", "where"] * 40
done = subprocess.run([program.coroscope, "replay", "--batch", str(trace)], input="\n".join(script).encode() + b"\n",
                      capture_output=True, timeout=PATIENCE)
checks.check("replay --batch: tells something", done.stdout.count(b"\n") > 100, done.stderr)
clean("replay --batch", done.stdout)
clean("replay --batch: errors", done.stderr)

# A hostile path of the trace itself, and a word that is no command.
for hostile in ("\x1b]0;t\a.coro", "\x9b6n.coro", "a\nb\r.coro"):
    for command in ("ps", "stat", "events", "replay"):
        done = subprocess.run([program.coroscope, command, hostile], capture_output=True, timeout=PATIENCE, cwd=folder)
        checks.check(f"{command} of {hostile!r}: refused", done.returncode != 0)
        clean(f"{command} of {hostile!r}", done.stderr)

# The screen: every panel, forward and back, wide and from the end.
keys = [b"\t"] * 6 + [b"G", b"j", b"j", b"k", b"\r", b"?", b"\x1b", b"g", b"n", b"n", b"s", b"N", b":events 30\r",
                      b":output\r", b":list\r", b":ps\r", b":quit\r"]
told, status = on_terminal(["replay", trace], keys)
checks.check("screen: ends", status == 0, status)
checks.check("screen: draws the names", b"x1b]0;title" in told, told[:4000])
left = DRAWING.sub(b"", told)
clean("screen", left, "\r\n\b\t\x0e\x0f")
checks.end()

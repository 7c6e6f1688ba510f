"""Somebody writes anything over any file of the segment of a program that is being recorded: the recorder ends, in
bounded memory, and what it leaves can be read; the program does what it does unwatched."""
import glob
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
from support import PATIENCE, begin

relay = sys.argv.pop(4)
program, checks, folder = begin()
scratch = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="coroscope-scribble-")
runtime = pathlib.Path(scratch.name)
os.environ["XDG_RUNTIME_DIR"] = str(runtime)
WORK = [relay, "3", "3000"]
MEMORY = 1 << 20  # KiB: what a recorder may take at most, however large the numbers are that it finds
unwatched = subprocess.run(WORK, capture_output=True, timeout=PATIENCE)
assert unwatched.returncode == 0


def bytes_of(chance):
    """What is written: noise, or numbers that look like some."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 64))
    if kind == 1:
        return struct.pack("<I", chance.choice([0, 1, 2, 3, 4, 7, 255, 1024, 1 << 31, (1 << 32) - 1]))
    if kind == 2:
        return struct.pack("<Q", chance.choice([0, 1, 64, 1 << 17, 1 << 32, 1 << 63, (1 << 64) - 1, chance.getrandbits(20)]))
    return bytes(chance.randrange(1, 256)) if chance.randrange(2) else b"\xff" * chance.randrange(1, 256)


def scribble(chance, names):
    """Writes once into one of the files, when the recorder has opened the segment: then there are rings."""
    segment = f"{runtime}/coroscope/*/0"
    found = glob.glob(f"{segment}/ring.*") and [path for name in names for path in glob.glob(f"{segment}/{name}")]
    if not found:
        return False
    try:
        file = os.open(chance.choice(found), os.O_RDWR)
    except FileNotFoundError:
        return False
    size = os.fstat(file).st_size
    # Where the headers and the first records are, most of the time.
    place = chance.randrange(min(size, chance.choice([256, 1024, 6000, 70000, 1 << 30])))
    noise = bytes_of(chance)[:size - place]
    os.pwrite(file, noise, place - place % chance.choice([1, 4, 8]))
    if chance.randrange(50) == 0:  # longer, never shorter: see docs/transport.md
        os.ftruncate(file, size + 4096)
    os.close(file)
    return True


def set_back(chance, names):
    """Tells the program that its reader has read nothing of what its rings hold: they are full, for all it knows."""
    done = False
    for path in glob.glob(f"{runtime}/coroscope/*/0/ring.*"):
        try:
            ring, ctl = os.open(path, os.O_RDONLY), os.open(pathlib.Path(path).parent / "ctl", os.O_RDWR)
        except FileNotFoundError:
            continue
        head, number = struct.unpack("<Q", os.pread(ring, 8, 0x40))[0], int(path.rpartition(".")[2])
        os.pwrite(ctl, struct.pack("<Q", max(head - 64, 0)), 0x2000 + 8 * number)
        os.close(ring)
        os.close(ctl)
        done = True
    return done


def record(seed, names, write=scribble):
    chance = random.Random(seed)
    trace = folder / f"{seed}.coro"
    recorder = subprocess.Popen([program.coroscope, "record", "-o", trace, "--", *WORK], stdout=subprocess.PIPE,
                                stderr=(folder / "errors").open("wb"))
    what = f"seed {seed}, {', '.join(names)}"
    end, done, written = time.monotonic() + PATIENCE, 0, 0
    while time.monotonic() < end and not done:
        done, status, usage = os.wait4(recorder.pid, os.WNOHANG)
        written += write(chance, names)
    if not done:
        recorder.kill()
        done, status, usage = os.wait4(recorder.pid, 0)
        checks.check(f"{what}: the recorder ends", False, f"after {written} pieces")
    out = recorder.stdout.read()
    recorder.returncode = os.waitstatus_to_exitcode(status)
    errors = (folder / "errors").read_text(errors="replace")
    checks.check(f"{what}: something was written", written > 0)
    checks.check(f"{what}: exit status", recorder.returncode == 0, f"{recorder.returncode}: {errors}")
    checks.check(f"{what}: output", out == unwatched.stdout, out[-200:])
    checks.check(f"{what}: memory", usage.ru_maxrss < MEMORY, usage.ru_maxrss)
    checks.check(f"{what}: no word drives the terminal", all(c >= " " or c == "\n" for c in errors), repr(errors))
    for command in (["stat", "--json"], ["ps", "--all", "--json"]):
        status, told, err = program.run(*command, trace)
        checks.check(f"{what}: {command[0]}", status == 0 or "before its first event" in err, f"{status}: {err}")
        if status == 0:
            json.loads(told)


ALL = ["beacon", "ctl", "tab", "str", "ring.*"]
for seed, names in enumerate([["ring.*"], ["str"], ["tab"], ["beacon"], ["ctl"], ALL, ALL, ALL]):
    record(seed, names)
os.environ["COROSCOPE_RING_LOG2"] = "6"
record(100, ["tails"], set_back)
checks.end()

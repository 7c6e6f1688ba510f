"""Somebody writes into the segment of a program that is being recorded or stepped: what cannot be is counted and
said, and neither the recording nor a script hangs or ends early."""
import json
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import time
from support import PATIENCE, begin

program, checks, folder = begin()
# Segments lie in memory: a place of our own there, so that the only one is ours.
scratch = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="coroscope-damage-")
runtime = pathlib.Path(scratch.name)
os.environ["XDG_RUNTIME_DIR"] = str(runtime)

HEAD, STATE, AT_GATE = 0x40, 0x98, 0x9c


def ring(running):
    """The ring of the only program, once it is there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and running.poll() is None:
        for path in runtime.glob("coroscope/*/0/ring.0"):
            return os.open(path, os.O_RDWR)
    raise AssertionError("no ring was made")


def head_of(file):
    return struct.unpack("<Q", os.pread(file, 8, HEAD))[0]


# A recording: heads that cannot be, all the time.
trace = folder / "damaged.coro"
recording = subprocess.Popen([program.coroscope, "record", "-o", trace, "--", program.demo("producer_consumer")],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
file = ring(recording)
chance = random.Random(1)
while recording.poll() is None:
    head = head_of(file)
    os.pwrite(file, struct.pack("<Q", chance.choice([head + (16 << 17) * 1000000, head + 200000, head ^ 0xff00, 0])), HEAD)
    time.sleep(0.001)
summary = recording.stderr.read().decode()
status, out, err = program.run("stat", "--json", trace)
told = json.loads(out)
checks.check("damaged recording: exit status", recording.returncode == 0, f"{recording.returncode}: {summary}")
checks.check("damaged recording: nothing is lost", told["lost"] == 0 and "destroy" in told["kinds"], out)
checks.check("damaged recording: the trace has the damage", told["damage"] > 0, out)
checks.check("damaged recording: the summary has it", f" 0 lost, {told['damage']} damaged, " in summary, summary)
status, out, err = program.run("stat", trace)
checks.check("damaged recording: stat has it", f"\ndamaged        {told['damage']}\n" in out, out)
os.close(file)

# A script at the gate: the thread's header says that it is elsewhere.
stepping = subprocess.Popen([program.coroscope, "run", "--batch", program.demo("channel")], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
stepping.stdin.write(b"event 3\n")
answer = stepping.stdout.readline()
file = ring(stepping)
for n in (4, 5, 6):
    os.pwrite(file, struct.pack("<Q", 1 << 50), HEAD)
    os.pwrite(file, struct.pack("<II", 1, 0), STATE)
    os.pwrite(file, b"\xff", AT_GATE + n % 4)
    stepping.stdin.write(b"event\n")
    answer = stepping.stdout.readline()
    checks.check(f"damaged gate: event {n}", answer.startswith(f"event {n}/".encode()), answer)
out, err = stepping.communicate(b"quit kill\n", timeout=PATIENCE)
checks.check("damaged gate: the script ends", stepping.returncode == 0, err)
os.close(file)

# An undamaged one says nothing of it.
out, err = program.record("channel", trace)
checks.check("whole recording: no word of damage", " damaged, " not in err, err)
checks.equal("whole recording: none", str(json.loads(program.run("stat", "--json", trace)[1])["damage"]), "0")

# A trace that was cut before its first event.
bytes_of_trace = pathlib.Path(trace).read_bytes()
for length in (4096, 4096 + 64, 4096 + 200):
    cut = folder / "cut.coro"
    cut.write_bytes(bytes_of_trace[:length])
    for command in (["stat"], ["replay", "--batch"], ["ps"], ["events"]):
        status, out, err = program.run(*command, cut)
        checks.check(f"{command[0]} of a trace of {length} bytes", status == 3 and not out and err.count("\n") == 1 and
                     "before its first event" in err, f"{status}: {err}")

checks.end()

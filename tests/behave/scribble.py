"""Somebody writes anything over any file of the segment of a program that is being watched, or cuts it: who watches ends,
in bounded memory, and what he leaves can be read; the program does what it does unwatched."""
import fcntl
import glob
import json
import os
import pathlib
import pty
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from support import PATIENCE, begin

relay = sys.argv.pop(4)
program, checks, folder = begin()
scratch = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="coroscope-scribble-")
runtime = pathlib.Path(scratch.name)
os.environ["XDG_RUNTIME_DIR"] = str(runtime)
os.environ["TERM"] = "xterm-256color"
HOPS = 3000
MEMORY = 1 << 20  # KiB: what a watcher may take at most, however large the numbers are that it finds
ALL = ["beacon", "ctl", "tab", "str", "ring.*"]


def said(hops):
    return f"{hops} handed on\n".encode()


# ---- Who writes -------------------------------------------------------------------------------------------------------

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


def open_one(chance, names):
    """One of the files, when somebody watches: then there are rings. None: there is none."""
    segment = f"{runtime}/coroscope/*/0"
    found = glob.glob(f"{segment}/ring.*") and [path for name in names for path in glob.glob(f"{segment}/{name}")]
    try:
        return os.open(chance.choice(found), os.O_RDWR) if found else None
    except FileNotFoundError:
        return None


class Scribbler:
    """Writes once into one of the files, each time."""

    def __init__(self, seed, names):
        self.chance, self.names, self.written = random.Random(seed), names, 0
        self.after = 0  # what a ring must have first; the program may end before
        self.what = f"seed {seed}, {', '.join(names)}"

    def write(self):
        chance, file = self.chance, open_one(self.chance, self.names)
        if file is None:
            return
        size = os.fstat(file).st_size
        # Where the headers and the first records are, most of the time.
        place = chance.randrange(max(min(size, chance.choice([256, 1024, 6000, 70000, 1 << 30])), 1))
        noise = bytes_of(chance)[:max(size - place, 0)]
        os.pwrite(file, noise, place - place % chance.choice([1, 4, 8]))
        if chance.randrange(50) == 0:
            os.ftruncate(file, size + 4096)
        os.close(file)
        self.written += 1


class Cutter(Scribbler):
    """Cuts one of the files once, when a ring has so many events; and again, or lengthens it, afterwards."""

    def __init__(self, seed, names, most=60000):
        super().__init__(seed, names)
        self.what = f"cut, {self.what}"
        self.after = self.chance.choice([0, self.chance.randrange(most)])

    def write(self):
        if not self.written and self.told() < self.after:
            return
        if self.written and self.chance.randrange(20):
            return
        file = open_one(self.chance, self.names)
        if file is None:
            return
        size = os.fstat(file).st_size
        os.ftruncate(file, self.chance.choice([0, self.chance.randrange(size + 1), size + 4096 if self.written else 0]))
        os.close(file)
        self.written += 1

    def told(self):
        """What some ring has."""
        file = open_one(self.chance, ["ring.*"])
        if file is None:
            return -1
        head = os.pread(file, 8, 0x40)
        os.close(file)
        return struct.unpack("<Q", head)[0] if len(head) == 8 else -1


class Setter(Scribbler):
    """Tells the program that its reader has read nothing of what its rings hold: they are full, for all it knows."""

    def write(self):
        for path in glob.glob(f"{runtime}/coroscope/*/0/ring.*"):
            try:
                ring, ctl = os.open(path, os.O_RDONLY), os.open(pathlib.Path(path).parent / "ctl", os.O_RDWR)
            except FileNotFoundError:
                continue
            head, number = struct.unpack("<Q", os.pread(ring, 8, 0x40))[0], int(path.rpartition(".")[2])
            os.pwrite(ctl, struct.pack("<Q", max(head - 64, 0)), 0x2000 + 8 * number)
            os.close(ring)
            os.close(ctl)
            self.written += 1


# ---- Who watches ------------------------------------------------------------------------------------------------------

def watch(writer, watcher, use=lambda: True):
    """Writes as soon as `use` says that the watcher watches, and uses it, until it has ended: its exit status."""
    end, done = time.monotonic() + PATIENCE, 0
    while time.monotonic() < end and not done:
        done, status, usage = os.wait4(watcher.pid, os.WNOHANG)
        if use():
            writer.write()
    if not done:
        watcher.kill()
        done, status, usage = os.wait4(watcher.pid, 0)
        checks.check(f"{writer.what}: the watcher ends", False, f"after {writer.written} pieces")
    watcher.returncode = os.waitstatus_to_exitcode(status)
    checks.check(f"{writer.what}: something was written", writer.written > 0 or writer.after > 0)
    shutil.rmtree(runtime / "coroscope", ignore_errors=True)  # so that only the next one's is there then
    checks.check(f"{writer.what}: memory", usage.ru_maxrss < MEMORY, usage.ru_maxrss)
    return watcher.returncode


def read_trace(writer, trace, sends_most):
    """What is left can be read, and no more was told of than can have been."""
    for command in (["stat", "--json"], ["ps", "--all", "--json"]):
        status, told, err = program.run(*command, trace)
        checks.check(f"{writer.what}: {command[0]}", status == 0 or "before its first event" in err, f"{status}: {err}")
        if status == 0 and command[0] == "stat":
            sends = json.loads(told)["kinds"].get("send", 0)
            made = writer.written if "ring.*" in writer.names else 0
            checks.check(f"{writer.what}: no event was invented", sends <= sends_most + made, sends)


def record(writer):
    errors = folder / "errors"
    trace = folder / "record.coro"
    watcher = subprocess.Popen([program.coroscope, "record", "-o", trace, "--", relay, "3", str(HOPS)],
                               stdout=subprocess.PIPE, stderr=errors.open("wb"))
    status = watch(writer, watcher)
    out, told = watcher.stdout.read(), errors.read_text(errors="replace")
    checks.check(f"record, {writer.what}: exit status", status == 0, f"{status}: {told}")
    checks.check(f"record, {writer.what}: output", out == said(HOPS), out[-200:])
    checks.check(f"record, {writer.what}: no word drives the terminal", all(c >= " " or c == "\n" for c in told), repr(told))
    read_trace(writer, trace, HOPS + 2)


BEGINNING = "event 40\nps all\n"
REST = "event\nps all\nbreak send\ncontinue\nback 5\ntree all\nevent 2\ndelete 1\nevents 20\nover\ncontinue\nps all\n"


def wait_until(holds):
    end = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < end:
        time.sleep(0.001)
    return holds()


class Work:
    """A program of one thread, which writes what it has to say where no debugger reads it."""

    def __init__(self, hops):
        self.hops, self.path = hops, folder / "result"
        self.path.unlink(missing_ok=True)
        self.command = [relay, "1", str(hops), self.path]

    def is_done(self):
        return self.path.exists() and self.path.read_bytes() == said(self.hops)

    def wait(self):
        """Once its debugger has left it, the program goes on to its end."""
        return wait_until(self.is_done)


def run_batch(writer):
    work, out = Work(HOPS), folder / "out"
    watcher = subprocess.Popen([program.coroscope, "run", "--batch", "-o", folder / "batch.coro", "--", *work.command],
                               stdin=subprocess.PIPE, stdout=out.open("wb"), stderr=subprocess.STDOUT, text=True)
    watcher.stdin.write(BEGINNING)
    watcher.stdin.flush()

    def go_on():
        if writer.written and not watcher.stdin.closed:
            watcher.stdin.write(REST)
            watcher.stdin.close()
        return True
    status, told = watch(writer, watcher, go_on), out.read_text(errors="replace")
    checks.check(f"batch, {writer.what}: exit status", status == 0, f"{status}: {told[-2000:]}")
    checks.check(f"batch, {writer.what}: the program does its work", work.wait(), told[-2000:])
    checks.check(f"batch, {writer.what}: no word drives the terminal", all(c >= " " or c == "\n" for c in told), repr(told))
    read_trace(writer, folder / "batch.coro", work.hops)


class Screen:
    """The user interface in a terminal, and somebody who types."""

    def __init__(self, *arguments):
        self.ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.shown, self.looks = b"", 0
        self.process = subprocess.Popen([program.coroscope, *map(str, arguments)], stdin=its, stdout=its, stderr=its,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(its)

    def read(self):
        while select.select([self.ours], [], [], 0)[0]:
            try:
                self.shown += os.read(self.ours, 65536)
            except OSError:  # nobody has the other end any more
                return

    def type(self, keys):
        try:
            os.write(self.ours, keys)
        except OSError:
            pass

    def use(self, over):
        """Steps and goes on, again and again, and leaves when the work is done. Returns whether it has drawn yet."""
        self.read()
        drawn = len(self.shown) > 1000
        self.looks += drawn
        if self.looks % 50 == 1:
            self.type(b"Q" if over() else [b".", b",", b"c", b"G", b"c", b"o"][self.looks // 50 % 6])
        return drawn


def use_screen(writer, how, screen, over, start=None):
    """`start` is a socket: the program begins when it gets a number through that."""
    def use():
        nonlocal start
        drawn = screen.use(over)
        if drawn and start:
            start.send(struct.pack("<q", 1))
            start = None
        return drawn
    status = watch(writer, screen.process, use)
    screen.read()
    os.close(screen.ours)
    checks.check(f"{how}, {writer.what}: exit status", status == 0, f"{status}: {screen.shown[-2000:]}")
    checks.check(f"{how}, {writer.what}: it did not crash", b"crashed" not in screen.shown, screen.shown[-2000:])


def run_screen(writer):
    work = Work(HOPS)
    use_screen(writer, "screen", Screen("run", *work.command), work.is_done)
    checks.check(f"screen, {writer.what}: the program does its work", work.wait())


def attach_screen(writer):
    work = Work(10 * HOPS)
    ours, its = socket.socketpair()
    its.setblocking(False)
    process = subprocess.Popen([*work.command, "wait"], stdin=its)
    its.close()
    wait_until(lambda: glob.glob(f"{runtime}/coroscope/{process.pid}-*/0/wake"))
    use_screen(writer, "attach", Screen("attach", process.pid), lambda: process.poll() is not None, ours)
    ours.close()
    wait_until(lambda: process.poll() is not None)
    checks.check(f"attach, {writer.what}: the program ends well", process.poll() == 0, process.poll())
    checks.check(f"attach, {writer.what}: the program does its work", work.is_done())
    process.kill()


for seed, names in enumerate([["ring.*"], ["str"], ["tab"], ["beacon"], ["ctl"], ALL, ALL, ALL]):
    record(Scribbler(seed, names))
for seed, names in enumerate([["ring.*"], ["str"], ["tab"], ["beacon"], ["ctl"], ALL, ALL, ALL], 20):
    record(Cutter(seed, names))
for seed, watch_by in enumerate([run_batch, run_screen, attach_screen], 40):
    watch_by(Scribbler(seed, ALL))
    watch_by(Scribbler(10 + seed, ["ctl"]))
    for name in ("ctl", "ring.*", "str", "tab"):
        watch_by(Cutter(20 + seed, [name], 40))
os.environ["COROSCOPE_RING_LOG2"] = "6"
record(Setter(100, ["tails"]))
checks.end()

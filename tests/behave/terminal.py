"""record on a terminal: the program has one too, of the same size; what is typed reaches it, what it writes
comes through byte for byte, and the terminal is afterwards as it was."""
import errno
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from support import PATIENCE, begin

talker = os.path.realpath(sys.argv.pop(4))
program, checks, folder = begin()


class Terminal:
    """A command whose stdio is a terminal, or partly."""

    def __init__(self, *arguments, rows=33, columns=101, **stdio):
        self.ours, self.its = pty.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(self.its)
        self.said = b""
        self.over = False  # nobody has its end open any more, and all was read
        self.process = subprocess.Popen([program.coroscope, *map(str, arguments)], cwd=folder, start_new_session=True,
                                        preexec_fn=self.take, **{**dict(stdin=self.its, stdout=self.its, stderr=self.its),
                                                                **stdio})

    def take(self):
        fcntl.ioctl(self.its, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        if select.select([self.ours], [], [], 0.1)[0]:
            try:
                self.said += os.read(self.ours, 65536)
            except OSError as error:
                assert error.errno == errno.EIO
                self.over = True

    def read_rest(self):
        """When the command has ended: what it wrote may still be on its way, in several parts."""
        if self.its is not None:
            self.modes_then = termios.tcgetattr(self.its)
            os.close(self.its)
            self.its = None
        end = time.monotonic() + PATIENCE
        while not self.over and time.monotonic() < end:
            self.read()

    def wait_for(self, words):
        """Reads until the words came; True if they did."""
        end = time.monotonic() + PATIENCE
        while words not in self.said and time.monotonic() < end and self.process.poll() is None:
            self.read()
        if words not in self.said and self.process.poll() is not None:
            self.read_rest()
        return words in self.said

    def wait_until_relayed(self):
        """What is typed before that, our own terminal would take for itself."""
        while termios.tcgetattr(self.its)[3] & termios.ICANON and self.process.poll() is None:
            time.sleep(0.001)

    def ask(self, keys):
        """Types when the program waits for it, with nothing else on its way: what it says that it is ready, is taken."""
        self.wait_for(b"ready\r\n")
        self.said = self.said.replace(b"ready\r\n", b"", 1)
        self.type(keys)

    def type(self, keys):
        os.write(self.ours, keys)

    def end(self):
        """Reads to the end: the exit status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        self.read_rest()
        checks.check("the terminal is as it was", self.modes_then == self.modes)
        os.close(self.ours)
        return self.process.returncode


# All of it a terminal.
terminal = Terminal("record", "-o", "all.coro", talker)
checks.check("terminal: the program has one, of our size", terminal.wait_for(b"stdin 33x101 stdout 33x101 stderr 33x101\r\n"),
             str(terminal.said))
raw = termios.tcgetattr(terminal.its)
checks.check("terminal: ours only relays", not raw[3] & (termios.ECHO | termios.ICANON | termios.ISIG))
terminal.ask(b"hello\n")
checks.check("terminal: what is typed arrives, and its own terminal echoes it", terminal.wait_for(b"you said hello\r\n") and
             b"hello\r\nyou said" in terminal.said, str(terminal.said))
terminal.resize(20, 70)
deadline = time.monotonic() + PATIENCE
while b"stdin 20x70" not in terminal.said and time.monotonic() < deadline:
    terminal.ask(b"size\n")
    terminal.wait_for(b"ready\r\n")
checks.check("terminal: it follows our size", b"stdin 20x70" in terminal.said, str(terminal.said))
terminal.ask(b"\x03")
checks.check("terminal: control C interrupts the program, not us", terminal.wait_for(b"interrupted\r\n"), str(terminal.said))
terminal.type(b"\x04")
checks.check("terminal: control D is the end of its input", terminal.wait_for(b"the end\r\n"), str(terminal.said))
status = terminal.end()
checks.check("terminal: status", status == 5, f"{status}: {terminal.said}")
checks.check("terminal: one summary", terminal.said.count(b"events, 0 lost") == 1, str(terminal.said))
output = program.run("events", folder / "all.coro")[1]
checks.check("terminal: what it wrote is in the trace", "you said hello" in output and "the end" in output, output)
checks.check("terminal: the echo of control C is shown, but the program did not write it",
             b"^C" in terminal.said and "^C" not in output and "\\x03" not in output, output)

# The terminal goes away: the program gets the end of its input.
terminal = Terminal("record", "-o", "gone.coro", talker)
terminal.wait_for(b"ready\r\n")
os.close(terminal.ours)
os.close(terminal.its)
try:
    status = terminal.process.wait(PATIENCE)
except subprocess.TimeoutExpired:
    status = "still there"
    terminal.process.kill()
checks.check("terminal gone: it ends", status != "still there", str(status))

# Parts of it a terminal: each descriptor of the program is what ours is.
for names in (("stdin",), ("stdout",), ("stderr",), ("stdin", "stdout"), ("stdin", "stderr"), ("stdout", "stderr"), ()):
    others = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr") if name not in names}
    terminal = Terminal("record", "-o", "part.coro", talker, **others)
    if "stdin" not in names:
        terminal.process.stdin.write(b"hello\n")
        terminal.process.stdin.close()
    else:
        terminal.wait_until_relayed()
        terminal.type(b"hello\n\x04")
    status = terminal.end()
    said = {name: terminal.said if name in names else getattr(terminal.process, name).read() for name in ("stdout", "stderr")}
    wanted = " ".join(f"{name} " + ("33x101" if name in names else "none") for name in ("stdin", "stdout", "stderr"))
    checks.check(f"terminal is {names}: the same for the program", wanted.encode() in said["stderr"], f"{wanted}: {said}")
    checks.check(f"terminal is {names}: all arrives", b"you said hello" in said["stdout"] and
                 b"events, 0 lost" in said["stderr"] and status == 5, f"{status}: {said}")

# Whoever reads its output goes away: the program learns it as it would without us.
for reader, expected in (("head", 128 + signal.SIGPIPE), ("nobody", 128 + signal.SIGPIPE)):
    ours, its = os.pipe()
    process = subprocess.Popen([program.coroscope, "record", "-o", folder / "pipe.coro", talker, "flood"], stdin=subprocess.DEVNULL,
                               stdout=its, stderr=subprocess.PIPE, restore_signals=True)
    os.close(its)
    if reader == "head":
        os.read(ours, 100)
    os.close(ours)
    err = process.communicate(timeout=PATIENCE)[1]
    checks.check(f"read by {reader}: the program ends as it would", process.returncode == expected,
                 f"{process.returncode}: {err.decode()}")

# A signal that asks us to end goes to the program, which may have its own answer.
for number, words in ((signal.SIGTERM, b"terminated"), (signal.SIGINT, b"interrupted"), (signal.SIGHUP, b"hung up")):
    process = subprocess.Popen([program.coroscope, "record", "-o", folder / "signal.coro", talker], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    said = b""
    while b"ready\n" not in said:
        said += process.stdout.read(1)
    process.send_signal(number)
    while words not in said:
        part = process.stdout.read(1)
        if not part:
            break
        said += part
    checks.check(f"{number.name}: reaches the program", words in said, str(said))
    rest, err = process.communicate(timeout=PATIENCE)
    checks.check(f"{number.name}: and its end is recorded", process.returncode == 5 and b"events, 0 lost" in err,
                 f"{process.returncode}: {err}")

checks.end()

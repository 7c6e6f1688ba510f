"""record as a job of a shell: control Z stops it with its program, `fg` lets both go on, and the terminal is
the shell's in between."""
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
import fcntl
from support import PATIENCE, begin

talker = sys.argv.pop(4)
program, checks, folder = begin()
talker = shutil.copy(talker, os.path.realpath(folder / "talker_of_jobs"))  # whose processes are ours
ours, its = pty.openpty()
said = b""


def take():
    fcntl.ioctl(its, termios.TIOCSCTTY, 0)


def wait_for(what, holds):
    """Reads until it holds."""
    global said
    end = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < end and shell.poll() is None:
        if select.select([ours], [], [], 0.01)[0]:
            said += os.read(ours, 65536)
    checks.check(what, holds(), str(said))
    said = b"" if holds() else said


def type(keys):
    os.write(ours, keys)


def is_raw():
    return not termios.tcgetattr(its)[3] & termios.ICANON


def states():
    """Of the talker's processes: T is stopped."""
    found = ""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "exe") == talker:
                found += (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
    return found


shell = subprocess.Popen(["/bin/sh", "-i"], stdin=its, stdout=its, stderr=its, cwd=folder, start_new_session=True,
                         preexec_fn=take, env={**os.environ, "PS1": "at your service\n", "ENV": ""})
wait_for("the shell is there", lambda: b"at your service" in said)
modes = termios.tcgetattr(its)
type(f"{program.coroscope} record -o job.coro {talker}\n".encode())
wait_for("it runs", lambda: b"ready\r\n" in said and is_raw())
for round in ("first", "second"):
    type(b"\x1a")
    wait_for(f"{round} control Z: the shell is back", lambda: b"at your service" in said)
    checks.check(f"{round} control Z: so is its terminal", termios.tcgetattr(its)[3] & termios.ICANON)
    checks.check(f"{round} control Z: the program is stopped", states() == "T", states())
    type(b"fg\n")
    wait_for(f"{round} fg: the program's terminal again", is_raw)
    type(f"{round}\n".encode())
    wait_for(f"{round} fg: it goes on", lambda: f"you said {round}\r\n".encode() in said)

# In the background it runs on without the terminal, and gets it back.
type(b"\x1a")
wait_for("control Z once more", lambda: b"at your service" in said)
type(b"bg\n")
wait_for("bg: it runs", lambda: states() == "S")
checks.check("bg: the terminal stays the shell's", not is_raw())
type(b"fg\n")
wait_for("fg: the terminal is the program's again", is_raw)
type(b"\x1a")
wait_for("control Z for the last time", lambda: b"at your service" in said)
type(b"kill %1; fg\n")
wait_for("kill: reaches the program", lambda: b"terminated" in said and is_raw())
type(b"\x04")
wait_for("its end", lambda: b"the end" in said and b"0 lost" in said)
type(b"echo status $?\n")
wait_for("its exit status", lambda: b"status 5" in said)
type(b"exit\n")
shell.wait(PATIENCE)
output = program.run("events", folder / "job.coro")[1]
checks.check("the trace is whole, without the terminal's echo", "you said second" in output and "^Z" not in output, output)

# Nobody could let it go on: then it does at once.
process = subprocess.Popen([program.coroscope, "record", "-o", folder / "alone.coro", talker], stdin=its, stdout=its, stderr=its,
                           start_new_session=True, preexec_fn=take)
said = b""
shell = process
wait_for("alone: it runs", lambda: b"ready\r\n" in said and is_raw())
type(b"\x1a")
type(b"on\n")
wait_for("alone: control Z stops nothing for good", lambda: b"you said on\r\n" in said)
type(b"\x04")
process.wait(PATIENCE)
checks.check("alone: it ends", process.returncode == 5, str(process.returncode))

# Without a terminal of ours, SIGTSTP stops both as well. A signal that asks us to end reaches the program as soon as
# we go on; and when its recorder is killed, the program goes on by itself.
for number in (signal.SIGTERM, signal.SIGKILL):
    process = subprocess.Popen([program.coroscope, "record", "-o", folder / "stopped.coro", talker], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, preexec_fn=lambda: os.setpgid(0, 0))
    said = b""
    while b"ready\n" not in said:
        said += process.stdout.read(1)
    process.send_signal(signal.SIGTSTP)
    end = time.monotonic() + PATIENCE
    while pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T" and time.monotonic() < end:
        time.sleep(0.001)
    checks.check(f"SIGTSTP, then {number.name}: both are stopped", states() == "T", states())
    process.send_signal(number)
    if number != signal.SIGKILL:
        process.send_signal(signal.SIGCONT)
        while b"terminated" not in said and time.monotonic() < end:
            said += process.stdout.read(1)
    process.stdin.close()
    rest = process.stdout.read()
    process.wait(PATIENCE)
    checks.check(f"SIGTSTP, then {number.name}: the program comes to its end", b"the end" in rest, str(rest))

checks.end()

"""Whatever becomes of its recorder, and whatever the policy: a program writes what it writes unwatched."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from support import PATIENCE, begin

program, checks, folder = begin()
emitter = str(pathlib.Path(sys.argv[4]).resolve())
memory = tempfile.mkdtemp(prefix="coroscope-test-", dir="/dev/shm")
os.environ["XDG_RUNTIME_DIR"] = memory
COUNT = "3000"  # rounds: far more events than a small ring holds


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.005)


def subject():
    """The program's process, when it is there."""
    entries = [entry for entry in json.loads(program.run("list", "--json")[1]) if entry["segment"].startswith(memory)]
    return entries[0]["pid"] if entries else 0


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def waits(pid):
    """It sleeps on a futex: for room."""
    return pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[0] in ("202", "98")


def lines(path):
    return path.read_text().count("\n") if path.exists() else 0


plain = folder / "plain"
said = subprocess.run([emitter, COUNT, str(plain)], input=b"", capture_output=True, timeout=PATIENCE).stdout
expected = plain.read_text()

POLICIES = {"block": ["--policy", "block"], "block with a timeout": ["--block-timeout", "5"],
            "drop": ["--policy", "drop"], "overwrite": ["--policy", "overwrite", "--last", "16K"]}
MANNERS = ["fast", "small ring", "stopped", "killed", "stopped and killed"]

for policy, options in POLICIES.items():
    for manner in MANNERS:
        what = f"{policy}, {manner}"
        path = folder / "output"
        path.unlink(missing_ok=True)
        environment = {**os.environ, **({} if manner == "fast" else {"COROSCOPE_RING_LOG2": "9"})}
        recorder = subprocess.Popen(
            [program.coroscope, "record", "-o", str(folder / "x.coro"), *options, "--", emitter, COUNT, str(path), "pause"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        # It waits in the middle; the other half comes when its recorder is as it shall be.
        begun = b"".join(iter(recorder.stdout.readline, f"line {int(COUNT) // 2}\n".encode()))
        pid = subject()
        if "stopped" in manner:
            recorder.send_signal(signal.SIGSTOP)
        if manner == "killed":
            recorder.kill()
        recorder.stdin.write(b"x")
        recorder.stdin.close()
        if manner == "stopped and killed":
            recorder.kill()
        if manner == "stopped":
            # One that waits for it stands still, the others come to their end.
            wait_for(lambda: waits(pid) if policy == "block" else lines(path) == int(COUNT))
            checks.check(f"{what}: it has its end", (lines(path) == int(COUNT)) == (policy != "block"), str(lines(path)))
            recorder.send_signal(signal.SIGCONT)
        recorder.stdin = None
        out, err = recorder.communicate(timeout=PATIENCE)
        wait_for(lambda: not alive(pid))
        checks.equal(f"{what}: its file", path.read_text(), expected)
        if "killed" not in manner:
            out = begun + f"line {int(COUNT) // 2}\n".encode() + out
            checks.check(f"{what}: its output", out == said, f"{len(out)} of {len(said)} bytes: {err.decode()}")
            checks.check(f"{what}: its status", recorder.returncode == 0, f"{recorder.returncode}: {err.decode()}")

shutil.rmtree(memory)
checks.end()

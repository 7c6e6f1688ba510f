"""recover and prune: a killed recorder's file is completed from the segment of its program, and a killed
program's segment becomes a trace; then nothing is left of it."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from support import PATIENCE, begin

program, checks, folder = begin()
emitter = str(pathlib.Path(sys.argv[4]).resolve())
memory = tempfile.mkdtemp(prefix="coroscope-test-", dir="/dev/shm")  # where no other program prunes
os.environ["XDG_RUNTIME_DIR"] = memory


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


def statistics(path):
    status, out, err = program.run("stat", "--json", path)
    return json.loads(out) if status == 0 else {"events": 0}


def events(path):
    """The events, without what differs from run to run."""
    status, out, err = program.run("events", "--json", path)
    assert status == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    return [{key: value for key, value in line.items() if key != "t"} for line in lines if "n" in line]


def losses(path):
    status, out, err = program.run("events", "--json", path)
    return sum(line["count"] for line in map(json.loads, out.splitlines()) if line["kind"] == "lost")


def segments():
    return [entry for entry in json.loads(program.run("list", "--json")[1]) if entry["segment"].startswith(memory)]


class Recording:
    """A recorder and its program, which waits in the middle when the recorder's file has its first half."""

    def __init__(self, name, count, *words, options=(), at_least=1):
        self.path = folder / name
        self.process = subprocess.Popen(
            [program.coroscope, "record", "-o", str(self.path), *options, "--", emitter, str(count), "-", "quiet",
             "pause", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # A flight recorder's file is empty until the end: then the ring is there, so the recorder has its lease.
        wait_for(lambda: statistics(self.path)["events"] >= at_least if at_least else
                 any(os.path.exists(entry["segment"] + "/ring.0") for entry in segments()))
        self.pid = segments()[0]["pid"]

    def kill_recorder(self):
        self.process.kill()
        self.process.wait()

    def go_on(self):
        self.process.stdin.write(b"x")
        self.process.stdin.close()
        wait_for(lambda: not alive(self.pid))

    def kill_program(self):
        os.kill(self.pid, signal.SIGKILL)
        wait_for(lambda: not alive(self.pid))


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def record_all(name, count, *words):
    path = folder / name
    status, out, err = program.run("record", "-o", path, "--", emitter, count, "-", "quiet", "pause", *words, stdin="x")
    assert status == 0, err
    return path


# The recorder is killed, its program goes on to its end.
whole = events(record_all("whole.coro", 2000, "churn", "many"))
recording = Recording("killed.coro", 2000, "churn", "many")
recording.kill_recorder()
had = statistics(recording.path)["events"]
checks.check("a killed recorder's file opens", 0 < had < len(whole), str(had))
checks.equal("... and has the first events", json.dumps(events(recording.path)), json.dumps(whole[:had]))
recording.go_on()
checks.check("its program leaves its segment", [entry["state"] for entry in segments()] == ["killed"], str(segments()))
copy = folder / "copy.coro"
shutil.copy(recording.path, copy)
status, out, err = program.run("recover", recording.path)
checks.check("recover: says what it did", status == 0 and err == "" and out.count("\n") == 1 and
             f"{had} events, and {len(whole) - had} more" in out and "; 0 lost" in out, f"{status}: {out}{err}")
checks.equal("recover: each event is there once", json.dumps(events(recording.path)), json.dumps(whole))
checks.check("recover: nothing is left", segments() == [] and not list(pathlib.Path(memory, "coroscope").iterdir()),
             str(segments()))
status, out, err = program.run("replay", "--batch", recording.path, stdin="continue\nexpect end of the recording\nback 10\n")
checks.check("recover: it replays", status == 0 and err == "", f"{status}: {out}{err}")
status, out, err = program.run("recover", copy)
checks.check("recover: no segment", status == 3 and out == "" and err.count("\n") == 1 and "not there any more" in err, err)

# What cannot be completed.
status, out, err = program.run("recover", folder / "whole.coro")
checks.check("recover: complete already", status == 3 and "is complete" in err and err.count("\n") == 1, err)
status, out, err = program.run("recover", folder / "absent.coro")
checks.check("recover: no such file", status == 3 and "is not there" in err and err.count("\n") == 1, err)
status, out, err = program.run("recover", "4000000000")
checks.check("recover: no such process", status == 3 and "has left nothing" in err, err)
status, out, err = program.run("recover")
checks.check("recover: which?", status == 2 and "which trace file or process? see coroscope recover --help" in err, err)
status, out, err = program.run("recover", "a", "b", "c")
checks.check("recover: too many", status == 2, err)

# Both are killed; before that, whatever somebody else still uses is left alone.
recording = Recording("both.coro", 2000, "churn")
segment = segments()[0]["segment"]
status, out, err = program.run("recover", recording.path)
checks.check("recover: its recorder lives", status == 3 and "is being recorded into" in err, err)
status, out, err = program.run("recover", "-o", folder / "x.coro", segment)
checks.check("recover: somebody reads it", status == 3 and "is being read" in err, err)
checks.check("prune: somebody lives", program.run("prune", recording.pid)[1] == "nothing was left\n" and len(segments()) == 1)
recording.kill_recorder()
status, out, err = program.run("recover", str(recording.pid))
checks.check("recover: the program runs", status == 3 and "still runs" in err, err)
status, out, err = program.run("recover", recording.path)
checks.check("recover: what a running program has emitted", status == 0 and "still runs" in out and len(segments()) == 1,
             f"{status}: {out}{err}")
middle = statistics(recording.path)["events"]
status, out, err = program.run("recover", "--json", recording.path)
told = json.loads(out)
checks.check("recover: nothing twice", told["before"] == middle and told["recovered"] == 0 and told["running"], out)
status, out, err = program.run("recover", copy, segment)
checks.check("recover: of another program", status == 3 and "another program" in err and err.count("\n") == 1, err)
recording.kill_program()
status, out, err = program.run("recover", recording.path, segment)
checks.check("recover: the segment is named", status == 0 and "0 more" in out, f"{status}: {out}{err}")
checks.check("recover: and gone", segments() == [])
whole = events(record_all("whole.coro", 2000, "churn"))
found = events(recording.path)
checks.equal("recover: up to where it was killed", json.dumps(found), json.dumps(whole[:len(found)]))

# Without a trace: what is still in the ring. All of it was read, but is there.
recording = Recording("gone.coro", 2000, "churn")
recording.kill_recorder()
os.unlink(recording.path)
recording.kill_program()
status, out, err = program.run("recover", "-o", folder / "new.coro", str(recording.pid))
checks.check("recover: a new trace", status == 0 and "0 events, and" in out and segments() == [], f"{status}: {out}{err}")
found = events(folder / "new.coro")
checks.equal("recover: all that the ring has", json.dumps(found), json.dumps(whole[:len(found)]))
checks.check("recover: ... which is much", len(found) > 2000, str(len(found)))

# A ring that has gone round: names of what was made before come from the table.
os.environ["COROSCOPE_RING_LOG2"] = "9"
recording = Recording("round.coro", 2000, "churn")
del os.environ["COROSCOPE_RING_LOG2"]
recording.kill_recorder()
recording.kill_program()
status, out, err = program.run("recover", "-o", folder / "round-new.coro", segments()[0]["segment"] if segments() else "-")
found = events(folder / "round-new.coro")
expected = events(recording.path)[-len(found):]
for line in found + expected:
    del line["n"]
checks.check("recover: of a ring that has gone round", 100 < len(found) <= 512, f"{len(found)}: {status}: {out}{err}")
checks.check("recover: with names", all(line["name"] for line in found if line["kind"] == "yield"), str(found[:3]))
checks.equal("recover: the last ones", json.dumps([line for line in found if line.get("name") == "counter"]),
             json.dumps([line for line in expected if line["name"] == "counter"]))
checks.check("recover: what was before is counted", losses(folder / "round-new.coro") > 1000)

# A flight recorder and its program: the window is in the segment.
recording = Recording("flight.coro", 20000, "churn", options=("--policy", "overwrite", "--last", "64K"), at_least=0)
recording.kill_recorder()
recording.go_on()
status, out, err = program.run("recover", recording.path)
checks.check("recover: a flight recorder's", status == 0 and segments() == [], f"{status}: {out}{err}")
found, lost = events(recording.path), losses(recording.path)
checks.check("recover: its window", 500 < len(found) < 2048 and lost > 10000, f"{len(found)}, {lost}: {out}")
checks.check("recover: with all names", all(line.get("name") for line in found), str(found[:3]))

# One whose recorder told what was dropped, before it was killed.
recording = Recording("drop.coro", 2000, "churn", options=("--policy", "drop"))
recording.kill_recorder()
recording.kill_program()
status, out, err = program.run("recover", recording.path)
checks.check("recover: with policy drop", status == 0, f"{status}: {out}{err}")

# Removing.
recording = Recording("pruned.coro", 100)
recording.kill_recorder()
recording.kill_program()
status, out, err = program.run("prune", str(recording.pid))
checks.check("prune: says what it removed", status == 0 and re.fullmatch(
    rf"removed what process {recording.pid} has left: {memory}/coroscope/\S+\n", out), f"{status}: {out}{err}")
checks.check("prune: it is gone", segments() == [])
status, out, err = program.run("prune", str(recording.pid))
checks.check("prune: nothing", status == 0 and out == "nothing was left\n", out)
status, out, err = program.run("prune", "x")
checks.check("prune: not a process", status == 2, err)

shutil.rmtree(memory)
checks.end()

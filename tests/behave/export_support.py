"""What the tests of the exports share: traces of every kind, the report of an export, and what slices must fulfil."""
import json
import pathlib
import shutil
import subprocess
import sys
from support import PATIENCE, begin as begin_test

maker = sys.argv.pop(4)
CASES = ["empty", "threads", "lossy", "hostile", "output", "pipe"]
DEMOS = ["channel", "producer_consumer"]
SEEDS = range(1, 5)
SKIPPED = 77  # what meson takes for it


class Trace:
    """A trace file, with what the program says of it."""

    def __init__(self, program, name, path):
        self.name, self.path = name, path
        status, out, err = program.run("stat", "--json", path)
        assert status == 0, f"{name}: {err}"
        self.stat = json.loads(out)
        self.lines = [json.loads(line) for line in program.run("events", "--json", path)[1].splitlines()]
        self.events = [line for line in self.lines if "n" in line]
        self.lost = [line for line in self.lines if line["kind"] == "lost"]
        self.unreadable = sum(line["count"] for line in self.lines if line["kind"] == "unreadable")


def make(case, path, *arguments):
    subprocess.run([maker, case, path, *map(str, arguments)], check=True, timeout=PATIENCE)
    return path


def damaged(program, trace, folder):
    """Copies of a trace with a flipped byte each, some of whose events cannot be read then."""
    whole = trace.read_bytes()
    found = 0
    for at in range(4096 + 64, len(whole), max(1, len(whole) // 150)):
        path = folder / f"damaged-{at}.coro"
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
        status, out, err = program.run("stat", "--json", path)
        if status == 0 and json.loads(out).get("unreadable"):
            found += 1
            yield Trace(program, path.stem, path)
        if found == 4:
            return


def begin():
    """The program, what counts the checks, a folder, and all traces."""
    program, checks, folder = begin_test()
    traces = [Trace(program, case, make(case, folder / f"{case}.coro")) for case in CASES]
    traces += [Trace(program, f"random-{seed}", make("random", folder / f"random-{seed}.coro", seed, 1000))
               for seed in SEEDS]
    for demo in DEMOS:
        program.record(demo, folder / f"{demo}.coro")
        traces.append(Trace(program, demo, folder / f"{demo}.coro"))
    spoilt = list(damaged(program, folder / "random-1.coro", folder))
    checks.check("some traces are damaged", len(spoilt) > 1)
    return program, checks, folder, traces + spoilt


def export(program, checks, trace, form, out):
    """Exports, checks what is counted, and returns the report."""
    status, answer, err = program.run("export", "--format", form, "-o", out, "--json", trace.path)
    checks.check(f"{trace.name}: exported", status == 0, f"{status}: {err}")
    if status:
        return None
    report = json.loads(answer)
    what = f"{trace.name}: {answer}"
    omitted = sum(report["omitted"].values())
    checks.check(f"{trace.name}: exported and left out are all",
                 report["exported"] + omitted == report["events"] == trace.stat["events"], what)
    checks.check(f"{trace.name}: lost", report["lost"] == trace.stat["lost"], what)
    if form != "asciicast":
        checks.check(f"{trace.name}: what cannot be read is counted",
                     report["omitted"].get("unreadable", 0) == trace.unreadable == trace.stat.get("unreadable", 0), what)
    damage = "damaged" in trace.name
    checks.check(f"{trace.name}: quiet, or a line about damage", err.count("\n") <= damage, err)
    size = out.stat().st_size if out.is_file() else sum(file.stat().st_size for file in out.iterdir())
    checks.check(f"{trace.name}: bytes", report["bytes"] == size, f"{size}: {what}")
    return report


def consumer(name):
    """The path of a program that reads exports, or None, which is said."""
    path = shutil.which(name)
    if not path:
        print(f"skipped: {name} is not installed")
    return path


def end(checks, *consumers):
    """Ends the test: as skipped when all went well, but a consumer was not there to say so."""
    if all(consumers) or checks.failed:
        checks.end()
    print(f"{checks.passed} checks passed")
    sys.exit(SKIPPED)


class Slices:
    """Begins and ends on tracks, as viewers take them: they nest, and time does not go back."""

    def __init__(self, checks, trace):
        self.checks, self.trace = checks, trace
        self.open, self.last, self.count = {}, {}, 0
        self.good = True

    def fail(self, what):
        if self.good:  # once a trace
            self.checks.check(f"{self.trace.name}: {what}", False)
        self.good = False

    def at(self, track, t):
        if t < self.last.get(track, 0):
            self.fail(f"time goes back on track {track}: {self.last[track]} {t}")
        self.last[track] = t

    def begin(self, track, t, what):
        self.at(track, t)
        self.open.setdefault(track, []).append(what)
        self.count += 1

    def end(self, track, t, what=None):
        self.at(track, t)
        if not self.open.get(track):
            self.fail(f"an end without a begin on track {track} at {t}")
            return None
        begun = self.open[track].pop()
        if what not in (None, begun):
            self.fail(f"{what} ends where {begun} was begun")
        return begun

    def close(self):
        left = sum(map(len, self.open.values()))
        if left:
            self.fail(f"{left} slices are open at the end")
        self.checks.check(f"{self.trace.name}: slices nest, and time does not go back", self.good)

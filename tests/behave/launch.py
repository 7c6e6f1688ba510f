"""Programs that fail before their first event: one line says what happened, and nothing is left of them."""
import os
import pathlib
import shutil
import sys
from support import begin

early = os.path.realpath(sys.argv.pop(4))
needs_absent = sys.argv.pop(4)
needs_runtime = sys.argv.pop(4)
os.environ.pop("LD_LIBRARY_PATH", None)  # where the library is not absent
program, checks, folder = begin()
homeless = folder / "alone"
homeless.mkdir()
shutil.copy(needs_absent, homeless / "needs_absent")
shutil.copy(needs_runtime, homeless / "needs_runtime")


def left():
    """Processes of the programs of this test."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "exe") in (early, str(homeless / "needs_absent")):
                found.append(process.name)
        except OSError:
            continue
    return found


FAILURES = {
    (early, "exit"): ["ended with status 7 before it began", "no luck ?[31m today"],
    (early, "die"): ["was killed by signal 9", "before it began"],
    (early, "hide"): ["made no segment to be watched through"],
    (early, "silent"): ["made no segment to be watched through"],
    (early, "babble"): ["made no segment to be watched through"],
    (early, "lie"): ["/no/such/segment"],
    (str(homeless / "needs_absent"),): ["ended with status 127 before it began", "libabsent.so", "No such file"],
}
for command, words in FAILURES.items():
    for how in (["run", "--batch"], ["record", "-o", folder / "never.coro"]):
        what = f"{how[0]} {pathlib.Path(command[0]).name} {' '.join(command[1:])}"
        status, out, err = program.run(*how, "--", *command)
        checks.check(f"{what}: status", status == 3, f"{status}: {err}")
        checks.check(f"{what}: one line", err.count("\n") == 1 and "\x1b" not in err, err)
        checks.check(f"{what}: says why", all(word in err for word in words), f"{words} in {err}")
        checks.check(f"{what}: no trace", not (folder / "never.coro").exists())
        checks.check(f"{what}: no process", not left(), str(left()))

# The runtime itself is what is not found.
for how, words in ((["run", "--batch"], ["needs_runtime", "is not found", "LD_LIBRARY_PATH"]),
                   (["record", "-o", folder / "never.coro"], ["needs_runtime", "exited with status 127 before it reached main", "LD_LIBRARY_PATH"])):
    status, out, err = program.run(*how, "--", homeless / "needs_runtime")
    checks.check(f"{how[0]} without the runtime: status", status == 3, f"{status}: {err}")
    checks.check(f"{how[0]} without the runtime: says why", all(word in err.splitlines()[-1] for word in words), err)
    checks.check(f"{how[0]} without the runtime: no trace", not (folder / "never.coro").exists())
(homeless / "needs_runtime").unlink()

# A name without a slash is looked for in PATH, as a shell does: past what cannot be executed.
paths = [folder / "first", folder / "second"]
for path in paths:
    path.mkdir()
(paths[0] / "channel").write_bytes(b"\x7fELF")
os.environ["PATH"] = f"{paths[0]}::{paths[1]}:" + os.environ["PATH"]
status, out, err = program.run("run", "--batch", "channel", cwd=homeless)
checks.check("PATH: only one that cannot be executed", status == 3 and "not executable" in err, f"{status}: {err}")
shutil.copy(program.demo("channel"), paths[1] / "channel")
status, out, err = program.run("record", "-o", folder / "found.coro", "channel", cwd=homeless)
checks.check("PATH: the next one", status == 0 and "main: received" in out, f"{status}: {err}")
(homeless / "here").symlink_to(program.demo("averager"))
status, out, err = program.run("record", "-o", folder / "found.coro", "here", cwd=homeless)
checks.check("PATH: an empty part is this folder", status == 0 and "0 lost" in err, f"{status}: {err}")
del os.environ["PATH"]
status, out, err = program.run("run", "--batch", "no_such_program_anywhere")
checks.check("no PATH: an answer all the same", status == 3 and "no_such_program_anywhere" in err, f"{status}: {err}")
os.environ["PATH"] = "/usr/bin:/bin"

# A trace has a place of its own when none is named: each in turn that can be had.
home = folder / "home"
readable = folder / "readable"
for path in (home, readable):
    path.mkdir()
for what, variables in {
    "the state folder": {"XDG_STATE_HOME": str(home / "state")},
    "below home": {"XDG_STATE_HOME": None, "HOME": str(home)},
    "a relative one is none": {"XDG_STATE_HOME": "relative", "HOME": str(home)},
    "no home": {"XDG_STATE_HOME": None, "HOME": None, "TMPDIR": str(readable)},
    "a home that is none": {"XDG_STATE_HOME": "/dev/null/state", "HOME": str(home), "TMPDIR": str(readable)},
    "a home with too long a name": {"XDG_STATE_HOME": "/" + "x" * 5000, "HOME": str(home), "TMPDIR": str(readable)},
    "nothing that is said": {"XDG_STATE_HOME": "/proc/none", "HOME": "/proc/none", "TMPDIR": "/proc/none"},
    "the kernel's own, without nameless files": {"XDG_STATE_HOME": "/dev/null", "TMPDIR": "/dev/null"},
}.items():
    saved = dict(os.environ)
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    status, out, err = program.run("run", "--batch", program.demo("channel"), stdin="event 3\nback 2\ncontinue\n", cwd=homeless)
    os.environ.clear()
    os.environ.update(saved)
    checks.check(f"place: {what}", status == 0 and err == "" and "event 1/" in out, f"{status}: {out}{err}")
files = [path for top in (home, readable, homeless) for path in top.rglob("*") if path.is_file()]
checks.check("place: no file is left", {path.name for path in files} == {"needs_absent", "here"}, str(files))
checks.check("place: the folders are made for their owner alone", (home / "state" / "coroscope").stat().st_mode & 0o777 == 0o700 and
             (home / ".local" / "state" / "coroscope").is_dir())

checks.end()

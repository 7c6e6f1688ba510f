"""export: where it goes, what is said, and that memory does not grow with the trace."""
import json
import os
import resource
import stat
import subprocess
import threading
from export_support import make
from support import PATIENCE, begin

program, checks, folder = begin()
trace = folder / "t.coro"
make("threads", trace)
FORMATS = ["ctf", "perfetto", "chrome", "speedscope", "asciicast", "json"]


def run(*arguments, **more):
    return program.run("export", *arguments, **more)


def run_raw(form):
    """What goes to standard output."""
    return subprocess.run([program.coroscope, "export", "--format", form, "-o", "-", trace], capture_output=True,
                          timeout=PATIENCE).stdout


def left():
    return sorted(name for name in os.listdir(folder) if name.startswith("."))


# Mistakes: one line, which says what.
MISTAKES = {
    (2, "as what? --format FORMAT"): ["-o", "x", trace],
    (2, "into which file? -o FILE"): ["--format", "json", trace],
    (2, "which trace file?"): ["--format", "json", "-o", "x"],
    (2, "'pdf' is none of ctf, perfetto, chrome, speedscope, asciicast, json"): ["--format", "pdf", "-o", "x", trace],
    (2, "--json and '-o -' both want standard output"): ["--format", "json", "-o", "-", "--json", trace],
    (3, "no such file"): ["--format", "json", "-o", "x", folder / "none.coro"],
    (3, "-: this format is a folder: give its name"): ["--format", "ctf", "-o", "-", trace],
    (3, f"{trace}: is the trace itself"): ["--format", "json", "-o", trace, trace],
    (3, f"{trace}: is not a folder"): ["--format", "ctf", "-o", trace, trace],
    (3, f"{folder}: is a folder that is not empty"): ["--format", "ctf", "-o", folder, trace],
    (3, f"{folder}: is a folder"): ["--format", "json", "-o", folder, trace],
    (3, "no/where: No such file or directory"): ["--format", "json", "-o", "no/where", trace],
    (3, "no/where: No such file or directory "): ["--format", "ctf", "-o", "no/where", trace],
    (3, "/dev/full: No space left on device"): ["--format", "json", "-o", "/dev/full", trace],
    (3, "/dev/full: No space left on device "): ["--format", "speedscope", "-o", "/dev/full", trace],
}
before = trace.read_bytes()
for (expected, words), arguments in MISTAKES.items():
    status, out, err = run(*arguments, cwd=folder)
    checks.check(f"mistake: {words}", status == expected and out == "" and err.count("\n") == 1 and words.strip() in err,
                 f"{status}: {err}")
checks.check("mistakes leave nothing", trace.read_bytes() == before and not left() and os.listdir(folder) == ["t.coro"],
             str(os.listdir(folder)))
link = folder / "link.coro"
link.symlink_to(trace)
checks.check("the trace itself under another name", run("--format", "json", "-o", link, trace)[0] == 3)

# The report.
status, out, err = run("--format", "speedscope", "-o", folder / "a.json", trace)
checks.check("report: a line", status == 0 and out == "" and err.count("\n") == 1 and
             "events exported; left out: " in err and "that the format has no place for, 1 piece of output" in err, err)
status, out, err = run("--format", "json", "-o", folder / "a.json", trace)
checks.check("report: all of it", err == f"coroscope: export: {folder}/a.json: 76 of 76 events and 1 piece of output exported\n",
             err)
status, out, err = run("--format", "json", "-o", folder / "a.json", "--json", trace)
checks.check("report: JSON", err == "" and list(json.loads(out)) == [
    "format", "file", "events", "exported", "omitted", "lost", "output", "output_exported", "output_unreadable", "cut",
    "moved", "bytes"], out)

# Places.
mask = os.umask(0o027)
for form in FORMATS:
    place = folder / f"new.{form}"
    first = run("--format", form, "-o", place, trace)
    checks.check(f"{form}: rights", stat.S_IMODE(place.stat().st_mode) == (0o750 if form == "ctf" else 0o640))
    again = run("--format", form, "-o", place, trace)
    checks.check(f"{form}: twice", first[0] == 0 and again[0] == (3 if form == "ctf" else 0), f"{first}{again}")
    if form != "ctf":
        checks.check(f"{form}: standard output", run_raw(form) == place.read_bytes())
        fifo = folder / "fifo"
        os.mkfifo(fifo)
        taken = []
        reader = threading.Thread(target=lambda: taken.append(fifo.read_bytes()))
        reader.start()
        run("--format", form, "-o", fifo, trace)
        reader.join(PATIENCE)
        checks.check(f"{form}: a FIFO", taken == [place.read_bytes()] and stat.S_ISFIFO(fifo.stat().st_mode))
        fifo.unlink()
os.umask(mask)
(folder / "empty").mkdir()
checks.check("ctf: an empty folder", run("--format", "ctf", "-o", f"{folder}/empty/", trace)[0] == 0 and
             sorted(os.listdir(folder / "empty")) == ["metadata", "thread_1", "thread_2"])
aim, pointer = folder / "aim.json", folder / "pointer.json"
aim.write_text("old")
pointer.symlink_to(aim)
run("--format", "json", "-o", pointer, trace)
checks.check("a symbolic link stays one", pointer.is_symlink() and aim.read_text().startswith('{"n":1,'))
checks.check("nothing temporary is left", not left(), str(left()))

# The debugger's command.
status, out, err = program.run("replay", "--batch", trace, cwd=folder,
                               stdin="export chrome c.json\nexpect 76 of 76 events and 1 piece of output exported\nexport ctf c\n")
checks.check("command: exports", status == 0 and (folder / "c.json").read_bytes() == (folder / "new.chrome").read_bytes() and
             "metadata" in os.listdir(folder / "c"), out + err)
status, out, err = program.run("replay", "--batch", trace, stdin="export json /no/where\n")
checks.check("command: what cannot be written ends a script", status == 3 and err.count("\n") == 1 and
             "/no/where: No such file or directory" in err, err)
for line, words in {"export": "as what? ctf, ", "export pdf x": "as what? ctf, ", "export json": "into which file?"}.items():
    status, out, err = program.run("replay", "--batch", trace, stdin=line + "\n")
    checks.check(f"command: {line}", status == 2 and words in err and err.count("\n") == 1, err)

# A disk that is full: nothing is left, and what was there stays.
large = make("random", folder / "large.coro", 1, 200000)
kept = folder / "kept.json"
kept.write_text("kept")


def limited(form, to):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return subprocess.run([program.coroscope, "export", "--format", form, "-o", to, large], capture_output=True,
                          timeout=PATIENCE, preexec_fn=limit)


for form in ("json", "perfetto", "chrome", "speedscope", "ctf"):
    to = folder / "none" if form == "ctf" else kept
    done = limited(form, to)
    checks.check(f"{form}: a full disk", done.returncode == 3 and done.stderr.count(b"\n") == 1 and
                 b"File too large" in done.stderr, done.stderr.decode())
    checks.check(f"{form}: nothing is left of it", kept.read_text() == "kept" and not (folder / "none").exists() and
                 not left(), str(left()))

# Memory.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def memory(form, path, to):
    # AddressSanitizer keeps what was freed for a while.
    quiet = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
    done = subprocess.run(["python3", "-c", MEASURE, program.coroscope, "export", "--format", form, "-o", to, path],
                          capture_output=True, timeout=PATIENCE, env=quiet)
    return int(done.stdout)


larger = make("random", folder / "larger.coro", 1, 800000)
for form in FORMATS:
    few, many = (memory(form, path, folder / f"{path.stem}.{form}") for path in (large, larger))
    # The events of the larger one would be 60 MiB more; what is kept of the last ones read is up to 20.
    checks.check(f"{form}: memory does not grow with the trace", many - few < 24576, f"{few} KiB, {many} KiB")

checks.end()

"""export --format speedscope: as its published schema wants it, and what the schema cannot say: begins and ends are
balanced, times do not go back, frames are there."""
import json
import pathlib
import subprocess
import sys
from export_support import Slices, begin, consumer, end, export
from support import PATIENCE

program, checks, folder, traces = begin()
schema = pathlib.Path(__file__).parent / "speedscope/file-format-schema.json"
VALIDATE = ("import json, sys, jsonschema\n"
            "schema = jsonschema.Draft7Validator(json.load(open(sys.argv[1])))\n"
            "errors = list(schema.iter_errors(json.load(open(sys.argv[2]))))\n"
            "print(errors[:1] or 'valid')\n")


def find_validator():
    """A Python that has jsonschema: this one, or the system's, for which Debian has it."""
    for python in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([python, "-c", "import jsonschema"], capture_output=True)
        if done.returncode == 0:
            return python
    print("skipped: the Python package jsonschema is not installed")
    return None


python = find_validator()


def valid(path):
    done = subprocess.run([python, "-W", "ignore", "-c", VALIDATE, schema, path], capture_output=True, timeout=PATIENCE)
    return done.stdout.decode().strip() or done.stderr.decode()


for trace in traces:
    out = folder / f"{trace.name}.speedscope.json"
    report = export(program, checks, trace, "speedscope", out)
    if not report:
        continue
    whole = json.loads(out.read_text())
    frames = whole["shared"]["frames"]
    slices = Slices(checks, trace)
    count = 0
    for profile in whole["profiles"]:
        thread = profile["name"]
        for event in profile["events"]:
            frame = frames[event["frame"]]["name"]
            (slices.begin if event["type"] == "O" else slices.end)(thread, event["at"], frame)
            count += 1
        checks.check(f"{trace.name}: {thread}: ends after its last event", profile["startValue"] == 0 and
                     profile["endValue"] >= slices.last.get(thread, 0))
    slices.close()
    checks.check(f"{trace.name}: as many events as it says, and the cuts", count == report["exported"] + report["cut"],
                 f"{count} {report}")
    checks.check(f"{trace.name}: each frame once", len({frame["name"] for frame in frames}) <= len(frames) and
                 all(frame["name"] for frame in frames))
    if python:
        said = valid(out)
        checks.check(f"{trace.name}: the schema", said == "valid", said)
    if trace.name == "threads":
        checks.check("threads: a profile a thread", [profile["name"] for profile in whole["profiles"]] ==
                     ["thread 1", "thread 2"])
        checks.check("threads: frames", sorted(frame["name"] for frame in frames) ==
                     ["ask", "loop", "serve", "task client", "task server"], str(frames))
        text = [(event["type"], frames[event["frame"]]["name"]) for event in whole["profiles"][0]["events"][:6]]
        checks.check("threads: the stack", text == [("O", "loop"), ("O", "task server"), ("O", "serve"), ("C", "serve"),
                                                    ("C", "task server"), ("C", "loop")], str(text))

# The schema finds mistakes.
if python:
    broken = folder / "broken.json"
    broken.write_text(out.read_text().replace('"type":"O"', '"type":"X"').replace('"nanoseconds"', '"hours"'))
    checks.check("the validator can say no", valid(broken) != "valid")

# More than a block of a thread, and more threads than one.
from export_support import Trace, make
large = Trace(program, "large", make("random", folder / "large.coro", 9, 60000))
out = folder / "large.speedscope.json"
report = export(program, checks, large, "speedscope", out)
whole = json.loads(out.read_text())
checks.check("large: all of it", sum(len(profile["events"]) for profile in whole["profiles"]) ==
             report["exported"] + report["cut"] > 10000 and out.stat().st_size > 4 * 65536, str(report))

end(checks, python)

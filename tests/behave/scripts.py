"""Plays the scripts in scripts/ in the debugger, and compares the answers with what is written there.

NAME.script begins with "# run: OPTIONS DEMO" or "# replay: DEMO"; NAME.answers is what it prints.
Every script is also played on the recording of its demo: the same events, the same answers, but
for the program's output and the number of the last event, which a live program does not know."""
import pathlib
import re
from support import begin

program, checks, folder = begin()
here = pathlib.Path(__file__).parent / "scripts"
recorded = {}


def recording(demo):
    if demo not in recorded:
        recorded[demo] = str(folder / (demo + ".coro"))
        program.record(demo, recorded[demo])
    return recorded[demo]


def without_life(text):
    """What live and replay have in common."""
    lines = [line for line in text.splitlines() if not line.startswith("| ")]
    lines = [re.sub(r"^event (\d+)/\S+", r"event \1", line) for line in lines]
    ends = ("the program has ended with exit status 0", "this is the end of the recording")
    return "\n".join(line.replace(ends[0], "the end").replace(ends[1], "the end") for line in lines)


for script in sorted(here.glob("*.script")):
    words = script.read_text().splitlines()[0].split()
    assert words[0] == "#" and words[1] in ("run:", "replay:"), script
    demo = words[-1]
    expected = script.with_suffix(".answers").read_text()
    replayed = program.run("replay", "-x", script, recording(demo))
    if words[1] == "run:":
        status, out, err = program.run("run", *words[2:-1], "-x", script, program.demo(demo))
        checks.equal(f"{script.stem}: answers", program.name_places(out), expected)
        checks.check(f"{script.stem}: status", status == 0 and err == "", f"{status}: {err}")
        checks.equal(f"{script.stem}: the same on a recording",
                     without_life(program.name_places(replayed[1])), without_life(expected))
    else:
        checks.equal(f"{script.stem}: answers", program.name_places(replayed[1]), expected)
    checks.check(f"{script.stem}: status of replay", replayed[0] == 0 and replayed[2] == "",
                 f"{replayed[0]}: {replayed[2]}")

# A script that fails says where, what it expected, and what there was.
status, out, err = program.run("run", "--batch", program.demo("channel"),
                               stdin="# a comment\n\nevent\nexpect create\nexpect nonsense\nevent\n")
checks.check("expect: status", status == 1, str(status))
checks.check("expect: one line", err.count("\n") == 1 and "line 5" in err and "'nonsense'" in err and
             "event 1/" in err, err)
checks.check("expect: the script ends there", out.count("\n") == 1, out)

# The program's output stands between the answers at its place.
status, out, err = program.run("run", "--batch", program.demo("channel"), stdin="event 6\nevent\n")
checks.equal("output: at its place", re.sub("  .*", "", out),
             "event 6/…\n| main: received 0\nevent 7/…\n| first: got 100\n")

# Leaving: the program runs on, or is killed.
for word, status in (("quit", 0), ("quit kill", 0)):
    result = program.run("run", "--batch", program.demo("channel"), stdin=f"event\n{word}\nevent\n")
    checks.check(word, result[0] == status and result[1].count("event") == 1, str(result))

checks.end()

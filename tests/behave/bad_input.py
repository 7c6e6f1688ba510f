"""Bad input: each gets one clear line on stderr that names what is wrong, the right exit status, and nothing
is left behind."""
import json
import pathlib
from support import begin

program, checks, folder = begin()
good = str(folder / "good.coro")
program.record("channel", good)
bytes_of_good = pathlib.Path(good).read_bytes()


def write(name, content, mode=0o644):
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


empty = write("empty.coro", b"")
text = write("text.coro", b"this is not a trace, but it is long enough to be looked at\n" * 200)
headless = write("headless.coro", bytes_of_good[:100])
# The version stands after the magic: major, minor.
at = bytes_of_good.index(b"COROTRC1") + 8
newer = write("newer.coro", bytes_of_good[:at] + b"\x09\x00" + bytes_of_good[at + 2:])
not_executable = write("not_executable", b"\x7fELF", 0o644)
script = write("script.sh", b"#!/bin/sh\nexit 3\n", 0o755)
missing = str(folder / "missing")
(folder / "a_folder").mkdir()
bad_script = write("bad.script", b"event\nevent x\n")
unknown_script = write("unknown.script", b"event\n\nfoo bar\n")
demo = program.demo("channel")

before = sorted(path.name for path in folder.iterdir())

# arguments, exit status, words of the line
TABLE = [
    # Programs.
    (["run", missing], 3, ["missing", "no such file"]),
    (["run", "--batch", missing], 3, ["missing", "no such file"]),
    (["run", "--batch", "no_such_program_anywhere"], 3, ["no_such_program_anywhere", "PATH"]),
    (["run", "--batch", not_executable], 3, ["not_executable", "not executable"]),
    (["run", "--batch", str(folder)], 3, ["folder"]),
    (["run", "--batch", "/bin/true"], 3, ["/bin/true", "does not link"]),
    (["run", "--batch", script], 3, ["script.sh", "does not link"]),
    (["record", "-o", missing, missing + "2"], 3, ["missing2", "no such file"]),
    (["record", "-o", missing, not_executable], 3, ["not_executable", "not executable"]),
    (["record", "-o", missing, "/bin/true"], 3, ["/bin/true", "does not link"]),
    (["record", "-o", missing, script], 3, ["script.sh", "does not link"]),
    # Outputs.
    (["record", "-o", str(folder / "no" / "where"), demo], 3, ["where", "No such file"]),
    (["record", "-o", str(folder / "a_folder"), demo], 3, ["a_folder", "folder"]),
    (["record", "-o", "/dev/full", demo], 3, ["/dev/full", "regular"]),
    (["run", "-o", str(folder / "no" / "where"), "--batch", demo], 3, ["where"]),
    # Traces.
    (["replay", "--batch", empty], 3, ["empty.coro", "is empty"]),
    (["replay", "--batch", text], 3, ["text.coro", "is not a trace"]),
    (["replay", "--batch", headless], 3, ["headless.coro"]),
    (["replay", "--batch", newer], 3, ["newer.coro"]),
    (["replay", "--batch", missing], 3, ["missing", "no such file"]),
    (["replay", "--batch", str(folder)], 3, ["directory"]),
    (["events", empty], 3, ["empty.coro", "is empty"]),
    (["ps", text], 3, ["text.coro", "is not a trace"]),
    (["tree", missing], 3, ["missing", "no such file"]),
    (["stat", empty], 3, ["empty.coro"]),
    (["ps", "999999999"], 3, ["999999999", "process", "exist"]),
    (["ps", "--at", "1000", good], 3, ["1000", "26"]),
    (["events", "--from", "1000", good], 3, ["1000", "26"]),
    # Scripts.
    (["run", "-x", missing, demo], 3, ["missing", "no such file"]),
    (["run", "-x", bad_script, demo], 2, ["'x'", "line 2", "help"]),
    (["run", "-x", unknown_script, demo], 2, ["unknown command 'foo'", "line 3", "see help"]),
    # Commands and options.
    (["frobnicate"], 2, ["unknown command 'frobnicate'", "--help"]),
    (["--frobnicate"], 2, ["--frobnicate", "--help"]),
    (["run"], 2, ["which program"]),
    (["record"], 2, ["which program"]),
    (["replay"], 2, ["which trace"]),
    (["events"], 2, ["which trace"]),
    (["stat", good, good], 2, ["one trace file"]),
    (["events", "--frobnicate", good], 2, ["--frobnicate"]),
    (["events", "-z", good], 2, ["-z"]),
    (["events", "--from"], 2, ["--from", "value"]),
    (["events", "--from", "x", good], 2, ["--from", "'x'"]),
    (["events", "--from", "-1", good], 2, ["--from", "'-1'"]),
    (["events", "--json=yes", good], 2, ["--json"]),
    (["ps", "--at", "", good], 2, ["--at"]),
    (["record", "--policy", "drop", "--last", "1M", demo], 2, ["--last"]),
    (["record", "--policy", "overwrite", "--last", "1T", demo], 2, ["1T"]),
    (["record", "--policy", "overwrite", "--last", "-1", demo], 2, ["-1"]),
    (["record", "--policy", "drop", "--block-timeout", "5", demo], 2, ["--block-timeout"]),
    (["record", "--block-timeout", "0", demo], 2, ["0"]),
    (["record", "--policy", "wish", demo], 2, ["wish"]),
    # No terminal, no --batch.
    (["run", demo], 2, ["terminal", "--batch"]),
    (["replay", good], 2, ["terminal", "--batch"]),
]
for arguments, expected, words in TABLE:
    what = " ".join(arguments).replace(str(folder), ".")
    status, out, err = program.run(*arguments, cwd=folder)
    checks.check(f"{what}: status", status == expected, f"{status} instead of {expected}: {err}")
    checks.check(f"{what}: one line", err.count("\n") == 1 and err.startswith("coroscope: "), err)
    checks.check(f"{what}: names it", all(word in err for word in words), f"{words} in {err}")
    checks.check(f"{what}: says nothing else", out == "" or arguments[1:2] == ["-x"], out)
    after = sorted(path.name for path in folder.iterdir())
    checks.check(f"{what}: leaves nothing behind", after == before, str(set(after) ^ set(before)))

# An output that is full.
with open("/dev/full", "w") as full:
    for arguments in (["events", good], ["stat", "--json", good], ["--help"]):
        status, _, err = program.run(*arguments, stdout=full)
        checks.check(f"{arguments[0]}: full output", status == 3 and err.count("\n") == 1, f"{status}: {err}")

# save into what cannot be written ends a script.
status, out, err = program.run("replay", "--batch", good, stdin="event\nsave /no/where\nevent\n")
checks.check("save: status", status == 3 and out.count("\n") == 1, f"{status}: {out}")
checks.check("save: one line", err.count("\n") == 1 and "/no/where" in err and "line 2" in err, err)

# A trace that was cut off opens up to the tear, and says so.


def told(out):
    """The events of a listing; places may have been lost with the end of the file."""
    events = [json.loads(line) for line in out.splitlines()]
    return [(event["n"], event["t"], event["kind"], event["co"], event.get("value")) for event in events if "n" in event]


whole = told(program.run("events", "--json", good)[1])
for part in (len(bytes_of_good) - 1, len(bytes_of_good) * 3 // 4, len(bytes_of_good) * 2 // 3):
    torn = write("torn.coro", bytes_of_good[:part])
    status, out, err = program.run("events", "--json", torn)
    checks.check(f"torn at {part}: opens, or says that nothing is left", (status == 0 and err.count("\n") <= 1) or
                 (status == 3 and not out and "before its first event" in err), f"{status}: {err}")
    checks.check(f"torn at {part}: invents nothing", told(out) == whole[:len(told(out))], out)

# Moves that cannot be made are answered, and the script goes on.
status, out, err = program.run("replay", "--batch", good, stdin="back\ngoto 1000\nselect 77\ndelete 9\ndone\nevent\n")
checks.check("refused moves: status", status == 0 and err == "", f"{status}: {err}")
checks.check("refused moves: one line each", out.count("\n") == 6 and "event 1/26" in out, out)

# Help and version.
for arguments in ([], ["--help"], ["--version"], *([name, "--help"] for name in
                  ("run", "record", "replay", "ps", "tree", "events", "stat", "export"))):
    status, out, err = program.run(*arguments)
    checks.check(f"{arguments}: answers", status == 0 and out.startswith(("coroscope", "usage: coroscope")) and
                 err == "", f"{status}: {out}{err}")

checks.end()

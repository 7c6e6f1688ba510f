"""Traces of every minor version of the format that there was read as they did then.

    golden.py COROSCOPE GOLDEN_STACKS FOLDER [--write]

FOLDER has a folder for each version, with traces and, beside each, what was said of it: a line each of `stat`, `ps --all` at
its beginning, in its middle and at its end, and `events`, in JSON; and of its stacks, if it has some. --write says it anew, of traces that have none yet.
"""
import json
import pathlib
import subprocess
import sys

coroscope, stacks, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
write = "--write" in sys.argv[4:]


def said_of(trace):
    name = trace.name
    stat = subprocess.run([coroscope, "stat", "--json", name], cwd=trace.parent, capture_output=True, timeout=120)
    count = json.loads(stat.stdout)["events"]
    commands = [["stat", "--json"], *(["ps", "--all", "--json", "--at", str(n)] for n in (0, count // 2, count)), ["events", "--json"]]
    lines = []
    for command in commands:
        done = subprocess.run([coroscope, *command, name], cwd=trace.parent, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        lines.append(f"$ {' '.join(command)}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    lines.append(subprocess.run([stacks, name], cwd=trace.parent, capture_output=True, check=True, timeout=120).stdout.decode())
    return "".join(lines)


traces = sorted(folder.glob("*/*.coro"))
failed = 0
for trace in traces:
    expected = trace.with_suffix(".txt")
    said = said_of(trace)
    if write and not expected.exists():
        expected.write_text(said)
    if not expected.exists() or said != expected.read_text():
        failed += 1
        print(f"FAILED: {trace.parent.name}/{trace.name}")
        for now, then in zip(said.splitlines(), expected.read_text().splitlines() if expected.exists() else []):
            if now != then:
                print(f"    now:  {now[:300]}\n    then: {then[:300]}")
                break
print(f"{len(traces)} traces, {failed} read otherwise")
sys.exit(1 if failed or not traces else 0)

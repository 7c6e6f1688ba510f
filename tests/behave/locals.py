#!/usr/bin/env python3
"""The frames and variables of a suspended body are those that gdb sees, byte for byte.

    locals.py LOCALS_DUMP LIBRARY INCLUDE SCRATCH COMPILER BUILD...

LIBRARY is libcoroscope.a. BUILD is a list of options that locals_subject.c is compiled with. Exit status
77: gdb is missing, or may not trace.
"""
import json
import pathlib
import shutil
import subprocess
import sys

from support import Checks, PATIENCE

HERE = pathlib.Path(__file__).resolve().parent
SUBJECT = HERE / "locals_subject.c"
SKIP = 77


class Subject:
    """A build of the subject that runs, and waits with its coroutine suspended."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sp = int(self.process.stdout.readline())
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)

    def dump(self, tool, *arguments):
        done = subprocess.run([tool, str(self.process.pid), str(self.sp), *map(str, arguments)],
                              stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        return json.loads(done.stdout)

    def gdb(self):
        done = subprocess.run(["gdb", "-batch", "-nx", "-p", str(self.process.pid), "-ex", f"python SP = {self.sp}",
                               "-x", HERE / "locals_gdb.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE)
        found = [line[4:] for line in done.stdout.decode().splitlines() if line.startswith("JSON")]
        if not found and b"ptrace: Operation not permitted" in done.stdout + done.stderr:
            sys.exit(SKIP)
        assert found, done.stdout.decode() + done.stderr.decode()
        return json.loads(found[0])


def compile_subject(compiler, options, include, library, scratch):
    program = scratch / "_".join(["subject", pathlib.Path(compiler[0]).name, *options]).replace("=", "_")
    # The .dwo file of -gsplit-dwarf stands where the compiler was run.
    subprocess.run([*compiler, "-g", *options, "-w", f"-I{include}", SUBJECT, library, "-lpthread", "-o", program],
                   check=True, cwd=scratch)
    return program


def named(variables):
    """Variables by name and, of several with one name, how many were further inside."""
    found, seen = {}, {}
    for variable in variables:
        number = seen.get(variable["name"], 0)
        seen[variable["name"]] = number + 1
        found[variable["name"], number] = variable
    return found


def place(frame):
    """A frame without debug information has no line, and its name is a guess. The C library calls its functions
    by other names within itself."""
    return (frame["function"].removeprefix("__GI_"), frame["line"]) if frame["line"] else frame["pc"]


def compare_frames(checks, build, ours, theirs):
    """Pairs of frames, ours and gdb's, which begins within the switch."""
    theirs = theirs[1:] if theirs[0]["function"] == "coro__switch" else theirs
    mine, gdbs = [place(frame) for frame in ours], [place(frame) for frame in theirs]
    checks.check(f"{build}: the frames are gdb's", mine == gdbs, f"{mine}\n    {gdbs}")
    return list(zip(ours, theirs)) if mine == gdbs else []


def main():
    tool, library, include, scratch = sys.argv[1:5]
    compiler = sys.argv[5].split()
    scratch = pathlib.Path(scratch)
    scratch.mkdir(exist_ok=True)
    if not shutil.which("gdb"):
        sys.exit(SKIP)
    checks = Checks()
    for build in sys.argv[6:]:
        program = compile_subject(compiler, build.split(), include, library, scratch)
        with Subject(program) as subject:
            ours = subject.dump(tool)
            theirs = subject.gdb()
        recovered = total = gdb_recovered = same = 0
        pairs = compare_frames(checks, build, ours["frames"], theirs)
        for mine, gdbs in pairs:
            if "msort" in mine["function"] or "qsort" in mine["function"]:
                continue
            their = named(gdbs["variables"])
            for key, variable in named(mine["variables"]).items():
                if variable["name"].startswith("coro__"):
                    continue
                got = variable["reason"] == 0
                other = their.get(key)
                total += 1
                recovered += got
                gdb_recovered += bool(other and other["bytes"])
                if got and other and other["bytes"]:
                    same += variable["bytes"] == other["bytes"]
                    if variable["bytes"] != other["bytes"]:
                        print(build, mine["function"], key, variable["bytes"], other["bytes"], variable["text"], other["text"])
                elif bool(got) != bool(other and other["bytes"]):
                    print(build, mine["function"], key, variable["text"], other)
        print(f"{build}: {total} variables, {recovered} recovered ({100 * recovered // max(total, 1)} %), gdb {gdb_recovered}, same {same}")
    checks.end()


main()

#!/usr/bin/env python3
"""The frames and variables of a suspended body are those that gdb sees, byte for byte.

    locals.py LOCALS_DUMP LIBRARY INCLUDE SCRATCH COMPILER BUILT_WITH BUILD...

LIBRARY is libcoroscope.a, which was compiled with BUILT_WITH: what it takes to link it. BUILD is a list of options that locals_subject.c is compiled with, and words: `separate`,
the debug information is in a file of its own; `lost`, its .dwo file is removed; `shared`, the runtime is a library of its own. At -O0 every variable is recovered and reads as it should; at -O2 of
gcc at least 70 % are. Exit status 77: gdb is missing, or may not trace.
"""
import concurrent.futures
import json
import pathlib
import re
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
        self.sp, self.base = map(int, self.process.stdout.readline().split())
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(PATIENCE)

    def dump(self, tool, *arguments, recorded=False):
        done = subprocess.run([tool, *map(str, [self.process.pid, self.sp, self.base if recorded else 0, *arguments])],
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


def compile_subject(compiler, options, built_with, include, library, scratch):
    program = scratch / "_".join(["subject", pathlib.Path(compiler).name, *options]).replace("=", "_")
    special = {option for option in options if not option.startswith("-")}
    options = [option for option in options if option not in special]
    if "shared" in special:
        options.append(f"-Wl,-rpath,{library.parent}")
        library = library.with_name("libcoroscope.so")
    # The .dwo file of -gsplit-dwarf stands where the compiler was run.
    object_file = program.with_name(program.name + ".o")
    subprocess.run([compiler, "-g", *options, "-w", f"-I{include}", "-c", SUBJECT, "-o", object_file], check=True, cwd=scratch)
    subprocess.run([compiler, "-g", *options, *built_with, object_file, library, "-lpthread", "-o", program], check=True,
                   cwd=scratch)
    if "lost" in special:
        object_file.with_suffix(".dwo").unlink()
    if "separate" in special:
        debug = program.with_name(program.name + ".debug")
        subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
        # A link that is there already would be kept.
        subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", program], check=True)
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


# What the variables of the subject read as, where nothing is optimised.
TEXTS = {
    ("inlined_twice", "twice"): "26",
    ("inlined", "calls"): "8",
    ("innermost", "text"): r'"a text\twith \"quotes\" and \x1b[2J α€😀 \xff\xe2\x80\xae\xc2\x85"',
    ("innermost", "inner"): "{x = 1, y = 2}",
    ("numbers", "letter"): "'q'",
    ("numbers", "negative"): "-5",
    ("numbers", "brief"): "-300",
    ("numbers", "unsigned_brief"): "65000",
    ("numbers", "wide"): "1234567000000",
    ("numbers", "widest"): "18364758544493064720",
    ("numbers", "huge"): "1881672302290562263000000000000000000",
    ("numbers", "yes"): "true",
    ("numbers", "no"): "false",
    ("numbers", "single"): "1.5",
    ("numbers", "precise"): "0.3333333333333333",
    ("numbers", "extended"): "0.28571428571428571428",
    ("numbers", "rotated"): "1.0 + 2.0i",
    ("numbers", "colour"): "GREEN",
    ("numbers", "access"): "READ | EXECUTE",
    ("numbers", "odd_colour"): "7",
    ("numbers", "odd_access"): "WRITE | HIDDEN | 0x40",
    ("numbers", "octet"): "200",
    ("numbers", "exact"): "-5000000000000",
    ("numbers", "fixed"): "42",
    ("numbers", "watched"): "77",
    ("numbers", "counted"): "78",
    ("numbers", "noted"): "0.75",
    ("numbers", "wide_letter"): "945",
    ("numbers", "nan"): "-nan",
    ("numbers", "infinite"): "-inf",
    ("numbers", "large"): "3e+300",
    ("numbers", "small_one"): "5e-324",
    ("aggregates", "vector"): "[1, 2, 3, 4, 5]",
    ("aggregates", "rows"): "[[1, 2, 3, 4], [5, 6, 7, 8]]",
    ("aggregates", "grown"): "[0, 1, 4, 9, 16, 25]",
    ("aggregates", "table"): "[[0.0, 0.5, 1.0], [1.5, 2.0, 2.5]]",
    ("aggregates", "text"): '"array of char"',
    ("aggregates", "raw"): "[222, 173, 190, 239]",
    ("aggregates", "names"): '["zero", "one", "label"]',
    ("aggregates", "bits"): "{a = 5, b = -3, c = 703710, d = 300, e = true, f = 78187493530, g = BLUE}",
    ("aggregates", "either"): "{integer = 1078530011, real = 3.1415927, byte = [219, 15, 73, 64, 0, 0, 0, 0]}",
    ("aggregates", "corners"): "[{x = 0, y = 1}, {x = 2, y = 3}, {x = 4, y = 5}]",
    ("aggregates", "nothing"): "{}",
    ("aggregates", "null_text"): "NULL",
    ("aggregates", "wild"): "0x1000 <memory unreadable>",
    ("aggregates", "callback"): "action",
    ("aggregates", "builder"): "make",
    ("aggregates", "aligned"): "64",
    ("aggregates", "by_value"): "{x = 11, y = 12}",
    ("values", "none"): "None",
    ("values", "truth"): "True",
    ("values", "integer"): "-12",
    ("values", "real"): "2.5",
    ("values", "string"): r"""'it\'s "text"'""",
    ("values", "bytes"): r"b'\x00\x01ab'",
    ("values", "object"): "generator #2 other",
    ("values", "self_made"): "generator #2 other",
    ("values", "error"): "raised ValueError('bad port')",
    ("values", "lock"): "lock #4 door",
    ("values", "queue"): r"queue #5 jobs \x1b[2J",
    ("values", "no_lock"): "NULL",
    ("values", "items"): "[3, 1, 2]",
    ("body", "other"): "generator #2 other",
    ("body", "argument"): "1",
    ("body", "of_fragment"): "8",
}
TYPES = {
    ("numbers", "node"): "struct node",
    ("numbers", "access"): "enum access",
    ("numbers", "fixed"): "const int",
    ("numbers", "counted"): "_Atomic int",
    ("numbers", "only"): "char *restrict",
    ("aggregates", "table"): "double [2][3]",
    ("aggregates", "grown"): "int [6]",
    ("aggregates", "names"): "const char *[3]",
    ("aggregates", "callback"): "void (*)(int)",
    ("aggregates", "builder"): "maker",
    ("aggregates", "to_pointer"): "int **",
    ("aggregates", "untyped"): "void *",
    ("aggregates", "handlers"): "void (*[2])(int)",
    ("values", "none"): "coro_value",
}
KINDS = {
    "wide": "integer", "letter": "character", "yes": "boolean", "precise": "float", "colour": "enumeration", "label": "string",
    "names": "array", "text": "string", "pointer": "pointer", "callback": "function", "corners": "array", "by_value": "structure",
    "either": "union", "none": "value", "object": "value", "lock": "object", "other": "object", "freed": "pointer",
}
EARLY = {("inlined_twice", "got"), ("innermost", "late"), ("innermost", "late_point"), ("numbers", "result")}
SHADOWED = {("innermost", "same_name", "int")}

# gdb 13 takes the caller's rbx from the wrong frame when it evaluates an entry value within an
# inlined function: what we say is what the program has, the address behind that in `left`.
GDB_IS_WRONG = {("compare", "right")}


def of_subject(frame):
    return frame["file"] and frame["file"].endswith("locals_subject.c")


def compare_values(checks, build, pairs):
    """Whatever both recover is the same. Returns how many variables of the subject there are, and how many were recovered."""
    total = recovered = 0
    for mine, gdbs in pairs:
        theirs = named(gdbs["variables"])
        for key, variable in named(mine["variables"]).items():
            if of_subject(mine) and not variable["runtime"]:
                total += 1
                recovered += variable["reason"] == 0
            other = theirs.get(key)
            if variable["reason"] or not variable["size"] or not other or not other["bytes"]:
                continue
            if (mine["function"], key[0]) in GDB_IS_WRONG:
                left = named(mine["variables"])["left", key[1]]
                same = int.from_bytes(bytes.fromhex(variable["bytes"]), "little") == 4 + int.from_bytes(bytes.fromhex(left["bytes"]), "little")
            else:
                same = variable["bytes"] == other["bytes"]
            checks.check(f"{build}: {mine['function']} {key[0]} is gdb's", same,
                         f"{variable['text']}: {variable['bytes']}\n    {other['text']}: {other['bytes']}")
    return total, recovered


def compare_texts(checks, build, compiler, frames):
    found = {(frame["function"], variable["name"], variable["type"]): variable
             for frame in frames for variable in frame["variables"]}
    by_name = {key[:2]: variable for key, variable in found.items()}
    if compiler == "clang":
        # It has the static variables of inlined functions in a function without name or place.
        by_name["inlined", "calls"] = {"text": TEXTS["inlined", "calls"]}
        found["inlined", "calls", ""] = {"early": False, "shadowed": False, "static": True}
    for key, text in TEXTS.items():
        checks.equal(f"{build}: text of {key}", by_name[key]["text"], text)
    for key, text in TYPES.items():
        if key == ("numbers", "counted") and "-gdwarf-4" in build:
            continue  # DWARF 4 has no word for it
        checks.equal(f"{build}: type of {key}", by_name[key]["type"], text)
    for name, kind in KINDS.items():
        checks.equal(f"{build}: kind of {name}", next(variable["kind"] for key, variable in by_name.items() if key[1] == name), kind)
    early = {key[:2] for key, variable in found.items() if variable["early"] and not variable["runtime"]}
    checks.equal(f"{build}: not yet initialised", str(sorted(early)), str(sorted(EARLY)))
    shadowed = {key for key, variable in found.items() if variable["shadowed"]}
    checks.equal(f"{build}: shadowed", str(sorted(shadowed)), str(sorted(SHADOWED)))
    statics = {key[:2] for key, variable in found.items() if variable["static"]}
    checks.equal(f"{build}: static", str(sorted(statics)), str([("compare", "once"), ("inlined", "calls")]))
    checks.check(f"{build}: a handle of what was freed", re.fullmatch("0x[0-9a-f]+ <freed>", by_name["values", "freed"]["text"]),
                 by_name["values", "freed"]["text"])
    checks.check(f"{build}: an object's serial", by_name["values", "object"]["serial"] == 2)


def compare_properties(checks, build, frames):
    """What is said of the frames themselves."""
    runtime = [frame["function"] for frame in frames if frame["runtime"]]
    checks.check(f"{build}: frames of the runtime", runtime[-2:] == ["coro__body_main", "coro__trampoline"] and
                 # The switch that tells tools is a static function.
                 all(name.startswith("coro_") or name == "switch_carefully" for name in runtime) and not any(frame["function"].startswith("coro_")
                                                                               for frame in frames if not frame["runtime"]), runtime)
    optimised = {frame["optimised"] for frame in frames if of_subject(frame)}
    checks.equal(f"{build}: optimised", str(optimised), str({0} if "-O0" in build else {1}))
    inlined = {frame["function"] for frame in frames if of_subject(frame) and frame["inlined"]}
    checks.check(f"{build}: inlined", {"inlined", "inlined_twice"} <= inlined, inlined)


def compare_recorded(checks, build, ours, recorded):
    """From the stack alone, with the program's files, all that is on the stack reads as it does live."""
    checks.equal(f"{build}: recorded frames", str([place(frame) for frame in recorded]), str([place(frame) for frame in ours]))
    missing = {}
    for live, past in zip(ours, recorded):
        for was, variable in zip(live["variables"], past["variables"]):
            checks.equal(f"{build}: {live['function']} {was['name']}", variable["name"], was["name"])
            if variable["bytes"] != was["bytes"] or variable["why"] != was["why"]:
                missing[live["function"], was["name"]] = variable
    # Static variables are the only ones that are elsewhere.
    checks.equal(f"{build}: what was not recorded", str(sorted(missing)), str([("compare", "once"), ("inlined", "calls")]))
    for key, variable in missing.items():
        checks.equal(f"{build}: why {key} is missing", variable["why"], "memory not recorded")
    by_name = {(frame["function"], variable["name"]): variable for frame in recorded for variable in frame["variables"]}
    heap = by_name["aggregates", "flexible"]["child"][0]
    checks.equal(f"{build}: what is in the heap", heap["text"], "<memory not recorded>")
    checks.equal(f"{build}: a text of the program", by_name["aggregates", "names"]["text"], TEXTS["aggregates", "names"])
    checks.equal(f"{build}: a value's object", by_name["values", "object"]["text"], "object #2")
    checks.check(f"{build}: an exception is in the heap", "memory not recorded" in by_name["values", "error"]["text"])


def compare_undescribed(checks, build, frames):
    """Without debug information there are functions, of the symbol table, and a reason why there is no more. Without the .dwo
    file there are lines too."""
    mine = [frame for frame in frames if frame["module"].endswith(build.replace("=", "_").replace(" ", "_"))
            and not frame["function"].startswith("coro_")]
    checks.equal(f"{build}: functions", str([frame["function"] for frame in mine]),
                 str(["innermost", "numbers", "aggregates", "compare", "values", "body"]))
    for frame in mine:
        lost = "lost" in build
        checks.equal(f"{build}: why", frame["undescribed"], "its .dwo file is missing" if lost else "no debug information")
        checks.check(f"{build}: there are no variables", not (frame["described"] or frame["variables"]))
        checks.check(f"{build}: a line, or none", bool(frame["file"]) == bool(frame["line"]) == lost)
        checks.check(f"{build}: a place in the function", lost or 0 < frame["offset"] < 4096, frame["offset"])


def main():
    tool, library, include, scratch = [pathlib.Path(path).resolve() for path in sys.argv[1:5]]
    compiler, built_with = sys.argv[5], sys.argv[6].split()
    scratch.mkdir(exist_ok=True)
    if not shutil.which("gdb"):
        sys.exit(SKIP)
    checks = Checks()

    def look(build):
        """The frames as they are, from the stack alone, and gdb's."""
        program = compile_subject(compiler, build.split(), built_with, include, library, scratch)
        with Subject(program) as subject:
            ours, recorded = subject.dump(tool)["frames"], subject.dump(tool, recorded=True)["frames"]
            # gdb 13 refuses all of a program whose .dwo file is missing.
            return ours, recorded, None if "lost" in build else subject.gdb()

    builds = sys.argv[7:]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        looks = list(pool.map(look, builds))
    for build, (ours, recorded, theirs) in zip(builds, looks):
        lost = theirs is None
        pairs = [] if lost else compare_frames(checks, build, ours, theirs)
        if lost or "-g0" in build:
            compare_undescribed(checks, build, ours)
            continue
        total, recovered = compare_values(checks, build, pairs)
        print(f"{compiler} {build}: {recovered} of {total} variables")
        checks.check(f"{build}: there are 40 variables", total >= 40, total)
        compare_properties(checks, build, ours)
        if "clang" not in compiler and "-O0" in build:
            compare_recorded(checks, build, ours, recorded)
        if "-O0" in build:
            checks.check(f"{build}: all are recovered", recovered == total, f"{recovered} of {total}")
            compare_texts(checks, build, pathlib.Path(compiler).name, ours)
        elif "gcc" in compiler and "-O2" in build:
            checks.check(f"{build}: most are recovered", recovered >= total * 0.7, f"{recovered} of {total}")
    checks.end()


main()

"""Where an event happened: the line when there is debug information, in the program or beside it, in whatever
shape; the function when there is only a symbol; a number when there is nothing."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from support import begin

no_pie = sys.argv.pop(4)
objcopy = sys.argv.pop(4)
program, checks, folder = begin()
original = pathlib.Path(program.demo("channel"))


def places(path):
    """The places of the events of a program, in their order."""
    trace = folder / "places.coro"
    status, out, err = program.run("record", "--virtual", "-o", trace, "--", path)
    assert status == 0, err
    found = []
    for line in program.run("events", "--json", trace)[1].splitlines():
        event = json.loads(line)
        if "n" in event:
            found.append(event.get("site", ""))
    status, source, err = program.run("replay", "--batch", trace, stdin="goto 5\nsource\n")
    return found, source


def variant(name, *options, of=original):
    path = folder / name / "channel"
    path.parent.mkdir()
    subprocess.run([objcopy, *map(str, options), str(of), str(path)], check=True)
    path.chmod(0o755)
    return path


lines, source = places(original)
checks.check("debug information: every place is a line", all(re.fullmatch(r"(channel\.c:\d+)?", site) for site in lines) and
             len([site for site in lines if site]) > 15, str(lines))
checks.check("debug information: the source is there", "channel.c:" in source and ">" in source, source)


def same(what, path):
    found, text = places(path)
    checks.equal(f"{what}: the same lines", "\n".join(found), "\n".join(lines))
    checks.equal(f"{what}: the same source", text, source)


# A compiler may leave out the index of addresses; the linker may have loaded the program at a fixed address.
same("no .debug_aranges", variant("aranges", "--remove-section=.debug_aranges"))
same("not position independent", no_pie)
same("compressed", variant("compressed", "--compress-debug-sections"))
same("by its name in PATH", original)

# Separate debug information, found by its link and its checksum.
separate = variant("separate", "--strip-all")
debug = separate.with_name("channel.debug")
subprocess.run([objcopy, "--only-keep-debug", str(original), str(debug)], check=True)
subprocess.run([objcopy, f"--add-gnu-debuglink={debug}", str(separate)], check=True)
same("separate debug information", separate)
(separate.parent / ".debug").mkdir()
debug.rename(separate.parent / ".debug" / "channel.debug")
same("separate debug information, in .debug", separate)

# Symbols alone: the function, and how far into it.
symbols, text = places(variant("symbols", "--strip-debug"))
checks.check("symbols: functions", {re.sub(r"\+0x[0-9a-f]+$", "", site) for site in symbols} ==
             {"main", "general", "internal", ""}, str(symbols))
checks.check("symbols: a place for a place", [site == "" for site in symbols] == [site == "" for site in lines], str(symbols))
checks.check("symbols: no source", "its source is not in the trace" in text, text)

# Nothing at all: numbers, but for what the program itself says.
stripped, text = places(variant("stripped", "--strip-all"))
checks.check("stripped: numbers", all(re.fullmatch(r"(0x[0-9a-f]+)?", site) for site in stripped), str(stripped))
checks.check("stripped: a number for a place", [site == "" for site in stripped] == [site == "" for site in lines],
             str(stripped))
checks.check("stripped: no source", "its source is not in the trace" in text, text)
checks.check("stripped: names and creation sites are the program's own", "internal" in
             program.run("ps", "--at", 5, folder / "places.coro")[1])

# Debug information of another build is not believed: neither by its link nor by its build id.
debug = separate.parent / ".debug" / "channel.debug"
wrong = variant("wrong", "--strip-all", f"--add-gnu-debuglink={debug}")
other = variant("other", "--only-keep-debug", of=program.demo("averager"))
shutil.copy(other, wrong.with_name("channel.debug"))
found, text = places(wrong)
checks.check("debug information of another build: not believed", all(re.fullmatch(r"(0x[0-9a-f]+)?", site) for site in found),
             str(found))

checks.end()

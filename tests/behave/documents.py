"""What the README and docs/ show is what happens: the program in the README builds and is recorded by the commands
that stand there, and the examples of docs/commands.md print what is printed there."""
import json
import pathlib
import re
import shlex
import subprocess
import sys
from support import PATIENCE, begin

built_with = sys.argv.pop(6).split()  # options that the library was built with, and its user needs
compiler = sys.argv.pop(5)
library = pathlib.Path(sys.argv.pop(4)).resolve()
program, checks, folder = begin()
project = program.sources.parent


def blocks(path, language=""):
    """The fenced blocks of a document."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", (project / path).read_text())


# The program in the README.
source = blocks("README.md", "c")[0]
(folder / "p.c").write_text(source)
build, *commands = [line.strip() for line in re.search(r"(?m)^    gcc -g p\.c.*(?:\n    .*)*", (project / "README.md").read_text())[0].splitlines()]
places = {"gcc": compiler, "-Iruntime/include": f"-I{project / 'runtime/include'}", "build/runtime/libcoroscope.a": str(library),
          "build/tui/coroscope": program.coroscope}


def run(command):
    words = [places.get(word, word) for word in shlex.split(command.split(" #")[0])]
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)


done = run(" ".join([build, "-Wall -Wextra -Werror", *built_with]))
checks.check("README: its program builds", done.returncode == 0, done.stderr)
checks.check("README: it has a main, and is short", "int main(void)" in source and source.count("\n") <= 24, source)
checks.check("README: there are commands to record and to look", len(commands) == 2, str(commands))
for command in commands:
    done = run(command)
    checks.check(f"README: {command}", done.returncode == 0, done.stdout + done.stderr)
checks.check("README: its events are in lines of its source", re.search(r"yield 1 .*p\.c:\d+", done.stdout), done.stdout)

# The program in coro.h.
header = (project / "runtime/include/coroscope/coro.h").read_text()
source = re.search(r"(?ms)^ \*     #include <stdio\.h>$.*?^ \*     \}$(?=\n \*\n \* \w)", header)[0]
(folder / "p.c").write_text(re.sub(r"(?m)^ \*(     )?", "", source) + "\n")
done = run(" ".join([build, "-Wall -Wextra -Wno-unused-parameter -Werror", *built_with]))
checks.check("coro.h: its program builds", done.returncode == 0, done.stderr)
done = subprocess.run([folder / "p"], capture_output=True, text=True, timeout=PATIENCE)
checks.equal("coro.h: its program", f"{done.returncode} {done.stdout}{done.stderr}", "0 small: 9\nlarge: too large\n")

# The script of docs/commands.md.
shown = next(block for block in blocks("docs/commands.md") if block.startswith("$ printf"))
command, _, answers = shown.partition("\n")
script = re.search(r"printf '(.*)' \|", command)[1].replace("\\n", "\n")
status, out, err = program.run("run", "--batch", program.demo("channel"), stdin=script)
checks.equal("commands.md: the script", re.sub(r"channel\.c:\d+", "channel.c", out), re.sub(r"channel\.c:\d+", "channel.c", answers))

# Its filter, its keys.
trace = folder / "queue.coro"
program.record("producer_consumer", trace)
text = (project / "docs/commands.md").read_text()
expression = next(block for block in blocks("docs/commands.md") if block.startswith("kind =="))
status, out, err = program.run("events", "--filter", expression, trace)
checks.check("commands.md: the filter is one", status == 0, err)
for block in blocks("docs/commands.md"):
    if block.startswith("{"):
        for line in block.splitlines():
            checks.check(f"commands.md: JSON: {line}", isinstance(json.loads(line), dict))
for command in (["ps", "--all"], ["stat"]):
    found = json.loads(program.run(*command, "--json", trace)[1])
    for key in {key for each in (found if isinstance(found, list) else [found]) for key in each}:
        checks.check(f"commands.md: {command[0]}: {key} is documented", f"`{key}`" in text)
listed = program.run("replay", "--batch", trace, stdin="help\n")[1]
for name in re.findall(r"`([a-z-]+)", "\n".join(re.findall(r"(?m)^\| (`[a-z][^|]*)", text.split("## Scripts")[1].split("## Filters")[0]))):
    checks.check(f"commands.md: {name} is a command", name == "reverse-into" or re.search(rf"(?m)^{name}\b", listed), listed)
for line in listed.splitlines():
    name = line.split()[0]
    checks.check(f"commands.md: {name} is documented", f"`{name}" in text or name.startswith("reverse-"))

# The steps of the example in docs/debugging.md, which are those of the demo that it shows.
status, out, err = program.run("replay", "--batch", trace, stdin="help into\nhelp over\nhelp out\n")
checks.check("debugging.md: its steps are commands", status == 0, err)

checks.end()

"""gdb's script: coroutines of a program that gdb has stopped, and of its core, beside what the program
says of itself.

    gdb_script.py SCRIPT SOURCE LIBRARY AUTOLOAD STRIP SUBJECT...

SUBJECTs are builds of gdb_subject.c, which is SOURCE; what one is linked with is in its name.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from support import Checks, PATIENCE

script, source, library, autoload, strip, *subjects = sys.argv[1:]
script, library, *subjects = map(os.path.realpath, (script, library, *subjects))
checks = Checks()
lines = Path(source).read_text().splitlines()
SKIPPED = 77
# Without debug information gdb takes the name for one of Ada.
TRAMPOLINE = re.compile(r"coro(__|\.)trampoline")
CANNOT = re.compile(r"Traceback|Python Exception|Error while executing Python|Error occurred in Python")

# Which function is the innermost of a body's that is the program's own, and its `secret`.
FUNCTIONS = {"thread_main": "thread_main", "sleeper": "sleeper", "tell": "tell", "amain": "amain", "numbers": "descend",
             "outer": "outer", "reader": "reader", "load": "load", "fetch": "fetch", "take_door": "take_door",
             "consumer": "consumer", "items": "items", "traveller": "traveller", "switcher": "switcher"}
SECRETS = {"sleeper": {66}, "amain": {44}, "numbers": {1000}, "outer": {88}, "take_door": {55}, "consumer": {21},
           "items": {22}, "traveller": {34}, "switcher": {33}, "reader": {101, 201}, "load": {102, 202},
           "fetch": {103, 203}}


class Gdb:
    """One run of gdb: commands, and what each of them printed, by the command or, where commands are a
    dictionary, by what it is called there. A core, or else the program, which is run up to where all
    stands."""

    def __init__(self, program, commands, core=None, environment=None, before=(), source_script=True):
        self.output = folder / "output"
        if not isinstance(commands, dict):
            commands = {command: command for command in commands}
        begin = ["set width 0", "set height 0", "set confirm off", "set debuginfod enabled off", *before]
        if source_script:
            begin.append(f"source {script}")
        if core is None:
            begin += ["break stop_inside", f"run > {self.output}"]
        arguments = ["gdb", "-batch", "-nx"]
        for command in begin:
            arguments += ["-ex", command]
        for number, command in enumerate(commands.values()):
            arguments += ["-ex", f"echo \\n<<{number}>>\\n", "-ex", command]
        arguments += ["-ex", f"echo \\n<<{len(commands)}>>\\n", "-ex", "kill" if core is None else "echo", str(program)]
        done = subprocess.run(arguments + ([str(core)] if core else []), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=folder, timeout=PATIENCE,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", **(environment or {})})
        self.text = done.stdout.decode(errors="replace")
        answers = re.split(r"\n?<<\d+>>\n", re.sub(r"(?m)^warning: Unexpected size of section .*\n", "", self.text))[1:]
        self.answers = [part.strip("\n") for part in answers]
        checks.check("gdb came to its end", len(self.answers) == len(commands) + 1, self.text)
        checks.check("no error of Python", not CANNOT.search(self.text), self.text)
        self.answers += [""] * (len(commands) + 1 - len(self.answers))
        self.by = dict(zip(commands, self.answers))

    def __getitem__(self, command):
        return self.by[command]

    def said(self):
        """What the program says of itself."""
        return self.output.read_text() if self.output.exists() else ""


class Row:
    """One of `info coroutines`."""

    def __init__(self, heading, line):
        at = [match.start() for match in re.finditer(r"(?:Id|Kind|Name|State|Task|Frame|Waits for)(?:  |$)", heading)]
        cells = [line[begin:end].strip() for begin, end in zip(at, at[1:] + [None])]
        self.id, self.kind, self.name, self.state, self.task, self.frame, self.waits = cells
        self.starred = line.startswith("*")
        self.id = int(self.id)


def rows_of(text):
    table = [line for line in text.splitlines() if not line.startswith("warning:")]
    return [Row(table[0], line) for line in table[1:]] if table else []


def dumped(text):
    """Of coro_dump(): bodies as (kind, name, id): (state, delegate's id, task's id), and tasks."""
    bodies, tasks = {}, {}
    for line in text.splitlines():
        match = re.match(r"(\w+) '(.*?)' #(\d+): (\w+)(?: to \w+ '.*?' #(\d+))?(?:, of task '.*?' #(\d+))?"
                         r"(?:, (awaits .*))?, created at", line)
        if not match:
            continue
        kind, name, number, state, delegate, task, awaits = match.groups()
        if kind == "task":
            tasks[int(number)] = (name, state, awaits)
        else:
            bodies[int(number)] = (kind, name, state, int(delegate or 0), int(task or 0))
    return bodies, tasks


def one_line(text):
    return text and "\n" not in text and not CANNOT.search(text)


def line_of(function, text):
    """The number of the line with `text` in `function`."""
    begin = next(i for i, line in enumerate(lines) if re.search(rf"\b{function}\(", line) and not line.endswith(";"))
    return next(i + 1 for i in range(begin, len(lines)) if text in lines[i])


# Where each stands, in a build that is not optimised.
PLACES = {"fetch": "coro_queue_get", "load": "coro_coroutine(fetch", "reader": "coro_coroutine(load", "descend": "coro_yield(",
          "outer": "coro_yield_from", "take_door": "coro_lock_acquire", "sleeper": "coro_sleep", "consumer": "coro_anext",
          "items": "coro_queue_get", "amain": "coro_next(stop)", "thread_main": "coro_await(tasks"}


def check_list(what, rows, text, optimised, has_symbols):
    """The table agrees with coro_dump(), which tells of the first thread's."""
    bodies, tasks = dumped(text)
    by_id = {row.id: row for row in rows}
    checks.check(f"{what}: the program said something", len(bodies) > 15 and len(tasks) == 6, text)
    for number, (kind, name, state, delegate, task) in bodies.items():
        row = by_id.get(number)
        if not row:
            checks.check(f"{what}: #{number} {name} is listed", False, str(sorted(by_id)))
            continue
        shown_name = name.replace("\033", "\\x1b")
        checks.check(f"{what}: #{number} is what it says", (row.kind, row.name, row.state) ==
                     (kind.replace("_", " "), shown_name, state), str(vars(row)))
        if delegate:
            checks.check(f"{what}: whom #{number} delegates to", row.waits.startswith("delegates to ") and
                         row.waits.endswith(f"#{delegate}"), row.waits)
        if task and kind != "greenlet":
            checks.check(f"{what}: the task of #{number}", row.task == f"#{task} {tasks[task][0]}", row.task)
        awaits = tasks[task][2] if task and state == "suspended" else None
        if awaits and kind in ("coroutine", "async_generator") and name != "consumer":
            checks.check(f"{what}: what #{number} waits for", row.waits == awaits, f"{row.waits} {awaits}")
    names = [row.name for row in rows]
    for name in ("thread_main", "tell"):
        checks.check(f"{what}: those of the other threads", names.count(name) == 2, str(names))
    checks.check(f"{what}: and nothing else", len(rows) == len(bodies) + 7, f"{len(rows)} {len(bodies)}")
    by_name = {row.name: row for row in rows}
    checks.check(f"{what}: a generator that was resumed", by_name["amain"].waits ==
                 f"has resumed generator 'stopper' #{by_name['stopper'].id}", by_name["amain"].waits)
    checks.check(f"{what}: an async generator in a step", by_name["consumer"].waits ==
                 f"steps async generator 'items' #{by_name['items'].id}", by_name["consumer"].waits)
    checks.check(f"{what}: who runs", by_name["stopper"].waits == "on thread 1" and by_name["stopper"].starred,
                 str(vars(by_name["stopper"])))
    checks.check(f"{what}: one that is finished", by_name["brief"].frame == "" and by_name["brief"].state == "done",
                 by_name["brief"].frame)
    if not has_symbols:
        return
    checks.check(f"{what}: one that has not begun", by_name["new\\x1b[2J"].frame == "never (not started)",
                 by_name["new\\x1b[2J"].frame)
    for row in rows:
        function = FUNCTIONS.get(row.name)
        if not function:
            continue
        checks.check(f"{what}: the frame of {row.name}", row.frame.startswith(f"{function} ()"), row.frame)
        if function in PLACES and not optimised:
            place = f"{function} () at gdb_subject.c:{line_of(function, PLACES[function])}"
            checks.check(f"{what}: the line of {row.name}", row.frame == place, f"{row.frame}\n    {place}")


def functions(text):
    """Of a backtrace: the functions, the innermost first."""
    return re.findall(r"^#\d+ +(?:0x\w+ in )?([\w.]+) \(", text, re.M)


def check_frames(what, program, core, rows, optimised, environment):
    """Frames, locals and registers of each, one by one; and what is the thread's own comes back."""
    by_name = {row.name: row for row in rows}
    chosen = [row for row in rows if row.name in SECRETS]
    reader, numbers = by_name["reader"], by_name["numbers"]
    task = reader.task.split()[0][1:]
    far = next(row for row in rows if row.name == "sleeper")  # of another thread
    sp = "rsp" if is_x86 else "sp"
    registers = "info registers rip rsp rbx" if is_x86 else "info registers pc sp x19"
    commands = {"bt before": "bt 1", "registers before": registers}
    for row in chosen:
        commands[f"select {row.id}"] = f"coroutine {row.id}"
        commands[f"selected {row.id}"] = "p $_coroutine"
        commands[f"secret {row.id}"] = f"coroutine {row.id} p secret"
    commands.update({
        "1": "coroutine running", "logical": f"coroutine {task} bt", "resumed": f"coroutine {by_name['amain'].id} bt",
        "stepped": f"coroutine {by_name['consumer'].id} bt", "selected none": "p $_coroutine",
        # Selected
        "2": f"coroutine {numbers.id}", "bt": "bt", "up": "up", "depth": "p depth", "down": "down",
        "3": "frame function numbers", "locals": "info locals", "listed": f"info coroutines {numbers.id}",
        "sp": f"python print(register(next(frames()), '{sp}') - Census().choose('{numbers.id}').sp)",
        "unfiltered": "bt -no-filters", "4": "set coroscope runtime-frames on", "all frames": "bt 100",
        "5": "set coroscope runtime-frames off", "full": f"coroutine {numbers.id} bt -full",
        "counted": f"coroutine {numbers.id} bt 1", "back": "coroutine", "bt after": "bt 1",
        # Applied
        "apply": f"coroutine apply {numbers.id} {reader.id} p secret", "apply -s": "coroutine apply all -s p secret",
        "apply bt": "coroutine apply all bt", "apply fails": "coroutine apply all p secret",
        "apply -q -c": "coroutine apply all -q -c p secret",
        # The thread's own
        "thread bt": "coroutine thread bt", "thread's": "coroutine thread", "thread's bt": "bt",
        "6": "coroutine running", "registers after": registers,
        # By a handle
        "7": f"coroutine {by_name['amain'].id}", "handle is there": "p first", "handle": "coroutine first", "8": "coroutine running",
        # Threads
        "9": "thread 2", "thread 2": "thread", "10": "up", "frame before": "frame", "11": "info coroutines",
        "12": f"coroutine {far.id} bt", "frame after": "frame", "13": f"coroutine {numbers.id}", "thread 1": "thread",
        "14": f"coroutine {far.id}", "thread [23]": "thread", "15": "coroutine", "thread (2)": "thread"})
    gdb = Gdb(program, commands, core, environment)

    def check(about, holds, *keys):
        checks.check(f"{what}: {about}", holds, "\n    ".join(gdb[key] for key in keys))

    for row in chosen:
        value = re.search(r"= (-?\d+|<optimized out>)", gdb[f"secret {row.id}"])
        check(f"the secret of {row.name}", value and (value[1].isdigit() and int(value[1]) in SECRETS[row.name] or
                                                      optimised and value[1][0] == "<"), f"secret {row.id}")
        check(f"{row.name} is the selected one", gdb[f"selected {row.id}"].endswith(f"= {row.id}"), f"selected {row.id}")
        check(f"the frame of {row.name}, selected", f"#{row.id}:" in gdb[f"select {row.id}"].splitlines()[0] and
              functions(gdb[f"select {row.id}"]) == [FUNCTIONS[row.name]], f"select {row.id}")
    check("the logical stack of a task", functions(gdb["logical"]) == ["fetch", "load", "reader"], "logical")
    titles = [line for line in gdb["logical"].splitlines() if line.startswith("--")]
    check("the boundaries in it", len(titles) == 4 and "coroutine 'fetch'" in titles[0] and
          "delegates to coroutine 'fetch'" in titles[1] and titles[3].startswith("-- task 'reader 2'"), "logical")
    check("what the running one has resumed", functions(gdb["resumed"])[-3:] == ["stop_here", "stopper", "amain"], "resumed")
    check("an async generator in a logical stack", functions(gdb["stepped"]) == ["items", "consumer"], "stepped")
    check("a command for one selects nothing", gdb["selected none"].endswith("= 0"), "selected none")
    check("bt of the selected", functions(gdb["bt"]) == ["descend"] * 4 + ["numbers"], "bt")
    check("up", functions(gdb["up"]) == ["descend"] and (gdb["depth"].endswith("= 1") or optimised and
                                                         "<optimized out>" in gdb["depth"]), "up", "depth")
    check("frame function", "secret = 77" in gdb["locals"] or optimised, "locals")
    check("a list leaves what is selected", rows_of(gdb["listed"])[0].starred, "listed")
    check("the stack pointer", gdb["sp"] == ("56" if is_x86 else "160"), "sp")
    check("the runtime's frames, wanted", TRAMPOLINE.search(gdb["all frames"]) and "stop_inside" not in gdb["all frames"],
          "all frames")
    check("the end of the stack", "corrupt" not in gdb["unfiltered"] and TRAMPOLINE.search(gdb["unfiltered"].splitlines()[-1]),
          "unfiltered")
    check("-full", re.search(r"^ +secret = ", gdb["full"], re.M) and TRAMPOLINE.search(gdb["full"]), "full")
    check("a count", len(functions(gdb["counted"])) == 1 and "(More stack frames follow...)" in gdb["counted"], "counted")
    check("going back", "[Thread 1 itself]" in gdb["back"] and gdb["bt after"] == gdb["bt before"], "back", "bt after")
    check("apply names them", f"Generator 'numbers' #{numbers.id}: suspended" in gdb["apply"] and
          f"Coroutine 'reader' #{reader.id}: delegates to" in gdb["apply"] and gdb["apply"].count(" = ") == 2, "apply")
    check("apply -s passes over what fails", len(re.findall(r"^\$\d+ = ", gdb["apply -s"], re.M)) >= 13 and
          "No symbol" not in gdb["apply -s"] and "'tell'" not in gdb["apply -s"], "apply -s")
    check("apply ends at an error", gdb["apply fails"].endswith("No symbol \"secret\" in current context."), "apply fails")
    check("apply -q -c", "No symbol" in gdb["apply -q -c"] and "#" not in gdb["apply -q -c"], "apply -q -c")
    for name, times in (("fetch", 2), ("load", 2), ("reader", 2), ("items", 1), ("switcher", 1), ("traveller", 1),
                        ("numbers", 2), ("outer", 1)):
        check(f"apply all bt has {name} {times} times", functions(gdb["apply bt"]).count(name) == times, "apply bt")
    check("the thread's own stack", functions(gdb["thread bt"]) == ["main"], "thread bt")
    check("that, selected", "[Thread 1, its own stack]" in gdb["thread's"] and gdb["thread's bt"] == gdb["thread bt"],
          "thread's", "thread's bt")
    check("the registers are the thread's", gdb["registers before"] and gdb["registers after"] == gdb["registers before"],
          "registers before", "registers after")
    first = next(row.id for row in rows if row.name == "numbers")
    check("by a handle", f"#{first}:" in gdb["handle"] or optimised and "<optimized out>" in gdb["handle is there"], "handle")
    check("a list and a command leave the frame", gdb["frame before"].startswith("#1 ") and
          gdb["frame after"] == gdb["frame before"], "frame before", "frame after")
    for key in ("thread 2", "thread 1", "thread [23]", "thread (2)"):
        check(f"the thread of what is selected: {key}", re.search(key + " ", gdb[key].replace("thread is", "thread")), key)


def check_going_on(what, program, rows, environment):
    """The program goes on as if nothing had been selected."""
    select = f"coroutine {next(row.id for row in rows if row.name == 'numbers')}"
    gdb = Gdb(program, {"call": "print stop_number(1)", "1": select, "call, selected": "print stop_number(2)",
                        "selected": "p $_coroutine", "next": "next", "selected, later": "p $_coroutine", "bt": "bt 1",
                        "2": select, "3": "delete", "continue": "continue"}, None, environment)
    if "$" in gdb["call"]:  # it can
        checks.check(f"{what}: gdb calls a function meanwhile", gdb["call, selected"].endswith("= 1002"), gdb["call, selected"])
    checks.check(f"{what}: and it is selected still", not gdb["selected"].endswith("= 0"), gdb["selected"])
    checks.check(f"{what}: next", re.search(r"^\d+\t", gdb["next"], re.M) and gdb["selected, later"].endswith("= 0") and
                 functions(gdb["bt"])[0] in ("stop_here", "stop_inside"), gdb["next"] + gdb["bt"])
    checks.check(f"{what}: the program ends as ever", "exited normally" in gdb["continue"], gdb["continue"])


def check_without_thread_pointer(what, program, environment):
    """Where gdb does not tell it, the stack pointer says what runs where."""
    gdb = Gdb(program, {"1": "python for frame in FRAMES.values(): frame['thread'] = 'none'", "list": "info coroutines",
                        "thread": "coroutine thread bt", "2": f"run greenlets > {folder}/output", "greenlet": "coroutine thread bt"},
              None, environment)
    running = next(row for row in rows_of(gdb["list"]) if row.name == "stopper")
    checks.check(f"{what}: who runs, by its stack", running.waits == "on thread 1" and running.starred, gdb["list"])
    checks.check(f"{what}: the thread's own stack, by a body", functions(gdb["thread"]) == ["main"], gdb["thread"])
    checks.check(f"{what}: or it is not known", "is not known" in gdb["greenlet"] and one_line(gdb["greenlet"]), gdb["greenlet"])


def check_greenlets(what, program, environment):
    """Stacks that have no order, and the thread's below them."""
    look = {"secret": "coroutine thread p secret", "all": "coroutine apply all bt", "list": "info coroutines",
            "thread": "coroutine thread bt"}
    commands = {"run": f"run greenlets > {folder}/output"}
    commands.update({"first " + key: command for key, command in look.items()})
    commands["continue"] = "continue"
    commands.update({"then " + key: command for key, command in look.items()})
    gdb = Gdb(program, commands, None, environment)
    for when, stacks in (("first", [[], ["halt", "hike"]]), ("then", [["depart"], ["halt"], ["halt", "hike"]])):
        shown = [[each for each in functions(part) if not each.startswith("stop_")] for part in gdb[when + " all"].split("\n\n")]
        checks.check(f"{what}: greenlets' stacks, {when}", shown == stacks, gdb[when + " all"])
        checks.check(f"{what}: the thread's own variable, {when}", gdb[when + " secret"].endswith("= 13"), gdb[when + " secret"])
        checks.check(f"{what}: the thread's own frames, {when}", functions(gdb[when + " thread"]) ==
                     ["switch_greenlets", "main"], gdb[when + " thread"])
    left = [row for row in rows_of(gdb["then list"]) if row.name == "depart"]
    checks.check(f"{what}: one that was left", left and left[0].state == "running" and left[0].waits ==
                 "in a greenlet or tasklet that was left", gdb["then list"])


def check_mistakes(what, program, rows, environment):
    """What is asked wrongly, and memory that is damaged: a line each."""
    ids = {row.name: row.id for row in rows}
    registers = "layout.frame['saved']['rbp']" if is_x86 else "layout.frame['saved']['x29']"
    damage = [
        ("the list of chunks runs in a circle", "poke(first + layout.chunk_next, first)", "info coroutines",
         "list of chunks is damaged: it runs in a circle"),
        ("a chunk that is nowhere", "poke(first + layout.chunk_next, 0x10)", "info coroutines",
         "Cannot read a chunk of objects at 0x10"),
        ("a stride of 0", "poke(first + layout.chunk_next, next_chunk); poke(first + layout.chunk_stride, 0)",
         "info coroutines", "The chunk at 0x"),
        ("a circle of delegates", "poke(first + layout.chunk_stride, stride); "
         "poke(of('load').address + layout.body_delegate, of('load').address)",
         "coroutine apply all bt", "runs in a circle"),
        ("a saved stack pointer that is none", "poke(of('outer').address + layout.body_sp, 0x1234)",
         f"coroutine {ids['outer']}", "its saved stack pointer 0x1234 is not on its stack"),
        ("a name that cannot be read", "poke(of('outer').address + 32, 0x18)", "info coroutines",
         "<name at 0x18 cannot be read>"),
        ("a stack of nonsense", f"body = of('fetch'); poke(body.sp + layout.frame['pc'][1], 0x99); poke(body.sp + {registers}, 1)",
         "info coroutines", "0x99 ()"),
        ("a layout without its magic", "poke(next(iter(notes())), 1)", "info coroutines",
         "is damaged: it does not begin with its magic"),
    ]
    helpers = ("python poke = lambda address, value: gdb.selected_inferior().write_memory(address, value.to_bytes(8, 'little'));"
               " of = lambda name: next(b for b in Census().sorted_bodies() if b.name == name)")
    keep = ("python layout = Layout(); first = word(read(layout.chunks, 8, '')); data = read(first, 64, ''); "
            "next_chunk = word(data, layout.chunk_next); stride = word(data, layout.chunk_stride)")
    wrong = {"coroutine 4711": "No coroutine or task has the id 4711", "coroutine nonsense": "\"nonsense\" is not the id",
             "coroutine 1+": "\"1+\" is not the id", "coroutine apply": "Usage: coroutine apply",
             "coroutine apply all": "Usage: coroutine apply", "coroutine apply bt": "Usage: coroutine apply",
             "info coroutines 4711": "No coroutine or task has the id 4711", "coroutine jobs": "has no stack",
             "coroutine jobs bt": "has no stack", "coroutine door bt": "has no stack", "coroutine argc": "is not the id",
             "coroutine ²": "is not the id", "coroutine 3.5 bt": "is not the id", "coroutine 0xffffffffffffffffff": "is not the id",
             "coroutine (long)jobs+(1l<<48)": "a handle of one that is there",
             f"coroutine {ids['brief']}": "is done: it has no stack any more", f"coroutine {ids['main']}": "has no stack of its own"}
    commands = {"helpers": helpers, **{command: command for command in wrong}, "keep": keep}
    for name, change, command, _ in damage:
        commands["change " + name], commands[name] = "python " + change, command
    gdb = Gdb(program, commands, None, environment)
    for command, expected in wrong.items():
        checks.check(f"{what}: {command}", expected in gdb[command] and one_line(gdb[command]), gdb[command])
    for name, _, _, expected in damage:
        checks.check(f"{what}: {name}", expected in gdb[name] and not gdb["change " + name], gdb["change " + name] + gdb[name])


def check_elsewhere():
    """No program, and one that has no coroutines."""
    commands = ["info coroutines", "coroutine 1", "coroutine", "coroutine apply all bt", "coroutine running"]
    for what, before, says in (("nothing runs", [], "is not being run"), ("another program", ["starti"], "contains libcoroscope")):
        arguments = ["gdb", "-batch", "-nx", "-ex", f"source {script}", *(part for each in before for part in ("-ex", each))]
        for command in commands:
            arguments += ["-ex", "echo <<\\n", "-ex", command]
        done = subprocess.run([*arguments, "/bin/true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, text=True)
        answers = [each.strip() for each in done.stdout.split("<<\n")[1:]]
        for command, answer in zip(commands, answers):
            if before and command in ("coroutine", "coroutine running"):
                continue
            checks.check(f"{what}: {command}", answer.startswith("No coroutines: ") and says in answer and one_line(answer),
                         done.stdout)


def check_help():
    commands = ["help coroutine", "help info coroutines", "help coroutine apply", "help coroutine running",
                "show coroscope runtime-frames", "help set coroscope runtime-frames"]
    done = subprocess.run(["gdb", "-batch", "-nx", "-ex", f"source {script}", "-ex", f"source {script}",
                           *(part for each in commands for part in ("-ex", each))], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    for word in ("Usage: coroutine ID", "Usage: info coroutines [ID]...", "Usage: coroutine apply all",
                 "Frames of the coroutine library are hidden."):
        checks.check(f"help has {word}", word in done.stdout, done.stdout)


def check_autoload(program):
    """gdb finds the script by itself, where meson installs it."""
    place = folder / "auto-load" / Path(library).resolve().relative_to("/").parent
    place.mkdir(parents=True)
    shutil.copy(script, place / (Path(library).resolve().name + "-gdb.py"))
    checks.check("it is installed for the library's name", autoload.endswith(Path(library).resolve().name + "-gdb.py") and
                 "/gdb/auto-load/" in autoload, autoload)
    gdb = Gdb(program, ["info coroutines"], None, None, source_script=False, before=[
        f"add-auto-load-scripts-directory {folder}/auto-load", f"add-auto-load-safe-path {folder}/auto-load"])
    checks.check("it is loaded with the library", len(rows_of(gdb["info coroutines"])) > 20, gdb.text)


def dump_core(program, environment):
    """The program's core, which the system writes, and what it said; None where it writes none."""
    if Path("/proc/sys/kernel/core_pattern").read_text().startswith(("|", "/")):
        return None, ""
    where = Path(tempfile.mkdtemp(dir=folder))
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    done = subprocess.run([program, "abort"], stdout=subprocess.PIPE, cwd=where, timeout=PATIENCE, env={**os.environ, **environment},
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
    cores = list(where.glob("core*"))
    return (cores[0] if cores else None), done.stdout.decode()


is_x86 = os.uname().machine == "x86_64"
if not shutil.which("gdb"):
    print("skipped: gdb is not there (./run test installs it)")
    sys.exit(SKIPPED)
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    can = subprocess.run(["gdb", "-batch", "-nx", "-ex", "python print('has Python')", "-ex", "starti", "/bin/true"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "has Python" not in can.stdout or "Program stopped" not in can.stdout:
        print("skipped: gdb cannot run a program here, or has no Python:\n" + can.stdout)
        sys.exit(SKIPPED)
    check_elsewhere()
    check_help()
    for number, subject in enumerate(subjects):
        what = Path(subject).name
        optimised = "_2" in what
        environment = {"COROSCOPE": "off"} if number % 2 else {}
        live = Gdb(subject, ["info coroutines"], None, environment)
        rows = rows_of(live["info coroutines"])
        check_list(f"{what}, live", rows, live.said(), optimised, True)
        check_frames(f"{what}, live", subject, None, rows, optimised, environment)
        if number == 0:
            check_going_on(what, subject, rows, environment)
            check_greenlets(what, subject, environment)
            check_without_thread_pointer(what, subject, environment)
            check_mistakes(what, subject, rows, environment)
        if "shared" in what:
            check_autoload(subject)
        core, said = dump_core(subject, environment)
        if not core:
            print(f"{what}: no core is written here: /proc/sys/kernel/core_pattern, ulimit -c")
            continue
        rows = rows_of(Gdb(subject, ["info coroutines"], core)["info coroutines"])
        check_list(f"{what}, core", rows, said, optimised, True)
        check_frames(f"{what}, core", subject, core, rows, optimised, None)
        stripped = folder / f"{what}.stripped"
        subprocess.run([strip, "-o", stripped, subject], check=True)
        rows = rows_of(Gdb(stripped, ["info coroutines"], core)["info coroutines"])
        check_list(f"{what}, stripped, core", rows, said, optimised, False)
        core.unlink()
print(f"{checks.passed} checks passed, {checks.failed} failed")
sys.exit(1 if checks.failed else 0)

"""The debugger's language, command by command: help, quoting, what is refused and how."""
from support import begin

program, checks, folder = begin()
trace = folder / "queue.coro"
program.record("producer_consumer", trace)


def replay(*commands):
    return program.run("replay", "--batch", trace, stdin="\n".join(commands) + "\n")


# What is not understood ends the script, with one line that says what.
REFUSED = {
    "frob": "unknown command 'frob'",
    "ps nobody": "ps: 'nobody' is not 'all'",
    "tree nobody": "tree: 'nobody' is not 'all'",
    "ps all all": "ps: 'all' is one argument too many",
    "into 3": "into: '3' is one argument too many",
    "output now": "output: 'now' is one argument too many",
    "help ps tree": "help: 'tree' is one argument too many",
    "quit kill now": "quit: 'now' is one argument too many",
    "event" + " 1" * 40: "event: '1' is one argument too many",
    "quit later": "quit: 'later' is not 'kill'",
    'select "1': "a quote is open",
    "event one": "event: 'one' is not a number of events",
    "event ''": "event: '' is not a number of events",
    "event 99999999999999999999": "is not a number of events",
    "back 1x": "back: '1x' is not a number of events",
    "turn x": "turn: 'x' is not a number of turns",
    "goto": "goto: which event?",
    "goto here": "goto: 'here' is not an event's number, start or end",
    "goto -1": "goto: '-1' is not an event's number",
    "find": "find: which text?",
    "reverse-find": "reverse-find: which text?",
    "break": "break: at which kind of event?",
    "tbreak": "tbreak: at which kind of event?",
    "break wish": "break: there is no kind of event 'wish'",
    "break yield of ann": "break: 'of' is not understood",
    "break yield in": "break: 'in' is not understood",
    "break yield in " + "x" * 300: "break: the name is too long",
    "delete": "delete: which breakpoint?",
    "delete first": "delete: 'first' is not a breakpoint's number",
    "delete -1": "delete: '-1' is not a breakpoint's number",
    "select nobody": "select: 'nobody' is not the id or name of an object",
    "select #": "select: '#' is not the id or name of an object",
    "chain 1x": "chain: '1x' is not the id or name of an object",
    "events all": "events: 'all' is not a number of events",
    "save": "save: into which file?",
    "expect": "expect: which text?",
    "help nonsense": "help: there is no command and no event 'nonsense'",
    "\x1b[2J": "unknown command '\\x1b[2J'",
}
for line, words in REFUSED.items():
    status, out, err = replay("event", line, "event")
    checks.check(f"{line[:40]}: refused", status == 2 and words in err and err.count("\n") == 1 and "line 2" in err,
                 f"{status}: {err}")
    checks.check(f"{line[:40]}: the script ends", out.count("\n") == 1, out)

# Help is a list of every command; of one; of what an event means.
listed = replay("help")[1].splitlines()
names = [line.split()[0] for line in listed]
checks.check("help: every command once", len(set(names)) == len(names) > 20 and {"event", "quit", "?"} - set(names) == {"?"},
             str(names))
for name in names:
    status, out, err = replay(f"help {name}")
    checks.check(f"help {name}: its line alone", status == 0 and out.count("\n") == 1 and out.split()[0] == name, out)
    checks.check(f"help {name}: the sentence of the list", " ".join(out.split()) in
                 {" ".join(line.split()) for line in listed}, out)
checks.equal("help: an alias is the command", replay("? q")[1], replay("help quit")[1])
status, out, err = replay("help wake")
checks.check("help: an event", status == 0 and out.startswith("wake  ") and len(out.split()) > 3, out)

# Words, quotes and comments.
checks.equal("quotes are taken off", replay('"goto" 3')[2].strip(),
             "coroscope: replay: line 1: unknown command '\"goto\"': see help")
for line in ("goto 3", "  goto\t3  ", "goto '3'", 'goto "3"', "goto 1 \n # a comment\n\n\tgoto 3"):
    checks.equal(f"{line!r}: moves", replay(line)[1].splitlines()[-1], replay("goto 3")[1].splitlines()[-1])
found = replay("find yield")[1]
for line in ('find "yield"', "find   yield  ", "find 'yield'"):
    checks.equal(f"{line}: text to the end of the line", replay(line)[1], found)
checks.check("find: a text with blanks", "queue_put" in replay("find queue_put")[1])
status, out, err = replay("find there is no such text", "reverse-find nor this", "event")
checks.check("find: what is not there is answered", status == 0 and out.count("\n") >= 3, out)

# Before the first event there is little to show, and that is said.
status, out, err = replay("goto start", "events", "output", "chain", "source", "ps", "tree", "breakpoints", "back", "select 4")
checks.check("at the start: status", status == 0 and err == "", f"{status}: {err}")
for words in ("before the first event", "no events yet", "no output yet", "nothing is selected", "no coroutines",
              "there are no breakpoints", "this is the start", "object #4 does not exist"):
    checks.check(f"at the start: {words}", words in out, out)
checks.check("at the start: nothing to list", "no objects at event 0" in replay("goto start", "tree all")[1] and
             program.run("tree", "--json", "--at", 0, trace)[1] == "[]\n")

# At its end, and there and back.
status, out, err = replay("goto end", "event", "goto start", "continue", "reverse-continue", "turn -1", "turn 3", "turn -1")
checks.check("there and back", status == 0 and "this is the end of the recording" in out and
             "there is no turn of an event loop before this" in out, out)

# One breakpoint that stays and one that does not.
status, out, err = replay("tbreak any in ann", "b yield in bob", "c", "breakpoints", "c", "breakpoints", "delete 2", "delete 2",
                          "breakpoints")
checks.check("breakpoints: what they are", "breakpoint 1  once any in ann" in out and "breakpoint 2  yield in bob" in out, out)
checks.check("breakpoints: gone", "breakpoint 2 is gone" in out and "there is no breakpoint 2" in out and
             out.endswith("there are no breakpoints\n"), out)

# save: what was recorded, once more.
copy = folder / "a copy.coro"
status, out, err = replay(f"save '{copy}'")
checks.check("save: says so", status == 0 and "events saved in" in out and "a copy.coro" in out, out + err)
checks.equal("save: the same events", program.run("events", "--json", copy)[1], program.run("events", "--json", trace)[1])

# Selecting.
status, out, err = replay("goto 60", "select follow", "select #4", "select 4", "select", "chain #4", "source 4", "events 0",
                          "events 3", "ps all", "tree --all")
checks.check("select: by number, with or without #", status == 0 and err == "" and "follows whatever changes" in out, out + err)
checks.check("events: so many", "\n58  " in out and "\n60  " in out, out)
checks.check("ps all: also what is no coroutine", "queue" in out and "loop" in out, out)

# Standard output that is gone is no crash.
for command in (["ps", trace], ["tree", trace]):
    status, out, err = program.run(*command)
    checks.check(f"{command[0]}: text", status == 0 and err == "" and out, out + err)

checks.end()

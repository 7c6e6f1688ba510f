"""Attaching to a server that nobody prepared: what is seen of it, who else watches, and that it goes on."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from support import PATIENCE, begin

program, checks, folder = begin()


class Server:
    """The demo `echo`, on a port of its own."""

    def __init__(self, **environment):
        self.process = subprocess.Popen([program.demo("echo")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, **environment})
        self.port = int(re.search(rb":(\d+)", self.process.stdout.readline())[1])

    @property
    def pid(self):
        return self.process.pid

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def answers(self, connection, words=b"hello"):
        connection.sendall(words)
        got = b""
        while len(got) < len(words):
            more = connection.recv(100)
            if not more:
                return False
            got += more
        return got == words

    def end(self):
        self.process.kill()
        out, err = self.process.communicate(timeout=PATIENCE)
        return out, err


def objects(server, *options):
    status, out, err = program.run("ps", "--json", *options, server.pid)
    checks.check(f"ps {' '.join(options)}: status", status == 0 and err == "", f"{status}: {err}")
    return json.loads(out)


def names(server):
    return sorted((entry["name"], entry["kind"], entry["state"]) for entry in objects(server))


def listed(pid):
    status, out, err = program.run("list", "--json")
    found = [entry for entry in json.loads(out) if entry["pid"] == pid]
    return found[0] if found else None


def until(holds):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if holds():
            return True
    return False


class Debugger:
    """`coroscope attach --batch` that reads what it is to do as it goes."""

    def __init__(self, pid, *options):
        self.process = subprocess.Popen([program.coroscope, "attach", "--batch", *map(str, options), str(pid)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def do(self, command, mark):
        """Up to the line that has `mark`."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        lines = b""
        while mark.encode() not in lines:
            line = self.process.stdout.readline()
            if not line:
                break
            lines += line
        return lines.decode()

    def end(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.decode(), err.decode()


ECHO = [("acceptor", "coroutine", "suspended"), ("acceptor", "task", "suspended"),
        ("amain", "coroutine", "suspended"), ("amain", "task", "suspended")]
# A task of its own for each connection, and its coroutine.
SERVED = [("connection", "coroutine", "suspended"), ("connection", "task", "suspended")]

server = Server()
first = server.connect()
checks.check("untouched: it answers", server.answers(first))
entry = listed(server.pid)
checks.check("list: it runs", entry and entry["state"] == "running" and entry["threads"] == 1 and
             entry["readers"] == 0 and entry["program"].endswith("echo"), str(entry))
checks.check("list: what is not known is left out", entry and "coroutines" not in entry, str(entry))

# Who sleeps in its selector answers, and is what it was: before, and after somebody looked.
seen = names(server)
checks.check("ps: all are there", all(entry in seen for entry in ECHO) and len(seen) == 6, str(seen))
checks.check("ps: the same again", names(server) == seen)
task = next(entry for entry in objects(server) if entry["name"] == "acceptor" and entry["kind"] == "task")
checks.check("ps: waits for its descriptor", task["waits_on"].startswith("readable fd "), str(task))
checks.check("ps: made and suspended in the program", task["created_site"].startswith("echo.c:") and
             task["site"].startswith("echo.c:"), str(task))
checks.check("ps: what is not known is left out", task["partial"] and "created_at" not in task and "resumes" not in task, str(task))
status, out, err = program.run("tree", server.pid)
checks.check("tree: a task and its coroutine", re.search(r"(?m)^acceptor #\d+ .*\n  acceptor #\d+", out), out)
checks.check("watched: it answers", server.answers(first))
checks.check("list: nobody is left", listed(server.pid)["readers"] == 0)

# One holds it, others look; it goes on when the first has left.
holder = Debugger(server.pid, "-o", folder / "held.coro")
shown = holder.do("ps", "acceptor")
checks.check("attach: sees them", "acceptor" in shown, shown)
checks.check("list: it is watched", until(lambda: listed(server.pid)["state"] == "watched"))
other = Debugger(server.pid)
shown = other.do("ps", "amain")
checks.check("attach: a second one sees them as well", "amain" in shown, shown)
second = server.connect()
second.sendall(b"wait")
second.settimeout(0.2)
try:
    held = not second.recv(10)
except TimeoutError:
    held = True
checks.check("attach: a script holds it", held)
second.settimeout(PATIENCE)
status, out, err = other.end()
checks.check("attach: the second one leaves", status == 0 and err == "", f"{status}: {err}")
status, out, err = holder.end()
checks.check("attach: the first one leaves", status == 0, f"{status}: {err}")
checks.check("attach: then it goes on", second.recv(10) == b"wait")
checks.check("attach: and knows both connections", len(names(server)) == 8, str(names(server)))

# What it recorded is a trace as any other.
status, out, err = program.run("ps", "--json", folder / "held.coro")
checks.check("attach -o: a trace", status == 0 and [entry["name"] for entry in json.loads(out)].count("acceptor") == 2, f"{status}: {out}{err}")

# A reader that is killed while it holds the program.
killed = Debugger(server.pid)
killed.do("ps", "acceptor")
killed.process.kill()
killed.end()
checks.check("attach: killed, and it goes on", server.answers(second, b"again"))
checks.check("attach: after that again", len(names(server)) == 8)
first.close()
checks.check("attach: who leaves is not there any more", until(lambda: len(names(server)) == 6), str(names(server)))
server.process.send_signal(signal.SIGSTOP)
server.process.send_signal(signal.SIGCONT)
second.close()
checks.equal("its output is what it would be", *[stream.decode() for stream in server.end()])
checks.check("list: a killed one", until(lambda: listed(server.pid) and listed(server.pid)["state"] == "killed"))
program.run("prune", server.pid)
checks.check("prune: it is gone", listed(server.pid) is None)

# What cannot be attached to.
quiet = Server(COROSCOPE="off")
sleeper = subprocess.Popen(["sleep", "1000"])
gone = subprocess.Popen(["true"])
gone.wait()
for pid, words in ((gone.pid, "does not exist"), (sleeper.pid, "link"), (quiet.pid, "COROSCOPE=off"), (0, "0"), ("x1", "x1")):
    for command in (["attach", "--batch"], ["ps"], ["tree"]):
        status, out, err = program.run(*command, pid)
        checks.check(f"{command[0]} {words}: one line", err.count("\n") == 1 and out == "" and words in err, f"{status}: {out}{err}")
        checks.check(f"{command[0]} {words}: status", status in (2, 3), str(status))
quiet.end()
sleeper.kill()
sleeper.wait()
checks.end()

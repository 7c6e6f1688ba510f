"""record: its exit status, its output and its trace are the program's."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
from support import PATIENCE, begin

program, checks, folder = begin()


def untraced(demo):
    environment = {**os.environ, "COROSCOPE_TIME": "virtual"}
    return subprocess.run([program.demo(demo)], capture_output=True, timeout=PATIENCE, env=environment).stdout.decode()


for demo in ("channel", "averager", "producer_consumer"):
    status, out, err = program.run("record", "--virtual", program.demo(demo), cwd=folder)
    checks.check(f"{demo}: status", status == 0, str(status))
    checks.equal(f"{demo}: output", out, untraced(demo))
    checks.check(f"{demo}: one summary line", err.count("\n") == 1 and "events, 0 lost" in err, err)
    checks.check(f"{demo}: DEMO.coro, here", (folder / f"{demo}.coro").exists())

# A program that ends with a status, or by a signal.
echo = program.demo("echo")
status, out, err = program.run("record", "-o", folder / "x.coro", "--", echo, "not-a-port")
plain = subprocess.run([echo, "not-a-port"], capture_output=True, timeout=PATIENCE)
checks.check("status of the program", status == plain.returncode and status != 0, f"{status}: {err}")


class Echo:
    """A recorded echo server."""

    def __init__(self, path, *arguments, options=()):
        self.process = subprocess.Popen([program.coroscope, "record", "-o", str(path), *options, "--", echo, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        said = b""
        while not said.endswith(b"\n"):
            part = self.process.stdout.read(1)
            assert part, self.process.stderr.read()
            said += part
        self.port = int("".join(c for c in said.decode().split(":")[-1].split()[-1] if c.isdigit()))


def talk(port, number, failures):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            for turn in range(3):
                message = f"client {number} turn {turn}\n".encode() * 20
                connection.sendall(message)
                answer = b""
                while len(answer) < len(message):
                    part = connection.recv(65536)
                    if not part:
                        break
                    answer += part
                if answer != message:
                    failures.append(number)
    except OSError as error:
        failures.append((number, error))


def listener(port):
    """The process that listens on a port: whose descriptor is the socket that the kernel lists for it."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{port:04X}") and words[3] == "0A":
            inode = words[9]
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd) == f"socket:[{inode}]" for fd in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise LookupError(port)


# A hundred at once, and nothing is lost.
trace = folder / "echo.coro"
server = Echo(trace, "--connections", "100")
failures = []
clients = [threading.Thread(target=talk, args=(server.port, i, failures)) for i in range(100)]
for client in clients:
    client.start()
for client in clients:
    client.join()
_, err = server.process.communicate(timeout=PATIENCE)
checks.check("echo: all were served", not failures, str(failures[:3]))
checks.check("echo: status", server.process.returncode == 0, f"{server.process.returncode}: {err.decode()}")
checks.check("echo: nothing is lost", b", 0 lost" in err, err.decode())
status, out, err = program.run("replay", "--batch", trace, stdin="continue\nexpect end of the recording\nturn -5\nback 100\n")
checks.check("echo: the trace replays", status == 0 and err == "", f"{status}: {err}")
status, out, err = program.run("stat", "--json", trace)
checks.check("echo: a task for each", status == 0 and '"tasks":10' in out, out)

# Killed: 128 + 9, and the trace is there up to the end.
trace = folder / "killed.coro"
server = Echo(trace)
talk(server.port, 1, failures)
os.kill(listener(server.port), signal.SIGKILL)
_, err = server.process.communicate(timeout=PATIENCE)
checks.check("killed: status", server.process.returncode == 128 + 9, f"{server.process.returncode}: {err.decode()}")
status, out, err = program.run("replay", "--batch", trace, stdin="continue\n")
checks.check("killed: the trace opens", status == 0 and "event" in out, f"{status}: {out}{err}")


def statistics(path):
    status, out, err = program.run("stat", "--json", path)
    if "before its first event" in err:
        return {"events": 0}
    assert status == 0, err
    return json.loads(out)


# The flight recorder writes what it has on SIGUSR1, goes on, and writes the rest at the program's end.
trace = folder / "flight.coro"
server = Echo(trace, options=("--policy", "overwrite", "--last", "16K"))
talk(server.port, 1, failures)
checks.check("flight recorder: nothing is written before", statistics(trace)["events"] == 0)
server.process.send_signal(signal.SIGUSR1)
deadline = time.monotonic() + PATIENCE
while statistics(trace)["events"] == 0 and time.monotonic() < deadline:
    time.sleep(0.02)
first = statistics(trace)["events"]
checks.check("flight recorder: written when asked", first > 0)
for client in range(60):
    talk(server.port, client, failures)
os.kill(listener(server.port), signal.SIGKILL)
_, err = server.process.communicate(timeout=PATIENCE)
told = statistics(trace)
checks.check("flight recorder: status", server.process.returncode == 128 + 9, f"{server.process.returncode}: {err.decode()}")
checks.check("flight recorder: more at the end", told["events"] > first, f"{first}: {told}")
checks.check("flight recorder: what was written over is counted", told["lost"] > 0, str(told))
status, out, err = program.run("events", trace)
checks.check("flight recorder: the loss stands where it was", status == 0 and "[LOST " in out, f"{status}: {err}")
checks.check("flight recorder: nobody failed", not failures, str(failures[:3]))

checks.end()

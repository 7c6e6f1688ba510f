"""What the tests of the program's behaviour share: running it, and reporting what differs."""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PATIENCE = 120  # seconds: far beyond what anything here takes


class Program:
    """The coroscope program and the demos, as the build left them."""

    def __init__(self, coroscope, demos, sources):
        self.coroscope = str(pathlib.Path(coroscope).resolve())
        self.demos = pathlib.Path(demos).resolve()
        self.sources = pathlib.Path(sources).resolve()

    def run(self, *arguments, stdin="", cwd=None, stdout=subprocess.PIPE):
        """Runs `coroscope ARGUMENTS...`: (exit status, standard output, standard error)."""
        done = subprocess.run([self.coroscope, *map(str, arguments)], input=stdin.encode(),
                              stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, timeout=PATIENCE)
        return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()

    def demo(self, name):
        return str(self.demos / name)

    def record(self, name, path):
        """Records a deterministic demo; its trace is at `path` then."""
        status, out, err = self.run("record", "--virtual", "-o", path, "--", self.demo(name))
        assert status == 0, f"record {name}: status {status}: {err}"
        return out, err

    def name_places(self, text):
        """Each "channel.c:49" becomes "channel.c `the text of that line`", and lines of source lose
        their numbers: what a place means does not change when a comment above it does."""
        def place(match):
            file = self.sources / match[1]
            if not file.exists():
                return match[1]
            return f"{match[1]} `{file.read_text().splitlines()[int(match[2]) - 1].strip()}`"
        text = re.sub(r"(?m)^([> ]) +\d+(  |$)", r"\1 line\2", text)
        return re.sub(r"([A-Za-z_]\w*\.c):(\d+)", place, text)


class Checks:
    """Counts what was checked, and tells what failed."""

    def __init__(self):
        self.failed = 0
        self.passed = 0

    def check(self, what, holds, detail=""):
        if holds:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED: {what}" + (f"\n    {detail}" if detail else ""))

    def equal(self, what, actual, expected):
        difference = difflib.unified_diff(expected.splitlines(), actual.splitlines(), "expected",
                                          "actual", lineterm="")
        self.check(what, actual == expected, "\n    ".join(difference))

    def end(self):
        print(f"{self.passed} checks passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


SCRATCH = tempfile.TemporaryDirectory()


def begin():
    """From the three arguments of every test (the program, the folder of demos, that of their sources): the
    program, what counts the checks, and a folder that is removed at the end."""
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ.pop("COROSCOPE_TIME", None)
    return Program(*sys.argv[1:4]), Checks(), pathlib.Path(SCRATCH.name)

#!/usr/bin/env python3
"""Checks that the runtime does not call its own functions that ask where their caller stands.

    sites.py TREE

The place of an event is a place in the program. A public function finds it as its own return
address, CORO__SITE. If the runtime called that function itself, the place would be in the
library; and if a static function asked, the answer would depend on what was inlined where. So
only public functions ask, nothing in the runtime calls one that does, and what it needs of them
has a form that is given the place.

The place of a mistake, CORO__CALLER, is asked for by public functions alone too. The runtime may call
them: it makes no mistakes.

Prints each call that breaks this, and exits with 1 if there is one.
"""
import re
import sys
from pathlib import Path

FUNCTION = re.compile(r"^(?![\s#/*}])([^;{}]*?\))\s*(?:__attribute__[^;{}]*)?\{\n(.*?)^\}", re.M | re.S)
NAME = re.compile(r"\b(\w+)\)?\(")
MACRO = re.compile(r"^#define[ \t]+(\w+)\(((?:[^\n]*\\\n)*[^\n]*)", re.M)
WORD = re.compile(r"\b(coro_\w+)\b")
STRING_OR_COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.S)


def functions(text):
    """(name, is static, body, line) of each function that a file defines."""
    for match in FUNCTION.finditer(text):
        head = re.sub(r"^coro_value\(", "coro_value (", match[1])
        head = re.sub(r"__attribute__\(\(.*?\)\)", "", head)
        name = NAME.search(head)
        if name:
            yield name[1], "static" in head, match[2], text.count("\n", 0, match.start(2)) + 1


def main():
    tree = Path(sys.argv[1]).resolve()
    files = {}
    for file in sorted((tree / "runtime").rglob("*.[ch]")):
        text = STRING_OR_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), file.read_text())
        files[file.relative_to(tree).as_posix()] = text
    known = [(path, *function) for path, text in files.items() for function in functions(text)]
    mistakes = [f"{path}:{line}: {name} is static, and asks for CORO__SITE"
                for path, name, static, body, line in known if static and "CORO__SITE" in body]
    mistakes += [f"{path}:{line}: {name} is static, and asks for CORO__CALLER"
                 for path, name, static, body, line in known
                 if static and re.search(r"CORO__CALLER|CORO__CHECK(_BODY|_UNLESS_NULL)?\(", body)]
    asking = {name for _, name, static, body, _ in known if not static and "CORO__SITE" in body}
    if len(asking) < 20:
        mistakes.append(f"only {len(asking)} functions found that ask for CORO__SITE")
    # A public name that is a macro over such functions.
    macros = {name: set(WORD.findall(body)) - {name}
              for path, text in files.items() if "/include/" in path
              for name, body in MACRO.findall(text)}
    while True:
        more = {name for name, words in macros.items() if words & asking} - asking
        if not more:
            break
        asking |= more
    for path, name, _, body, line in known:
        if "/include/" in path:
            continue
        for match in re.finditer(r"\b(coro_\w+)\)?\(", body):
            if match[1] in asking:
                at = line + body.count("\n", 0, match.start())
                mistakes.append(f"{path}:{at}: {name} calls {match[1]}")
    print("\n".join(mistakes) or f"the runtime calls none of {len(asking)} functions that ask")
    return 1 if mistakes else 0


sys.exit(main())

#!/usr/bin/env python3
"""Checks docs/reference: it is what its generator makes of the headers, each public function is in it,
and each of its links leads somewhere.

    reference.py TREE
"""
import re
import subprocess
import sys
from pathlib import Path


def anchors(text):
    """What the headings of a page are called in links."""
    plain = re.sub(r"(?ms)^```.*?^```$", "", text)
    return {re.sub(" ", "-", re.sub(r"[^\w\- ]", "", heading.lower())) for heading in re.findall(r"(?m)^#+ (.*)$", plain)}


def main():
    tree = Path(sys.argv[1]).resolve()
    folder = tree / "docs/reference"
    made = subprocess.run([sys.executable, tree / "docs/generate-reference.py", "--check", tree],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    mistakes = made.stdout.splitlines() if made.returncode else []

    pages = {path: path.read_text() for path in sorted(folder.glob("*.md"))}
    headings = " ".join(re.findall(r"(?m)^### (.*)$", "\n".join(pages.values())))
    index = pages.get(folder / "README.md", "")
    functions = set()
    for header in sorted((tree / "runtime/include/coroscope").glob("*.h")):
        text = re.sub(r"(?s)/\*.*?\*/", "", header.read_text())
        for declaration in re.findall(r"(?m)^(?:CORO_API|CORO__INLINE)\b[^;{(]*\(?\b(coro_[a-z]\w*)\)?\(", text):
            functions.add((declaration, header.name))
    for name, header in sorted(functions):
        if not re.search(rf"\b{name}\b", headings):
            mistakes.append(f"{name} of {header} has no entry in docs/reference")
        if f"[`{name}`]" not in index:
            mistakes.append(f"{name} of {header} is not in docs/reference/README.md")
    if len(functions) < 100:
        mistakes.append(f"only {len(functions)} functions found")

    links, known = 0, {}
    for page, text in pages.items():
        for target in re.findall(r"\]\(([^)]*)\)", re.sub(r"(?ms)^```.*?^```$|(\[`[^`\n]*`\])|`[^`\n]*`", r"\1", text)):
            links += 1
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.is_file():
                mistakes.append(f"docs/reference/{page.name}: the link {target} leads nowhere")
                continue
            known.setdefault(file, anchors(file.read_text()))
            if anchor and anchor not in known[file]:
                mistakes.append(f"docs/reference/{page.name}: there is no heading for the link {target}")
    if links < 500:
        mistakes.append(f"only {links} links found")
    print("\n".join(dict.fromkeys(mistakes)) or f"{len(functions)} functions are in docs/reference, {links} links lead somewhere")
    return 1 if mistakes else 0


sys.exit(main())

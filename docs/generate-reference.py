#!/usr/bin/env python3
"""Writes docs/reference: a page for each public header of the runtime, and an index of all names.

    generate-reference.py TREE            rewrites TREE/docs/reference
    generate-reference.py --check TREE    exits with 1 if it is not what it would write

What it understands of a header (runtime/include/coroscope/*.h):

    /* name.h - what it is. ... */        the page's beginning; "Invariants" and the like before a
                                          list of points are headings, what is indented is a drawing
    /* ---- Title (rule S2) ---- */       a section
    /* Text.                              a comment with nothing behind it: of all that follows in
                                          its section
    /* Text. */ declarations, until a     an entry: a function in the form in which the program writes
    blank line or the next comment        it, a macro, a type
    coro__name, CORO__NAME                not for the program; left out

Each function and macro has a text and a source. A source is said in the comment:

    rule K7, rules S1-S5, (H2)            of tests/conformance/rules.md; or of a header that has rules of its
                                          own: points that begin "- H2 "
    PEP 380
    (asyncio.shield)                      what it is called in Python
    Manual: "Queues" of Python's asyncio.
    Beyond Python: where it comes from.

Where the comment says none, that of the text or title above it holds, then that of its section's title, then
that of the page's beginning. What is missing is told in one line each, and nothing is written.
"""
import re
import sys
from pathlib import Path

WIDTH = 100
INTERNAL = re.compile(r"(?i)coro__|COROSCOPE_|CORO_API$")
RULE = r"[A-Z]{1,2}\d+(?:-[A-Z]{0,2}\d+)?"
MANY = r"(?:(?:, | and )%s)*"
CITED = re.compile(
    rf"(?:\b[Rr]ules? |\((?={RULE}(?:, {RULE})*\)))(?P<rules>{RULE}{MANY % RULE})|\bPEP (?P<peps>\d+{MANY % r'[0-9]+'})"
    r"""|Manual: (?P<manual>"[^"]+"(?:(?:, | and )"[^"]+")*) of Python's [\w ]+"""
    r"|(?:\(|, )(?P<name>[a-z_]+\.(?!h[,)])\w+(?:\.\w+)*)(?=[,)])|[Bb]eyond Python: (?P<beyond>(?:[^.)]|\.(?=\w))+)")
# What is only a source, at the end of a text.
TAIL = re.compile(rf"\s*(?:\((?:(?:rules? |PEP |beyond Python: |[a-z_]+\.(?!h\)))[^()]*|{RULE}(?:, {RULE})*)\)\.?|(?:Rules? {RULE}|PEP \d|Manual: |Beyond Python: )(?:[^.]|\.(?=\w))*\.)\s*\Z")


# ---- Sources -----------------------------------------------------------------


class Sources:
    """What a text says it comes from."""

    def __init__(self, text):
        self.rules, self.peps, self.manual, self.names, self.beyond = [], [], [], [], None
        first, behind, rest = text.partition("\n\n")
        told = " ".join(filter(None, (parted(first)[1], parted(behind + rest)[1])))
        for match in CITED.finditer(" ".join((told or text).split())):
            found = match.groupdict()
            self.rules += re.findall(RULE, found["rules"] or "")
            self.peps += re.findall(r"\d+", found["peps"] or "")
            self.manual += re.findall(r'"([^"]+)"', found["manual"] or "")
            self.names += [found["name"]] if found["name"] else []
            self.beyond = self.beyond or found["beyond"]

    def under(self, other):
        """These, and what they do not say as the other has it."""
        if self.beyond:
            return self
        both = Sources("")
        own = self.rules or self.peps
        both.rules, both.peps = (self.rules, self.peps) if own else (other.rules, other.peps)
        both.manual, both.names = self.manual or other.manual, self.names
        both.beyond = None if both.names else other.beyond
        return both

    def __bool__(self):
        return bool(self.rules or self.peps or self.manual or self.names or self.beyond)


def parted(text):
    """The text without the sources that stand at the end of its paragraphs, and these."""
    told, kept = [], []
    for part in re.split(r"(\n\n(?! ))", text):
        while (tail := TAIL.search(part)) and tail[0]:
            told.insert(0, tail[0].strip())
            part = part[:tail.start()]
            drawn = part.rpartition("\n")[2].startswith("    ")
            part += "." if part and part[-1] not in ".:!?" and not drawn else ""
        kept.append(part)
    return "".join(kept).strip("\n"), " ".join(told)


def without_sources(text):
    return parted(text)[0]


def rules_of(tree, headers):
    """Rule -> where it stands: under a heading of rules.md, or of the page of a header."""
    found, anchor = {}, None
    for line in (tree / "tests/conformance/rules.md").read_text().splitlines():
        if line.startswith("## "):
            anchor = slug(line[3:])
        for rule in re.findall(r"\*\*([A-Z]{1,2}\d+)\*\*", line):
            found[rule] = f"../../tests/conformance/rules.md#{anchor}"
    for header in headers:
        for line in header.top.split("\n"):
            rule = re.match(r"- ([A-Z]{1,2}\d+)\b", line)
            if rule:
                found.setdefault(rule[1], f"{header.name[:-2]}.md#{slug(anchor)}")
            elif line[:1] not in " " and line:
                anchor = line
    return found


# ---- Headers -----------------------------------------------------------------


def for_c(text):
    """The header as C sees it, with its lines where they were."""
    out, kept = [], [True]
    for line in text.split("\n"):
        directive = re.match(r"#\s*(ifdef|ifndef|if|else|elif|endif)\b\s*(\w*)", line)
        if not directive:
            out.append(line if all(kept) else "")
            continue
        word, name = directive.groups()
        if word.startswith("if"):
            kept.append((word == "ifdef") != (name in ("__cplusplus", "CORO_NO_PROBES")) or word == "if"
                        or (word == "ifndef"))
        elif word == "endif":
            kept.pop()
        else:
            kept[-1] = not kept[-1]
        out.append("")
    return out


def bare(line):
    """Without comments and strings."""
    return re.sub(r'(?s)/\*.*?\*/|"(?:\\.|[^"\\])*"', "", line)


def pieces(path):
    """(kind, text, line) of what a header is made of: comment, section, define, declaration, blank."""
    lines = for_c(path.read_text())
    at = 0
    while at < len(lines):
        begin, line = at, lines[at]
        at += 1
        if not line.strip():
            yield "blank", "", begin + 1
        elif line.startswith("/*"):
            while "*/" not in lines[at - 1]:
                at += 1
            text = "\n".join(lines[begin:at])
            title = re.fullmatch(r"/\* -{3,} (.*?) -+ \*/", text)
            if title:
                yield "section", title[1], begin + 1
            elif "clang-format" not in text:
                yield "comment", text, begin + 1
        elif line.startswith("#define"):
            while lines[at - 1].endswith("\\"):
                at += 1
            yield "define", "\n".join(lines[begin:at]), begin + 1
        elif not line.startswith("#") and not re.match(r"[A-Z_]+\(\w+\)$", line):
            while True:
                code = bare("\n".join(lines[begin:at]))
                depth = code.count("{") - code.count("}") + code.count("(") - code.count(")")
                if depth == 0 and re.search(r"[;}]\s*\Z", code) and "/*" not in code:
                    break
                if at == len(lines):
                    sys.exit(f"{path.name}:{begin + 1}: this declaration has no end")
                at += 1
            yield "declaration", "\n".join(lines[begin:at]), begin + 1


def text_of(comment):
    """A comment's text, its indentation relative to its first column."""
    lines = re.sub(r"\s*\*/\s*\Z", "", comment[2:]).split("\n")
    return "\n".join(re.sub(r"^\s*\*? ?", "", line, count=1) if number else line.lstrip()
                     for number, line in enumerate(lines)).strip("\n")


class Name:
    """Something that a header offers."""

    def __init__(self, name, kind, text, line):
        self.name, self.kind, self.text, self.line = name, kind, text, line
        self.result, self.parameters = None, None  # of a function, or a macro that stands for one
        self.entry = None


def split(text):
    """At the commas that stand in no parentheses."""
    out, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            out.append("")
        else:
            out[-1] += letter
    return [part.strip() for part in out if part.strip()]


def closing(text, at):
    """Where the parenthesis that opens at `at` is closed."""
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return len(text)


def declared(text, line):
    """The names that a declaration declares."""
    code = " ".join(bare(re.sub(r"(?s)/\*.*?\*/", "", text)).split())
    code = re.sub(r"__attribute__ ?\(\(.*?\)\)(?=[ ;{]|$)", "", code)
    code = re.sub(r"\b(CORO_API|CORO__INLINE|static inline|extern)\s+", "", code).strip()
    head = re.match(r"(struct|enum|union) (\w+) ?([{;])", code)
    if head:
        kind = "type" if head[3] == "{" else "opaque"
        return [Name(f"{head[1]} {head[2]}", kind, text, line)]
    if code.startswith("typedef"):
        name = (re.search(r"\(\*(\w+)\)\(", code) or re.search(r"(\w+) ?\([^()]*\);$", code) or re.search(r"(\w+);$", code))[1]
        return [Name(name, "type", text, line)]
    if code.startswith("enum {"):
        return [Name(name, "constant", text, line) for name in re.findall(r"[{,] ?(\w+)", code)]
    function = re.match(r"([\w ]+[ *]+)\(?(\w+)\)? ?\(", code)
    if function:
        name = Name(function[2], "function", text, line)
        name.result = function[1].strip()
        name.parameters = split(code[function.end():closing(code, function.end() - 1)])
        return [name]
    variable = re.match(r"[\w ]+? \**(\w+(?:\[\w*\])?(?:, \w+(?:\[\w*\])?)*);", code)
    if variable:
        return [Name(each, "constant", text, line) for each in re.findall(r"(\w+)(?:\[\w*\])?(?:, |$)", variable[1])]
    return []


class Entry:
    """A comment, and what it is about."""

    def __init__(self, header, line):
        self.header, self.line, self.comment, self.names = header, line, "", []
        self.above = []  # the texts whose sources it inherits, the nearest first

    def sources(self):
        found = Sources(self.comment)
        for text in self.above:
            found = found.under(Sources(text))
        return found

    def heading(self):
        return ", ".join(name.name for name in self.names)


class Header:
    """A header as the reference sees it: sections of entries and texts."""

    def __init__(self, path):
        self.name, self.top, self.sections, self.rows = path.name, "", [], {}
        self.names = []  # all of them, also the internal ones
        title, items, comment, above, entry, listed = None, [], None, [], None, None
        for kind, text, line in pieces(path):
            if kind in ("blank", "section", "comment"):
                if comment is not None and not self.top:
                    self.top = comment
                elif comment is not None:
                    items.append(comment)
                    above.insert(0, comment)
                comment = entry = None
            if kind == "section":
                self.sections.append((title, items))
                title, items, above = text, [], [text]
            elif kind == "comment":
                comment = text_of(text)
            elif kind in ("define", "declaration"):
                if not entry:
                    entry = Entry(self.name, line)
                    entry.comment, entry.above = comment or "", above + [self.top]
                    items.append(entry)
                    comment = None
                names = declared(text, line) if kind == "declaration" else self.macro(text, line)
                rows = re.search(r"\bX\((.*?)\)(?!.*#)", text) if kind == "define" else None
                if rows and names and names[0].name.endswith("S"):
                    listed = names[0]
                    self.rows[listed.name] = [None, [split(row) for row in re.findall(r"\tX\((.*?)\)", text)]]
                prefix = re.search(r"(CORO_\w*?)##", text)
                if prefix and listed and text.lstrip().startswith(("#define CORO__X", "enum")):
                    self.rows[listed.name][0] = prefix[1]
                    listed = None
                for name in names:
                    name.entry = entry
                    self.names.append(name)
                    entry.names.append(name)
        if comment is not None:
            items.append(comment)
        self.sections.append((title, items))

    @staticmethod
    def macro(text, line):
        code = re.sub(r"\s*\\\n\s*", " ", text)
        match = re.match(r"#define (\w+)(?:\(([^)]*)\))?\s*(.*)", code, re.S)
        name = Name(match[1], "macro", match[3], line)
        if match[2] is not None:
            name.parameters = split(match[2])
        return [name]

    def entries(self):
        return [item for _, items in self.sections for item in items if isinstance(item, Entry)]


def renamed(parameter, name):
    """A parameter of a prototype, under another name."""
    return re.sub(r"\w+(?=\)\(|\)? ?(?:\[\w*\])?$)", name, parameter, count=1)


def give_types(macro, functions):
    """A macro that stands for a call has its result and the types of its parameters."""

    def typed(text):
        """The result of the first call in the text, and the types of what stands in it."""
        for match in re.finditer(r"\(?\b(\w+)\)?\(", text):
            function = functions.get(match[1])
            if not function or function.parameters is None or not function.result:
                continue
            arguments = split(text[match.end():closing(text, match.end() - 1)])
            found = {}
            for argument, parameter in zip(arguments, function.parameters):
                plain = argument.strip("() ") if re.fullmatch(r"\(*\w+\)*", argument) else None
                if plain in macro.parameters:
                    found[plain] = renamed(parameter, plain)
                elif not plain:
                    found.update({key: value for key, value in typed(argument)[1].items() if key not in found})
            return function.result, found
        return None, {}

    if macro.parameters:
        result, found = typed(macro.text)
        if result and set(found) == set(macro.parameters):
            macro.result, macro.parameters = result, [found[each] for each in macro.parameters]


def read_headers(folder):
    """All headers, in the order in which coro.h says to read them; the others behind."""
    order = re.findall(r'#include "(\w+\.h)"', (folder / "coro.h").read_text())
    place = {name: number for number, name in enumerate(["coro.h", *order])}
    paths = sorted(folder.glob("*.h"), key=lambda path: (place.get(path.name, len(place)), path.name))
    headers = [Header(path) for path in paths]
    functions, offered, returned = {}, {}, {}
    for header in headers:
        for name in header.names:
            if name.kind == "function":
                functions.setdefault(name.name, name)
    for header in headers:
        for name in header.names:
            if name.kind == "macro" and name.name not in functions:
                give_types(name, functions)
                if name.result:
                    functions.setdefault(name.name, name)
            if name.result:
                returned.setdefault(name.result.removesuffix(" *"), header.name)
    # Each name once: a function rather than the macro over it, a struct where it is made.
    for header in headers:
        for name in header.names:
            first = functions.get(name.name, name)
            known = offered.get(name.name)
            here = name.kind != "opaque" or (returned.get(name.name) == header.name and not known)
            defined = name.kind != "opaque" and known and known.kind == "opaque"
            if INTERNAL.search(name.name) or not here or first is not name or (known and not defined):
                continue
            offered[name.name] = name
    for header in headers:
        for entry in header.entries():
            entry.names = [name for name in entry.names if offered.get(name.name) is name]
    # A struct that nothing is said of stands with the first function that returns one.
    for header in headers:
        made = {}
        for name in header.names:
            if offered.get(name.name) is name and name.result:
                made.setdefault(name.result.removesuffix(" *"), name.entry)
        for entry in header.entries():
            for name in [name for name in entry.names if name.kind == "opaque" and not entry.comment]:
                entry.names.remove(name)
                if name.name in made:
                    name.entry = made[name.name]
                    name.entry.names.insert(0, name)
                else:
                    del offered[name.name]
    return headers, offered


# ---- Markdown ----------------------------------------------------------------


def slug(heading):
    """The anchor that a heading gets."""
    return re.sub(r" ", "-", re.sub(r"[^\w\- ]", "", heading.lower()))


class Writer:
    """Makes Markdown of the headers' texts."""

    def __init__(self, tree, headers, offered):
        self.headers, self.offered, self.rules = headers, offered, rules_of(tree, headers)
        self.files = {header.name for header in headers}
        self.mistakes = []

    # Within a line.

    def link(self, name, entry=None):
        known = self.offered.get(name) or self.offered.get("struct " + name.removeprefix("struct "))
        if not known or known.entry is entry:
            return None
        page = "" if entry and entry.header == known.entry.header else f"{known.entry.header[:-2]}.md"
        return f"{page}#{slug(known.entry.heading())}"

    def inline(self, text, entry=None):
        """Names become links, what looks like code is code, and nothing is mark-up by accident."""

        def word(match):
            as_is, name, call, file, odd = match.groups()
            if as_is:
                return as_is
            if name:
                target = self.link(name.rstrip(" *"), entry)
                shown = f"`{name}{call or ''}`"
                return f"[{shown}]({target})" if target else shown
            if file:
                known = file.removeprefix("coroscope/")
                here = entry and entry.header == known
                return f"[`{file}`]({known[:-2]}.md)" if known in self.files and not here else f"`{file}`"
            return f"`{odd}`"

        parts, at = [], 0
        for match in re.finditer(r"(`[^`]+`|(?<!\w)\*\w+\*)|\b(struct coro_\w+(?: \*+)?|(?:enum )?(?:coro|CORO)_\w*\w\*?)(\([\w &*,.]*\))?|((?:coroscope/)?\b\w+\.h)\b|(?<![\w*])(\*?__?\w+|\*\w+)", text):
            parts += [self.plain(text[at:match.start()]), word(match)]
            at = match.end()
        return "".join(parts + [self.plain(text[at:])])

    @staticmethod
    def plain(text):
        return re.sub(r"([*\[\]|])", r"\\\1", text).replace("<", "&lt;")

    @staticmethod
    def wrap(text, width=WIDTH):
        """Lines of at most `width`, none of which begins as a list or a heading does."""
        lines = [""]
        for each in re.findall(r"(?:`[^`]*`|\S)+", text):
            starts = re.fullmatch(r"[-+*#>]+|\d+[.)]", each)
            if lines[-1] and len(lines[-1]) + 1 + len(each) > width and not starts:
                lines.append(each)
            else:
                lines[-1] += (" " if lines[-1] else "") + each
        return "\n".join(lines)

    # Blocks.

    def table(self, lines, entry):
        """A block of two columns as a table; None: it is not one."""
        rows, column = [], None
        for line in lines:
            cells = re.fullmatch(r"(\w+\.h) +()(\S.*)", line)
            if cells:
                rows.append([cells[1], cells[3]])
                continue
            cells = re.fullmatch(r"(\S+(?: \S+)*) {2,}(\S.*)", line)
            if cells and not re.search(r"[|\\^]|--|;\s*$|==", line) and (column in (None, cells.start(2))):
                column = cells.start(2)
                rows.append([cells[1], cells[2]])
            elif column and len(line) - len(line.lstrip()) == column:
                rows[-1][1] += " " + line.strip()
            else:
                return None
        if len(rows) < 2:
            return None
        wide = [re.split(r" {2,}", right) for _, right in rows]
        out = ["| | |", "|---|---|"]
        for (left, _), right in zip(rows, wide):
            out.append(f"| {self.inline(left, entry)} | {self.inline(' '.join(right), entry)} |")
        return "\n".join(out)

    def block(self, lines, entry):
        """What is indented: code, a table or a drawing."""
        indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        parts = re.split(r"\n{2,}", "\n".join(line[indent:] for line in lines).strip("\n"))
        out, tables = [], [self.table(part.split("\n"), entry) for part in parts]
        for part, table in zip(parts, tables):
            if table:
                out.append(["table", table])
            elif out and out[-1][0] == self.language(part):
                out[-1][1] += "\n\n" + part
            else:
                out.append([self.language(part), part])
        return "\n\n".join(text if language == "table" else f"```{language}\n{text}\n```" for language, text in out)

    @staticmethod
    def language(text):
        return "c" if re.search(r"\) ?;|= .*;|\{$|^\s*(return|struct|static|CORO_\w+ ?\()", text, re.M) else "text"

    def prose(self, text, entry=None, level="**", width=WIDTH):
        """A comment's text as Markdown."""
        out, lines = [], text.split("\n")
        at = 0
        while at < len(lines):
            line = lines[at]
            if not line.strip():
                at += 1
                continue
            begin = at
            if line.startswith("  "):
                while at < len(lines) and (next(filter(None, lines[at:]), "").startswith("  ")):
                    at += 1
                out.append(self.block(lines[begin:at], entry))
            elif line.startswith("- "):
                points = []
                while at < len(lines) and re.match(r"- |  ", next(filter(None, lines[at:]), "")):
                    if lines[at].startswith("- "):
                        points.append([])
                    points[-1].append(lines[at][2:])
                    at += 1
                out.append("\n".join("- " + re.sub(r"\n(?=.)", "\n  ", self.prose("\n".join(point).rstrip(), entry, width=WIDTH - 2))
                                     for point in points))
            elif at + 1 < len(lines) and lines[at + 1].startswith("- ") and line[-1] not in ".,;:":
                out.append(f"## {line}" if level == "##" else f"**{line}**")
                at += 1
            else:
                while at < len(lines) and lines[at].strip() and not re.match(r"- |  ", lines[at]) and not (
                        at > begin and at + 1 < len(lines) and lines[at + 1].startswith("- ") and lines[at][-1] not in ".,;:"):
                    at += 1
                out.append(self.wrap(self.inline(" ".join(each.strip() for each in lines[begin:at]), entry), width))
        return "\n\n".join(out)

    def said(self, sources, where):
        """The sources in one line."""
        out = []
        if sources.rules:
            links = {}
            for rule in sources.rules:
                first, _, last = rule.partition("-")
                last = last if not last or last[0].isalpha() else re.match("[A-Z]+", first)[0] + last
                for each in filter(None, (first, last)):
                    if each not in self.rules:
                        self.mistakes.append(f"{where}: there is no rule {each}, in tests/conformance/rules.md or in a header")
                target = self.rules.get(first, "").removeprefix(where.partition(".")[0] + ".md")
                links.setdefault(target, []).append(rule)
            out.append(("rules " if len(sources.rules) > 1 or "-" in sources.rules[0] else "rule ") + ", ".join(
                f"[{', '.join(rules)}]({target})" for target, rules in links.items()))
        if sources.peps:
            out.append(("PEPs " if len(sources.peps) > 1 else "PEP ") + ", ".join(sources.peps))
        out += [f"`{name}`" for name in sources.names]
        if sources.manual:
            out.append("manual: " + ", ".join(sources.manual))
        if sources.beyond:
            out.append("beyond Python: " + self.inline(sources.beyond))
        return "; ".join(out)

    @staticmethod
    def briefly(sources):
        peps = [f"PEP {pep}" for pep in sources.peps]
        return ", ".join(sources.rules + peps) or ("beyond Python" if sources.beyond else "manual")

    # Entries.

    def prototype(self, name):
        if name.kind == "macro" and not name.result:
            if name.parameters:
                return f"{name.name}({', '.join(name.parameters)})"
            value = re.sub(r"\s*/\*.*", "", name.text).strip()
            return f"#define {name.name} {value}" if re.fullmatch(r'\w+|"\w+"', value) else name.name
        if name.kind in ("function", "macro"):
            head = name.result + ("" if name.result.endswith("*") else " ") + name.name + "("
            parameters = name.parameters or ["void"]
            text = head + ", ".join(parameters) + ");"
            if len(text) <= 90:
                return text
            lines, pad = [head], " " * len(head)
            for number, parameter in enumerate(parameters):
                parameter += ");" if number == len(parameters) - 1 else ","
                if lines[-1] not in (head, pad) and len(lines[-1]) + 1 + len(parameter) > 90:
                    lines.append(pad)
                lines[-1] += ("" if lines[-1] in (head, pad) else " ") + parameter
            return "\n".join(lines)
        if name.kind == "opaque" or re.search(r"library's own|^#include", name.entry.comment + name.text, re.M):
            return name.name + ";"
        text = re.sub(r"\b(CORO_API|CORO__INLINE) ", "", name.text)
        return re.sub(r"\n#(?:define|undef) CORO__X.*", "", text).expandtabs(4)

    def rows(self, header, entry):
        """The lists that macros make."""
        for name in entry.names:
            prefix, rows = header.rows.get(name.name, (None, None))
            if not rows:
                continue
            if len(rows[0]) == 2:
                below = {}
                for child, base in rows:
                    below.setdefault(base, []).append(child)

                def tree(base, depth):
                    return [f"{'    ' * depth}{prefix}{base}"] + [line for child in below.get(base, []) for line in tree(child, depth + 1)]

                return "\n".join(["```text", *tree(rows[0][1], 0), "```"])
            return "\n".join(["| number | constant | name |", "|---|---|---|"] +
                             [f"| {number} | `{prefix}{constant}` | {name} |" for number, constant, name in rows])
        return ""

    def entry(self, header, entry):
        where = f"{entry.header}:{entry.line}"
        callable_ = [name for name in entry.names if name.kind in ("function", "macro")]
        sources = entry.sources()
        text = without_sources(entry.comment)
        for name in callable_:
            at = f"{name.entry.header}:{name.line}: {name.name}"
            if not text.strip():
                self.mistakes.append(f"{at} has no comment")
            if not sources:
                self.mistakes.append(f"{at} has no source: say the rule, PEP, manual section, or \"Beyond Python: ...\"")
        out = [f"### {entry.heading()}"]
        shown = [self.prototype(name) for name in entry.names
                 if name.name not in header.rows and "(CORO__X)" not in name.text]
        shown = [text for number, text in enumerate(shown) if text not in shown[:number]]
        if shown:
            out.append("```c\n" + "\n".join(shown) + "\n```")
        if text.strip():
            # A comment that begins with the Python that it stands for.
            python = re.match(r"((?:await |async for |yield|raise |for |with )[^:\n]{1,50}|[\w.]+\([^)]*\)|[a-z_]+\.[\w.()]+(?:, [\w.()]+)*)(?=:|\Z)", text)
            if python and "`" not in python[1] and "\n" not in python[1]:
                text = f"`{python[1]}`" + text[python.end():]
            out.append(self.prose(text, entry))
        rows = self.rows(header, entry)
        if rows:
            out.append(rows)
        if callable_ and sources:
            out.append(self.wrap(f"*Source:* {self.said(sources, where)}."))
        return "\n\n".join(out)

    @staticmethod
    def tag(header):
        """What a header is, in its first sentence, and the text behind that."""
        first, _, rest = header.top.partition("\n\n")
        name, _, text = " ".join(first.split()).partition(" - ")
        sentence = re.match(r"(.*?\.)(?: (.*)|$)", text) or re.match("(.*)()", text)
        more = without_sources(sentence[2] or "")
        rest = re.sub(r"\A(?=\S)", more + "\n\n" if more else "", rest) if rest[:1] != " " else f"{more}\n{rest}"
        return re.sub(":$", ".", without_sources(sentence[1]) or sentence[1]) if name == header.name else "", rest

    def page(self, header):
        """The page of a header."""
        tag, rest = self.tag(header)
        if not tag:
            self.mistakes.append(f'{header.name}:1: the comment at the top does not begin "{header.name} - what it is"')
        out = [f"# {header.name}", "<!-- Made by docs/generate-reference.py. -->", self.wrap(self.inline(tag[:1].upper() + tag[1:]))]
        top = Entry(header.name, 1)
        out.append(self.prose(without_sources(rest), top, "##"))
        sources = Sources(header.top)
        if sources:
            said = self.said(sources, header.name + ":1")
            out.append(self.wrap(f"*Source:* {said}."))
        body, contents = [], []
        for title, items in header.sections:
            items = [item for item in items if not isinstance(item, Entry) or item.names]
            entries = [item for item in items if isinstance(item, Entry)]
            if not entries:
                continue
            title = (without_sources(title) or title).rstrip(".") if title else "Functions and types"
            body.append(f"## {title}")
            contents.append(f"| [{title}](#{slug(title)}) | " + ", ".join(
                f"[`{name.name}`](#{slug(entry.heading())})" for entry in entries for name in entry.names) + " |")
            for item in items:
                body.append(self.entry(header, item) if isinstance(item, Entry) else self.prose(without_sources(item), top))
        if contents:
            out += ["## Contents", "\n".join(["| | |", "|---|---|", *contents])]
        return "\n\n".join(filter(None, out + body)) + "\n"

    def index(self):
        """The first page."""
        out = ["# Reference", "<!-- Made by docs/generate-reference.py. -->", self.wrap(
            "Every function, macro and type of the runtime, made from its headers, which say the same. The rules are those of "
            "[CPython 3.13](../../tests/conformance/rules.md); *manual* is the section of Python's own manual that tells the same of "
            "Python; what is *beyond Python* has no counterpart there. Programs include `coroscope/coro.h`.")]
        rows = ["| header | |", "|---|---|"]
        for header in self.headers:
            rows.append(f"| [`{header.name}`]({header.name[:-2]}.md) | {self.inline(self.tag(header)[0])} |")
        out += ["## Headers, in the order to read them", "\n".join(rows)]
        kinds = (("Functions and macros", ("function", "macro")), ("Types and constants", ("type", "opaque", "constant")))
        for title, kind in kinds:
            rows = ["| | header | rules, PEPs |", "|---|---|---|"] if kind[0] == "function" else ["| | header |", "|---|---|"]
            for name in sorted(self.offered.values(), key=lambda name: name.name.removeprefix("struct ").removeprefix("enum ").lower()):
                if name.kind not in kind:
                    continue
                file = name.entry.header
                row = f"| [`{name.name}`]({self.link(name.name)}) | [{file}]({file[:-2]}.md) |"
                if kind[0] == "function":
                    row += f" {self.briefly(name.entry.sources())} |"
                rows.append(row)
            out += [f"## {title}", "\n".join(rows)]
        listed = [f"[`{prefix}{row[0]}`]({self.link(macro)})" for header in self.headers
                  for macro, (prefix, rows) in header.rows.items() if len(rows[0]) == 2 for row in sorted(rows)]
        if listed:
            out += ["## Types of exceptions", self.wrap(", ".join(listed) + ".")]
        return "\n\n".join(out) + "\n"


def documents(tree):
    """Name -> text of each page."""
    headers, offered = read_headers(tree / "runtime/include/coroscope")
    writer = Writer(tree, headers, offered)
    pages = {f"{header.name[:-2]}.md": writer.page(header) for header in headers}
    pages["README.md"] = writer.index()
    if writer.mistakes:
        sys.exit("\n".join(dict.fromkeys(writer.mistakes)))
    return pages


def main(arguments):
    check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + check:
        sys.exit(__doc__)
    tree = Path(arguments[-1])
    folder, pages = tree / "docs/reference", documents(tree)
    there = {path.name: path for path in folder.glob("*")}
    if check:
        stale = sorted(name for name in {*there, *pages}
                       if name not in there or name not in pages or there[name].read_text() != pages[name])
        if stale:
            sys.exit(f"docs/reference is not up to date ({', '.join(stale)}): run docs/generate-reference.py .")
    else:
        folder.mkdir(exist_ok=True)
        for name in {*there} - {*pages}:
            there[name].unlink()
        for name, text in pages.items():
            (folder / name).write_text(text)


main(sys.argv[1:])

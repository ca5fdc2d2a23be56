"""Where a source can be changed, and into what: one row, condition, constant or emission at a time.

A source is read as text with comments, strings and preprocessor lines blanked out, so that offsets stay. Left alone:
asserts, digests and dumps, loop headers (one step too far is for sanitizers to find), array sizes, growth, shifts and
hashes (capacity and layout, not behaviour), format calls.
"""
import collections
import glob
import os
import re

FOLDERS = ["fakes/scheduler", "fakes/invoker", "fakes/controller", "fakes/common", "fakes/etcd", "fakes/kafka", "sim/check"]

Site = collections.namedtuple("Site", "path start end new kind")

SKIPPED_FUNCTIONS = re.compile(r"digest|pending|dump|print|_text$|_name$|to_string")
SKIPPED_CALLS = re.compile(r"\b(ASSERT\w*|kafka_in_array|static_assert|snprintf|s?printf|arena_\w+|memmove|sizeof|draw_mix|check_report|for)\s*\(")
SKIPPED_LINES = re.compile(r"hash|bucket|UINT64_C\(0x|max\s*== 0 \?|_max\s*==|config_field|_max \*= 2|size \* 2|size_t count = .* \+ 1;|\? -1 :|while \(size <")
# Of two equal values either is the larger one, and either order is right.
CLAMP = re.compile(r"\(?(\S+) (?:<=?|>=?) (\(?[\w.>()-]+(?:\[[^\]]*\])?)\)? \? (?:\1|\2)(?: - (?:\1|\2))? : (?:\1|\2|0)\W"
                   r"|\((\S+) (?:<=?|>=?) ([^)\n]+)\)\s*(?:\3 = \4|\4 = \3);"
                   r"|(\S+) != (\S+) \? \5 [<>] \6")
CAPACITY = re.compile(r"MAX|MIN|SIZE|LIMIT|BYTES|FIRST|BUCKET|OBJECTS|SLOTS|WORD|MASK|BITS|SHIFT|PER_|LENGTH|ROOM|CAPACITY|_MEMBER|HISTORY")
ENUMS = re.compile(r"state|status|error|result|response|phase|stage|decision|datum|instance|outcome|mode|cancel|relation|target|sort")
EMITS = re.compile(r"(?:effects|data|watcher|timers|fsm|lease|feed|producer|shared_set|check)_\w+|\w+_move")
FLIPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&"}


def blank(text):
    """The text without what is no code; same length, same lines."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group())
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', spaces, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", spaces, text, flags=re.M)


def closing(code, start):
    """Offset behind the bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(code)):
        depth += code[at] in "([{"
        depth -= code[at] in ")]}"
        if depth == 0:
            return at + 1
    return len(code)


def functions(code):
    """[(start, end, name)]: bodies, which begin and end in the first column"""
    found = []
    for match in re.finditer(r"^\{\n.*?^\}", code, re.M | re.S):
        head = code[:match.start()].rstrip().rsplit(";", 1)[-1].rsplit("}", 1)[-1]
        names = re.findall(r"(\w+)\s*\(", head)
        found.append((match.start(), match.end(), names[0] if names else ""))
    return found


def enum_members(root):
    """constant -> the enum's constants, of the enums that say what a machine is doing or answers"""
    members = {}
    texts = [open(path, encoding="utf-8").read() for path in sorted(glob.glob(f"{root}/fakes/**/*.[ch]", recursive=True))]
    joined = [re.sub(r"/\*.*?\*/", " ", text, flags=re.S).replace("\\\n", " ") for text in texts]
    lists = {name: re.findall(r"\bX\((\w+)", body) for text in joined for name, body in re.findall(r"#define (\w+_LIST)\(X\)(.*)", text)}
    prefixes = {name: prefix for text in joined for name, prefix in re.findall(r"#define (\w+_MEMBER)\(id[^)]*\)\s*(\w+?)##id,", text)}
    for text in joined:
        for name, body in re.findall(r"\benum (\w+)\s*\{([^}]*)\}", text):
            if not ENUMS.search(name):
                continue
            group = []
            made = re.match(r"\s*(\w+_LIST)\((\w+_MEMBER)\)", body)
            if made:
                group = [prefixes.get(made.group(2), "") + id for id in lists.get(made.group(1), [])]
            else:
                group = [m for m in re.findall(r"\b([A-Z]\w+)\b(?=\s*(?:=[^,]*)?(?:,|$))", body) if not m.endswith("_COUNT")]
            if len(group) > 1:
                members.update({member: group for member in group})
    return members


def skipped_spans(code):
    spans = [(m.start(), closing(code, m.end() - 1)) for m in SKIPPED_CALLS.finditer(code)]
    spans += [(s, e) for s, e, name in functions(code) if SKIPPED_FUNCTIONS.search(name)]
    spans += [m.span() for m in re.finditer(r"^[^\n]*\n", code, re.M) if SKIPPED_LINES.search(m.group())]
    spans += [m.span() for m in re.finditer(r"\benum \w*\s*\{[^}]*\}", code)]
    spans += [m.span() for m in CLAMP.finditer(code)]
    spans += [m.span(1) for m in re.finditer(r"\btimers_arm\([^;]*?(true|false)\)", code)]  # in which list a timer is kept
    spans += [m.span() for m in re.finditer(r"\bcase [^:\n]*:|\[[^\]\n]*\]|\{0\}|\bdefault:", code)]
    return spans


def emissions(path, code, bodies):
    """Whole statements that call something which sends, arms, moves, reports: anything given the effects."""
    for match in re.finditer(r"^([ \t]+)(\w+)\(", code, re.M):
        if not any(s < match.start() < e for s, e, _ in bodies) or match.group(2) in ("if", "while", "for", "switch", "return"):
            continue
        end = closing(code, match.end() - 1)
        call = code[match.start(2):end]
        if code[end:end + 1] == ";" and (EMITS.fullmatch(match.group(2)) or re.search(r"\bfx\b", call)):
            if not re.match(r"check_applies|ASSERT|effects_grow", match.group(2)) or match.group(2) == "check_report":
                yield Site(path, match.start(2), end, "(void)0" + "\n" * call.count("\n"), "emission dropped")


def in_code(path, text, code, members, draw):
    """Conditions and constants anywhere in functions and static tables."""
    for match in re.finditer(r"(?<= )(<=|>=|==|!=|&&|\|\||<|>)(?=\s)", code):
        yield Site(path, *match.span(), FLIPS[match.group()], "condition flipped")
    for match in re.finditer(r"\bif \(", code):
        end = closing(code, match.end() - 1)
        yield Site(path, match.end() - 1, end, f"(!{text[match.end() - 1:end]})", "if negated")
    for match in re.finditer(r"\b(true|false)\b", code):
        yield Site(path, *match.span(), {"true": "false", "false": "true"}[match.group()], "truth swapped")
    for match in re.finditer(r"(?<![\w.<>'])(?<!<< )(?<!>> )(\d+)(u?)\b(?![.\w])", code):
        yield Site(path, *match.span(), f"{int(match.group(1)) + 1}{match.group(2)}", "number one more")
    for match in re.finditer(r"\b[A-Z][A-Z0-9_]+\b", code):
        group = [m for m in members.get(match.group(), []) if m != match.group()]
        if group:
            yield Site(path, *match.span(), draw.choice(group), "state swapped")


def rows(path, code, bodies):
    for match in re.finditer(r"^[ \t]+\[\w+\] = (?:&?\w+|\{[^;\n]*\}),(?=\n)", code, re.M):
        if not any(s < match.start() < e for s, e, _ in bodies):
            yield Site(path, match.start(), match.end(), "", "row removed")


def defines(path, text):
    """Durations and other numbers that have a name, but for capacities."""
    for match in re.finditer(r"^#define (\w+) \(?(?:[A-Z]+\()?(\d+)(?=u?\)?\)?[ \t]*(?:/\*|$))", text, re.M):
        if not CAPACITY.search(match.group(1)):
            yield Site(path, *match.span(2), str(int(match.group(2)) + 1), "number one more")


def behaviours(path, text):
    for match in re.finditer(r"^ +X\(\w+,[^)]*\)", text, re.M):
        for value in re.finditer(r"\b(true|false)\b", match.group()):
            start = match.start() + value.start()
            yield Site(path, start, start + len(value.group()), {"true": "false", "false": "true"}[value.group()], "behaviour swapped")


def sites_of(root, path, members, draw):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".h"):
        return list(behaviours(path, text))
    code = blank(text)
    bodies, spans = functions(code), skipped_spans(code)
    found = [s for s in in_code(path, text, code, members, draw) if not any(a <= s.start < b for a, b in spans)]
    spans = [(s, e) for s, e, name in bodies if SKIPPED_FUNCTIONS.search(name)]
    found += [s for s in emissions(path, code, bodies) if not any(a <= s.start < b for a, b in spans)]
    return found + list(rows(path, code, bodies)) + list(defines(path, text))


def all_sites(root, only, draw):
    members = enum_members(root)
    paths = []
    for folder in FOLDERS:
        paths += sorted(os.path.relpath(p, root) for p in glob.glob(f"{root}/{folder}/*.c") + glob.glob(f"{root}/{folder}/*_behaviour.h"))
    if only:
        paths = [path for path in paths if path in only or os.path.dirname(path) in only]
    return [site for path in paths for site in sites_of(root, path, members, draw)]

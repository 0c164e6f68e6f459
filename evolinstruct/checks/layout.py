"""Constraints on lists, headings, tables and other Markdown: how a response is laid out."""

from __future__ import annotations

import itertools
import re

from evolinstruct.checks.constraint import (
    DENIALS,
    ENDS,
    Constraint,
    OneOf,
    SomeOf,
    Whole,
    at_least,
    constraint,
    differs,
)
from evolinstruct.checks.response import Response, bare, unaccented, words_of

_BOLD = re.compile(r"(?<![*\\])\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*(?!\*)")
_RULE = re.compile(r"[ \t]*-{3,}[ \t]*")
_FENCE = re.compile(r"[ \t]*```")
_TURN = re.compile(r"\**([^:*\n]{1,40}?)\**\s*:\**\s*(\S.*)")
_STEP = re.compile(r"\W*step\s+(\d+)\s*(?:\*\*)?\s*:\s*(?:\*\*)?\s*\S", re.IGNORECASE)
_CELLS = re.compile(r"(?<!\\)\|")
_DIVIDER = re.compile(r":?-+:?")

_SPEAKERS = (
    ("Ada", "Noor"),
    ("Teacher", "Student"),
    ("Mina", "Jonas"),
    ("Clerk", "Visitor"),
)
_SECTIONS = (
    ("Background", "Main points", "Next step"),
    ("In short", "In detail"),
    ("What to know", "What to do", "What to avoid"),
    ("Question", "Reasoning", "Result"),
)


@constraint(
    "list size digits",
    r"\bnumbered\b.*\b(?:items?|points?|list)\b",
    "The response is a numbered list (1., 2., …) of exactly {number} items and nothing else.",
    "Give exactly {number} items in a numbered list, with nothing before or after the list.",
    arguments={"number": Whole(3, 7)},
    shapes_all=True,
    words=lambda number: (2 * number, 60 * number),
)
def numbered_items(response: Response, number: int) -> str | None:
    """Read the numbers, and look for other text."""
    if fault := differs(len(response.numbered), number, "numbered item"):
        return fault
    if [given for given, _ in response.numbered] != list(range(1, number + 1)):
        return "the numbers do not run from 1 upwards"
    return None if response.is_list_alone(numbered=True) else "text beside the list"


@constraint(
    "list size digits",
    r"\b(?:count(?:s|ing)?[- ]?down|backwards?|descending|revers)",
    "The response is a list numbered backwards, from {number}. down to 1.",
    "Number the list as a countdown that begins with {number}. and ends with 1.",
    arguments={"number": Whole(4, 7, in_digits=True)},
    shapes_all=True,
    words=lambda number: (2 * number, 60 * number),
)
def countdown(response: Response, number: int) -> str | None:
    """Read the numbers."""
    found = [given for given, _ in response.numbered]
    wanted = list(range(number, 0, -1))
    if found != wanted:
        return f"the numbers are {', '.join(map(str, found)) or 'missing'}"
    return None if response.is_list_alone(numbered=True) else "text beside the list"


@constraint(
    "list sentences paragraph_length heads",
    r"\bbullet",
    "Somewhere there is a bulleted list of exactly {number} items, and no other bulleted list.",
    "Include one list with exactly {number} bullet points, and no further bullet points.",
    arguments={"number": Whole(3, 6)},
    words=at_least(2, "number"),
)
def bullets_exactly(response: Response, number: int) -> str | None:
    """Count the items."""
    if response.bullet_lists > 1:
        return f"{response.bullet_lists} lists"
    return differs(len(response.bullets), number, "bullet point")


@constraint(
    "list size",
    r"\bbullet.*\balphabeti|\balphabeti.*\bbullet",
    "The response is a bulleted list of exactly {number} items in alphabetical order.",
    "Give {number} bullet points and nothing else, sorted in alphabetical order.",
    arguments={"number": Whole(4, 7)},
    shapes_all=True,
    needs="cased",
    words=lambda number: (number, 40 * number),
)
def bullets_alphabetical(response: Response, number: int) -> str | None:
    """Count and sort the items."""
    items = [unaccented(bare(text).casefold()) for _, text in response.bullets]
    if fault := differs(len(items), number, "bullet point"):
        return fault
    if len(response.lines) != number:
        return "text beside the list"
    for first, second in itertools.pairwise(items):
        if first > second:
            return f"{first[:30]!r} stands before {second[:30]!r}"
    return None


@constraint(
    "list size",
    r"\bbullet.*\bwords?\b|\bwords?\b.*\bbullet",
    "The response is a bulleted list in which each of the {number} items has exactly {words}"
    " words.",
    "Give {number} bullet points and nothing else, each of exactly {words} words.",
    arguments={"number": Whole(3, 5), "words": Whole(4, 8)},
    shapes_all=True,
    needs="spaced",
    words=lambda number, words: (number * words, number * words),
)
def bullets_of_words(response: Response, number: int, words: int) -> str | None:
    """Count the items and their words."""
    if fault := differs(len(response.bullets), number, "bullet point"):
        return fault
    if len(response.lines) != number:
        return "text beside the list"
    for _, text in response.bullets:
        if fault := differs(len(words_of(text)), words, "word"):
            return f"an item of {fault}: {text[:60]}"
    return None


@constraint(
    "list size",
    r"\b(?:sub-?(?:bullet|point|item|entr)|nested|indented)",
    "The response is a bulleted list of {outer} items with exactly {inner} indented sub-items"
    " each.",
    "Give {outer} bullet points and nothing else, each with exactly {inner} indented sub-items"
    " beneath it.",
    arguments={"outer": Whole(2, 4), "inner": Whole(2, 3)},
    shapes_all=True,
    words=lambda outer, inner: (outer * (inner + 1), 40 * outer * (inner + 1)),
)
def nested_bullets(response: Response, outer: int, inner: int) -> str | None:
    """Count the items at each depth."""
    counts: list[int] = []
    edge = response.bullets[0][0] if response.bullets else 0
    for indent, _ in response.bullets:
        if indent <= edge:
            counts.append(0)
        else:
            counts[-1] += 1
    if fault := differs(len(counts), outer, "item"):
        return fault
    if not response.is_list_alone(numbered=False):
        return "text beside the list"
    return next((fault for count in counts if (fault := differs(count, inner, "sub-item"))), None)


@constraint(
    "list size",
    r"\b(?:check-?list|checkbox|to-?do)",
    "The response is a Markdown checklist: exactly {number} lines that begin with “- [ ]”.",
    "Answer as a checklist of exactly {number} open boxes in Markdown, written “- [ ]”, and nothing"
    " else.",
    arguments={"number": Whole(4, 8)},
    shapes_all=True,
    words=lambda number: (number, 40 * number),
)
def checklist(response: Response, number: int) -> str | None:
    """Count the lines that are open boxes."""
    boxes = [line for line in response.lines if line.startswith(("- [ ] ", "* [ ] "))]
    if len(boxes) != len(response.lines):
        return "a line that is no open box"
    return differs(len(boxes), number, "open box", "open boxes")


@constraint(
    "list size digits",
    r"\bstep\b",
    "The response consists of exactly {number} lines that begin with “Step 1:”, “Step 2:” and so"
    " on.",
    "Write {number} lines and nothing else, the first beginning with “Step 1:”, the next with"
    " “Step 2:”, and so on.",
    arguments={"number": Whole(3, 7)},
    shapes_all=True,
    words=lambda number: (3 * number, 50 * number),
    needs="english",
)
def steps_labelled(response: Response, number: int) -> str | None:
    """Read the labels."""
    found = [_STEP.match(line) for line in response.lines]
    steps = [int(match[1]) for match in found if match]
    if steps != list(range(1, number + 1)):
        return f"the steps are {', '.join(map(str, steps)) or 'missing'}"
    return None if len(steps) == len(response.lines) else "text beside the steps"


@constraint(
    "headings sentences heads",
    r"\b(?:headings?|headers?)\b|##",
    "The response has exactly {number} Markdown headings of the second level (##), and none of"
    " another level.",
    "Divide the response by exactly {number} second-level Markdown headings (##), with no other"
    " headings.",
    arguments={"number": Whole(2, 4)},
    words=at_least(15, "number"),
)
def headings_exactly(response: Response, number: int) -> str | None:
    """Count the headings."""
    if any(level != 2 for level, _ in response.headings):  # noqa: PLR2004 - the second level
        return "a heading of another level"
    return differs(len(response.headings), number, "heading")


@constraint(
    "headings sentences start heads word_length",
    r"\b(?:headings?|headers?|headed|sections?)\b",
    "The response is divided by the Markdown headings {names}, in this order, with text under each,"
    " and has no other headings.",
    "Use {names} as Markdown headings, in this order and no others, and write something under"
    " each.",
    arguments={"names": SomeOf(_SECTIONS)},
    words=lambda names: (15 * len(names), float("inf")),
    needs="english",
)
def headings_named(response: Response, names: list[str]) -> str | None:
    """Read the headings."""
    found = [bare(text).rstrip(":").casefold() for _, text in response.headings]
    if found != [name.casefold() for name in names]:
        return f"the headings are {', '.join(found) or 'missing'}"
    lines = response.lines
    for line, after in zip(lines, [*lines[1:], "#"], strict=True):
        if line.startswith("#") and after.startswith("#"):
            return f"nothing under {line}"
    return None


@constraint(
    "bold",
    r"\bbold",
    "Exactly {number} words or phrases are set in bold (**…**).",
    "Set exactly {number} words or phrases in Markdown bold (**…**), no more.",
    arguments={"number": Whole(2, 5)},
)
def bold_exactly(response: Response, number: int) -> str | None:
    """Count what is bold."""
    return differs(len(_BOLD.findall(response.text)), number, "bold phrase")


@constraint(
    "quotation",
    r"\b(?:block ?quotes?|Markdown quotes?|quoted line)\b",
    "Exactly one line is a Markdown block quote (it begins with “>”).",
    "Set one line, and only one, as a Markdown block quote that begins with “>”.",
)
def one_block_quote(response: Response) -> str | None:
    """Count the lines that are quoted."""
    count = sum(line.startswith(">") for line in response.lines)
    return differs(count, 1, "quoted line")


@constraint(
    "rules paragraphs",
    r"\bthree dashes|\bhorizontal (?:rule|line)|---",
    "The response has exactly {number} parts, divided by lines of three dashes (---).",
    "Divide the response into {number} parts by putting a line of three dashes (---) between them.",
    arguments={"number": Whole(2, 4)},
    words=at_least(10, "number"),
)
def parts_divided(response: Response, number: int) -> str | None:
    """Count the parts between the lines of dashes."""
    parts: list[list[str]] = [[]]
    for line in response.text.split("\n"):
        if _RULE.fullmatch(line):
            parts.append([])
        elif line.strip():
            parts[-1].append(line)
    if not all(parts):
        return "a part that holds nothing"
    return differs(len(parts), number, "part")


@constraint(
    "end fence last_sentence",
    r"\b(?:code block|fenced)\b",
    "The response ends with a fenced code block (```) that holds exactly {number} lines, and has no"
    " other code block.",
    "Close with the only fenced code block (```), which holds exactly {number} lines.",
    arguments={"number": Whole(2, 4)},
)
def ends_with_block(response: Response, number: int) -> str | None:
    """Look at the last block."""
    lines = response.text.split("\n")
    fences = [place for place, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) != 2 or fences[1] != len(lines) - 1:  # noqa: PLR2004 - its beginning and its end
        return "it does not end with its only code block"
    inside = [line for line in lines[fences[0] + 1 : fences[1]] if line.strip()]
    return differs(len(inside), number, "line")


@constraint(
    "list headings",
    rf"\b{DENIALS}\b.*\b(?:lists?|bullets?)\b|\b(?:running text|prose)\b",
    "The response is running text: no lists and no headings.",
    "Write prose only, without lists, bullet points or headings.",
)
def no_lists(response: Response) -> str | None:
    """Look for lists and headings."""
    if response.bullets or response.numbered:
        return "a list"
    return "a heading" if response.headings else None


@constraint(
    "list size dialogue",
    r"\b(?:dialogue|conversation)\b",
    "The response is a dialogue of exactly {number} lines between {names}, who take turns; each"
    " line"
    " begins with the speaker's name and a colon.",
    "Write it as a dialogue of {number} lines in which {names} speak by turns, each line beginning"
    " with the name and a colon.",
    arguments={"names": SomeOf(_SPEAKERS), "number": Whole(4, 8, step=2)},
    shapes_all=True,
    words=lambda number, **_: (3 * number, 50 * number),
)
def dialogue(response: Response, names: list[str], number: int) -> str | None:
    """Read who speaks on each line."""
    found = [_TURN.fullmatch(line) for line in response.lines]
    if not all(found):
        return "a line without a speaker"
    speakers = [match[1].strip().casefold() for match in found if match]
    if fault := differs(len(speakers), number, "line"):
        return fault
    order = [name.casefold() for name in names]
    first = order.index(speakers[0]) if speakers[0] in order else 0
    wanted = [order[(first + turn) % len(order)] for turn in range(number)]
    return None if speakers == wanted else f"the speakers are {', '.join(speakers)[:80]}"


@constraint(
    "list size dialogue",
    r"\bQ:",
    "The response is {number} pairs of lines, a question after “Q:” and its answer after “A:”, and"
    " nothing else.",
    "Answer as {number} questions, each on a line that begins with “Q:”, and each followed by a"
    " line"
    " that begins with “A:”.",
    arguments={"number": Whole(2, 5)},
    shapes_all=True,
    words=lambda number: (6 * number, 80 * number),
    needs="english",
)
def questions_and_answers(response: Response, number: int) -> str | None:
    """Read the labels by turns."""
    labels = [bare(line)[:2].upper() for line in response.lines]
    if labels != ["Q:", "A:"] * (len(labels) // 2):
        return "the lines are not Q: and A: by turns"
    return differs(len(labels) // 2, number, "question")


@constraint(
    "list size table",
    r"\btable\b",
    "The response is a Markdown table with exactly {columns} columns and {rows} rows beneath the"
    " header, and nothing else.",
    "Answer with nothing but a Markdown table of {columns} columns and, beneath its header, exactly"
    " {rows} rows.",
    arguments={"columns": Whole(2, 4), "rows": Whole(3, 6)},
    shapes_all=True,
    words=lambda columns, rows: (columns * rows, 30 * columns * rows),
)
def table(response: Response, columns: int, rows: int) -> str | None:
    """Count columns and rows."""
    lines = response.lines
    if len(lines) < 3 or not all(line.count("|") for line in lines):  # noqa: PLR2004 - head, divider, row
        return "it is no table alone"
    cells = [[cell.strip() for cell in _CELLS.split(line.strip("|"))] for line in lines]
    if not all(_DIVIDER.fullmatch(cell) for cell in cells[1]):
        return "no line of dashes beneath the header"
    if fault := next(
        (fault for row in cells if (fault := differs(len(row), columns, "column"))), None
    ):
        return fault
    return differs(len(cells) - 2, rows, "row")


@constraint(
    "title sentences start heads",
    r"\b(?:title|headline)\b",
    "The first line is a title of exactly {number} words without a full stop, followed by an empty"
    " line.",
    "Begin with a title of exactly {number} words on a line of its own, without a full stop, and"
    " leave an empty line after it.",
    arguments={"number": Whole(3, 6)},
    needs="spaced",
)
def title_of_words(response: Response, number: int) -> str | None:
    """Look at the first line."""
    first, _, rest = response.text.partition("\n")
    title = bare(first.lstrip("# "))
    if title.endswith(".") or not rest.startswith("\n"):
        return "the first line is no title with an empty line after it"
    fault = differs(len(words_of(title)), number, "word")
    return fault and f"the title has {fault}"


@constraint(
    "end signs",
    rf"\b(?:lines?|{ENDS})\b",
    "The last line begins with “{label}” and says the main point in one sentence.",
    "End with a line that begins with “{label}” and holds one sentence.",
    arguments={"label": OneOf(("Bottom line:", "In one sentence:", "Takeaway:", "To remember:"))},
    needs="english",
)
def last_line_label(response: Response, label: str) -> str | None:
    """Look at the last line."""
    last = response.lines[-1] if response.lines else ""
    if not bare(last).replace("**", "").casefold().startswith(label.casefold()):
        return f"the last line is: {last[:80]}"
    if len(words_of(last)) <= len(words_of(label)):
        return "nothing after the label"
    return differs(len(response.sentences_of(last)), 1, "sentence")


CONSTRAINTS = tuple(each for each in globals().values() if isinstance(each, Constraint))

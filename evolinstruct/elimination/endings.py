"""Texts that break off: in a word, a sentence, a list, a table or a block of code."""

from __future__ import annotations

import re

from evolinstruct.words import count_words, letters_of_a_word

_TAIL = 1200  # characters at the end
_TITLE = 0.7  # of the words of a sentence at most begin with a capital letter
_CLOSING_WORDS = 6
_PROSE = 6  # words: a shorter last line is a heading, an item or data
_ENDS = ".!?…。！？؟۔"
_CLOSES = "\"'”’»）)]」』*_~|`>}"
_MARKER = re.compile(
    r"[ \t]*(?:[-*•·–]|\d{1,3}[.)、．]|[（(]?[a-zа-я]\)|\d\ufe0f?\u20e3)(?:\s+|$|(?<=、))"
)
_INNER = re.compile(  # begins with the sign, because words are many and signs are few
    r"[.!?؟。！？](?:(?<=[^\W\d_]{4}[.!?؟])['\"”’»)*]*\s+"
    r"(?=[\"'“«„(*]*[A-ZÀ-ÞА-Я\u0600-\u06ff\uac00-\ud7af])"
    r"|(?<=[。！？])(?=\S)|(?<=[\uac00-\ud7af]{2}\.)\s+)"
)
_OPENERS = re.compile(r"[({\[（「『«„“]")
_PAIRS = dict(zip("({[（「『«„“", ")}]）」』»“”", strict=True))
_DANGLING = frozenset(
    [
        "an",
        "the",
        "and",
        "or",
        "nor",
        "than",
        "because",
        "while",
        "although",
        "whether",
        "if",
        "that",
        "which",
        "whose",
        "who",
        "where",
        "when",
        "including",
        "between",
        "among",
        "your",
        "their",
        "its",
        "our",
        "this",
        "these",
        "those",
        "such",
        "der",
        "das",
        "und",
        "oder",
        "mit",
        "für",
        "von",
        "zu",
        "ein",
        "eine",
        "einen",
        "einem",
        "einer",
        "dem",
        "den",
        "des",
        "sowie",
        "dass",
        "weil",
        "wenn",
        "le",
        "les",
        "et",
        "ou",
        "avec",
        "du",
        "des",
        "une",
        "dans",
        "que",
        "qui",
        "sur",
        "pour",
        "par",
        "aux",
        "leur",
        "leurs",
        "el",
        "los",
        "las",
        "para",
        "una",
        "del",
        "con",
        "por",
        "sus",
        "cuando",
        "porque",
        "para",
        "uma",
        "com",
        "dos",
        "das",
        "pelo",
        "pela",
        "pelos",
        "pelas",
        "ao",
        "à",
        "às",
        "quando",
        "porque",
        "и",
        "в",
        "на",
        "с",
        "к",
        "по",
        "для",
        "что",
        "как",
        "но",
        "или",
        "из",
        "от",
        "до",
        "за",
        "при",
        "о",
        "об",
        "которые",
        "который",
        "которая",
        "чтобы",
        "في",
        "من",
        "على",
        "إلى",
        "عن",
        "مع",
        "أو",
        "أن",
        "التي",
        "الذي",
        "بين",
        "لكن",
        "ما",
        "كما",
        "و",
        "ثم",
        "حول",
        "لأن",
        "حيث",
        "لو",
    ]
)
_STRANDED = frozenset(
    ("of", "with", "for", "from", "into", "onto", "by", "as", "at", "to", "in", "on")
)
"""Words that only a question may end in."""
_QUESTION = re.compile(r"\b(?:wh(?:o|om|ose|at|ich|ere|en|y)|how)\b", re.IGNORECASE)
_UNSPACED = re.compile(
    r"(?:[、，的和与及在把被对从向为将而但且或给]|如果|因为|所以|以及|[をがにはのとでへもや]|など|から|より|って|ながら)\Z"
)
_ROMANCE_ENDS = frozenset(
    (
        *("y", "e", "o", "ou", "et", "de", "del", "do", "da", "dos", "en", "em", "el", "la", "le"),
        *("un", "um", "lo", "se", "su", "al", "ao", "à", "que"),
    )
)
_ROMANCE = re.compile(
    r" (?:el|los|las|les|un|una|um|uma|en|em|de|con|com|que|des|dans|o|os|as|la|le|à) .* "
)
"""In Spanish, French or Portuguese, the end of no sentence; their shortest words mean much else, so
one of the language's words must stand before."""
_SIGNED = re.compile(
    r"[.!?…][\"'”’»)]*\s+[-–—]\s*\S+(?:\s\S+){0,3}\Z"
    r"|(?:\A|[.!?…]\s+)[^.!?,]{0,30},\s*[A-ZÀ-ÞА-Я]\S*(?:\s[A-ZÀ-ÞА-Я]\S*){0,2}\Z"
)
_CLOSING = re.compile(
    r"(?:[.!?…。！？؟][\"'”’»)*]*\s*|\n)(?P<last>[^\s.!?…。！？؟][^\n.!?…。！？؟]{0,39})\Z"
)
"""A few words behind a whole sentence."""
_TO_VERB = re.compile(r"\bto \w+(?: \w+){1,2}\Z")
_OPENING = re.compile(r"(?:\S+\s+){2,}\S+ ?[:：]\Z|\S{8,}[:：]\Z")
_NUMBER = re.compile(r"\s*(\d{1,3})[.)、．]\s*")
_EMPTY_ITEM = re.compile(r"(?:\s[-–—]|[^\s:：]\s?[:：])\Z")
"""The end of an item that lacks what should stand behind its sign."""
_NO_PROSE = re.compile(r" [·|☐☑□=→⇒⟹] ")
_HALVED = re.compile(r"[^\W\d_]{4,}-\Z")
_LABELLED = re.compile(r"\S+(?: \S+)?[:：] ")
_COMMA = re.compile(r"[\u3040-\u9fff][、，]")
_CODE = re.compile(r"\s*(?:def|if|for|while|class|elif|else|try|with|case|switch)\b")


def break_off(text: str) -> str | None:
    """Return the words in which a text breaks off; None if it may well be whole."""
    text = text.rstrip()
    if not text:
        return None
    tail = text[-_TAIL:]
    above, _, line = tail.rpartition("\n")
    is_open = ends_in_empty_item(above, line) or text.count("```") % 2
    if is_open or (
        text[-1] not in _ENDS
        and (
            _is_open_block(text, line)
            or is_open_question(text)
            or ends_in_open_data(text)
            or dangles(line)
            or _announces(line)
            or _is_unfinished(above, line)
        )
    ):
        return f'it ends in "…{tail[-40:].strip()}"'
    return None


def may_be_signed(text: str) -> bool:
    """Tell whether a text may end in what closes a letter: a greeting, a name."""
    found = _CLOSING.search(text.rstrip()[-_TAIL:])
    if found is None:
        return False
    last = found["last"]
    return count_words(last) <= _CLOSING_WORDS * letters_of_a_word(last) and not dangles(last)


# Blocks


def _is_open_block(text: str, line: str) -> bool:
    if text[0] in "[{" and _is_open_data(text):
        return True
    if line.startswith("|"):
        return _is_open_row(text[: -len(line)], line)
    return (line != text and bool(_MARKER.fullmatch(line))) or line in {"**", "##", "###"}


def _is_open_row(above: str, line: str) -> bool:
    """Tell whether a table's last row has fewer cells than the row above it."""
    row = above.rstrip().rpartition("\n")[2].strip()
    return row.startswith("|") and line.count("|") < row.count("|")


def is_open_question(text: str) -> bool:
    """Tell whether a question of Spanish began and has no end."""
    return text.count("¿") > text.count("?")


def ends_in_open_data(text: str) -> bool:
    """Tell whether a text ends in data or a tag that began and has no end."""
    if text[-1] in "]}`>":
        return False
    if "</" in text and _TAG_OPEN.search(text):
        return True
    found = _DATA_BEGINS.search(text) if "{" in text or "[" in text else None
    if found is None or "\n\n" in text[found.start() :]:
        return False
    data = text[found.start() :]
    return data.count("{") + data.count("[") > data.count("}") + data.count("]")


_TAG_OPEN = re.compile(r"</?[\w-]*\Z")
_DATA_BEGINS = re.compile(r"[{\[]\s*[{\[\"]")


def _is_open_data(text: str) -> bool:
    return (
        text[-1] not in "]}`" and '"' in text and text.count(text[0]) > text.count(_PAIRS[text[0]])
    )


# Words


def dangles(line: str) -> bool:
    """Tell whether a line ends in a comma, in half a word or in one that no sentence ends in."""
    if line.endswith("-") and _HALVED.search(line):
        return True
    if len(line.split()) < _PROSE:
        is_long = len(line) > 4 * _PROSE and not line.isascii()
        return is_long and _UNSPACED.search(line) is not None
    if line.endswith((",", "，", "、", "،", "(", "$", "€", " -", " –", " —")):
        return True
    start = line.rfind(" ") + 1
    word = line[start:]
    if word in _STRANDED:
        return not _QUESTION.search(line) and not _TO_VERB.search(line)
    return word in _DANGLING or (
        word in _ROMANCE_ENDS and _ROMANCE.search(line, 0, start) is not None
    )


def _announces(line: str) -> bool:
    """Tell whether a line ends in a colon that something should follow."""
    return line.endswith((":", "：")) and bool(_OPENING.match(line)) and not _CODE.match(line)


def ends_in_empty_item(above: str, line: str) -> bool:
    """Tell whether a last line is an item, or ends in the number of one, that says nothing."""
    return (
        _is_empty_number(above, line) or _is_empty_item(above, line) or _ends_in_next_number(line)
    )


def _ends_in_next_number(line: str) -> bool:
    """Tell whether a line ends in a number that goes on counting items in the line."""
    if line[-1:] not in ".)、）" or not (found := _LAST_NUMBER.search(line, len(line) - 6)):
        return False
    before = f"{int(found[1]) - 1}{found[2]}"
    at = line.rfind(before, 0, found.start())
    begins_item = at == 0 or line[:at].rstrip().endswith(_BEFORE_ITEM)
    return at >= 0 and begins_item


_BEFORE_ITEM = (":", "：", ";", "；", ".", "。", ",", "，")
_LAST_NUMBER = re.compile(r"(?:(?<=[;；。])\s*|(?<=\.)\s+)(\d{1,2})([.)、）])\Z")


def _is_empty_number(above: str, line: str) -> bool:
    """Tell whether a last line is but the next number of a list that says something elsewhere."""
    if not above or not (number := _NUMBER.fullmatch(line)):
        return False
    counted = [found for each in above.split("\n") if (found := _NUMBER.match(each))]
    if any(found.end() == len(found.string) for found in counted):
        return False  # a form has more such lines
    if counted:
        return int(number[1]) == int(counted[-1][1]) + 1
    return int(number[1]) == 1 and above.endswith("\n")


def _is_empty_item(above: str, line: str) -> bool:
    """Tell whether an item ends in the sign behind which the items above it say something."""
    if not _MARKER.match(line) or not (sign := _EMPTY_ITEM.search(line)):
        return False
    items = [each.rstrip() for each in above.split("\n") if _MARKER.match(each)]
    return bool(items) and all(
        sign[0].strip()[-1] in each and not _EMPTY_ITEM.search(each) for each in items
    )


# Sentences


def _is_unfinished(above: str, line: str) -> bool:
    """Tell whether a sentence has no end although those before it have theirs."""
    if line[-1] in _CLOSES or not line[-1].isalnum() or "://" in line or "#" in line:
        return False
    marker = _MARKER.match(line)
    last = line
    for last_end in _INNER.finditer(line, marker.end() if marker else 0):
        last = line[last_end.end() :]
    if _NO_PROSE.search(last):
        return False
    if last != line:
        return _is_sentence(last) and not _SIGNED.search(last)
    if marker:
        return _items_end(above, line)
    lines = [each for each in above.split("\n") if each.strip()]
    prose = [each for each in lines if _is_long(each)]
    if _LABELLED.match(line):
        return False
    return _is_long(line) and bool(prose) and all(_is_ended(each) for each in prose)


def _is_sentence(text: str) -> bool:
    words = text.split()
    if len(words) == 1:
        return len(text) >= 4 and not text.isascii()  # noqa: PLR2004
    capitals = sum(word[:1].isupper() for word in words)
    return len(words) >= 3 and capitals <= _TITLE * len(words)  # noqa: PLR2004


def _is_long(line: str) -> bool:
    """Tell whether a line is prose; one in a script without spaces has a comma or many letters."""
    return len(line.split()) >= _PROSE + 2 or (
        not line.isascii() and (len(line) > 4 * _PROSE or bool(_COMMA.search(line)))
    )


def _is_ended(line: str) -> bool:
    return line.rstrip(_CLOSES + " ").endswith(tuple(_ENDS + ":;："))


def _items_end(above: str, item: str) -> bool:
    """Tell whether the items above an item, two or a long one, all end as sentences do."""
    is_counted = item.lstrip()[0].isdigit()
    items = [line for line in above.split("\n") if _MARKER.match(line)]
    items = [line for line in items if line.lstrip()[0].isdigit() == is_counted]
    enough = len(items) > 1 or any(_is_long(item) for item in items)
    return enough and all(_is_ended(item) for item in items)

"""Answers of the offline client that meet a constraint: for each, the plainest text that does.

Two constraints at once it meets by chance only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

from evolinstruct.checks import Check, faults

_WORDS = (
    *("the", "plan", "can", "hold", "a", "good", "part", "of", "all", "that", "people", "need"),
    *("in", "one", "place", "and", "it", "helps", "them"),
)
_NAMES = ("first", "good", "large", "made", "new", "open", "plain", "small", "tall")
_FOREIGN = {
    "French": "C'est une bonne idée pour tous les jours de la semaine.",
    "Spanish": "Esta es una buena idea para todos los días de la semana.",
    "German": "Das ist eine gute Idee für alle Tage der Woche.",
    "Portuguese": "Esta é uma boa ideia para todos os dias da semana.",
}


def comply(checks: Sequence[Check]) -> str | None:
    """Return an answer that meets all of the checks, or None where none of the plain texts does."""
    for check in checks:
        text = _PLAIN[check.name](check.args)
        if not faults(checks, text):
            return text
    return None


def _words(count: int, first: str = "") -> list[str]:
    words = [first, *islice(cycle(_WORDS), count - 1)] if first else islice(cycle(_WORDS), count)
    return list(words)


def _sentence(count: int, first: str = "", end: str = ".") -> str:
    text = " ".join(_words(count, first))
    return text[:1].upper() + text[1:] + end


def _sentences(count: int, words: int = 9) -> str:
    return " ".join(_sentence(words) for _ in range(count))


def _paragraphs(counts: Sequence[int], words: int = 9) -> str:
    return "\n\n".join(_sentences(count, words) for count in counts)


def _lines(firsts: Sequence[str], words: int = 6) -> str:
    return "\n".join(f"{first} {' '.join(_words(words))}" for first in firsts)


def _numbers(args: Any) -> str:
    values = ", ".join(str(3 * place) for place in range(1, args["number"] + 1))
    return f"{_sentence(9)[:-1]}: {values}."


def _with(word: str, times: int) -> str:
    return " ".join(f"The {word} can help." for _ in range(times))


def _objects(args: Any) -> str:
    row = dict.fromkeys(args["keys"], "a good part")
    return json.dumps([row] * args["number"])


def _table(args: Any) -> str:
    row = "|" + " part |" * args["columns"]
    return "\n".join([row, "|" + " --- |" * args["columns"], *[row] * args["rows"]])


def _dialogue(args: Any) -> str:
    speakers = islice(cycle(args["names"]), args["number"])
    return "\n".join(f"{name}: {_sentence(6)}" for name in speakers)


def _headings(names: Sequence[str]) -> str:
    return "\n\n".join(f"## {name}\n\n{_sentence(9)}" for name in names)


def _nested(args: Any) -> str:
    inner = ["    - a part of it"] * args["inner"]
    return "\n".join(line for _ in range(args["outer"]) for line in ["- the plan", *inner])


def _nth_word(args: Any) -> str:
    words = _words(args["number"] + 8)
    words[args["number"] - 1] = args["word"]
    return " ".join(words) + "."


def _nth_sentence(args: Any) -> str:
    return f"{_sentences(args['number'] - 1)} {_sentence(9, args['word'])}"


def _growing(args: Any) -> str:
    return " ".join(_sentence(5 + 2 * place) for place in range(args["number"]))


_PLAIN: dict[str, Callable[[Any], str]] = {
    "words_between": lambda args: _sentence(args["band"][0]),
    "words_multiple": lambda args: _sentence(2 * args["number"]),
    "characters_most": lambda _: _sentence(9),
    "sentences_exactly": lambda args: _sentences(args["number"]),
    "sentences_growing": _growing,
    "sentence_words_most": lambda _: _sentences(3),
    "sentence_words_least": lambda args: _sentences(2, args["number"] + 1),
    "first_sentence_words": lambda args: f"{_sentence(args['number'])} {_sentence(9)}",
    "last_sentence_words_most": lambda _: f"{_sentence(9)} {_sentence(3)}",
    "lines_exactly": lambda args: "\n".join([_sentence(9)] * args["number"]),
    "line_characters_most": lambda _: "\n".join([_sentence(8)] * 3),
    "paragraphs_of_sentences": lambda args: _paragraphs([args["sentences"]] * args["paragraphs"]),
    "paragraph_sentences_most": lambda _: _paragraphs([1, 1]),
    "paragraphs_shrinking": lambda args: _paragraphs(range(args["number"] + 1, 1, -1)),
    "paragraph_of_one_sentence": lambda _: _paragraphs([1, 1, 1]),
    "numbered_items": lambda args: _lines([f"{n}." for n in range(1, args["number"] + 1)]),
    "countdown": lambda args: _lines([f"{n}." for n in range(args["number"], 0, -1)]),
    "bullets_exactly": lambda args: f"{_sentence(9)}\n\n{_lines(['-'] * args['number'])}",
    "bullets_alphabetical": lambda args: _lines([f"- {w}" for w in _NAMES[: args["number"]]]),
    "bullets_of_words": lambda args: _lines(["-"] * args["number"], args["words"]),
    "nested_bullets": _nested,
    "checklist": lambda args: _lines(["- [ ]"] * args["number"]),
    "steps_labelled": lambda args: _lines([f"Step {n}:" for n in range(1, args["number"] + 1)]),
    "headings_exactly": lambda args: _headings(_NAMES[: args["number"]]),
    "headings_named": lambda args: _headings(args["names"]),
    "bold_exactly": lambda args: " ".join(["**the plan** can help."] * args["number"]),
    "one_block_quote": lambda _: f"{_sentence(9)}\n\n> {_sentence(5)}",
    "parts_divided": lambda args: "\n\n---\n\n".join([_sentence(9)] * args["number"]),
    "ends_with_block": lambda args: f"{_sentence(9)}\n\n```\n{_lines(['-'] * args['number'])}\n```",
    "no_lists": lambda _: _sentences(3),
    "dialogue": _dialogue,
    "questions_and_answers": lambda args: "\n".join(
        [f"Q: {_sentence(5, end='?')}\nA: {_sentence(8)}"] * args["number"]
    ),
    "table": _table,
    "title_of_words": lambda args: f"{_sentence(args['number'], end='')}\n\n{_sentence(9)}",
    "last_line_label": lambda args: f"{_sentence(9)}\n\n{args['label']} {_sentence(6)}",
    "json_keys": lambda args: json.dumps(dict.fromkeys(args["keys"], "a good part")),
    "json_array": _objects,
    "csv_rows": lambda args: "\n".join(
        [",".join(args["columns"]), *[",".join(["part"] * len(args["columns"]))] * args["number"]]
    ),
    "labelled_lines": lambda args: _lines([f"{label}:" for label in args["labels"]]),
    "tag_around": lambda args: f"<{args['tag']}>\n{_sentence(9)}\n</{args['tag']}>",
    "arrow_chain": lambda args: " -> ".join(["the plan"] * args["number"]),
    "word_times": lambda args: _with(args["word"], args["number"]),
    "words_in_order": lambda args: " ".join(f"The {w} can help." for w in args["words"]),
    "word_frames": lambda args: (
        f"{_with(args['word'], 1)} {_sentence(9)} {_sentence(9)} {_with(args['word'], 1)}"
    ),
    "sentences_begin_apart": lambda _: " ".join(_sentence(9, word) for word in _NAMES[:3]),
    "sentences_spell": lambda args: " ".join(_sentence(6, letter) for letter in args["word"]),
    "lines_spell": lambda args: "\n".join(f"{letter} is a part" for letter in args["word"]),
    "no_contractions": lambda _: _sentences(2),
    "no_first_person": lambda _: _sentences(2),
    "no_second_person": lambda _: _sentences(2),
    "no_form_of_be": lambda _: _sentences(2),
    "no_ly_adverbs": lambda _: _sentences(2),
    "word_letters_most": lambda _: _sentences(2),
    "hyphenated_least": lambda _: "A well-made, long-term, full-time and low-cost plan can help.",
    "alliteration": lambda args: (
        f"{_sentence(5)} {_sentence(args['number'], args['letter'])[:1]}"
        + f" {args['letter']}an" * args["number"]
    ),
    "avoid_letter": lambda _: _sentences(2),
    "sentences_begin_with_vowel": lambda _: " ".join([_sentence(9, "all")] * 2),
    "capitals_exactly": lambda args: _sentence(9)[:-1] + " PLAN" * args["number"] + ".",
    "sentences_begin_small": lambda _: _sentence(9).lower(),
    "examples_introduced": lambda args: " ".join(
        [f"One part, {args['phrase']}, can help."] * args["number"]
    ),
    "ends_as_it_begins": lambda _: f"{_sentence(5)} {_sentence(9)} {_sentence(5)}",
    "questions_exactly": lambda args: " ".join([_sentence(6, end="?")] * args["number"]),
    "semicolons_exactly": lambda args: ("the plan; " * args["number"]) + "it helps.",
    "no_signs": lambda _: _sentences(2),
    "parentheses_exactly": lambda args: "The plan " + "(a part) " * args["number"] + "can help.",
    "quotations_exactly": lambda args: "The plan " + '"a part" ' * args["number"] + "can help.",
    "comma_in_each_sentence": lambda _: "In one place, the plan can help. In all, it helps.",
    "exclaims_last": lambda _: f"{_sentence(9)} {_sentence(4, end='!')}",
    "no_digits": lambda _: _sentences(2),
    "numbers_least": _numbers,
    "numbers_rising": _numbers,
    "emoji_exactly": lambda args: f"{_sentence(9)} {'🌿 ' * args['number']}".strip(),
    "first_word": lambda args: _sentence(9, args["word"]),
    "last_word": lambda args: f"{_sentence(9)[:-1]} {args['word']}.",
    "nth_word": _nth_word,
    "nth_sentence_begins": _nth_sentence,
    "last_sentence_language": lambda args: f"{_sentences(3)} {_FOREIGN[args['language']]}",
    "says_word_count": lambda _: f"{_sentence(25)}\nWords: 25",
    "says_sentence_count": lambda _: f"{_sentences(2)}\nSentences: 2",
}

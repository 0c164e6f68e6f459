"""Verdicts: which of two texts is better, said by a model in both orders, or by a person.

verdicts.jsonl       a line for each question, pair and judge that is a model, in their order
people/NAME.jsonl    a line for each verdict of a person; the last one on a pair counts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from evolinstruct.draws import draw_order
from evolinstruct.errors import InputError
from evolinstruct.judging.contest import Pair, read_contest
from evolinstruct.preference import Said
from evolinstruct.run_dir import flat

FILE = "verdicts.jsonl"
PEOPLE = "people"
PersonSaid = Literal["first", "second", "tie"]
_MEND = "correct or remove the line"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says of a pair, asked in both orders.

    Attributes:
        question_id: the question.
        first: a contestant.
        second: the other one.
        judge: the model that judges.
        pack: the prompt pack that words what it is asked.
        verdict: a winner that both orders name, else ``tie``; None if an order has no verdict.
        as_given: what is said where the first one is shown first.
        turned: what is said where the second one is shown first, in the same terms.
        flipped: whether the two orders name different winners.
        skill: of the question.
        band: of the question's difficulty.
        first_length: of the first one's text, in characters.
        second_length: of the second one's.
        text_digest: of what was judged.
        error: why an order has no verdict.
    """

    question_id: str
    first: str
    second: str
    judge: str
    pack: str
    verdict: Said | None
    as_given: Said | None
    turned: Said | None
    flipped: bool
    skill: str | None
    band: str | None
    first_length: int
    second_length: int
    text_digest: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PersonVerdict:
    """What a person says of a pair.

    Attributes:
        question_id: the question.
        first: the contestant whose text was shown first.
        second: the other one.
        verdict: whose text is better.
        text_digest: of what was judged; a verdict on other texts is void.
        at: when, as an ISO time.
    """

    question_id: str
    first: str
    second: str
    verdict: PersonSaid
    text_digest: str
    at: str


def read_verdicts(directory: Path, pairs: Iterable[Pair]) -> list[Verdict]:
    """Return what models said of pairs as they are now.

    Raises:
        InputError: the file is missing or damaged.
    """
    mend = "run the same `evolinstruct judge` command again, which pays for nothing twice"
    digests = {_place(pair): pair.text_digest for pair in pairs}
    return [
        each
        for each in flat.read(directory / FILE, Verdict, "verdict", mend)
        if digests.get("/".join((each.question_id, each.first, each.second))) == each.text_digest
    ]


# People


def person_file(directory: Path, person: str) -> Path:
    """Return the file of a person's verdicts.

    Raises:
        InputError: the name cannot be that of a file.
    """
    return flat.file_of(directory / PEOPLE, person)


def people(directory: Path) -> list[str]:
    """Return the names of those whose verdicts a directory has, sorted."""
    return [file.stem for file in flat.files_of_people(directory / PEOPLE)]


def blind_pairs(directory: Path, person: str) -> list[Pair]:
    """Return the pairs of a directory for one person, in an order and with sides of their own.

    Both are drawn by the person's name, so the same person gets the same again; whose text is
    first must not be shown.

    Raises:
        InputError: the directory holds no contest, or a file is damaged.
    """
    pairs = {_place(pair): pair for pair in read_contest(directory).pairs()}
    order = draw_order(pairs, 0, person)
    return [_drawn_sides(pairs[place], person) for place in order]


def _place(pair: Pair) -> str:
    return "/".join((pair.question.id, pair.first, pair.second))


def _drawn_sides(pair: Pair, person: str) -> Pair:
    first = draw_order((pair.first, pair.second), 0, f"{person}/{_place(pair)}")[0]
    return pair if first == pair.first else pair.turned()


def add_person_verdict(
    directory: Path, person: str, pair: Pair, verdict: PersonSaid, at: str
) -> None:
    """Add what a person says of a pair, as it was shown; it is on the disk when this returns.

    Args:
        directory: that of the contest.
        person: the person's name.
        pair: as `blind_pairs` returns it.
        verdict: which one is better.
        at: when, as an ISO time.

    Raises:
        InputError: the verdict or the name is none, or the file cannot be written.
    """
    if verdict not in get_args(PersonSaid):
        raise InputError(f"{verdict!r} is no verdict; say {', '.join(get_args(PersonSaid))}.")
    line = PersonVerdict(pair.question.id, pair.first, pair.second, verdict, pair.text_digest, at)
    flat.append(person_file(directory, person), line)


def person_verdicts(directory: Path, person: str) -> Iterator[PersonVerdict]:
    """Yield the last verdict of a person on each pair, in the order of the first ones.

    Raises:
        InputError: the file is damaged.
    """
    path = person_file(directory, person)
    found: dict[tuple[str, frozenset[str]], PersonVerdict] = {}
    for said in flat.read(path, PersonVerdict, "verdict", _MEND) if path.exists() else ():
        found[said.question_id, frozenset((said.first, said.second))] = said
    yield from found.values()

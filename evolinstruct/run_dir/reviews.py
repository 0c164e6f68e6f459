"""Reviews: what people decide about the instructions of a run, in ``reviews/NAME.jsonl``.

Each reviewer has a file, to which decisions are only ever added; the last one about an instruction
counts. They are input: a run reads them and never writes them. Each is about one text, and void
where another text stands in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Literal

from evolinstruct import set_aside
from evolinstruct.agreement import Agreement, agreement
from evolinstruct.checks import decode, encode, of_rewrite
from evolinstruct.defaults import REVIEWER
from evolinstruct.records import Kept, Line, Rejected, digests_of, text_digest
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.directory import RunDir

Said = Literal["accepted", "rejected", "edited"]
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
EDITED: Final = "edited"
FOLDER = "reviews"

Reviewed = Kept | Rejected
"""A line with texts that people may have decided about."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decides about one text.

    Attributes:
        id: of the line.
        decision: ``accepted``, ``rejected`` or ``edited``; None where an earlier one is taken back.
        reason: why, in the person's words.
        instruction: of an edit, the whole instruction as it is to be.
        output: of an edit, its answer; None where it is to be answered anew.
        text_digest: of the text that is decided about: the instruction and its answer, or the
            instruction alone.
        at: when.
    """

    id: str
    decision: Said | None
    reason: str | None
    instruction: str | None
    output: str | None
    text_digest: str
    at: str

    def __post_init__(self) -> None:
        if self.decision == EDITED and not (self.instruction or "").strip():
            raise ValueError("an edit needs its 'instruction'")

    def has_made(self, line: Reviewed) -> bool:
        """Tell whether a line's text is the one that an edit asks for."""
        is_same = self.decision == EDITED and line.instruction == self.instruction
        return is_same and self.output in (None, line.output)

    def edited(self, line: Kept) -> Kept:
        """Return a line as an edit wants it; without an answer where it is to be answered anew."""
        if self.has_made(line):
            return line
        instruction = self.instruction or line.instruction
        given = line.input if line.instruction == instruction else None
        checks = encode(of_rewrite(decode(line.checks), (), instruction))
        return replace(
            line,
            instruction=instruction,
            input=given,
            output=self.output,
            checks=checks,
            set_aside=set_aside.NONE,
        )

    def says_as(self, other: Decision | None) -> bool:
        """Tell whether another one says the same of the same text, whenever it was made."""
        return other is not None and replace(self, at=other.at) == other

    @property
    def meaning(self) -> tuple[str | None, ...]:
        """What is decided: two people agree where it is equal."""
        return self.decision, self.instruction, self.output


def agreed(decisions: Collection[Decision]) -> Decision | None:
    """Return what all of some decisions say, with all reasons; None where they differ."""
    if len({decision.meaning for decision in decisions}) != 1:
        return None
    reasons = sorted({decision.reason for decision in decisions if decision.reason})
    return replace(next(iter(decisions)), reason="; ".join(reasons) or None)


class Reviews:
    """The decisions of all reviewers of a run.

    Attributes:
        reviewers: their names.
    """

    def __init__(self, by_reviewer: Mapping[str, Iterable[Decision]]) -> None:
        """Take each reviewer's decisions in the order in which they were made."""
        self.reviewers = tuple(by_reviewer)
        self._by_id: dict[str, dict[str, Decision]] = {}
        self._mentioned: set[str] = set()
        for name, decisions in by_reviewer.items():
            last = {decision.id: decision for decision in decisions}
            self._mentioned |= last.keys()
            for line_id, decision in last.items():
                if decision.decision is not None:
                    self._by_id.setdefault(line_id, {})[name] = decision

    def __contains__(self, line_id: object) -> bool:
        """Tell whether somebody decided about a line, whatever its text is now."""
        return line_id in self._by_id

    def __len__(self) -> int:
        """Return how many lines somebody decided about."""
        return len(self._by_id)

    def mentions(self, line_id: str) -> bool:
        """Tell whether anybody ever decided about a line, even if it was taken back."""
        return line_id in self._mentioned

    def by(self, name: str) -> dict[str, Decision]:
        """Return what one reviewer decided, by line."""
        return {each: said[name] for each, said in self._by_id.items() if name in said}

    def spoken(self, line: Reviewed) -> dict[str, Decision]:
        """Return what is decided about a line's text, or the one that it was before an edit."""
        decisions, digests = self._by_id.get(line.id, {}), self.digests(line)
        return {name: each for name, each in decisions.items() if each.text_digest in digests}

    def digests(self, line: Reviewed) -> set[str]:
        """Return the digests of a line's text, and of the one that it was before an edit."""
        return digests_of(line) | {each.text_digest for each in self._makers(line)}

    def about(self, line: Reviewed) -> Decision | None:
        """Return what reviewers agree on about a line's text; None where they differ."""
        return agreed(self.spoken(line).values())

    def edit(self, line: Reviewed) -> Decision | None:
        """Return the edit that made a line's text, if reviewers agree on one."""
        decision = self.about(line)
        return decision if decision is not None and decision.has_made(line) else None

    def decide(
        self,
        line: Reviewed,
        decision: Said | None,
        reason: str | None = None,
        texts: tuple[str, str | None] = ("", None),
    ) -> Decision:
        """Return a decision about a line as it stands in the run's files.

        Whoever decides about a text that an edit has made, decides about the one that was edited:
        to accept it is to want the same edit.

        Args:
            line: the line.
            decision: what is decided; None to take back what was.
            reason: why.
            texts: of an edit, the instruction and its answer, if it is not to be answered anew.
        """
        maker = next(self._makers(line), None)
        if maker is not None and decision == ACCEPTED:
            return replace(maker, reason=reason, at=_now())
        instruction, output = texts if decision == EDITED else (None, None)
        judged = None if instruction is not None and output is None else line.output or None
        digest = text_digest(line.instruction, judged) if maker is None else maker.text_digest
        return Decision(line.id, decision, reason, instruction, output, digest, _now())

    def _makers(self, line: Reviewed) -> Iterator[Decision]:
        """Yield the edits that ask for the text that a line has."""
        return (each for each in self._by_id.get(line.id, {}).values() if each.has_made(line))

    @cached_property
    def digest(self) -> str:
        """The digest of all that may change a run; empty where nothing does.

        What is only accepted changes none. Neither names nor times count.
        """
        digest = blake2b(digest_size=16)
        for line_id, decisions in self._changing():
            said = {(each.meaning, each.text_digest) for each in decisions.values()}
            reasons = {each.reason for each in decisions.values() if each.reason}
            known = line_id, sorted(map(repr, said)), sorted(reasons)
            digest.update(repr(known).encode(errors="replace"))
        return digest.hexdigest() if any(self._changing()) else ""

    @property
    def changes(self) -> int:
        """How many lines somebody rejected or edited."""
        return sum(1 for _ in self._changing())

    @property
    def answered_anew(self) -> int:
        """How many lines at most are answered once more, because somebody edited them."""
        return sum(
            any(each.decision == EDITED and each.output is None for each in decisions.values())
            for decisions in self._by_id.values()
        )

    def _changing(self) -> Iterator[tuple[str, dict[str, Decision]]]:
        for line_id, decisions in sorted(self._by_id.items()):
            if any(each.decision != ACCEPTED for each in decisions.values()):
                yield line_id, decisions

    def survey(self, lines: Iterable[Line]) -> Survey:
        """Return how the decisions stand beside the lines of a run."""
        found, about = Survey(), set()
        for line in lines:
            if not isinstance(line, Reviewed) or line.id not in self:
                continue
            spoken = self.spoken(line)
            about |= {(line.id, name) for name in spoken}
            found.see(line, spoken)
        found.void = Counter(
            name
            for line_id, decisions in self._by_id.items()
            for name in decisions
            if (line_id, name) not in about
        )
        return found


NONE = Reviews({})
"""No reviews at all."""


@dataclass(slots=True)
class Survey:
    """How decisions stand beside the lines of a run.

    Attributes:
        agreed: lines by what is decided about them, where reviewers do not differ.
        by_reviewer: how often each decided what, about texts that the run has.
        void: how many decisions of each are about another text than the run has.
        conflicts: what each reviewer decided, where they differ, by line.
        pairs: what two reviewers decided about the same text.
        of_rules: what was decided about lines that rules dropped, by rule: it changes no run, but
            tells how right a rule is.
    """

    agreed: Counter[str] = field(default_factory=Counter)
    by_reviewer: dict[str, Counter[str]] = field(default_factory=dict)
    void: Counter[str] = field(default_factory=Counter)
    conflicts: dict[str, dict[str, Decision]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    of_rules: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of all who decided."""
        return sorted({*self.by_reviewer, *self.void})

    def agreements(self) -> Iterator[tuple[tuple[str, str], Agreement]]:
        """Yield how far each two reviewers agree who decided about the same texts."""
        for names, said in sorted(self.pairs.items()):
            if (found := agreement(said)) is not None:
                yield names, found

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, in a fixed order."""
        return {
            "agreed": dict(sorted(self.agreed.items())),
            "reviewers": {
                name: {**self.by_reviewer.get(name, {}), "void": self.void[name]}
                for name in self.names
            },
            "agreement": [
                {"reviewers": names, "lines": each.things, "same": each.same, "kappa": each.kappa}
                for names, each in self.agreements()
            ],
            "of_rules": {rule: dict(said) for rule, said in sorted(self.of_rules.items())},
            "conflicts": {
                line_id: {name: asdict(each) for name, each in said.items()}
                for line_id, said in self.conflicts.items()
            },
        }

    def see(self, line: Reviewed, spoken: Mapping[str, Decision]) -> None:
        """Count what is decided about a line's text."""
        decision = agreed(spoken.values())
        if isinstance(line, Rejected) and line.rule != REVIEWER:
            opinions = self.of_rules.setdefault(line.rule, Counter())
            opinions.update(str(each.decision) for each in spoken.values())
            return
        if decision is not None:
            self.agreed[str(decision.decision)] += 1
        elif spoken:
            self.conflicts[line.id] = dict(spoken)
        for name, each in spoken.items():
            self.by_reviewer.setdefault(name, Counter())[str(each.decision)] += 1
        for one, other in combinations(sorted(spoken), 2):
            said = str(spoken[one].decision), str(spoken[other].decision)
            self.pairs.setdefault((one, other), []).append(said)


# Files


def read_reviews(run_dir: Path) -> Reviews:
    """Read the files of all reviewers of a run; there may be none.

    Raises:
        InputError: a file cannot be read, or holds a line that is no decision.
    """
    files = flat.files_of_people(run_dir / FOLDER)
    mend = "correct the line, or take it out"
    return Reviews({file.stem: flat.read(file, Decision, "decision", mend) for file in files})


def decided_lines(run_dir: RunDir, generations: int, reviews: Reviews) -> Iterator[Line]:
    """Yield the evolved lines that somebody decided about; no other is parsed.

    Raises:
        InputError: a file or a line cannot be read.
    """
    for number in range(1, generations + 1):
        for kind in (Kept, Rejected):
            if run_dir.file(number, kind).exists():
                for line in run_dir.lazy_lines(number, kind):
                    if line.id in reviews:
                        yield line.parse()


def review_file(run_dir: Path, name: str) -> Path:
    """Return the file of a reviewer.

    Raises:
        InputError: the name cannot be that of a file.
    """
    return flat.file_of(run_dir / FOLDER, name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

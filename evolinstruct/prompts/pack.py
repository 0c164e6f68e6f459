"""A prompt pack: a folder of text files that holds the words of every call.

A pack is read and checked whole before the first call. It is data, never code. docs/packs.md says
what follows from each part.

    pack.toml              name, description, language; marks, added_words, demonstrations, checks
    compare.txt            are {{parent}} and {{child}} equal?
    answer.txt             what is asked to get the answer to {{instruction}}
    demonstration.txt      how a format's demonstration is shown; needed where formats are used
    improve.txt            how an {{answer}} to {{instruction}} is made better
    correct.txt            {{answer}} to {{instruction}} has {{faults}}; for constraints
    analyse.txt            which {{cases}} fail by this {{method}}, and why? (`evolinstruct tune`)
    optimize.txt           how is the {{method}} in this {{prompt}} better, after {{feedback}}?
    frames/FRAME.txt       what several operations share, with a place for their {{method}}
    operations/NAME.txt    header (name, kind, weight, frame, skips), ---, the prompt or its method
    formats/NAME.txt       header (name, title), --- instruction, a text, --- rewritten, a text
    measures/FILE.txt      what scores are asked with: see `evolinstruct.prompts.measures`

A phrase between two # signs at the start of a line of an evolve prompt is a marker.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Any, TypeVar

from evolinstruct.defaults import PACK
from evolinstruct.elimination import COMPARISON, RULES, names_of_others
from evolinstruct.errors import InputError
from evolinstruct.prompts.folder import MEASURES, files, find
from evolinstruct.prompts.measures import Measure, read_measures
from evolinstruct.prompts.named_checks import Checks, read_checks
from evolinstruct.prompts.templates import Holds, Passage, Template, checked, markers, source
from evolinstruct.prompts.worded import read_worded
from evolinstruct.prose import count_prose
from evolinstruct.purposes import PURPOSES
from evolinstruct.quartiles import BAND
from evolinstruct.text import did_you_mean
from evolinstruct.words import letters_of_a_word

Messages = tuple[tuple[str, str], ...]
"""Pairs of role and content, as in a client's request."""

_T = TypeVar("_T")

_DRAWN = frozenset({"format", "demonstrations", "constraints", "words", "least", "most"})
_DEMONSTRATION = Holds(frozenset({"format", "instruction", "rewritten"}))
_CORRECT = Holds(frozenset({"instruction", "answer", "faults"}))
_OPERATION = Holds(frozenset({"instruction"}), _DRAWN)
_FRAME = Holds(frozenset({"method", "instruction"}), _DRAWN)
_METHOD = Holds(frozenset(), _DRAWN | {"instruction"})

IN_DEPTH, IN_BREADTH, TRANSFORM = _KINDS = ("in-depth", "in-breadth", "transform")
_ABOUT = ("name", "description", "language")
_MORE = ("marks", "added_words", "demonstrations", "checks")
_MINIMUM_FORMATS = 2  # one is drawn, and at least one other is shown as an example
_DEMONSTRATION_FILE, _CORRECT_FILE = "demonstration.txt", "correct.txt"
_OF_STAGES = {f"{name}.txt" for name, row in PURPOSES.items() if row.of_stages}
"""Files that decide nothing in a run."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HEADER = frozenset({"name", "kind", "weight"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One way to evolve an instruction.

    Attributes:
        name: unique in its pack.
        kind: ``in-depth`` (the same task, harder), ``in-breadth`` (another task of the domain) or
            ``transform`` (the same task in another form, no harder).
        weight: how often it is drawn, relative to the other operations' weights.
        template: the whole prompt, with its frame.
        uses_format: whether a data format is drawn for it.
        uses_constraints: whether constraints are drawn for it, which code can verify.
        skips: names of the rules that do not apply to what it makes.
    """

    name: str
    kind: str
    weight: float
    template: Template = field(repr=False)
    uses_format: bool
    uses_constraints: bool = False
    skips: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pack:
    """A checked pack.

    Attributes:
        name: its name.
        description: what it is for, in one sentence.
        language: the language of its prompts, as a tag such as ``en``.
        digest: of the names and texts of the files that decide a run, whatever their line ends.
        operations: its operations, sorted by name.
        formats: the names of its data formats, sorted.
        markers: the phrases that mark places in evolve prompts, lower-case, without #, sorted.
        marks: the lines between which evolve prompts ask for the instruction, if they do.
        added_words: how many words an in-depth rewrite adds, at least and at most.
        demonstrations: how many demonstrations a prompt shows; None: those of all other formats.
        checks: the arguments of each check of answers that it names.
        measures: what scores are asked with, by name and method; no part of the digest, because
            they decide nothing in a run.
    """

    name: str
    description: str
    language: str
    digest: str
    operations: tuple[Operation, ...]
    formats: tuple[str, ...]
    markers: tuple[str, ...]
    marks: tuple[str, str] | None
    added_words: tuple[int, int]
    demonstrations: int | None
    checks: Checks
    measures: Mapping[tuple[str, str], Measure] = field(repr=False)
    _by_name: Mapping[str, Operation] = field(repr=False)
    _purposes: Mapping[str, Template] = field(repr=False)
    _titles: Mapping[str, str] = field(repr=False)
    _demonstrations: Mapping[str, str] = field(repr=False)
    _correct: Template | None = field(repr=False)

    def evolve(
        self,
        operation: str,
        instruction: str,
        format: str | None = None,  # noqa: A002 - the word of the run's files
        order: Sequence[str] = (),
        constraints: Sequence[str] = (),
    ) -> Messages:
        """Return the prompt that asks for the instruction's evolution.

        Args:
            operation: name of the operation.
            instruction: the text to evolve; it is put in as it is.
            format: name of the drawn format, where the operation uses one.
            order: names of the other formats; their demonstrations are shown in this order, as
                many as the pack shows.
            constraints: the sentences that state the drawn constraints, where the operation uses
                any.

        Raises:
            KeyError: an operation or a format is unknown, or a format is needed and not given.
        """
        words, per_word = count_prose(instruction), letters_of_a_word(instruction)
        least, most = (str(words + per_word * added) for added in self.added_words)
        values = {
            "instruction": instruction,
            "words": str(words),
            "least": least,
            "most": most,
            "constraints": _listed(constraints),
        }
        if format is not None:
            values["format"] = self._titles[format]
            values["demonstrations"] = "\n\n".join(self._shown(order))
        return _ask(self._by_name[operation].template, values)

    def _shown(self, order: Sequence[str]) -> list[str]:
        return [self._demonstrations[name] for name in order[: self.demonstrations]]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The words of its own in evolve prompts: what no rewrite should repeat."""
        prompts = [text for each in self.operations for text in each.template.parts[::2]]
        return tuple(dict.fromkeys((*prompts, *self._demonstrations.values())))

    @property
    def corrects(self) -> bool:
        """Whether an answer that fails a check is asked for once more."""
        return self._correct is not None

    @property
    def verifies(self) -> bool:
        """Whether anything is verified of answers."""
        return bool(self.checks) or any(each.uses_constraints for each in self.operations)

    def skips(self, operation: str | None) -> frozenset[str]:
        """Return the rules that do not apply to what an operation makes; none for a seed."""
        found = self._by_name.get(operation or "")
        return found.skips if found else frozenset()

    def prompt(self, purpose: str, **texts: str) -> Messages:
        """Return the prompt of a purpose that a file of its own words.

        Args:
            purpose: its name.
            texts: what fills its places, by the names that the purpose has for them.

        Raises:
            InputError: the pack has no such file.
        """
        template = self._purposes.get(purpose)
        if template is None:
            raise InputError(f"The pack {self.name} has no {purpose}.txt; add the file.")
        places = PURPOSES[purpose].prompt
        return _ask(template, {place: texts[text] for place, text in places.items()})

    def words(self, purpose: str) -> bool:
        """Tell whether a file of its own words the prompt of a purpose."""
        return purpose in self._purposes

    def correct(self, instruction: str, answer: str, faults: Sequence[str]) -> Messages:
        """Return the prompt that asks for an answer once more, with what is wrong with it.

        Raises:
            InputError: the pack has no such file.
        """
        if self._correct is None:
            raise InputError(f"The pack {self.name} has no {_CORRECT_FILE}; add the file.")
        texts = {"instruction": instruction, "answer": answer, "faults": _listed(faults)}
        return _ask(self._correct, texts)


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _ask(template: Template, values: Mapping[str, str]) -> Messages:
    return (("user", template.render(values)),)


def read(folder: Path) -> Pack:
    """Read a pack and check all of it.

    Raises:
        InputError: a file is missing or wrong; names the file, the line and the mistake.
    """
    return parse(folder, read_files(folder))


def read_files(folder: Path) -> dict[str, Passage]:
    """Return the texts of a pack's files by their names in it.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    return {name: source(path) for name, path in files(folder).items()}


def parse(folder: Path, found: Mapping[str, Passage]) -> Pack:
    """Return the pack that these files make, checked whole; `folder` is named in errors.

    Raises:
        InputError: a file is wrong; names the file, the line and the mistake.
    """
    sources = {name: text for name, text in found.items() if not name.startswith(f"{MEASURES}/")}
    about, settings = _about(sources["pack.toml"])
    measures = read_measures(_inside(found, MEASURES), about["name"])
    purposes = read_worded(folder, sources, settings["checks"])
    operations = _operations(folder, sources)
    _check_marks(sources["pack.toml"], settings["marks"], operations.values())
    formats = _unique(_format(text) for text in _inside(sources, "formats"))
    shown = _demonstrations(folder, sources, operations.values(), formats)
    correct = _correct(folder, sources, operations.values())
    return Pack(
        **about,
        **settings,
        digest=_digest({name: sources[name] for name in sources if name not in _OF_STAGES}),
        operations=tuple(operations.values()),
        formats=tuple(formats),
        markers=markers(
            *(operation.template.text for operation in operations.values()),
            *(sources[name].text for name in sources if name == _DEMONSTRATION_FILE),
        ),
        measures=measures,
        _by_name=operations,
        _purposes=purposes,
        _titles={name: texts["format"] for name, texts in formats.items()},
        _demonstrations=shown,
        _correct=correct,
    )


def known_measures(pack: Pack) -> dict[tuple[str, str], Measure]:
    """Return a pack's measures; one that it lacks is that of general."""
    return {**read(find(PACK)).measures, **pack.measures}


def _about(text: Passage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what pack.toml says of the pack, and how its prompts are made and read."""
    try:
        found = tomllib.loads(text.text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{text.path}: this is not TOML: {error}.") from error
    for key in dict.fromkeys((*found, *_ABOUT)):
        at = text.place_of(key)
        if key not in (*_ABOUT, *_MORE):
            raise text.error(f"unknown key {key!r}; known here: {', '.join((*_ABOUT, *_MORE))}", at)
        if key in _ABOUT and not (isinstance(found.get(key), str) and found[key].strip()):
            raise text.error(f"the key {key!r} is missing, or its value is not a text", at)
    if not _NAME.fullmatch(found["name"]):
        raise text.error(_bad_name(found["name"]))
    return {key: found[key] for key in _ABOUT}, {
        "marks": _pair(text, found, "marks", str, "two texts, the opening and the closing mark"),
        "added_words": _pair(text, found, "added_words", int, "two numbers, the least and the most")
        or BAND,
        "demonstrations": _demonstrations_of(text, found),
        "checks": read_checks(text, found.get("checks", {})),
    }


def _pair(
    text: Passage, found: Mapping[str, Any], key: str, kind: type[_T], wanted: str
) -> tuple[_T, _T] | None:
    if key not in found:
        return None
    pair = found[key]
    if isinstance(pair, list) and [type(part) for part in pair] == [kind, kind]:
        first, second = pair
        if first and (kind is str or 0 < first <= second):
            return first, second
    raise text.error(f"the key {key!r} needs {wanted}", text.place_of(key))


def _demonstrations_of(text: Passage, found: Mapping[str, Any]) -> int | None:
    number = found.get("demonstrations")
    if number is not None and (type(number) is not int or number < 1):
        key = "demonstrations"
        raise text.error(f"the key {key!r} needs a whole number of 1 or more", text.place_of(key))
    return number


def _check_marks(
    text: Passage, marks: tuple[str, str] | None, operations: Iterable[Operation]
) -> None:
    """Refuse marks that a prompt does not ask for: replies would be read by them in vain."""
    for operation in operations if marks else ():
        for mark in marks or ():
            if mark not in operation.template.text:
                raise text.error(
                    f"the operation {operation.name!r} does not ask for the mark {mark!r}; name it"
                    " in the prompt, or leave the key 'marks' out",
                    text.place_of("marks"),
                )


def _bad_name(name: str) -> str:
    return f"the name {name!r} must be a lower-case letter, then such letters, digits or _"


def _inside(sources: Mapping[str, Passage], folder: str) -> list[Passage]:
    return [text for name, text in sources.items() if name.startswith(f"{folder}/")]


def _unique(items: Iterable[tuple[Passage, _T]]) -> dict[str, _T]:
    """Return the items by their names, sorted; no two may have the same name."""
    found: dict[str, tuple[Passage, _T]] = {}
    for name, item in items:
        if not _NAME.fullmatch(name.text):
            raise name.error(_bad_name(name.text))
        if name.text in found:
            first = found[name.text][0].path.name
            raise name.error(f"the name {name.text!r} is taken already, by {first}")
        found[name.text] = (name, item)
    return {name: found[name][1] for name in sorted(found)}


def _operations(folder: Path, sources: Mapping[str, Passage]) -> dict[str, Operation]:
    frames = {text.path.stem: checked(text, _FRAME) for text in _inside(sources, "frames")}
    found = _unique(_operation(text, frames) for text in _inside(sources, "operations"))
    if not any(operation.weight for operation in found.values()):
        raise InputError(f"{folder / 'operations'}: no operation here has a weight above 0.")
    return found


def read_operation(text: Passage) -> tuple[dict[str, Passage], Passage]:
    """Return the header of an operation's file, and its prompt or method.

    Raises:
        InputError: the header is wrong.
    """
    head, body = text.split("---")
    return head.header(_HEADER, frozenset({"frame", "skips"})), body


def _operation(text: Passage, frames: Mapping[str, str]) -> tuple[Passage, Operation]:
    header, body = read_operation(text)
    kind, frame = header["kind"], header.get("frame")
    if kind.text not in _KINDS:
        raise kind.error(f"unknown kind {kind.text!r}; known here: {', '.join(_KINDS)}")
    if frame is None:
        prompt = checked(body, _OPERATION)
    elif frame.text in frames:
        prompt = frames[frame.text].replace("{{method}}", checked(body, _METHOD))
    else:
        raise frame.error(f"the folder frames has no frame {frame.text!r}")
    if not markers(prompt):
        raise body.error("no line of the prompt begins with a marker, such as '#Given Text#:'")
    template = Template.of(prompt)
    if "demonstrations" in template.names and "format" not in template.names:
        raise body.error("a prompt that shows '{{demonstrations}}' needs '{{format}}' as well")
    weight = _weight(header["weight"])
    name = header["name"]
    skips = _skips(header["skips"]) if "skips" in header else frozenset()
    if kind.text == TRANSFORM:
        skips |= {COMPARISON}  # the same task in another form gains no information
    uses_format = "format" in template.names
    uses_constraints = "constraints" in template.names
    return name, Operation(
        name.text, kind.text, weight, template, uses_format, uses_constraints, skips
    )


def _skips(text: Passage) -> frozenset[str]:
    """Return the names of rules that a header lists, divided by commas.

    A user's own rule, named as ``package.module:function``, is not loaded: a pack runs no code.
    """
    names = [name.strip() for name in text.text.split(",")]
    for name in names:
        if name in RULES and RULES[name].structural:
            raise text.error(f"the rule {name!r} is always on, so no operation can skip it")
        if name not in RULES and ":" not in name and name not in (others := names_of_others()):
            near = did_you_mean(name, [*RULES, *others])
            raise text.error(f"unknown rule {name!r}{near}; `evolinstruct rules` lists all")
    return frozenset(names)


def _weight(text: Passage) -> float:
    try:
        weight = float(text.text)
    except ValueError:
        weight = -1
    if not 0 <= weight < inf:
        raise text.error(f"the weight must be a number of 0 or more, found {text.text!r}")
    return weight


def _format(text: Passage) -> tuple[Passage, dict[str, str]]:
    """Return a format's name and what fills the places of a demonstration."""
    head, rest = text.split("--- instruction")
    header = head.header(frozenset({"name", "title"}), frozenset())
    instruction, rewritten = (part.body().text for part in rest.split("--- rewritten"))
    title = header["title"].text
    return header["name"], {"format": title, "instruction": instruction, "rewritten": rewritten}


def _demonstrations(
    folder: Path,
    sources: Mapping[str, Passage],
    operations: Iterable[Operation],
    formats: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    users = [operation.name for operation in operations if operation.uses_format]
    if users and len(formats) < _MINIMUM_FORMATS:
        raise InputError(
            f"{folder / 'formats'}: the operation {users[0]!r} needs at least two formats, one to "
            f"draw and one to demonstrate, found {len(formats)}."
        )
    if _DEMONSTRATION_FILE in sources:
        template = Template.of(checked(sources[_DEMONSTRATION_FILE], _DEMONSTRATION))
        return {name: template.render(texts) for name, texts in formats.items()}
    if users:
        path = folder / _DEMONSTRATION_FILE
        raise InputError(f"{path}: the file is missing; the operation {users[0]!r} needs it.")
    return {}


def _correct(
    folder: Path, sources: Mapping[str, Passage], operations: Iterable[Operation]
) -> Template | None:
    if _CORRECT_FILE in sources:
        return Template.of(checked(sources[_CORRECT_FILE], _CORRECT))
    for operation in operations:
        if operation.uses_constraints:
            raise InputError(
                f"{folder / _CORRECT_FILE}: the file is missing; the operation {operation.name!r}"
                " needs it."
            )
    return None


def _digest(sources: Mapping[str, Passage]) -> str:
    digest = blake2b(digest_size=16)
    for name, text in sources.items():
        raw = text.text.encode()
        digest.update(f"{name}\0{len(raw)}\0".encode() + raw)
    return digest.hexdigest()

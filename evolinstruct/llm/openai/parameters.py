"""Parameters: adapts a call's body to what its model takes, as learned from refusals.

Services name their parameters alike, yet not every model takes every one. What the model's name
tells is known from the start; the rest is learned from the words of refusals, once for all calls to
a server and model. The request itself stays what it was, and so does its key in the journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from evolinstruct.llm.base import LOGPROBS, SERVICE_TIER

_LENGTH = "max_tokens"
_NEW_LENGTH = "max_completion_tokens"
_EFFORT = "reasoning_effort"
_NO_PARAMETERS = frozenset({"model", "messages"})
_MOST_LESSONS = 12  # for one model: a service that refuses whatever it gets is not followed

_OPENAI_HOSTS = ("openai.com", "openai.azure.com")
_NEW_NAMES = re.compile(r"o\d|gpt-[5-9]")
_NO_SAMPLING = re.compile(r"o\d|gpt-5(?!\.|-chat)")

_REFUSAL = (
    r"(?:unsupported|(?:not|n't) (?:currently )?support|not (?:permitted|allowed|available)"
    r"|unrecogni[sz]ed|unknown|unexpected|extraneous|deprecated|extra.?(?:inputs|forbidden|fields)"
    r"|only the default|cannot both)"
)
_BOTH = re.compile(r"temperature\W+and\W+top_p\W.{0,20}both", re.IGNORECASE)
_NEEDED = re.compile(
    rf"{_EFFORT}.{{0,40}}\b(?:required|missing|must be)\b"
    rf"|\b(?:requires?d?|missing|must (?:set|specify))\b.{{0,60}}{_EFFORT}",
    re.IGNORECASE,
)
_CAP = re.compile(
    r"supports at most (\d{1,15}) completion tokens"
    r"|max_(?:completion_)?tokens\W.{0,60}?(?:less than or equal to|<=|at most)\W{0,3}(\d{1,15})\b"
    r"|valid range of max_tokens is \[\d+, ?(\d{1,15})\]",
    re.IGNORECASE,
)


class ParameterRefusedError(ValueError):
    """The model does not take a parameter that the user named, and which is not to be left out."""


class ParameterAdapter:
    """What one model on one server takes; shared by all calls to it."""

    def __init__(self, model: str, host: str) -> None:
        """Begin with what the names of the model and the server tell."""
        self._model = model
        self._length = _LENGTH
        self._most: int | None = None
        self._left_out: set[str] = set()
        self._added: dict[str, object] = {}
        self._lessons = 0
        self._notices: list[str] = []
        if host.endswith(_OPENAI_HOSTS):
            self._begin()

    def adapt(self, body: dict[str, object]) -> dict[str, object]:
        """Return the body as the model takes it."""
        if self._lessons == 0:  # nearly every model, and then at no cost
            return body
        adapted = {name: value for name, value in body.items() if name not in self._left_out}
        length = adapted.pop(_LENGTH, None)
        if isinstance(length, int):
            adapted[self._length] = length if self._most is None else min(length, self._most)
        return {**self._added, **adapted}

    def learns(
        self,
        said: str,
        param: object,
        asked: dict[str, object],
        sent: Mapping[str, object],
        extra: Mapping[str, object],
    ) -> bool:
        """Learn from a refusal; return whether the body would now be sent otherwise.

        Args:
            said: the service's words.
            param: the parameter that the service names, if it does.
            asked: the body before it was adapted.
            sent: the body after.
            extra: the parameters that the user named.

        Raises:
            ParameterRefusedError: the service refuses one that the user named.
        """
        # Of calls that were under way together, the first refusal teaches; the others find that
        # their body would be another by now, and are sent again without a second lesson.
        if self.adapt(asked) == sent and self._lessons < _MOST_LESSONS:
            for lesson in self._read(said, param, sent, extra):
                self._lessons += 1
                self._notices.append(lesson)
        return self.adapt(asked) != sent

    def take_notices(self) -> list[str]:
        """Return what was learned since the last time, a sentence each."""
        notices, self._notices = self._notices, []
        return notices

    def _begin(self) -> None:
        told = []
        if _NEW_NAMES.match(self._model):
            self._length = _NEW_LENGTH
            told.append(f"{_NEW_LENGTH} instead of {_LENGTH}")
        if _NO_SAMPLING.match(self._model):
            self._left_out = {"temperature", "top_p"}
            told.append("neither temperature nor top_p")
        if told:
            self._lessons = 1
            self._notices.append(f"{self._model} takes {' and '.join(told)}; it is asked so.")

    def _read(
        self, said: str, param: object, sent: Mapping[str, object], extra: Mapping[str, object]
    ) -> Iterator[str]:
        """Learn from a refusal; yield a sentence for each thing learned."""
        if _NEEDED.search(said) and _EFFORT not in sent:
            yield self._add_effort(said)
            return
        if cap := self._cap(said, sent):
            self._most = cap
            yield f"{self._model} writes at most {cap:,} tokens; no more are asked for."
            return
        if _refuses_logprobs(said, param, sent, extra):
            self._left_out.update(LOGPROBS)
            yield f"{self._model} gives no {LOGPROBS[0]}; it is asked without."
            return
        for name in _refused(said, param, sent):
            if name in extra or name == SERVICE_TIER:
                flag = "--param" if name in extra else "--service-tier"
                raise ParameterRefusedError(
                    f"the model does not take the parameter {name!r} of {flag}"
                )
            yield from self._give_up(name, said)

    def _give_up(self, name: str, said: str) -> Iterator[str]:
        if name == _LENGTH and self._length == _LENGTH:
            self._length = _NEW_LENGTH
            yield f"{self._model} takes {_NEW_LENGTH} instead of {_LENGTH}; it is asked so."
        elif name == _EFFORT:
            yield self._add_effort(said)
        elif name not in {_LENGTH, _NEW_LENGTH}:  # no call is sent without a bound on its length
            self._left_out.add(name)
            yield f"{self._model} does not take {name}; it is left out."

    def _add_effort(self, said: str) -> str:
        efforts = ("medium", "low", "high", "minimal", "none")
        offered = [effort for effort in efforts if re.search(rf"['\"`]{effort}\b", said)]
        others = [effort for effort in offered or efforts if effort != self._added.get(_EFFORT)]
        self._added[_EFFORT] = others[0] if others else "medium"
        return (
            f"{self._model} needs a {_EFFORT}; it gets {self._added[_EFFORT]!r},"
            f" and another with --param {_EFFORT}=..."
        )

    def _cap(self, said: str, sent: Mapping[str, object]) -> int | None:
        found = _CAP.search(said)
        if found is None:
            return None
        cap = int(next(number for number in found.groups() if number))
        length = sent.get(self._length)
        return cap if isinstance(length, int) and 0 < cap < length else None


def _refuses_logprobs(
    said: str, param: object, sent: Mapping[str, object], extra: Mapping[str, object]
) -> bool:
    """Tell whether a refusal is about logprobs, in any words: whoever wants them can go without."""
    are_ours = LOGPROBS[0] in sent and extra.keys().isdisjoint(LOGPROBS)
    return are_ours and (param in LOGPROBS or LOGPROBS[0] in said.lower())


def _refused(said: str, param: object, sent: Mapping[str, object]) -> list[str]:
    """Return which of the parameters sent a refusal names."""
    if not re.search(_REFUSAL, said, re.IGNORECASE):
        return []
    if _BOTH.search(said) and "top_p" in sent:
        return ["top_p"]
    if isinstance(param, str) and param in sent and param not in _NO_PARAMETERS:
        return [param]
    return [name for name in sent if name not in _NO_PARAMETERS and _is_refused(name, said)]


def _is_refused(name: str, said: str) -> bool:
    """Tell whether a parameter's name stands near the words of the refusal."""
    word = rf"\b{re.escape(name)}\b"
    near = rf"{word}.{{0,80}}?{_REFUSAL}|{_REFUSAL}.{{0,80}}?{word}"
    return re.search(near, said, re.IGNORECASE | re.DOTALL) is not None

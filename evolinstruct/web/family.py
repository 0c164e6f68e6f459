"""The family of a line: what each generation made of its seed, word by word, and its calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from evolinstruct.analysis.families import Family, FamilyStep, assemble
from evolinstruct.analysis.line_index import kind_of
from evolinstruct.analysis.line_index.query import terms_of
from evolinstruct.analysis.replay import Call, replaying
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.report.markup import Html, folded, join, tag, text
from evolinstruct.report.passages import passage
from evolinstruct.text import command, counted
from evolinstruct.web.frame import framed
from evolinstruct.web.lines import difference, outcome_of
from evolinstruct.web.snippet import found_in, marked
from evolinstruct.web.visit import Visit
from evolinstruct.words import DiffPart, count_words


def show_family(visit: Visit) -> Response:
    """Return the page of the family of a line."""
    family, meant = _family(visit), visit.values["id"]
    terms = terms_of(visit.query.get("text", ""))
    items = [_item(visit, family.seed, None, meant, terms)]
    if family.unanswered is not None:
        items.append(_item(visit, family.unanswered, None, meant, terms))
    items += [_item(visit, step.line, step, meant, terms) for step in family.steps]
    legend = tag(
        "p", tag("ins", text("words added")), text(" and "), tag("del", text("words removed")),
        text(", against the instruction that was rewritten."), class_="hint",
    )  # fmt: skip
    title = tag("h2", text("A family"), id="family-title")
    back = tag("p", tag("a", text("All lines"), href=visit.address("read")), class_="back")
    tree = tag("ol", *items, class_="tree card")
    return framed(visit, back, tag("section", title, legend, tree, aria_labelledby="family-title"))


def _family(visit: Visit) -> Family:
    """Return the family of the line that an address names."""
    found = visit.here.lines.family(visit.values["id"])
    seeds = [line for line in found if isinstance(line, Kept) and not line.generation]
    if not seeds:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    others = [line for line in found if line is not seeds[0]]
    streams = {line.generation: [iter([line])] for line in others}
    return next(assemble(iter(seeds[:1]), streams, lambda *_: None))


def _item(
    visit: Visit, line: Line, step: FamilyStep | None, meant: str, terms: Sequence[str]
) -> Html:
    kind = kind_of(line)
    dead = "" if kind in {"kept", "seed"} else "dead "
    is_meant = line.id == meant
    here = {"aria_current": "true"} if is_meant else {}
    return tag(
        "li",
        tag("p", text(f"{_about(line, step)} "), tag("code", text(line.id)), class_="about"),
        *_said(line, step, terms),
        *_why(line, terms),
        *_answer(line, terms),
        tag("p", tag("a", text("Its calls"), href=visit.address("read", f"/calls/{line.id}"))),
        id=line.id, class_=f"{dead}{kind}{' meant' if is_meant else ''}", **here,
    )  # fmt: skip


def _about(line: Line, step: FamilyStep | None) -> str:
    said = [f"Generation {line.generation}" if line.generation else "Seed"]
    said += [line.operation or ""]
    if not isinstance(line, Failed):
        said += [line.format or ""]
    said += [outcome_of(line) if line.generation else ""]
    if not isinstance(line, Failed):
        words = count_words(line.instruction)
        grown = f" ({words - count_words(step.parent.instruction):+,})" if step else ""
        said += [f"{counted(words, 'word')}{grown}"]
    return " · ".join(filter(None, said))


def _said(line: Line, step: FamilyStep | None, terms: Sequence[str]) -> Iterator[Html]:
    """Yield the text of a line, with the words that differ from its parent's."""
    if isinstance(line, Failed):
        return
    if line.instruction:
        parts = difference(step.parent if step else None, line)
        yield _passage(parts or [DiffPart("same", line.instruction)], terms)
    if step and step.parent.generation != line.generation - 1:
        yield tag("p", text(f"from generation {step.parent.generation}"), class_="about")


def _passage(parts: Sequence[DiffPart], terms: Sequence[str]) -> Html:
    return passage(parts, shown_as=lambda content: marked(content, found_in(content, terms)))


def _why(line: Line, terms: Sequence[str]) -> Iterator[Html]:
    """Yield why a line was not kept, and the reply where that is not shown above."""
    if isinstance(line, Failed):
        said = f"{line.error} after {counted(line.attempts, 'attempt')}: {line.message}"
        yield tag("p", text(said), class_="why", dir="auto")
    elif isinstance(line, Rejected):
        evidence = marked(line.evidence, found_in(line.evidence, terms))
        yield tag("p", text(f"{line.rule}: "), evidence, class_="why", dir="auto")
        if line.raw and line.raw.strip() != line.instruction.strip():
            raw = tag("pre", marked(line.raw, found_in(line.raw, terms)), dir="auto")
            yield folded("The reply as it came", raw)


def _answer(line: Line, terms: Sequence[str]) -> Iterator[Html]:
    if not isinstance(line, Failed) and line.output:
        opened = {"open": ""} if found_in(line.output, terms) else {}
        answer = _passage([DiffPart("same", line.output)], terms)
        yield tag("details", tag("summary", text("The answer")), answer, **opened)


# Calls


def show_calls(visit: Visit) -> Response:
    """Return the page of the calls that a line took: what was asked, and what came back."""
    family, meant = _family(visit), visit.values["id"]
    if visit.run.state.exit_code is None:
        trace = command("evolinstruct", "trace", visit.path, meant, "--calls")
        raise InputError(
            f"{visit.path} is being written, so its journal is left alone: calls are shown when the"
            f" command has ended, and by `{trace}`."
        )
    with replaying(visit.run) as replay:
        step = family.step(meant)
        calls = replay.step(step) if step else replay.seed(family.seed)
    back = tag("p", tag("a", text("Its family"), href=visit.address("read", f"/family/{meant}")))
    nothing = tag("p", text("No call was made for this line."), class_="lead")
    shown = [_call(number, call) for number, call in enumerate(calls, 1)] or [nothing]
    return framed(visit, back, tag("h2", text("Calls of "), tag("code", text(meant))), *shown)


def _call(number: int, call: Call) -> Html:
    asked = [
        join([tag("h4", text(role)), tag("pre", text(content), dir="auto")])
        for role, content in call.request.messages
    ]
    return tag(
        "section",
        tag("h3", text(f"{number}. {call.request.purpose}")),
        tag("p", text(_how(call)), class_="kind"),
        *asked,
        tag("h4", text("reply")),
        tag("pre", text(call.reply.text if call.reply else call.trouble or ""), dir="auto"),
        class_="card call",
    )


def _how(call: Call) -> str:
    request = call.request
    settings = {"model": request.model or None, **request.parameters()}
    said = [f"{name} {value}" for name, value in settings.items() if value is not None]
    if request.call_id.attempt:
        said.append(f"attempt {request.call_id.attempt + 1}")
    if call.reply is not None:
        usage = call.reply.usage
        said.append(f"ended by {call.reply.finish_reason}")
        if usage.prompt_tokens is not None and usage.completion_tokens is not None:
            said.append(f"{usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out")
    return " · ".join(said)

"""The offline client: rewrites, compares, answers, judges and optimizes by hand-written rules.

It goes by a request's context, purpose and sampling, never by its prompt. Equal requests get equal
replies, in any order and on any machine. The kind of
reply that a purpose asks for says which rule writes it; an unknown purpose gets a text. A vector
is made of the words of the text.
"""

from __future__ import annotations

from collections.abc import Callable

from evolinstruct.llm.base import CallContext, ClientOptions, Reply, Request, Usage, encode_vector
from evolinstruct.llm.offline.answering import answer
from evolinstruct.llm.offline.embedding import embed
from evolinstruct.llm.offline.grammar import Writer
from evolinstruct.llm.offline.judging import judge, prefer, weigh
from evolinstruct.llm.offline.misbehaving import misbehave, put_between
from evolinstruct.llm.offline.optimizing import analyse, optimize
from evolinstruct.llm.offline.programming import write_tests
from evolinstruct.llm.offline.rewriting import rewrite
from evolinstruct.purposes import PURPOSES

_CHARACTERS_PER_TOKEN = 4


def _compare(_context: CallContext, _writer: Writer) -> str:
    return "Not Equal"


_BY_REPLY: dict[str, Callable[[CallContext, Writer], str]] = {
    "instruction": rewrite,
    "verdict": _compare,
    "text": answer,
    "tests": write_tests,
    "judgement": judge,
    "preference": prefer,
    "feedback": analyse,
    "method": optimize,
}
"""By the kind of reply that a purpose asks for."""


class OfflineClient:
    """Answers every request by rules: for trying things out, for tests and for Makefiles."""

    FREE = True
    NOTICE = (
        "The offline client is no language model: it writes by fixed rules, "
        "so its output is for trying the pipeline, not for training."
    )

    def __init__(self, options: ClientOptions) -> None:
        self._model = options.model or "offline"

    async def complete(self, request: Request) -> Reply:
        """Return a reply that depends on the request alone. Raises nothing, waits for nothing."""
        if request.wants == "vector":
            return self._vector(request)
        context = request.context
        writer = Writer(_key(request), context.instruction)
        row = PURPOSES.get(request.purpose)
        kind = row.reply if row else "text"  # whoever asks for something else gets some text
        text, finish_reason = misbehave(
            kind, _BY_REPLY[kind](context, writer), writer, context.method
        )
        if context.marks and finish_reason == "stop":
            text = put_between(context.marks, text, writer)
        if request.max_tokens and len(text) > request.max_tokens * _CHARACTERS_PER_TOKEN:
            text = text[: request.max_tokens * _CHARACTERS_PER_TOKEN]
            finish_reason = "length"
        usage = Usage(
            prompt_tokens=_tokens(sum([len(content) for _role, content in request.messages])),
            completion_tokens=_tokens(len(text)),
        )
        logprobs = weigh(text, context, writer) if request.wants == "logprobs" else ()
        model = request.model or self._model
        return Reply(text, finish_reason, usage, model, logprobs=logprobs)

    def _vector(self, request: Request) -> Reply:
        text = request.messages[-1][1]
        model = request.model or self._model
        return Reply(encode_vector(embed(text)), "stop", Usage(_tokens(len(text))), model)

    async def aclose(self) -> None:
        """Do nothing: it holds nothing open."""


def _key(request: Request) -> str:
    """Return all that the reply depends on, as one text.

    ``max_tokens`` is left out: a larger one continues the same text.
    """
    call, context = request.call_id, request.context
    return (
        f"{call.child_id}\x1f{call.purpose}\x1f{call.attempt}\x1f{request.model}\x1f"
        f"{request.temperature}\x1f{request.top_p}\x1f{context.operation}\x1f{context.kind}\x1f"
        f"{context.format}\x1f{context.instruction}\x1f{context.parent}"
    )


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)

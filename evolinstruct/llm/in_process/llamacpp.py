"""The client `llamacpp`: a model in a GGUF file is run by llama.cpp, in this process.

    python -m pip install 'evolinstruct[llamacpp]'
    evolinstruct evolve seeds.jsonl -o run --client llamacpp:MODEL.gguf

The package `xllamacpp` holds llama.cpp with all of its server, which is called without a connection
and speaks the format of chat completions. So what is said to it and read from it is that of
`llm.openai`: the model's own chat template, reasoning apart from the text, a full context.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from evolinstruct.errors import CallError, ServiceRefused, TryAgain
from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.llm.in_process import place_of, refusal, refuse_vectors, seed_of
from evolinstruct.llm.openai import chat

CONTEXT = 8_192
"""Tokens of a prompt and its reply together, or fewer where the model was trained on fewer."""

_TROUBLE = (ValueError, TypeError, RuntimeError)  # what the package raises


class LlamaCppClient:
    """Answers from a file; the model is loaded with the first call, and let go at the end.

    Attributes:
        FREE: it costs nothing.
        CONCURRENCY: calls at once where none are asked for: alone, a call repeats itself exactly.
        NOTICE: how many calls it answers at once, and whether they can be repeated.
    """

    FREE = True
    CONCURRENCY = 1

    def __init__(self, options: ClientOptions) -> None:
        """Find the file; nothing is loaded yet.

        Raises:
            UsageError: the client was named without a file.
        """
        self._file = place_of("llamacpp", options.model)
        self._model = options.model
        self._secrets = options.secrets
        self._slots = options.concurrency or self.CONCURRENCY
        self.NOTICE = _notice(self._slots)
        self._threads = ThreadPoolExecutor(self._slots, "llamacpp")
        self._loading = asyncio.Lock()
        self._server: Any = None

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply; a call that is given up ends with the next token.

        Raises:
            CallRejected: ``too_long``.
            CallFailed: llama.cpp does not take the call.
            TryAgain: the reply cannot be read.
            ServiceRefused: the file cannot be loaded, or a vector is wanted.
        """
        refuse_vectors("llamacpp", request)
        server = await self._loaded()
        pieces = _Pieces()
        try:
            await self._in_thread(server.handle_chat_completions, _body(request), pieces.take)
        except _TROUBLE as error:
            raise self._refusal({"message": str(error)}) from None
        finally:
            pieces.are_wanted = False
        return self._reply(pieces.whole())

    async def aclose(self) -> None:
        """Let the model go, as soon as the last call has ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._server = None

    def _reply(self, found: Mapping[str, object]) -> Reply:
        try:
            if (trouble := chat.trouble(found)) is not None:
                raise self._refusal(trouble)
            return replace(chat.reply(found), model=self._model)
        except chat.UnreadableError as error:
            raise TryAgain("unreadable_reply", str(error)) from None

    def _refusal(self, error: object) -> CallError:
        return refusal(chat.clean_message(chat.said(error), self._secrets), error)

    async def _loaded(self) -> Any:
        async with self._loading:
            if self._server is None:
                self._server = await self._in_thread(self._load)
            return self._server

    def _load(self) -> Any:
        from xllamacpp import CommonParams, Server  # noqa: PLC0415 - only where it is asked for

        params = CommonParams()
        params.model.path = str(self._file)
        params.model_alias = {self._model}
        params.n_parallel, params.n_ctx = self._slots, CONTEXT * self._slots
        params.kv_unified = False  # each call has its own part of the context
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
        params.cache_ram_mib, params.verbosity, params.ui = 0, -1, False
        # It listens on loopback besides: nobody else is to ask there.
        params.api_keys = [secrets.token_hex()]
        try:
            return Server(params)
        except RuntimeError:
            raise ServiceRefused(
                f"--client llamacpp: llama.cpp cannot load {self._file}; see that the file is whole"
                " and fits into memory, or fetch it anew."
            ) from None

    async def _in_thread(self, function: Any, *given: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *given)


class _Pieces:
    """A reply as it comes, token by token.

    Attributes:
        are_wanted: whether anybody still waits for it.
    """

    def __init__(self) -> None:
        self.are_wanted = True
        self._taken: list[dict[str, Any]] = []

    def take(self, piece: dict[str, Any]) -> bool:
        """Take a piece, and return whether it was the last one that is wanted."""
        self._taken.append(piece)
        return not self.are_wanted

    def whole(self) -> dict[str, Any]:
        """Return all pieces as the one body of a reply, or of an error."""
        whole: dict[str, Any] = {}
        for piece in self._taken:
            whole |= {name: piece[name] for name in ("error", "usage") if name in piece}
        choices = [choice for piece in self._taken for choice in piece.get("choices", ())]
        if not choices:
            return whole
        deltas = [choice["delta"] for choice in choices]
        message = {name: _joined(deltas, name) for name in ("content", "reasoning_content")}
        tokens = [token for choice in choices for token in _tokens(choice)]
        ending = choices[-1]["finish_reason"]
        told = {"finish_reason": ending, "message": message, "logprobs": {"content": tokens}}
        return {**whole, "choices": [told]}


def _joined(deltas: Iterable[Mapping[str, str | None]], name: str) -> str:
    return "".join(delta.get(name) or "" for delta in deltas)


def _tokens(choice: Mapping[str, Any]) -> list[Any]:
    return (choice.get("logprobs") or {}).get("content") or []


def _body(request: Request) -> dict[str, object]:
    """Return what is asked for; nothing of earlier calls is used, since it changes last digits."""
    return {
        "seed": seed_of(request),
        **chat.body(request),
        "cache_prompt": False,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _threads() -> int:
    """Return half of the cores that the system counts: it slows down where two share one."""
    return max(1, (os.cpu_count() or 1) // 2)


def _notice(slots: int) -> str:
    if slots == 1:
        return (
            "llama.cpp answers one call at a time, so each repeats itself exactly on this machine;"
            " --concurrency N has it answer N at once."
        )
    return (
        f"llama.cpp answers {slots} calls at once, so what a call brings may depend on those beside"
        " it; the journal keeps it all the same."
    )

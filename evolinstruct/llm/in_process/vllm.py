"""The client `vllm`: a model is run by vLLM, on the graphics cards of this machine.

    python -m pip install 'evolinstruct[vllm]'
    evolinstruct evolve seeds.jsonl -o run --client vllm:OWNER/MODEL

Written to the interface of vLLM 0.33: `AsyncLLM` takes each call as it comes and batches those that
are under way. The prompt is made with the model's own chat template. A ``<think>`` block stays in
the text, as with servers: `reading` takes it away.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from evolinstruct.errors import CallError, CallFailed, ServiceRefused, StopRun
from evolinstruct.llm.base import LOGPROBS, ClientOptions, Reply, Request, Usage, encodable
from evolinstruct.llm.in_process import place_of, refusal, refuse_vectors, seed_of
from evolinstruct.llm.openai import chat
from evolinstruct.llm.openai.finish_reasons import word_of

INVARIANT = "VLLM_BATCH_INVARIANT"
"""The variable with which vLLM gives a call the same reply whatever else is in its batch."""

# Nothing is reported to its makers, and its log does not run through what the console draws.
_QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}


class VllmClient:
    """Answers from the engine, which is loaded with the first call and ends with :meth:`aclose`.

    Attributes:
        FREE: it costs nothing.
        CONCURRENCY: calls in one batch at most, where no other number is asked for.
        NOTICE: how many calls it answers at once, and whether they can be repeated.
    """

    FREE = True
    CONCURRENCY = 256

    def __init__(self, options: ClientOptions) -> None:
        """Find the model; nothing is loaded yet.

        Raises:
            UsageError: the client was named without a model.
        """
        self._place = str(place_of("vllm", options.model))
        self._model = options.model
        self._secrets = options.secrets
        self._most = options.concurrency or self.CONCURRENCY
        self.NOTICE = _notice(self._most)
        self._loading = asyncio.Lock()
        self._asked = 0
        self._engine: Any = None

    async def complete(self, request: Request) -> Reply:
        """Return the model's reply.

        Raises:
            CallRejected: ``too_long``.
            CallFailed: vLLM does not take the call.
            ServiceRefused: the model cannot be loaded or does not chat, the engine has ended, or a
                vector is wanted.
        """
        refuse_vectors("vllm", request)
        engine = await self._loaded()
        try:
            sampling = _sampling(request)
            return self._reply(await self._answer(engine, request, sampling))
        except Exception as error:  # noqa: BLE001 - vLLM says no more of what it raises
            raise self._meaning(error) from None

    async def aclose(self) -> None:
        """End the engine."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.shutdown)

    async def _answer(self, engine: Any, request: Request, sampling: Any) -> Any:
        from vllm.renderers.params import ChatParams  # noqa: PLC0415

        messages = [{"role": role, "content": content} for role, content in request.messages]
        _, prompts = await engine.renderer.render_chat_async([messages], ChatParams())
        self._asked += 1
        answers = engine.generate(prompts[0], sampling, str(self._asked))
        return [answer async for answer in answers][-1]

    def _reply(self, answer: Any) -> Reply:
        output = answer.outputs[0]
        usage = Usage(
            prompt_tokens=len(answer.prompt_token_ids or ()),
            completion_tokens=len(output.token_ids),
            cached_tokens=answer.num_cached_tokens,
        )
        return Reply(encodable(output.text), word_of(output.finish_reason), usage, self._model)

    def _meaning(self, error: Exception) -> CallError | StopRun:
        """Return what an exception of vLLM means."""
        from vllm.exceptions import ChatTemplateResolutionError, VLLMClientError  # noqa: PLC0415
        from vllm.v1.engine.exceptions import EngineDeadError  # noqa: PLC0415

        said = chat.clean_message(str(error), self._secrets)
        match error:
            case ChatTemplateResolutionError():
                return ServiceRefused(
                    f"--client vllm: {self._model} has no chat template, so it does not chat;"
                    " name an instruct model."
                )
            case EngineDeadError():
                return ServiceRefused(
                    f"--client vllm: the engine has ended ({said}); see that the model fits into"
                    " the memory of the graphics card, and run the same command again."
                )
            case VLLMClientError() | ValueError() | TypeError():
                return refusal(said, {"message": said})
        return CallFailed("client_error", f"{type(error).__name__}: {said}", 1)

    async def _loaded(self) -> Any:
        async with self._loading:
            if self._engine is None:
                self._engine = await asyncio.to_thread(self._load)
            return self._engine

    def _load(self) -> Any:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        from vllm import AsyncEngineArgs  # noqa: PLC0415
        from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

        revision = None if Path(self._place).is_absolute() else self._model.rpartition("@")[2]
        arguments = AsyncEngineArgs(
            model=self._place,
            revision=revision,
            tokenizer_revision=revision,
            max_num_seqs=self._most,
            disable_log_stats=True,
        )
        try:
            return AsyncLLM.from_engine_args(arguments)
        except (OSError, ValueError, RuntimeError) as error:
            said = chat.clean_message(str(error), self._secrets)
            raise ServiceRefused(
                f"--client vllm: vLLM cannot load {self._model} ({said}); see that vLLM knows such"
                " models, and that it fits into the memory of the graphics card."
            ) from None


def _sampling(request: Request) -> Any:
    """Return what vLLM calls the parameters of a call; raises TypeError for one that it lacks."""
    from vllm.sampling_params import RequestOutputKind, SamplingParams  # noqa: PLC0415

    given = {"max_tokens": None, "seed": seed_of(request), **request.parameters()}
    named = {name: value for name, value in given.items() if name not in LOGPROBS}
    return SamplingParams(**named, output_kind=RequestOutputKind.FINAL_ONLY)


def _notice(most: int) -> str:
    if os.environ.get(INVARIANT) == "1":
        return f"vLLM answers up to {most} calls at once, each the same in whatever batch it is."
    return (
        f"vLLM answers up to {most} calls at once, so what a call brings may depend on those beside"
        f" it; {INVARIANT}=1 makes it repeatable where the card can."
    )

"""Models in this process: which model ``--client llamacpp:FILE`` or ``vllm:MODEL`` means.

A model is known by its content, never by where it lies: its name in settings, journal and lines is
the digest of its file or folder, or the commit of its repository. So a run goes on wherever the
same model is found again, and stops being the same run where another one lies in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from evolinstruct.errors import CallError, CallFailed, CallRejected, ServiceRefused, UsageError
from evolinstruct.installation import require_extra
from evolinstruct.llm.base import Request
from evolinstruct.llm.in_process import gguf, repository
from evolinstruct.llm.openai import errors
from evolinstruct.settings import DEFAULT, Settings

_PLACES: dict[str, Path | str] = {}
"""Where the models lie that this process was told of, by the names that say what they hold."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs models in this process.

    Attributes:
        package: what must be installed; the extra is called like the client.
        form: how a model is named to it.
        find: returns a model's name and where it lies; raises InputError.
    """

    package: str
    form: str
    find: Callable[[str], tuple[str, Path | str]]


ENGINES = {
    "llamacpp": Engine("xllamacpp", "FILE.gguf", gguf.find),
    "vllm": Engine("vllm", "OWNER/MODEL", repository.find),
}


def with_own_model(settings: Settings) -> Settings:
    """Return the settings with the model that their client means: it alone is asked, for all.

    Raises:
        UsageError: the client names no model.
        InputError: there is no such model, or what runs it is not installed.
    """
    client, _, place = settings.recipe.client.partition(":")
    if client not in ENGINES:
        return settings
    engine = ENGINES[client]
    if not place:
        raise UsageError(
            f"--client {client}: no model is named; name it as {client}:{engine.form}."
        )
    name, where = engine.find(place)
    require_extra(engine.package, client, f"--client {client}")
    _PLACES[name] = where
    known = {"client": client, "model": {DEFAULT: name}}
    return replace(settings, recipe=settings.recipe.model_copy(update=known))


def place_of(client: str, model: str) -> Path | str:
    """Return where a model lies.

    Raises:
        UsageError: it is none that the client means.
    """
    if model not in _PLACES:
        raise UsageError(
            f"--client {client}: it has the model alone that it is named with, and not {model!r};"
            " name no other one."
        )
    return _PLACES[model]


def seed_of(request: Request) -> int:
    """Return the seed that a request is drawn with: 31 bits of a digest of its call id."""
    call = request.call_id
    text = f"{call.child_id}\x1f{call.purpose}\x1f{call.attempt}"
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest()) >> 1


def refuse_vectors(client: str, request: Request) -> None:
    """Refuse to embed.

    Raises:
        ServiceRefused: a vector is wanted.
    """
    if request.wants == "vector":
        raise ServiceRefused(
            f"--client {client} gives no vectors; name a service that does with --client openai."
        )


def refusal(said: str, error: object) -> CallError:
    """Return what it means that an engine does not take a call: judged as a server's words are."""
    meaning = errors.by_answer(400, error, {})
    if meaning.error is CallRejected and meaning.name:
        return CallRejected(meaning.name, said)
    return CallFailed(meaning.name or "client_error", said, 1, "change what it names")

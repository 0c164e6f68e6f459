"""An OpenAI-compatible server on the loopback interface, with faults on request.

For tests in a thread of its own (:func:`serve`), for benchmarks in a process of its own
(``python -m tests.loopback``). It knows nothing of the program under test: a handler turns each
:class:`Ask` into an :class:`Answer`.
"""

from tests.loopback.answers import (
    Answer,
    Ask,
    Handler,
    drop,
    error,
    garbage,
    half,
    hang,
    http,
    reply,
    stream,
    vector,
)
from tests.loopback.handlers import echo, in_turn, letters, slowly, storm
from tests.loopback.server import Counts, Server, serve

__all__ = [
    "Answer",
    "Ask",
    "Counts",
    "Handler",
    "Server",
    "drop",
    "echo",
    "error",
    "garbage",
    "half",
    "hang",
    "http",
    "in_turn",
    "letters",
    "reply",
    "serve",
    "slowly",
    "storm",
    "stream",
    "vector",
]

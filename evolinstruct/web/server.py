"""The server: binds a port, tells the address, and serves until it is stopped."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError, UsageError
from evolinstruct.web.app import make_app, pages_of
from evolinstruct.web.guard import Entrance
from evolinstruct.web.visit import Shown

PASSWORD = "EVOLINSTRUCT_VIEW_PASSWORD"  # noqa: S105 - the name of a variable
_SHORTEST = 8  # characters of a password
_LOCAL = "localhost"


def serve(
    paths: Sequence[Path], host: str, port: int, password: str | None, say: Callable[[str], None]
) -> None:
    """Show directories in browsers until the process is told to end.

    Args:
        paths: the directories of runs.
        host: the address to listen at; beyond this machine only with a password.
        port: where; 0 for any that is free.
        password: lets browsers in, where others than this machine's are served.
        say: tells a sentence to a person, such as the address to open.

    Raises:
        UsageError: the host is not this machine alone, and there is no password.
        InputError: a directory holds nothing to be shown, or the address cannot be listened at.
    """
    shown = _shown(paths)
    is_local = _is_local(host)
    if not is_local:
        _require(password, host)
    with _bound(host, port) as listening:
        try:
            with suppress(KeyboardInterrupt):  # the usual end, from the first moment on
                _serve(shown, host, None if is_local else password, listening, say)
        finally:
            for each in shown:
                each.close()


def _serve(
    shown: tuple[Shown, ...],
    host: str,
    password: str | None,
    listening: socket.socket,
    say: Callable[[str], None],
) -> None:
    """Tell the address and answer until a signal comes; without a password, this machine alone."""
    port = listening.getsockname()[1]
    address = f"http://{_bracketed(host)}:{port}/"
    entrance = Entrance(
        port,
        _names(host, port) if password is None else None,
        password,
        lambda token: say(f"Open {address}?token={token} in a browser; Ctrl-C ends."),
    )
    if password is not None:
        say(_what_it_means(host, port))
    settings = uvicorn.Config(
        make_app(shown, entrance), log_config=None, log_level="critical", lifespan="off", ws="none",
        access_log=False, server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    uvicorn.Server(settings).run(sockets=[listening])


def shown_in(folder: Path) -> list[Path]:
    """Return what can be shown of the directories in a folder, or the folder itself.

    Raises:
        InputError: there is nothing.
    """
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    found = [path for path in (folder, *below) if pages_of(path)]
    if not found:
        raise InputError(f"There is no run in {folder.absolute()}; name the directory of one.")
    return found


def _shown(paths: Sequence[Path]) -> tuple[Shown, ...]:
    for path in paths:
        if not pages_of(path):
            Run(path)  # says why not
    short = [path.resolve().name for path in paths]
    names = short if len({*short}) == len(short) else map(str, paths)
    return tuple(map(Shown, paths, names))


def _is_local(host: str) -> bool:
    try:
        return host == _LOCAL or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require(password: str | None, host: str) -> None:
    if password is None or len(password) < _SHORTEST:
        raise UsageError(
            f"--host {host} shows the runs to other machines, so it needs a password of"
            f" {_SHORTEST} characters or more in the variable {PASSWORD}; or leave --host out, and"
            " reach this machine through `ssh -L`."
        )


def _what_it_means(host: str, port: int) -> str:
    return (
        f"Whoever reaches {_bracketed(host)}:{port} and has the password reads these runs and may"
        " review them. The connection is not encrypted, so others on the way can read along, the"
        " password too: use it in a network that you trust. Open"
        f" http://{socket.gethostname()}:{port}/ in a browser there; Ctrl-C ends."
    )


def _names(host: str, port: int) -> frozenset[str]:
    """Return what a server of this machine alone may be called, with its port."""
    hosts = (_bracketed(host), _LOCAL, "127.0.0.1", "[::1]")
    return frozenset(f"{name.lower()}:{port}" for name in hosts)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InputError: the port is in use, or this machine has no such address.
    """
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(place)
            listening.listen()
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise InputError(
            f"{_bracketed(host)}:{port} cannot be listened at: {error.strerror}; name another port"
            " with --port, or 0 for any that is free."
        ) from error
    return listening

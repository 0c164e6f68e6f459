"""The guard: who may enter, and what every answer forbids.

Whoever has the address that the terminal shows may enter: the token in it is good for one browser,
which gets a cookie for it. Served beyond this machine, a password takes the token's place. A
request is answered only under a name of this server (else a page elsewhere could let its own name
lead here), and a post only from a page of this server (else any page could post).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from hmac import compare_digest
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evolinstruct.report.markup import Html, tag, text
from evolinstruct.web.frame import bare

ASSETS = "/assets/"
LOGIN = "/login"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MOST_LOGIN = 4_096  # bytes of a form with a password
_WAIT = 1.0  # seconds after a wrong password


class Entrance:
    """What lets a browser in: a token that is good once, or a password; then a cookie."""

    def __init__(
        self, port: int, names: frozenset[str] | None, password: str | None,
        announce: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Make the secrets of one server.

        Args:
            port: where it listens. Cookies are one for all ports of a name, so it is in the name.
            names: the hosts that it may be called by; None for any, behind a password.
            password: what lets in where there is no token.
            announce: is called with each token that is good from then on.
        """
        self.names = names
        self.has_password = password is not None
        self._password = (password or "").encode()
        self._cookie = f"evolinstruct-view-{port}"
        self._value = secrets.token_urlsafe(32)
        self._announce = announce
        self._token = ""
        if password is None:
            self._renew()

    def _renew(self) -> None:
        self._token = secrets.token_urlsafe(24)
        self._announce(self._token)

    def is_called(self, host: str) -> bool:
        """Tell whether a name, with its port, is one of this server."""
        return self.names is None or host.lower() in self.names

    def takes_token(self, token: str) -> bool:
        """Tell whether a token is good; it is no longer then, and another one is announced."""
        if self.has_password or not compare_digest(token.encode(), self._token.encode()):
            return False
        self._renew()
        return True

    def takes_password(self, given: str) -> bool:
        """Tell whether a password is right."""
        return self.has_password and compare_digest(given.encode(), self._password)

    def knows(self, request: Request) -> bool:
        """Tell whether a request comes from a browser that was let in."""
        given = request.cookies.get(self._cookie, "")
        return compare_digest(given.encode(), self._value.encode())

    def admitted(self) -> Response:
        """Return the answer that lets a browser in."""
        cookie: SimpleCookie = SimpleCookie({self._cookie: self._value})
        morsel = cookie[self._cookie]
        morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Strict"
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.headers["Set-Cookie"] = morsel.OutputString()
        return response


class Guard:
    """An application that answers only who may enter."""

    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        """Stand before an application."""
        self._app = app
        self._entrance = entrance
        self._trying = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = await self._answered(Request(scope, receive))
        await (answer or self._app)(scope, receive, sealed)

    async def _answered(self, request: Request) -> Response | None:
        """Return the answer to who has to enter first or may not; None lets the request pass."""
        host = request.headers.get("host", "")
        if not self._entrance.is_called(host):
            return _refused(
                "This server has another name; use the address that the terminal shows."
            )
        if request.method not in {"GET", "HEAD"} and not _is_from(request, host):
            return _refused("A page of another server may not send anything here.")
        if self._entrance.knows(request) or request.url.path.startswith(ASSETS):
            return None
        if self._entrance.has_password:
            return await self._asked_for_password(request)
        token = request.query_params.get("token", "")
        if request.method == "GET" and self._entrance.takes_token(token):
            return self._entrance.admitted()
        return _refused(
            "This browser was not let in; open the newest address that the terminal shows. Each"
            " is good for one browser."
        )

    async def _asked_for_password(self, request: Request) -> Response:
        if request.url.path != LOGIN:
            return RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
        if request.method != "POST":
            return bare("Log in", _form())
        body = await read_body(request, _MOST_LOGIN)
        given = parse_qs((body or b"").decode(errors="replace")).get("password", [""])[0]
        async with self._trying:  # one after the other, so that nobody tries many
            if self._entrance.takes_password(given):
                return self._entrance.admitted()
            await asyncio.sleep(_WAIT)
        return bare("Log in", _form("That is not the password."), status=HTTPStatus.FORBIDDEN)


def _is_from(request: Request, host: str) -> bool:
    """Tell whether a page of this server sends a request; browsers always say which page does."""
    return bool(host) and urlsplit(request.headers.get("origin", "")).netloc == host


async def read_body(request: Request, most: int) -> bytes | None:
    """Return what was sent with a request; None if that is more than so many bytes."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return body


def _refused(sentence: str) -> Response:
    return bare("Not here", tag("p", text(sentence), class_="lead"), status=HTTPStatus.FORBIDDEN)


def _form(wrong: str = "") -> Html:
    return tag("form", *_fields(wrong), method="post", action=LOGIN, class_="login")


def _fields(wrong: str) -> Iterator[Html]:
    if wrong:
        yield tag("p", text(wrong), class_="notice", role="alert")
    field = tag(
        "input", type="password", name="password", required="", autofocus="",
        autocomplete="current-password",
    )  # fmt: skip
    yield tag("label", text("Password"), field)
    yield tag("button", text("Log in"), type="submit")

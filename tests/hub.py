"""A Hugging Face Hub on the loopback interface: data sets in memory, read and written as there.

Answers what `huggingface_hub` and `datasets` ask of the Hub to read a data set and to upload one.
It knows one token; a data set of `private` is there for that token alone, and one of `gated` is
known to all and opened to none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_loopback"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BRANCH = "v1"
"""A revision beside main; it has the same files."""
_DATE = "2026-01-01T00:00:00.000Z"


@dataclass(slots=True)
class Hub:
    """What a hub holds and has seen.

    Attributes:
        repos: the files of each data set by its name; an upload adds to them.
        private: names of data sets that only the token sees.
        gated: names of data sets that nobody may read.
        asked: method and path of every request, in their order.
        url: the base URL.
    """

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""


class _Refusal(Exception):
    """An answer that is an error: its status, the code in its header, its words."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        self._body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            self._route(f"{self.command} {path}")
        except _Refusal as refusal:
            status, code, words = refusal.args
            headers = {"X-Error-Code": code, "X-Error-Message": words} if code else {}
            self._send(status, json.dumps({"error": words}).encode(), headers)

    def _route(self, asked: str) -> None:
        for pattern, method in _ROUTES.items():
            if found := re.fullmatch(pattern, asked):
                method(self, *found.groups())
                return
        raise _Refusal(404, "", f"nothing at {asked}")

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, found: Any) -> None:
        self._send(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    @property
    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Return the files of a data set that whoever asks may read."""
        hidden = name in self.hub.private and not self._known
        if hidden or name not in self.hub.repos:
            if not self._known:
                raise _Refusal(401, "RepoNotFound", "Repository not found")
            raise _Refusal(404, "RepoNotFound", "Repository not found")
        if name in self.hub.gated:
            raise _Refusal(403, "GatedRepo", f"Access to dataset {name} is restricted")
        if revision not in ("main", BRANCH, COMMIT):
            raise _Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.hub.repos[name]

    def _info(self, name: str, revision: str = "main") -> None:
        files = self._files(name, revision)
        self._json(
            {
                "_id": name,
                "id": name,
                "sha": COMMIT,
                "private": name in self.hub.private,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "lastModified": _DATE,
                "createdAt": _DATE,
                "siblings": [{"rfilename": path} for path in files],
            }
        )

    def _tree(self, name: str, revision: str, folder: str | None) -> None:
        files, start = self._files(name, revision), f"{folder.strip('/')}/" if folder else ""
        found = [_entry(path, data) for path, data in files.items() if path.startswith(start)]
        if start and not found:
            raise _Refusal(404, "EntryNotFound", f"{folder} does not exist")
        deep = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
        self._json([item for item in found if deep or "/" not in item["path"][len(start) :]])

    def _paths(self, name: str, revision: str) -> None:
        files = self._files(name, revision)
        form = parse_qs(self._body.decode())
        paths = form["paths"] if "paths" in form else json.loads(self._body)["paths"]
        self._json([_entry(path, files[path]) for path in paths if path in files])

    def _resolve(self, name: str, revision: str, path: str) -> None:
        files = self._files(name, revision)
        if path not in files:
            raise _Refusal(404, "EntryNotFound", "Entry not found")
        data, status = files[path], 200
        headers = {"ETag": f'"{_digest(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, last = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{last}/{len(data)}"
            data, status = data[start : last + 1], 206
        self._send(status, data, headers)

    def _may_write(self) -> None:
        if not self._known:
            raise _Refusal(401, "", "Invalid username or password.")

    def _create(self) -> None:
        self._may_write()
        asked = json.loads(self._body)
        name = f"{asked['organization']}/{asked['name']}"
        if name.startswith("others/"):
            raise _Refusal(403, "", "You don't have the rights to create a dataset there")
        if name in self.hub.repos:
            raise _Refusal(409, "", "You already created this dataset repo")
        self.hub.repos[name] = {}
        if asked.get("private") or asked.get("visibility") == "private":
            self.hub.private.add(name)
        self._json({"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": name})

    def _validate(self) -> None:
        self._json({"errors": [], "warnings": []})

    def _preupload(self, name: str) -> None:
        self._may_write()
        self._files(name)
        files = json.loads(self._body)["files"]
        modes = {"uploadMode": "regular", "shouldIgnore": False}
        self._json({"files": [{"path": file["path"], **modes} for file in files]})

    def _commit(self, name: str) -> None:
        self._may_write()
        files = self._files(name)
        for line in map(json.loads, self._body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        url = f"{self.hub.url}/datasets/{name}/commit/{COMMIT}"
        self._json({"success": True, "commitOid": COMMIT, "commitUrl": url, "hookOutput": ""})

    def _whoami(self) -> None:
        self._may_write()
        self._json({"type": "user", "name": "me", "orgs": [], "auth": {"type": "access_token"}})


def _digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _entry(path: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(data), "oid": _digest(data)}


_NAME, _REVISION = r"([\w.-]+/[\w.-]+)", r"([^/]+)"
_ROUTES: dict[str, Callable[..., None]] = {
    rf"(?:GET|HEAD) /api/datasets/{_NAME}": _Handler._info,
    rf"(?:GET|HEAD) /api/datasets/{_NAME}/revision/{_REVISION}": _Handler._info,
    rf"GET /api/datasets/{_NAME}/tree/{_REVISION}(/.*)?": _Handler._tree,
    rf"POST /api/datasets/{_NAME}/paths-info/{_REVISION}": _Handler._paths,
    rf"(?:GET|HEAD) /datasets/{_NAME}/resolve/{_REVISION}/(.+)": _Handler._resolve,
    r"POST /api/repos/create": _Handler._create,
    r"POST /api/validate-yaml": _Handler._validate,
    rf"POST /api/datasets/{_NAME}/preupload/main": _Handler._preupload,
    rf"POST /api/datasets/{_NAME}/commit/main": _Handler._commit,
    r"GET /api/whoami-v2": _Handler._whoami,
}


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve a hub from a thread of its own until the block ends."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()

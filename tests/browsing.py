"""What looks at `evolinstruct view` for tests: the command as a process, asked over real HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from queue import Queue
from threading import Thread

_ADDRESS = re.compile(r"Open http://(\S+?):(\d+)/(?:\?token=(\S+))? in")
PROGRAM = "from evolinstruct.cli import main; main()"
_LONGEST = 60.0  # seconds to wait for a word of the program


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


class Viewer:
    """One command that shows runs, as a browser and as a terminal see it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        self._listening = Thread(target=self._listen)
        self._listening.start()
        self._read = 0
        self.said = ""
        self.host, self.port, self.token = self.announced()
        self.cookie = ""

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)

    def announced(self) -> tuple[str, int, str]:
        """Wait for an address to be told; return its host, port and token."""
        while not (found := _ADDRESS.search(self.said, self._read)):
            self.said += self._lines.get(timeout=_LONGEST)
        self._read = found.end()
        host, port, token = found.groups()
        return host, int(port), token or ""

    def end(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(_LONGEST)
        self._listening.join()

    def rest(self) -> str:
        """Return all that was told, after the end."""
        while not self._lines.empty():
            self.said += self._lines.get()
        return self.said

    @property
    def origin(self) -> str:
        """What a browser calls a page of this server's."""
        return f"http://127.0.0.1:{self.port}"

    def enter(self) -> Answer:
        """Open the address that was told, as a browser does that keeps the cookie."""
        answer = self.ask(f"/?token={self.token}")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    @contextmanager
    def events(self, path: str) -> Iterator[Iterator[dict[str, str]]]:
        """Listen to what a page is sent; each event is the parts that have changed."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_LONGEST)
        try:
            connection.request("GET", path, headers={"Cookie": self.cookie})
            response = connection.getresponse()
            lines = iter(response.readline, b"")
            yield (json.loads(line[5:]) for line in lines if line.startswith(b"data:"))
        finally:
            connection.close()

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> Answer:
        """Send one request; a header's name has underscores for dashes, a host replaces ours."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_LONGEST)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        known = {"Cookie": self.cookie} if self.cookie else {}
        try:
            connection.request(method, path, body, {**known, **sent})
            response = connection.getresponse()
            said = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, said, response.read().decode())
        finally:
            connection.close()


@contextmanager
def viewing(*words: str | Path) -> Iterator[Viewer]:
    """Start `evolinstruct view` at a free port, and end it as Ctrl-C does."""
    line = [sys.executable, "-c", PROGRAM, "view", *map(str, words), "--port", "0"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        viewer = Viewer(process)
        try:
            yield viewer
        finally:
            viewer.end()

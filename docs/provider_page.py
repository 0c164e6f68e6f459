"""Writes docs/providers.md: the services that have a name, and what each was tried against.

python -m docs.provider_page
"""

from __future__ import annotations

from pathlib import Path

from evolinstruct.llm.providers import KEY_HEADER, PROVIDERS, Provider
from tests.provider_answers import PLAYED

PAGE = Path(__file__).parent / "providers.md"
_HEAD = """# Services by name

Written by `make docs` from the program; not by hand.

`--provider NAME` fills in a base URL and the variable that holds the key, for all purposes or for
one (`--provider answer=NAME`). `--base-url` and `--api-key-env` take the place of either, and serve
every other service in the format of OpenAI's chat completions.

<!-- not run: needs a key -->
```sh
export ANTHROPIC_API_KEY=...
evolinstruct check --provider anthropic --model MODEL
```

No service was asked itself. Where the last column says so, a server on this machine played what the
service answers: a reply, a refused key, a model that is not there; `check` told each rightly. Some
of these answers were looked up in documents and public reports (statuses and fields as there, words
of our own); the others are what the builders know of the service, and were not looked up. Of the
rest, only the format was tried that they share: what may come in it, and how a call then ends, is
in [calls.md](calls.md). `check` makes one tiny call to yours.
"""
_TAIL = """
Azure is asked at your own resource, at the address in `AZURE_OPENAI_ENDPOINT`, and a model is the
name of a deployment. `OPENAI_API_VERSION` may hold a version: a date, as in `2024-10-21`, asks the
address of that deployment; a word, as in `preview`, is added to the one of all. For tokens of Entra
instead of a key there is `--client openai-sdk`.
"""
_LOOKED_UP = frozenset({"xai", "cerebras", "fireworks", "sambanova", "nvidia"})
_DOCUMENTED, _KNOWN = "answers that were looked up", "answers that were not looked up"
_SHARED = "the format that they share"


def page() -> str:
    """Return the text of the page."""
    rows = ["| name | base URL | key in | tried against |", "|---|---|---|---|"]
    for name, provider in PROVIDERS.items():
        known = _DOCUMENTED if name in _LOOKED_UP else _KNOWN
        tried = known if name in PLAYED else _SHARED
        rows.append(f"| `{name}` | {_place(provider)} | {_key(provider)} | {tried} |")
    return "\n".join([_HEAD, *rows, _TAIL])


def _place(provider: Provider) -> str:
    if provider.host_variable is None:
        return f"`{provider.base_url}`"
    return f"`{provider.host_variable}`, then `{provider.base_url}`"


def _key(provider: Provider) -> str:
    if provider.key_variable is None:
        return "none"
    header = f", sent as `{provider.key_header}`" if provider.key_header != KEY_HEADER else ""
    return f"`{provider.key_variable}`{header}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

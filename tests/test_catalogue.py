"""The catalogue of bad input is as the tests have it."""

from tests import catalogue


def test_the_catalogue_of_bad_input_is_what_the_tests_try() -> None:
    assert catalogue.PATH.read_text() == catalogue.text()

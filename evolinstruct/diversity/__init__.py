"""Diversity: how unlike each other instructions are in meaning, and which of them to take.

    phrases     copies and repeated phrases, of words alone
    embedding   a text becomes a vector: by the model that an extra brings, or out of a reply
    store       the vectors, kept beside the run
    vectors     whole numbers of 8 bits, and how alike two of them are
    nearness    which of many vectors are so alike to another one
    measures    Vendi score, NovelSum, nearest neighbours, near pairs
    pairs       the texts of different families that are most alike
    clusters    groups of like instructions
    plane       a map of two dimensions
    survey      all of it, for one set of instructions or several
    choice      what to take so that no two are alike

All but `phrases` and `store` need packages that the same extra installs: see `require`.
"""

from __future__ import annotations

from importlib.util import find_spec

from evolinstruct.installation import import_extra

EXTRA = "diversity"
_NEEDED = ("numpy", "threadpoolctl")


def require(purpose: str = "Comparing instructions by their meaning") -> None:
    """Refuse to go on without the packages that compare vectors.

    Args:
        purpose: what needs them, as the subject of a sentence.

    Raises:
        InputError: one is not installed; names the command that installs it.
    """
    for name in _NEEDED:
        import_extra(name, EXTRA, purpose)


def is_installed() -> bool:
    """Tell whether vectors can be compared."""
    return all(find_spec(name) for name in _NEEDED)

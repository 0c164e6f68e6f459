"""Rules of a user's own, named in tests as ``tests.own_rules:NAME``."""

from __future__ import annotations

from evolinstruct.elimination import Answer, Rewrite, Rule, Setting


def no_lists(answer: Answer, items: int = 3) -> str | None:
    """Drops answers with long lists."""
    found = answer.response.count("\n- ")
    return f"{found} items" if found >= items else None


def too_short(rewrite: Rewrite, words: int = 3, letters: int = 0) -> str | None:
    """Drops short rewrites."""
    text = rewrite.child
    return text if len(text.split()) < words or len(text) < letters else None


def raises(rewrite: Rewrite) -> str | None:
    raise ValueError("no such table")


def says_yes(answer: Answer) -> bool:
    return True


def of_something(text: str) -> str | None:
    return text


def with_a_word(answer: Answer, word: str = "tea") -> str | None:
    return word


SHORT = Rule(
    name="short",
    meaning="Drops short rewrites.",
    cause="the model is lazy: read some",
    stage="rewrite",
    check=lambda rewrite: "short" if len(rewrite.child) < 20 else None,
)

SHORT_AS_BEFORE = Rule(
    name="short",
    meaning="Drops short rewrites.",
    cause="the model is lazy: read some",
    stage="rewrite",
    settings=(Setting("least", 20, 1, 100, "characters"),),
    check=lambda rewrite, least: "short" if len(rewrite.child) < least else None,
)
"""Written for version 0.1, in which parameters were called settings."""

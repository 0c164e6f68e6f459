"""The options of a run, stated once for every command that takes them.

Knows names, help texts and how words become settings. Imports nothing that is slow: what a value
may be is checked by the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints

import typer

from evolinstruct import defaults

_PURPOSES = ", ".join(defaults.PURPOSES)
_BY_PURPOSE = f"By purpose: PURPOSE=VALUE, with {_PURPOSES}; may be repeated."

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SEEDS",
        help="Seed files: JSONL, JSON, CSV or text; - for standard input;"
        " starter for the seeds that come along.",
    ),
]
Out = Annotated[
    str, typer.Option("--out", "-o", metavar="RUN_DIR", help="The directory of the run.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, help="Say more; -vv shows tracebacks.")
]


def _panel(name: str) -> Callable[..., Any]:
    def option(*names: str, **settings: Any) -> Any:
        return typer.Option(*names, rich_help_panel=name, show_default=False, **settings)

    return option


_who = _panel("Who answers")
_what = _panel("What is evolved, and how")
_how = _panel("How it is carried out")

SETTINGS: dict[str, Any] = {
    "client": Annotated[
        str | None,
        _who(metavar="NAME", help="offline, openai, or package.module:Class."),
    ],
    "model": Annotated[list[str] | None, _who(metavar="NAME", help=f"The model. {_BY_PURPOSE}")],
    "base_url": Annotated[
        list[str] | None,
        _who(metavar="URL", help=f"An OpenAI-compatible server. {_BY_PURPOSE}"),
    ],
    "temperature": Annotated[
        list[str] | None,
        _who(metavar="X", help=f"Sampling temperature (default {defaults.TEMPERATURE}). As model."),
    ],
    "top_p": Annotated[
        list[str] | None,
        _who(metavar="X", help=f"Nucleus sampling (default {defaults.TOP_P}). As model."),
    ],
    "max_tokens": Annotated[
        list[str] | None,
        _who(metavar="N", help=f"Longest reply (default {defaults.MAX_TOKENS}). As model."),
    ],
    "generations": Annotated[
        int | None,
        _what(
            "--generations",
            "-g",
            metavar="N",
            help=f"How many generations (default {defaults.GENERATIONS}).",
        ),
    ],
    "prompts": Annotated[
        str | None,
        _what(metavar="PACK", help=f"A prompt pack's name or folder (default {defaults.PACK})."),
    ],
    "operations": Annotated[
        list[str] | None,
        _what(
            metavar="NAMES",
            help="Operations, as NAME or NAME=WEIGHT, separated by commas or repeated"
            " (default: those of the pack, with its weights).",
        ),
    ],
    "preset": Annotated[
        str | None,
        _what(
            metavar="NAME",
            help="paper: the paper's settings, which are the defaults. released: those of its"
            " authors' script, without comparison and elimination.",
        ),
    ],
    "recipe": Annotated[
        str | None,
        _what(metavar="FILE", help="A TOML file with any of these settings; flags win."),
    ],
    "seed": Annotated[
        int | None,
        _what(metavar="N", help=f"What every draw is made from (default {defaults.SEED})."),
    ],
    "limit": Annotated[
        int | None, _what(metavar="N", help="Only the first N instructions of the seeds.")
    ],
    "field": Annotated[
        str | None, _what(metavar="KEY", help="The key that holds the instruction.")
    ],
    "skip_bad": Annotated[
        bool | None, _what("--skip-bad/--no-skip-bad", help="Leave out bad rows and count them.")
    ],
    "compare": Annotated[
        bool | None,
        _what("--compare/--no-compare", help="Ask whether a rewrite gained anything (default on)."),
    ],
    "eliminate": Annotated[
        bool | None,
        _what("--eliminate/--no-eliminate", help="Apply the elimination rules (default on)."),
    ],
    "answers": Annotated[
        bool | None,
        _what("--answers/--no-answers", help="Answer evolved instructions (default on)."),
    ],
    "answer_seeds": Annotated[
        bool | None,
        _what("--answer-seeds/--no-answer-seeds", help="Answer seeds that have no answer."),
    ],
    "concurrency": Annotated[
        int | None,
        _how(metavar="N", help=f"Calls under way at once (default {defaults.CONCURRENCY})."),
    ],
    "timeout": Annotated[
        float | None,
        _how(metavar="SECONDS", help=f"For one call (default {defaults.TIMEOUT:g})."),
    ],
    "min_kept": Annotated[
        float | None,
        _how(metavar="SHARE", help="Stop when less than this share is kept, such as 0.3."),
    ],
    "allow_failures": Annotated[
        str | None,
        _how(metavar="N|N%", help="So many failed instructions still exit with 0."),
    ],
}
"""Every setting of a run by its name in a recipe; the flag is the name with dashes."""

_LISTS = ("operations",)
_BY_PURPOSE_NAMES = ("model", "base_url", "temperature", "top_p", "max_tokens")


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `SETTINGS`, handed to it as one mapping, `flags`."""
    own = signature(command)
    hints = get_type_hints(command, include_extras=True)
    parameters = [
        parameter.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)
        for name, parameter in own.parameters.items()
        if name != "flags"
    ]
    parameters += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in SETTINGS.items()
    ]

    @wraps(command)
    def wrapped(**values: Any) -> None:
        flags = {name: values.pop(name) for name in SETTINGS}
        given = {name: value for name, value in flags.items() if value not in (None, [])}
        command(**values, flags=given)

    wrapped.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {item.name: item.annotation for item in parameters}
    return wrapped


def settings_from(flags: Mapping[str, Any]) -> dict[str, object]:
    """Turn the words of the command line into settings, `preset` and `recipe` left out.

    Raises:
        UsageError: a word that cannot be read.
    """
    from evolinstruct.recipe import parse_by_purpose, parse_weights  # noqa: PLC0415 - slow

    settings = {name: value for name, value in flags.items() if name not in ("preset", "recipe")}
    for name in _BY_PURPOSE_NAMES:
        if name in settings:
            settings[name] = parse_by_purpose(settings[name])
    for name in _LISTS:
        if name in settings:
            settings[name] = parse_weights(settings[name])
    return settings

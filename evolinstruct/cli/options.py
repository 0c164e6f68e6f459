"""The options of a run, stated once for every command that takes them.

Knows names, help texts and how words become settings. Imports nothing that is slow: what a value
may be is checked by the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from evolinstruct import defaults
from evolinstruct.errors import UsageError
from evolinstruct.purposes import PURPOSES

if TYPE_CHECKING:
    from evolinstruct.settings import Settings

_PURPOSES = ", ".join(PURPOSES)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SEEDS",
        show_default=False,
        help="Seed files: JSONL, JSON, CSV, Parquet or plain text, packed or not, or folders of"
        " them; - for standard input; starter for the seeds that come along.",
    ),
]
Out = Annotated[
    str, typer.Option("--out", "-o", metavar="RUN_DIR", help="The directory of the run.")
]


def switch(*names: str, about: str) -> Any:
    """Return an option that is on where it stands."""
    return typer.Option(*names, metavar="", show_default=False, help=about)


Update = Annotated[
    bool,
    switch("--update", about="Carry a run over to other settings; says first what is paid anew."),
]
Retry = Annotated[
    str | None,
    typer.Option(
        "--retry",
        metavar="WHAT",
        show_default=False,
        help="Ask once more for what is failed, truncated, or rejected by another rule of this"
        " name; other families stay, but where one of them is a duplicate of what changes.",
    ),
]
DryRun = Annotated[
    bool, switch("--dry-run", about="Check everything and say how many calls at most; make none.")
]
AsJson = Annotated[bool, switch("--json", about="Print one JSON object about the run on stdout.")]
Quiet = Annotated[bool, switch("--quiet", "-q", about="Print nothing but errors.")]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        help="Say more; -vv shows tracebacks.",
    ),
]


def _panel(title: str) -> Callable[..., Any]:
    def option(about: str, metavar: str, *names: str) -> Any:
        return typer.Option(
            *names, metavar=metavar, help=about, rich_help_panel=title, show_default=False
        )

    return option


_who = _panel("Who answers")
_what = _panel("What is evolved, and how")
_how = _panel("How it is carried out")
_cost = _panel("What it may cost, counting all that was ever spent in RUN_DIR")

_Word = str | None
_Words = list[str] | None
_Switch = bool | None

SETTINGS: dict[str, Any] = {
    "client": Annotated[_Word, _who("offline, openai, or package.module:Class.", "NAME")],
    "model": Annotated[
        _Words,
        _who(
            f"The model; for one purpose ({_PURPOSES}) as PURPOSE=NAME. May be repeated, as may"
            " the next six.",
            "NAME",
        ),
    ],
    "provider": Annotated[
        _Words,
        _who(
            "A service by name, which fills in base URL and key variable: openai, openrouter,"
            " together, groq, deepseek, mistral, gemini, ollama, vllm, lmstudio, llamacpp.",
            "NAME",
        ),
    ],
    "base_url": Annotated[
        _Words,
        _who("Any OpenAI-compatible server; several for one purpose share its calls.", "URL"),
    ],
    "api_key_env": Annotated[_Words, _who("The variable that holds the key.", "VARIABLE")],
    "temperature": Annotated[
        _Words, _who(f"Sampling temperature (default {defaults.TEMPERATURE}).", "X")
    ],
    "top_p": Annotated[_Words, _who(f"Nucleus sampling (default {defaults.TOP_P}).", "X")],
    "max_tokens": Annotated[_Words, _who(f"Longest reply (default {defaults.MAX_TOKENS}).", "N")],
    "param": Annotated[
        _Words,
        _who(
            "Any other parameter of a call, for one purpose as PURPOSE:NAME=VALUE. May be"
            " repeated.",
            "NAME=VALUE",
        ),
    ],
    "generations": Annotated[
        _Word,
        _what(
            f"How many generations (default {defaults.GENERATIONS}).", "N", "--generations", "-g"
        ),
    ],
    "prompts": Annotated[
        _Word, _what(f"A prompt pack, by name or folder (default {defaults.PACK}).", "PACK")
    ],
    "operations": Annotated[
        _Words,
        _what(
            "Operations, as NAME or NAME=WEIGHT, divided by commas or repeated (default: those of"
            " the pack).",
            "NAMES",
        ),
    ],
    "preset": Annotated[
        _Word,
        _what(
            "paper: as the paper has it, which is the default. released: as its authors' script"
            " has it, without comparison and elimination.",
            "NAME",
        ),
    ],
    "recipe": Annotated[_Word, _what("A TOML file with any of these settings; flags win.", "FILE")],
    "seed": Annotated[_Word, _what(f"What draws are made from (default {defaults.SEED}).", "N")],
    "limit": Annotated[_Word, _what("Only the first N instructions of the seeds.", "N")],
    "field": Annotated[_Word, _what("The key of the instruction in seed files.", "KEY")],
    "map": Annotated[
        _Words,
        _what(
            "The keys of several parts, as instruction=question,input=context,output=answer.",
            "PART=KEY",
        ),
    ],
    "sample": Annotated[_Word, _what("Only N of the instructions, drawn by --seed.", "N")],
    "skip_bad": Annotated[
        _Switch, _what("Leave bad rows out, and count them.", "", "--skip-bad/--no-skip-bad")
    ],
    "compare": Annotated[
        _Switch,
        _what("Ask whether a rewrite gained anything (default on).", "", "--compare/--no-compare"),
    ],
    "eliminate": Annotated[
        _Switch,
        _what("Apply the elimination rules (default on).", "", "--eliminate/--no-eliminate"),
    ],
    "rule": Annotated[
        _Words,
        _what(
            "A rule to switch on or set, as NAME, NAME=VALUE or NAME.SETTING=VALUE; `evolinstruct"
            " rules` lists them, and module:function is one of your own. May be repeated.",
            "NAME[=VALUE]",
        ),
    ],
    "no_rule": Annotated[_Words, _what("A rule to switch off. May be repeated.", "NAME")],
    "against": Annotated[
        _Words,
        _what(
            "A file of test items, in any shape that seeds have, or as KEY=FILE: drop rewrites that"
            " hold one of them (rule contaminated). May be repeated.",
            "FILE",
        ),
    ],
    "strict": Annotated[
        _Switch,
        _what("Let plain in-depth rewrites grow by the paper's 10 to 20 words.", "", "--strict"),
    ],
    "answers": Annotated[
        _Switch, _what("Answer what is evolved (default on).", "", "--answers/--no-answers")
    ],
    "answer_seeds": Annotated[
        _Switch,
        _what("Answer seeds without an answer.", "", "--answer-seeds/--no-answer-seeds"),
    ],
    "concurrency": Annotated[
        _Word, _how("Calls under way at once; auto, the default, finds out.", "N or auto")
    ],
    "max_concurrency": Annotated[
        _Word, _how(f"How far auto may go (default {defaults.MAX_CONCURRENCY}).", "N")
    ],
    "rpm": Annotated[_Word, _how("Calls a minute at most, for each server and model.", "N")],
    "tpm": Annotated[
        _Word, _how("Tokens a minute at most, in and out, for each server and model.", "N")
    ],
    "timeout": Annotated[_Word, _how(f"For one call (default {defaults.TIMEOUT:g}).", "SECONDS")],
    "max_calls": Annotated[_Word, _cost("Stop before more calls than these are sent.", "N")],
    "max_tokens_total": Annotated[
        _Word, _cost("Stop before more tokens than these are spent, in and out.", "N")
    ],
    "max_cost": Annotated[_Word, _cost("Stop before more than this is spent.", "DOLLARS")],
    "price_in": Annotated[
        _Words,
        _cost(
            "What a million tokens of prompts cost, where the table that comes along is wrong or"
            " silent; for one purpose as PURPOSE=DOLLARS.",
            "DOLLARS",
        ),
    ],
    "price_out": Annotated[_Words, _cost("The same for replies.", "DOLLARS")],
    "min_kept": Annotated[
        _Word, _how("Stop when less than this share is kept, such as 0.3.", "SHARE")
    ],
    "allow_failures": Annotated[
        _Word, _how("Exit with 0 for all that with so many failed instructions.", "N or N%")
    ],
}
"""Every setting of a run by its name in a recipe; the flag is the name with dashes."""

RULE_OPTIONS = ("rule", "no_rule", "strict")
"""The options that speak of rules: in a recipe they are one table, `rules`."""

_BY_PURPOSE = (
    *("model", "provider", "api_key_env"),
    *("temperature", "top_p", "max_tokens", "price_in", "price_out"),
)


def flag(name: str) -> str:
    """Return the flag of a setting."""
    return f"--{name.replace('_', '-')}"


def takes(
    options: Mapping[str, Any], name: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every option of a table; those given reach it as one mapping of that name."""

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = signature(command)
        hints = get_type_hints(command, include_extras=True)
        parameters = [
            parameter.replace(annotation=hints[own_name], kind=Parameter.KEYWORD_ONLY)
            for own_name, parameter in own.parameters.items()
            if own_name != name
        ]
        parameters += [
            Parameter(option, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for option, annotation in options.items()
        ]

        @wraps(command)
        def wrapped(**values: Any) -> None:
            words = {option: values.pop(option) for option in options}
            given = {option: word for option, word in words.items() if word not in (None, [])}
            command(**values, **{name: given})

        wrapped.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {item.name: item.annotation for item in parameters}
        return wrapped

    return decorated


takes_settings = takes(SETTINGS, "flags")
"""Gives a command every setting of a run, as `flags`."""


def _parsed(flags: Mapping[str, Any]) -> dict[str, object]:
    """Turn the words of the command line into settings, `preset` and `recipe` left out.

    Raises:
        UsageError: a purpose that there is not.
    """
    from evolinstruct.settings import parse_by_purpose, parse_lists, parse_parameters  # noqa: PLC0415 - slow

    settings = {
        name: value
        for name, value in flags.items()
        if name not in ("preset", "recipe", *RULE_OPTIONS)
    }
    if rules := rules_from(flags):
        settings["rules"] = rules
    for name in _BY_PURPOSE:
        if name in settings:
            settings[name] = parse_by_purpose(flag(name), settings[name])
    if "base_url" in settings:
        settings["base_url"] = parse_lists(flag("base_url"), settings["base_url"])
    if "param" in settings:
        settings["param"] = parse_parameters(flag("param"), settings["param"])
    return settings


def rules_from(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the words that speak of rules into the setting `rules`.

    Raises:
        UsageError: a rule that there is not, or a value that is no number.
    """
    if not any(name in flags for name in RULE_OPTIONS):
        return {}
    from evolinstruct import elimination  # noqa: PLC0415 - slow

    on, off, strict = (flags.get(name) for name in RULE_OPTIONS)
    return elimination.parse_words(on or (), off or (), strict=bool(strict))


def settings_from(flags: Mapping[str, Any]) -> Settings:
    """Return the settings that the flags come to, over a recipe file and a preset.

    Raises:
        UsageError: a flag is wrong.
        InputError: the recipe file is.
    """
    from evolinstruct import settings as recipe  # noqa: PLC0415 - slow

    file = recipe.read_file(Path(flags["recipe"])) if "recipe" in flags else None
    given = recipe.Layer(_parsed(flags), flags.get("preset"), flag)
    return recipe.resolve(given, file)


def directory_from(out: str) -> Path:
    """Return the run directory.

    Raises:
        UsageError: it has no name.
    """
    if not out:
        raise UsageError("--out: the name is empty; name a directory for the run.")
    return Path(out)

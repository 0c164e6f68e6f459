"""Options that several commands share; those of a run are made from the table of settings.

Imports nothing slow, so that `--help` is instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from evolinstruct.errors import UsageError
from evolinstruct.settings import SETTINGS, flag_of
from evolinstruct.settings.kinds import Switch, off
from evolinstruct.settings.table import (
    BATCHES,
    COST,
    HOW,
    RULES,
    SAMPLING,
    WHAT,
    WHO,
    ExecutionArguments,
    SettingInfo,
)

if TYPE_CHECKING:
    from evolinstruct.settings import Layer, Settings

_Word = str | None
_Words = list[str] | None
_Switch = bool | None


def switch(*names: str, about: str, panel: str | None = None) -> Any:
    """Return an option that is on where it stands."""
    return typer.Option(*names, metavar="", show_default=False, help=about, rich_help_panel=panel)


def word(about: str, metavar: str, *names: str, panel: str | None = None) -> Any:
    """Return an option that takes a word and has no default to show."""
    return typer.Option(
        *names, metavar=metavar, help=about, show_default=False, rich_help_panel=panel
    )


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
Update = Annotated[
    bool,
    switch(
        "--update",
        about="Carry a run over to other settings; says first which calls are paid again.",
    ),
]
AsJson = Annotated[bool, switch("--json", about="Print one JSON object about the run on stdout.")]
Quiet = Annotated[bool, switch("--quiet", "-q", about="Print only errors, and what was lost.")]
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

# The settings of a run


def _option(setting: SettingInfo) -> Any:
    """Return the option of a setting, as Typer takes it."""
    flag = flag_of(setting.name)
    if isinstance(setting.kind, Switch):
        names, type_ = [f"{flag}/{off(flag)}"], _Switch
    else:
        names = [flag, *([setting.short] if setting.short else [])]
        type_ = _Words if setting.kind.repeats else _Word
    option = word(setting.about, setting.metavar, *names, panel=setting.panel)
    option.hidden = setting.hidden
    return Annotated[type_, option]


OPTIONS: dict[str, Any] = {
    **{name: _option(setting) for name, setting in SETTINGS.items()},
    "profile": Annotated[
        _Word,
        word(
            "Who answers and how, by a name that your settings file has; `evolinstruct settings`"
            " says where it is and what holds.",
            "NAME",
            panel=WHO,
        ),
    ],
    "preset": Annotated[
        _Word,
        word(
            "paper: as the paper has it. released: as its authors' script has it, without"
            " comparison and elimination.",
            "NAME",
            panel=WHAT,
        ),
    ],
    "recipe": Annotated[
        _Word,
        word("A TOML file with any of these settings; flags win.", "FILE", panel=WHAT),
    ],
    "no_rules": Annotated[
        _Words, word("A rule to switch off. May be repeated.", "NAME", "--no-rule", panel=RULES)
    ],
    "no_answers": Annotated[
        _Switch,
        switch("--no-answers", about="Answer nothing: short for --answers 0.", panel=WHAT),
    ],
    "strict": Annotated[
        _Switch,
        switch(
            "--strict",
            about="Let plain in-depth rewrites grow by the paper's 10 to 20 words: short for"
            " --rule word_growth.least=10 --rule word_growth.most=20.",
            panel=RULES,
        ),
    ],
}
"""Every option that decides settings, by the name under which a command gets its words."""

_STRICT = ("word_growth.least=10", "word_growth.most=20")
_OF_RULES = ("rules", "no_rules", "strict")
_OF_STAGES = (WHO, SAMPLING, HOW, COST)
_OF_RUNS = ("min_kept", "events")


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


takes_settings = takes(OPTIONS, "flags")
"""Gives a command every option of a run, as `flags`."""


def stage_options(*others: str) -> dict[str, Any]:
    """Return the options of a stage: who is asked, how, and at what cost; and others by name."""
    return {
        name: option
        for name, option in OPTIONS.items()
        if name in ("profile", *others)
        or (name in SETTINGS and SETTINGS[name].panel in _OF_STAGES and name not in _OF_RUNS)
    }


def work_options() -> dict[str, Any]:
    """Return the options of a worker: who answers, how calls are sent, and at what cost."""
    without = (*_OF_RUNS, "prefetch")
    return {
        name: OPTIONS[name]
        for name in ExecutionArguments.__annotations__
        if name not in without and SETTINGS[name].panel != BATCHES
    }


def read_layers(flags: Mapping[str, Any]) -> list[Layer]:
    """Return the settings of a run by the places that they are from, the flags first.

    Raises:
        UsageError: a flag is wrong.
        InputError: a variable is wrong, a recipe or the user's settings file.
    """
    from evolinstruct import settings  # noqa: PLC0415 - slow

    words = {name: flags[name] for name in SETTINGS if name in flags and name not in _OF_RULES}
    if flags.get("no_answers") and words.setdefault("answers", "0") != "0":
        raise UsageError("--no-answers and --answers say the opposite; leave out one of them.")
    rules = read_rules(flags)
    values = {"rules": rules} if rules else {}
    given = settings.Layer(values, flags.get("preset"), flag_of, place="Flags")
    given = settings.read_words(words, given)
    return settings.layers_of(given, flags.get("recipe"), flags.get("profile"))


def read_settings(flags: Mapping[str, Any]) -> Settings:
    """Return the settings of a run: the flags laid over every other place.

    Raises:
        UsageError: a flag is wrong.
        InputError: a variable is wrong, a recipe or the user's settings file.
    """
    from evolinstruct import settings  # noqa: PLC0415 - slow

    return settings.resolve(*read_layers(flags))


def read_rules(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the flags say about rules, as the setting `rules`.

    Raises:
        UsageError: a rule is unknown, or a value is not a number.
    """
    if not any(name in flags for name in _OF_RULES):
        return {}
    from evolinstruct import elimination  # noqa: PLC0415 - slow

    strict = _STRICT if flags.get("strict") else ()
    return elimination.parse_words([*strict, *flags.get("rules", ())], flags.get("no_rules", ()))


def run_directory(out: str) -> Path:
    """Return the run directory.

    Raises:
        UsageError: it has no name.
    """
    if not out:
        raise UsageError("--out: the name is empty; name a directory for the run.")
    return Path(out)


# Which lines of a run

_WHICH = "Which lines"

FILTERS: dict[str, Any] = {
    "generation": Annotated[
        _Words,
        word(
            "Only of these generations, as 2, 1,3 or 1-3; 0 are the seeds.",
            "N",
            "-g",
            "--generation",
            panel=_WHICH,
        ),
    ],
    "operation": Annotated[
        _Words,
        word(
            "Only made by these operations, divided by commas or repeated.", "NAMES", panel=_WHICH
        ),
    ],
    "rule": Annotated[_Words, word("Only rejected by these rules.", "NAMES", panel=_WHICH)],
    "seed_id": Annotated[
        _Words,
        word("Only of the families of these seeds: ids, or their beginnings.", "IDS", panel=_WHICH),
    ],
    "grep": Annotated[
        _Word,
        word(
            "Only with this text in any of their texts, upper or lower case.", "TEXT", panel=_WHICH
        ),
    ],
    "regex": Annotated[
        _Word, word("Only with a match of this regular expression.", "PATTERN", panel=_WHICH)
    ],
    "min_words": Annotated[
        _Word, word("Only with an instruction of at least so many words.", "N", panel=_WHICH)
    ],
    "max_words": Annotated[
        _Word, word("Only with an instruction of at most so many words.", "N", panel=_WHICH)
    ],
    "min": Annotated[
        _Words,
        word(
            "Only with at least this score, as difficulty=6; difficulty.pairwise=6 names the"
            " method too. May be repeated.",
            "MEASURE=X",
            panel=_WHICH,
        ),
    ],
    "max": Annotated[_Words, word("Only with at most this score.", "MEASURE=X", panel=_WHICH)],
}
"""Every filter by its name for `evolinstruct.filters.select`; the flag is the name with dashes."""

takes_filters = takes(FILTERS, "filters")
"""Gives a command every filter, as `filters`."""

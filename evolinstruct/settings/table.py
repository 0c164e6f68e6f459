"""Every setting of a run, stated once: its name, type in Python, flag, help, default and variable.

The command line makes its options of this table, the Python API its typed parameters, and
`evolinstruct.settings.fields` adds how a value is checked. Imports nothing slow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, TypedDict, TypeVar

from evolinstruct import defaults
from evolinstruct.purposes import of_models
from evolinstruct.settings.kinds import (
    DEFAULT,
    EXACT,
    ByPurpose,
    ListsByPurpose,
    Pairs,
    Parameters,
    Rules,
    Several,
    Switch,
    Word,
)

WHO = "Who answers"
SAMPLING = "How a model is asked"
WHAT = "What is evolved, and how"
SEEDS = "Which seeds"
RULES = "Which rules judge"
HOW = "How it is carried out"
BATCHES = "Calls in batches"
COST = "What it may cost, counting all that was ever spent in RUN_DIR"

_PURPOSES = ", ".join(of_models())
_T = TypeVar("_T")
OneOrByPurpose: TypeAlias = _T | Mapping[str, _T]
"""A value for all purposes, or a value for each that is named; ``default`` is for the others."""
Amount: TypeAlias = float | str | Decimal


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """What there is to know about a setting, beside its type.

    Attributes:
        panel: the part of `--help` that it stands in.
        help: what it means, a sentence or more; the default is added to it.
        metavar: what its flag takes; empty for a switch.
        kind: how words become its value, and back.
        default: its value where nobody sets it.
        flag: its flag; empty for its name with dashes.
        short: a second flag of one letter.
        hidden: whether it is an older word for another setting, left out of `--help`.
        name: as in Python and in a recipe file; the table fills it in.
    """

    panel: str
    help: str
    metavar: str = ""
    kind: Word = field(default_factory=Word)
    default: Any = None
    flag: str = ""
    short: str = ""
    hidden: bool = False
    name: str = ""

    @property
    def is_personal(self) -> bool:
        """Whether a variable, a profile or the user's settings file may set it.

        They may say who answers, how a run is carried out and what it may cost, never what else
        decides the bytes of a run.
        """
        return self.panel in (WHO, HOW, COST)

    @property
    def variable(self) -> str | None:
        """The variable of the environment that may set it; None where none may."""
        return f"EVOLINSTRUCT_{self.name.upper()}" if self.is_personal else None

    @property
    def about(self) -> str:
        """The help text with the default."""
        value = self.default.get(DEFAULT) if isinstance(self.default, dict) else self.default
        if value is None or value is False or value in ("", []):
            return self.help
        shown = "on" if value is True else f"{value:g}" if isinstance(value, float) else value
        return f"{self.help.removesuffix('.')} (default {shown})."


class RecipeArguments(TypedDict, total=False):
    """The settings that decide the bytes of a run."""

    client: Annotated[
        str,
        SettingInfo(
            WHO,
            "offline, openai, openai-sdk, llamacpp:FILE, vllm:MODEL, or package.module:Class.",
            "NAME",
            default="",
        ),
    ]
    model: Annotated[
        OneOrByPurpose[str],
        SettingInfo(
            WHO,
            f"The model; for one purpose ({_PURPOSES}) as PURPOSE=NAME. May be repeated, as may"
            " whatever else is set by purpose.",
            "NAME",
            ByPurpose(),
            {},
        ),
    ]
    temperature: Annotated[
        OneOrByPurpose[float],
        SettingInfo(
            SAMPLING,
            "Sampling temperature, by purpose.",
            "X",
            ByPurpose(),
            {DEFAULT: defaults.TEMPERATURE},
        ),
    ]
    top_p: Annotated[
        OneOrByPurpose[float],
        SettingInfo(
            SAMPLING, "Nucleus sampling, by purpose.", "X", ByPurpose(), {DEFAULT: defaults.TOP_P}
        ),
    ]
    max_tokens: Annotated[
        OneOrByPurpose[int],
        SettingInfo(
            SAMPLING,
            "The longest reply, by purpose.",
            "N",
            ByPurpose(),
            {DEFAULT: defaults.MAX_TOKENS},
        ),
    ]
    param: Annotated[
        Mapping[str, object],
        SettingInfo(
            SAMPLING,
            "Any other parameter of a call, for one purpose as PURPOSE:NAME=VALUE. May be"
            " repeated.",
            "NAME=VALUE",
            Parameters(),
            {},
        ),
    ]
    generations: Annotated[
        int,
        SettingInfo(WHAT, "How many generations.", "N", default=defaults.GENERATIONS, short="-g"),
    ]
    prompts: Annotated[
        str, SettingInfo(WHAT, "A prompt pack, by name or folder.", "PACK", default=defaults.PACK)
    ]
    operations: Annotated[
        str | Sequence[str] | Mapping[str, float],
        SettingInfo(
            WHAT,
            "Operations, as NAME or NAME=WEIGHT, divided by commas or repeated (default: those of"
            " the pack).",
            "NAMES",
            Pairs(),
            {},
        ),
    ]
    plain_draws: Annotated[
        bool,
        SettingInfo(
            WHAT,
            "Draw among all operations each time, also one that a rule has just rejected for the"
            " same instruction, and one that adds data to what holds data already.",
            "",
            Switch(),
            default=False,
        ),
    ]
    seed: Annotated[int, SettingInfo(WHAT, "What draws are made from.", "N", default=defaults.SEED)]
    answers: Annotated[
        int,
        SettingInfo(
            WHAT, "How many answers are asked for, of which --pick takes one.", "K", default=1
        ),
    ]
    pick: Annotated[
        str,
        SettingInfo(
            WHAT,
            "Which of several answers is taken: vote (the first of the most with the same result),"
            " judge (the one that a judge prefers, asked in both orders) or verified (the first"
            " that meets all checks).",
            "HOW",
            default="",
        ),
    ]
    equality: Annotated[
        str,
        SettingInfo(
            WHAT,
            "How it is told whether answers agree: exact (as texts and numbers) or math (as"
            " formulas too; takes the extra math).",
            "HOW",
            default=EXACT,
        ),
    ]
    evolve_answers: Annotated[
        int,
        SettingInfo(
            WHAT,
            "Have the answer rewritten for depth and correctness so often; a rewrite is kept only"
            " where a judge, asked in both orders, prefers it.",
            "N",
            default=0,
        ),
    ]
    answer_seeds: Annotated[
        bool, SettingInfo(WHAT, "Answer seeds without an answer.", "", Switch(), default=False)
    ]
    sandbox: Annotated[
        str,
        SettingInfo(
            WHAT,
            "What runs code that models wrote, for packs that check it: monty, docker, or"
            " docker:IMAGE.",
            "NAME",
            default=defaults.SANDBOX,
        ),
    ]
    compare: Annotated[
        bool,
        SettingInfo(
            RULES,
            "Ask whether a rewrite gained anything: the rule no_information_gain.",
            "",
            Switch(),
            default=True,
        ),
    ]
    compare_in_breadth: Annotated[
        bool,
        SettingInfo(
            RULES,
            "Compare in-breadth rewrites too, as the paper does.",
            "",
            Switch(),
            default=True,
        ),
    ]
    eliminate: Annotated[
        bool, SettingInfo(RULES, "Apply the elimination rules.", "", Switch(), default=True)
    ]
    rules: Annotated[
        Mapping[str, bool | Mapping[str, float]],
        SettingInfo(
            RULES,
            "A rule to switch on or set, as NAME, NAME=VALUE or NAME.PARAMETER=VALUE; `evolinstruct"
            " rules` lists them, and module:function is one of your own. May be repeated.",
            "NAME[=VALUE]",
            Rules(),
            {},
            flag="--rule",
        ),
    ]
    against: Annotated[
        str | Sequence[str],
        SettingInfo(
            RULES,
            "A file of test items, in any shape that seeds have, or as KEY=FILE: drop rewrites that"
            " hold one of them (rule contaminated). May be repeated.",
            "FILE",
            Several(),
            [],
        ),
    ]
    reviews: Annotated[
        bool,
        SettingInfo(
            RULES,
            "Apply what people decided in RUN_DIR/reviews: what they reject is dropped (rule"
            " reviewer), what they edit goes on as they want it.",
            "",
            Switch(),
            default=False,
        ),
    ]


class SeedArguments(TypedDict, total=False):
    """The settings that say which rows of the seed files become instructions."""

    limit: Annotated[int | None, SettingInfo(SEEDS, "Only the first N instructions.", "N")]
    sample: Annotated[
        int | None, SettingInfo(SEEDS, "Only N of the instructions, drawn by --seed.", "N")
    ]
    map: Annotated[
        str | Sequence[str] | Mapping[str, str],
        SettingInfo(
            SEEDS,
            "The keys of several parts, as instruction=question,input=context,output=answer.",
            "PART=KEY",
            Pairs(),
            {},
        ),
    ]
    skip_bad: Annotated[
        bool, SettingInfo(SEEDS, "Leave bad rows out, and count them.", "", Switch(), default=False)
    ]


class ExecutionArguments(TypedDict, total=False):
    """The settings that say how a run is carried out; they never make it another run."""

    provider: Annotated[
        OneOrByPurpose[str],
        SettingInfo(
            WHO,
            "A service by name, which fills in base URL and key variable, by purpose: openai,"
            " openrouter, together, groq, deepseek, mistral, gemini, anthropic, azure, xai,"
            " fireworks, huggingface, nvidia, cerebras, sambanova, moonshot, qwen, and on this"
            " machine ollama, vllm, lmstudio, llamacpp.",
            "NAME",
            ByPurpose(),
            {},
        ),
    ]
    base_url: Annotated[
        OneOrByPurpose[str | Sequence[str]],
        SettingInfo(
            WHO,
            "Any OpenAI-compatible server, by purpose; several for one purpose share its calls.",
            "URL",
            ListsByPurpose(),
            {},
        ),
    ]
    api_key_env: Annotated[
        OneOrByPurpose[str],
        SettingInfo(
            WHO,
            "The variable that holds the key, by purpose.",
            "VARIABLE",
            ByPurpose(),
            {},
        ),
    ]
    concurrency: Annotated[
        int | Literal["auto"] | None,
        SettingInfo(HOW, "Calls under way at once; auto, the default, finds out.", "N or auto"),
    ]
    max_concurrency: Annotated[
        int | None,
        SettingInfo(HOW, f"How far auto may go (default {defaults.MAX_CONCURRENCY}).", "N"),
    ]
    prefetch: Annotated[
        bool,
        SettingInfo(
            HOW,
            "While the run waits for its slowest calls, ask for those that come next: the same run,"
            " sooner.",
            "",
            Switch(),
            default=True,
        ),
    ]
    rpm: Annotated[
        int | None,
        SettingInfo(HOW, "Calls a minute at most, for each server and model.", "N"),
    ]
    tpm: Annotated[
        int | None,
        SettingInfo(HOW, "Tokens a minute at most, in and out, for each server and model.", "N"),
    ]
    timeout: Annotated[
        float,
        SettingInfo(HOW, "For one call.", "SECONDS", default=defaults.TIMEOUT),
    ]
    max_reply_mb: Annotated[
        float,
        SettingInfo(
            HOW,
            "The longest answer of a service that is read, unpacked, in millions of bytes.",
            "MB",
            default=defaults.MAX_REPLY_MB,
        ),
    ]
    max_wait: Annotated[
        float,
        SettingInfo(
            HOW,
            "Obey a service that asks to wait so long; one that asks for more is asked again soon,"
            " and ends the run if it insists.",
            "SECONDS",
            default=defaults.MAX_WAIT,
        ),
    ]
    min_kept: Annotated[
        float | None,
        SettingInfo(HOW, "Stop when less than this share is kept, such as 0.3.", "SHARE"),
    ]
    allow_failures: Annotated[
        str,
        SettingInfo(
            HOW,
            "Exit with 0 in spite of so many failed instructions.",
            "N or N%",
            default="0",
        ),
    ]
    events: Annotated[
        bool,
        SettingInfo(
            HOW,
            "Add what happens to RUN_DIR/events.jsonl, a line an event, without texts.",
            "",
            Switch(),
            default=False,
        ),
    ]
    otel: Annotated[
        bool,
        SettingInfo(
            HOW,
            "Record a span and metrics of each call with OpenTelemetry, without texts. Needs the"
            " extra opentelemetry.",
            "",
            Switch(),
            default=False,
        ),
    ]
    max_calls: Annotated[
        int | None, SettingInfo(COST, "Stop before more calls than these are sent.", "N")
    ]
    max_tokens_total: Annotated[
        int | None,
        SettingInfo(COST, "Stop before more tokens than these are spent, in and out.", "N"),
    ]
    max_cost: Annotated[
        Amount | None,
        SettingInfo(COST, "Stop before more than this is spent.", "DOLLARS"),
    ]
    price_in: Annotated[
        OneOrByPurpose[Amount],
        SettingInfo(
            COST,
            "What a million tokens of prompts cost, by purpose, where no table knows it or all are"
            " wrong.",
            "DOLLARS",
            ByPurpose(),
            {},
        ),
    ]
    price_out: Annotated[
        OneOrByPurpose[Amount],
        SettingInfo(COST, "The same for replies.", "DOLLARS", ByPurpose(), {}),
    ]
    prices: Annotated[
        str,
        SettingInfo(
            COST,
            "A table of your own prices (TOML), which wins over the one that comes along.",
            "FILE",
            default="",
        ),
    ]
    service_tier: Annotated[
        OneOrByPurpose[str],
        SettingInfo(
            HOW,
            "The service's tier to be answered in, by purpose, such as flex: cheaper and slower, so"
            " allow a longer --timeout. A full tier is waited for; after a comma, as in"
            " flex,default, stands the one that is asked then instead.",
            "TIER",
            ByPurpose(),
            {},
        ),
    ]
    batch: Annotated[
        bool,
        SettingInfo(
            BATCHES,
            "Send calls in batches, which many services answer for half the price within 24 hours,"
            " most within one; a generation takes three rounds of them.",
            "",
            Switch(),
            default=False,
        ),
    ]
    batch_files: Annotated[
        str,
        SettingInfo(
            BATCHES,
            "Put batches into this folder as files instead of sending them, as for `vllm"
            " run-batch`: calls in NAME.jsonl, whose results are expected in NAME.results.jsonl.",
            "DIR",
            default="",
        ),
    ]
    submit: Annotated[
        bool,
        SettingInfo(
            BATCHES,
            "With batches, leave when all is sent (exit code 6) instead of waiting; the same"
            " command takes in what has come, and sends what follows.",
            "",
            Switch(),
            default=False,
        ),
    ]


class OlderArguments(TypedDict, total=False):
    """Older words for settings; `evolinstruct.settings.layers` translates them."""

    field: Annotated[
        str, SettingInfo(SEEDS, "The same as --map instruction=KEY.", "KEY", hidden=True)
    ]


class SettingArguments(RecipeArguments, SeedArguments, ExecutionArguments, OlderArguments):
    """Every setting, as `evolinstruct.evolve` takes it."""


SETTINGS: dict[str, SettingInfo] = {
    name: replace(type_.__metadata__[0], name=name)
    for name, type_ in SettingArguments.__annotations__.items()
}
"""Every setting by its name, in the order of `--help`."""


def flag_of(name: str) -> str:
    """Return the flag of a setting, or of any other option by its name."""
    setting = SETTINGS.get(name)
    return (setting and setting.flag) or f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """Return the variable of the environment that sets a setting."""
    return SETTINGS[name].variable or name

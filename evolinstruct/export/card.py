"""Data set card: README.md of an export, with the header that the Hugging Face Hub reads.

It tells a stranger how the data set was made, from what, how much there is of each kind, which
rights apply and what its limits are. About rights it says only what the user stated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.state import State
from evolinstruct.elimination import RULES, Rule
from evolinstruct.export.commands import evolve_command, export_command, item_names, seed_names
from evolinstruct.export.files import CHECKSUMS, TEST, TRAIN
from evolinstruct.export.formats import SEED
from evolinstruct.export.markup import prose, yaml_text
from evolinstruct.export.options import ExportOptions, ExportResult
from evolinstruct.export.reviewed import WISHES
from evolinstruct.export.trainers import MODEL, TRAINERS
from evolinstruct.purposes import asked_by
from evolinstruct.settings import Recipe
from evolinstruct.text import listed

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_LARGEST = "n>10M"
_OFFLINE = "offline"
_UNSTATED = "not stated; whoever publishes this data set must find out and state it here"


def write(run: Run, out: Path, options: ExportOptions, result: ExportResult) -> str:
    """Return the text of the card."""
    title = options.title or run.path.resolve().name
    parts = [
        "\n".join(["---", *_header(title, options, result), "---"]),
        f"# {prose(title)}",
        _opening(run, options, result),
        _section("How it was made", _making(run, result)),
        _section("What is in it", _contents(options, result)),
        _section("What was eliminated", _eliminated(run)),
        _section("Rights", _rights(options)),
        _section("Limits", _limits(run, result)),
        _section("Making it again", _again(run, out, options)),
    ]
    return "\n\n".join(parts) + "\n"


def _header(title: str, options: ExportOptions, result: ExportResult) -> Iterator[str]:
    yield f"pretty_name: {yaml_text(title)}"
    if options.licences.data:
        yield f"license: {yaml_text(options.licences.data)}"
    yield from ("task_categories:", "- text-generation")
    yield from ("tags:", "- instruction-tuning", "- synthetic", "- evol-instruct")
    rows = sum(result.rows.values())
    yield from ("size_categories:", f"- {next((s for most, s in _SIZES if rows < most), _LARGEST)}")
    yield from ("configs:", "- config_name: default", "  data_files:")
    for split, names in result.files.items():
        yield from (f"  - split: {split}", "    path:", *(f"    - {name}" for name in names))


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"## {title}", "", *lines]).rstrip()


def _opening(run: Run, options: ExportOptions, result: ExportResult) -> str:
    rows = sum(result.rows.values())
    evolved = sum(count for (number, _), count in result.made.items() if number)
    text = (
        f"{rows:,} instructions with answers: {evolved:,} evolved by Evol-Instruct"
        f" (arXiv 2304.12244) from seeds, and {rows - evolved:,} of the seeds themselves."
        f" The rows are in the format `{options.format}`."
    )
    if run.state.recipe.client == _OFFLINE:
        text += (
            "\n\n**Not for training.** The texts were made by hand-written rules and not by a"
            " language model (the client `offline`): they serve to try out a pipeline."
        )
    return text


def _making(run: Run, result: ExportResult) -> Iterator[str]:
    state = run.state
    recipe = state.recipe
    yield (
        "An operation, drawn for each instruction, rewrites it; rules eliminate rewrites that"
        " gained nothing or went wrong; a model answers the rest; and the next generation starts"
        " from these."
    )
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| program | evolinstruct {state.versions.get('evolinstruct', '(unknown)')} |"
    yield f"| client | {prose(recipe.client)} |"
    for purpose in asked_by(recipe, run.pack.checks):
        settings = [f"model {recipe.setting('model', purpose) or 'unnamed'}"]
        settings += [f"{name} {recipe.setting(name, purpose):g}" for name in _SAMPLING]
        settings += [f"{name} {value}" for name, value in recipe.parameters(purpose).items()]
        yield f"| {purpose} | {prose(', '.join(settings))} |"
    answered = [f"{model or 'came with the seeds'}: {n:,}" for model, n in result.models.items()]
    yield f"| answers by | {prose('; '.join(answered))} |"
    yield f"| prompts | the pack {prose(state.pack)}, whole in [`prompts/`](prompts) |"
    yield f"| generations | {recipe.generations} |"
    yield f"| seeds | {prose(_seeds(run))} |"
    for name, ours, _ in recipe.differences(Recipe()):
        if name not in _TOLD:
            yield f"| {name} | {prose(json.dumps(ours, ensure_ascii=False))} |"


_SAMPLING = ("temperature", "top_p", "max_tokens")
_TOLD = ("client", "model", "param", "prompts", "generations", *_SAMPLING)


def _seeds(run: Run) -> str:
    files = ", ".join(seed_names(run.state))
    return f"{run.state.seeds.get('used', 0):,} of {files or 'files unknown'}"


def _contents(options: ExportOptions, result: ExportResult) -> Iterator[str]:
    rows = [(split, f"{count:,}") for split, count in result.rows.items()]
    yield from _table(("split", "rows"), rows)
    if TEST in result.rows:
        yield from (
            "",
            f"No family (a seed and everything evolved from it) is in both {TRAIN} and {TEST}.",
        )
    yield ""
    numbers = sorted({number for number, _ in result.made})
    names = sorted({name for _, name in result.made}, key=lambda name: (name != SEED, name))
    yield from _table(
        ("operation", *(f"generation {number}" for number in numbers)),
        [(name, *(f"{result.made[number, name]:,}" for number in numbers)) for name in names],
    )
    if options.rows_format.traced:
        yield ""
        yield (
            "`id` names the place of a row (its seed and generation), `seed_id` its family, and"
            f" `operation` what made it (`{SEED}` for a seed)."
        )
    if options.reviewed is not None:
        yield from ("", f"People read it: {WISHES[options.reviewed]}, as they edited it.")
    if options.is_part:
        yield from ("", "It is a part of its run: see the command below.")


def _eliminated(run: Run) -> Iterator[str]:
    all_counts = [
        counts for counts in run.state.all_counts if counts.finished and counts.generation
    ]
    yield "In the whole run, by rule and generation:"
    yield ""
    names = sorted({name for counts in all_counts for name in counts.rejected})
    rows = [(name, *(f"{counts.rejected[name]:,}" for counts in all_counts)) for name in names]
    rows.append(("(kept)", *(f"{counts.kept:,}" for counts in all_counts)))
    rows.append(("(failed)", *(f"{counts.failed.total():,}" for counts in all_counts)))
    yield from _table(("rule", *(f"generation {counts.generation}" for counts in all_counts)), rows)


def _rights(options: ExportOptions) -> Iterator[str]:
    stated = options.licences
    yield f"- This data set: {prose(stated.data or _UNSTATED)}."
    yield f"- The seeds: {prose(stated.seeds or _UNSTATED)}."
    yield f"- The texts of the models: {prose(stated.outputs or _UNSTATED)}."


def _limits(run: Run, result: ExportResult) -> Iterator[str]:
    yield (
        "- A model wrote the instructions (except the seeds) and the answers, and only rules"
        " checked them: facts, code and calculations in them may be wrong."
    )
    yield "- They have the language, the topics and the biases of their seeds and models."
    yield f"- {_compared(run.state)}"
    for notice in result.notices:
        yield f"- {prose(notice.replace(str(run.path), 'The run'))}"


def _compared(state: State) -> str:
    """Say what the data set was held against, so that it holds no test items."""
    wishes = state.recipe.rules
    used = [
        name
        for name, rule in RULES.items()
        if isinstance(rule, Rule)
        and rule.looks_for_test_items
        and wishes.get(name, rule.on) is not False
    ]
    if not state.recipe.against or not used:
        return (
            "They were not compared with any benchmark: whether they contain test items is unknown."
        )
    rules = f"rule{'s' * (len(used) > 1)} {listed([f'`{name}`' for name in used])}"
    return (
        f"What holds an item of {prose(listed(item_names(state)))} was dropped ({rules}), except"
        " seeds; they were not compared with any other benchmark."
    )


def _again(run: Run, out: Path, options: ExportOptions) -> Iterator[str]:
    name = run.path.resolve().name
    yield f"    {evolve_command(run.state, name)}"
    yield f"    {export_command(options, name, out.resolve().name)}"
    yield ""
    yield (
        f"`sha256sum --check {CHECKSUMS}` tells whether the files are intact. A model that is asked"
        " again may answer differently; the run's journal holds its answers."
    )
    if options.trainer is not None:
        command = TRAINERS[options.trainer].command
        yield from ("", f"To train: put a model in place of `{MODEL}`, then `{command}`.")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(prose, head))} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(map(prose, row))} |"

"""The two commands that make a data set again, quoted as a shell takes them.

Files are named without their folders: a path says more about a machine than a data set should.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evolinstruct import defaults
from evolinstruct.analysis.state import State
from evolinstruct.export.options import ExportOptions
from evolinstruct.seeds import hub
from evolinstruct.settings import Execution, SeedSettings, Settings, to_command_line
from evolinstruct.text import command


def evolve_command(state: State, run_name: str) -> str:
    """Return the command that makes the run again, with the prompts that lie beside the card."""
    against = ["".join(_key_and_file(name)) for name in state.recipe.against]
    named_again = {"prompts": defaults.PACK, "against": against}
    recipe = state.recipe.model_copy(update=named_again)
    settings = Settings(recipe, SeedSettings.of_run(state.seeds), Execution())
    words = ["evolinstruct", "evolve", *seed_names(state), "-o", run_name, "--prompts", "prompts"]
    return command(*words, *to_command_line(settings))


def seed_names(state: State) -> list[str]:
    """Return the names of the seeds: data sets as they are, files without their folders."""
    return [_without_folder(name) for name in state.seeds.get("files", ())]


def item_names(state: State) -> list[str]:
    """Return the names of the test sets that a run was held against, without their folders."""
    return [_key_and_file(name)[1] for name in state.recipe.against]


def _key_and_file(name: str) -> tuple[str, str]:
    """Divide a test set, ``FILE`` or ``KEY=FILE``; the file comes without its folder."""
    key, equals, rest = name.partition("=")
    is_named = bool(equals) and key.isidentifier()
    return (f"{key}=", _without_folder(rest)) if is_named else ("", _without_folder(name))


def _without_folder(name: str) -> str:
    return name if hub.is_hub(name) else Path(name).name


def export_command(options: ExportOptions, run_name: str, out_name: str) -> str:
    """Return the command that exports the run again."""
    words = ["evolinstruct", "export", run_name, "-o", out_name, "--format", options.format]
    for name, value in options.filters.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            words += [_flag(name), str(each)]
    words += _set(
        only=options.only and options.only.name,
        without=options.without and options.without.name,
        reviewed=options.reviewed,
        parquet=options.parquet,
        test=options.test,
        system=options.system,
        seed=options.seed,
        shard=options.shard,
        trainer=options.trainer,
        title=options.title,
        license=options.licences.data,
        seed_license=options.licences.seeds,
        output_license=options.licences.outputs,
    )
    words += [] if options.seeds else ["--no-seeds"]
    words += [] if options.shuffle else ["--no-shuffle"]
    return command(*words)


def _set(**options: object) -> Iterator[str]:
    """Yield the flags of the options that are set; a switch takes no word."""
    for name, value in options.items():
        if value is True:
            yield _flag(name)
        elif value is not None and value is not False:
            yield from (_flag(name), str(value))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"

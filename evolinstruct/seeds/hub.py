"""Data sets of the Hugging Face Hub as rows, streamed. The only importer of `datasets`.

Knows names of the form ``hf:owner/name[:config][:split][@revision]``, and turns what can go wrong
into a sentence. Knows nothing of what a row means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from evolinstruct.errors import InputError, UsageError
from evolinstruct.extras import load
from evolinstruct.seeds.problems import shown

_PREFIX = "hf:"
_NAME = re.compile(
    r"hf:(?P<path>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]*))?(:(?P<split>[\w.-]*))?(@(?P<revision>\S+))?"
)
_SPLIT = "train"


class HubName(NamedTuple):
    """A data set's name; None for what is not named."""

    path: str
    config: str | None
    split: str | None
    revision: str | None


def is_hub(name: str) -> bool:
    """Tell whether a name means a data set of the Hub."""
    return name.startswith(_PREFIX)


def parse(name: str) -> HubName:
    """Read a data set's name.

    Raises:
        UsageError: it is none.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise UsageError(
            f"{shown(name)} is no name of a data set;"
            " write hf:owner/name[:config][:split][@revision]."
        )
    config, split, revision = (found[part] or None for part in ("config", "split", "revision"))
    return HubName(found["path"], config, split, revision)


def read(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a data set with their places, as they arrive.

    A word that is the only one after the name is a config, or else a split.

    Raises:
        InputError: `datasets` is missing, or the data set cannot be had.
    """
    datasets = load("datasets", "hf", f"{name}: to read from the Hub")
    wanted = parse(name)
    try:
        config, split = _chosen(datasets, wanted)
        rows = datasets.load_dataset(
            wanted.path, config, split=split, revision=wanted.revision, streaming=True
        )
        for number, row in enumerate(rows, 1):
            yield f"row {number}", dict(row)
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read: {_why(wanted, error)}") from error


def _chosen(datasets: Any, wanted: HubName) -> tuple[str | None, str]:
    """Return the config and the split, both of which the data set has."""
    configs = datasets.get_dataset_config_names(wanted.path, revision=wanted.revision)
    config, split = wanted.config, wanted.split
    if config is not None and config not in configs:
        if split is not None:
            raise InputError(
                f"hf:{wanted.path} has no config {config!r}; there are {', '.join(configs)}."
            )
        config, split = None, config
    if config is None and len(configs) > 1 and "default" not in configs:
        raise InputError(
            f"hf:{wanted.path} has several configs; name one of {', '.join(configs)},"
            f" as hf:{wanted.path}:{configs[0]}."
        )
    splits = datasets.get_dataset_split_names(wanted.path, config, revision=wanted.revision)
    split = split or (_SPLIT if _SPLIT in splits else splits[0])
    if split not in splits:
        raise InputError(f"hf:{wanted.path} has no split {split!r}; there are {', '.join(splits)}.")
    return config, split


def _why(wanted: HubName, error: Exception) -> str:
    kinds = {kind.__name__ for kind in type(error).__mro__ + type(error.__cause__).__mro__}
    if "RevisionNotFoundError" in kinds:
        return f"it has no revision {wanted.revision!r}."
    if kinds & {"EmptyDatasetError", "DataFilesNotFoundError"}:
        return "it holds no file of rows that `datasets` knows how to read."
    if kinds & {"DatasetNotFoundError", "GatedRepoError"}:
        return (
            "there is no such data set, or it is private or gated; check the name, and for a"
            " private one set HF_TOKEN to a token that may read it."
        )
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return f"{line.rstrip('.')}; check the name and the network, or fetch its files and name those."

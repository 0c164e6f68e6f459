"""Seeds from the Hugging Face Hub: a data set's rows, streamed.

A data set is named ``hf:owner/name[:config][:split][@revision]``. The only importer of `datasets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from evolinstruct.errors import InputError, UsageError
from evolinstruct.installation import import_extra
from evolinstruct.seeds.problems import SeedRow, shown

_PREFIX = "hf:"
_NAME = re.compile(
    r"hf:(?P<path>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]*))?(:(?P<split>[\w.-]*))?(@(?P<revision>\S+))?"
)
_SPLIT = "train"


class HubName(NamedTuple):
    """A data set's name in its parts; a part that is not named is None."""

    path: str
    config: str | None
    split: str | None
    revision: str | None


def is_hub(name: str) -> bool:
    """Tell whether a name is that of a data set of the Hub."""
    return name.startswith(_PREFIX)


def parse(name: str) -> HubName:
    """Read a data set's name.

    Raises:
        UsageError: it has another form.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise UsageError(
            f"{shown(name)} is not a data set's name;"
            " write hf:owner/name[:config][:split][@revision]."
        )
    config, split, revision = (found[part] or None for part in ("config", "split", "revision"))
    return HubName(found["path"], config, split, revision)


def read(name: str) -> Iterator[SeedRow]:
    """Yield the rows of a data set as they arrive.

    A single word after the name is a config if the data set has one of that name, else a split.

    Raises:
        InputError: `datasets` is not installed, or the data set cannot be read.
    """
    datasets = import_extra("datasets", "hf", f"{name}: to read from the Hub")
    wanted = parse(name)
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # what it raises is said once, below
    try:
        config, split = _chosen(datasets, wanted)
        rows = datasets.load_dataset(
            wanted.path, config, split=split, revision=wanted.revision, streaming=True
        )
        for number, row in enumerate(rows, 1):
            yield SeedRow(f"row {number}", dict(row))
    except InputError:
        raise
    except Exception as error:  # `datasets` raises every kind
        raise InputError(f"{name} cannot be read: {_why(wanted, error)}") from error


def _chosen(datasets: Any, wanted: HubName) -> tuple[str | None, str]:
    """Return the config and the split to read; raise if the data set does not have them."""
    configs = datasets.get_dataset_config_names(wanted.path, revision=wanted.revision)
    config, split = wanted.config, wanted.split
    if config is not None and config not in configs:
        if split is not None:
            raise InputError(
                f"hf:{wanted.path} has no config {config!r}; it has {', '.join(configs)}."
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
        raise InputError(f"hf:{wanted.path} has no split {split!r}; it has {', '.join(splits)}.")
    return config, split


def _why(wanted: HubName, error: Exception) -> str:
    kinds = {kind.__name__ for kind in type(error).__mro__ + type(error.__cause__).__mro__}
    if "RevisionNotFoundError" in kinds:
        return f"it has no revision {wanted.revision!r}."
    if kinds & {"EmptyDatasetError", "DataFilesNotFoundError"}:
        return "it has no file that `datasets` can read as rows."
    if kinds & {"DatasetNotFoundError", "GatedRepoError"}:
        return (
            "there is no such data set, or it is private or gated; check the name, and for a"
            " private one set HF_TOKEN to a token that may read it."
        )
    if "scripts are no longer supported" in str(error):
        return (
            "it is made by a script, which `datasets` does not run any more; read a revision with"
            f" files, such as hf:{wanted.path}@refs/convert/parquet, or download its files."
        )
    if "CastError" in kinds or " changed from " in str(error):
        return (
            "its files have different columns or types; download those that you want and name"
            " them, or name a config or a split that has one kind of rows."
        )
    line = (str(error).splitlines() or [type(error).__name__])[0]
    check = "check the name and the network, or " if isinstance(error, OSError) else ""
    return f"{line.rstrip('.')}; {check}download its files and name those."

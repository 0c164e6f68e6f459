"""Repositories of models: finds the name of a model in a folder, or in the Hugging Face Hub."""

from __future__ import annotations

import json
from pathlib import Path

from evolinstruct.errors import InputError
from evolinstruct.installation import import_extra
from evolinstruct.llm.in_process.contents import digest_of

_CONFIG = "config.json"


def find(place: str) -> tuple[str, Path | str]:
    """Return the name of the model in a folder or of that name, and where it lies.

    A folder's model is called by its architecture and the digest of all files; one of the Hub by
    owner, name and commit, which a revision after an ``@`` may name.

    Raises:
        InputError: there is no such model.
    """
    folder = Path(place).expanduser()
    return _of_folder(folder) if folder.is_dir() else _of_hub(place)


def _of_folder(folder: Path) -> tuple[str, Path]:
    try:
        config = json.loads((folder / _CONFIG).read_bytes())
        architecture = config["architectures"][0]
        digest = digest_of(sorted(each for each in folder.rglob("*") if each.is_file()))
    except OSError as error:
        raise InputError(
            f"--client vllm: {error.filename} cannot be read ({error.strerror}); name a folder"
            " with a model."
        ) from None
    except (ValueError, LookupError, TypeError):
        raise InputError(
            f"--client vllm: {folder / _CONFIG} names no architecture; name a folder with a model."
        ) from None
    return f"{architecture}@{digest}", folder.resolve()


def _of_hub(place: str) -> tuple[str, str]:
    name, _, revision = place.partition("@")
    hub = import_extra("huggingface_hub", "vllm", "--client vllm")
    try:
        # The Hub keeps a file in a folder that is called like its commit, also without a network.
        config = Path(hub.hf_hub_download(name, _CONFIG, revision=revision or None))
    except (OSError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise InputError(
            f"--client vllm: the model {place!r} cannot be found ({said}); name a folder, or"
            " OWNER/MODEL as in the Hub."
        ) from None
    return f"{name}@{config.parent.name}", name

"""Upload: sends an export to the Hugging Face Hub, if the user asks for it with ``--push``.

Only the files that the checksums name are sent. The only importer of huggingface_hub.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError, UsageError
from evolinstruct.export.files import CHECKSUMS, listed_files
from evolinstruct.installation import import_extra

_PARTS = 2
_REFUSALS = {
    401: "the Hub refuses the token; make another, and set HF_TOKEN to it",
    403: "the token may not write there; check the owner and the token's permissions",
}


def check_access(name: str) -> None:
    """Refuse an upload that cannot work, before anything is exported.

    Raises:
        UsageError: the data set's name has another form.
        InputError: huggingface_hub is not installed, or there is no token.
    """
    if len([part for part in name.split("/") if part]) != _PARTS or name.count("/") != 1:
        raise UsageError(f"--push {name}: a data set is named owner/name.")
    if import_extra("huggingface_hub", "hf", "--push").get_token() is None:
        raise InputError(
            "--push needs a token of the Hugging Face Hub: make one with write access at"
            " https://huggingface.co/settings/tokens, then set HF_TOKEN to it or run"
            " `hf auth login`."
        )


def push(folder: Path, name: str, *, private: bool) -> str:
    """Upload an export; return its address.

    Raises:
        InputError: the Hub refuses it, or cannot be reached.
    """
    hub: Any = import_extra("huggingface_hub", "hf", "--push")
    # Its errors share a base with network errors; by version, that is from one package or another.
    troubles = import_extra("huggingface_hub.errors", "hf", "--push").HfHubHTTPError.__bases__
    files = [*listed_files(folder), CHECKSUMS]
    try:
        api = hub.HfApi()
        address = api.create_repo(name, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            folder_path=folder,
            repo_id=name,
            repo_type="dataset",
            allow_patterns=files,
            commit_message="Data set, card and checksums",
        )
    except (OSError, ValueError, *troubles) as error:
        raise InputError(
            f"{name} cannot be uploaded: {_why(error)}. The export itself is complete in {folder}."
        ) from error
    return str(address)


def _why(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in _REFUSALS:
        return _REFUSALS[status]
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")

"""Mistral's batches: files as OpenAI takes them, and jobs, each of which names its model once."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any

from evolinstruct.llm.openai import chat
from evolinstruct.llm.openai.batches import Batch, BatchService

HOST = "api.mistral.ai"
_PAGE = 100
_MOST_PAGES = 20
_HOURS = 24
_STATES = {
    "SUCCESS": "completed",
    "FAILED": "failed",
    "TIMEOUT_EXCEEDED": "expired",
    "CANCELLED": "cancelled",
}


class MistralBatchService(BatchService):
    """Sends batches to Mistral."""

    path = "/batch/jobs"

    def __init__(self, *how: Any, model: str) -> None:
        """Connect to nothing yet; takes what `BatchService` takes, and the model of all calls."""
        super().__init__(*how)
        self._model = model

    def line(self, custom_id: str, body: Mapping[str, object]) -> bytes:
        """Return the line of a file that asks for one call."""
        asked = {name: value for name, value in body.items() if name != "model"}
        return json.dumps({"custom_id": custom_id, "body": asked}).encode() + b"\n"

    async def create(self, source: str, mark: str, lines: object) -> Batch:  # noqa: ARG002
        """Make a job of a file, and name the model there."""
        body = {
            "input_files": [source],
            "endpoint": f"/v1{chat.PATH}",
            "model": self._model,
            "metadata": {"evolinstruct": mark},
            "timeout_hours": _HOURS,
        }
        return await self._created(body)

    async def find(self, source: str, known: Container[str]) -> Batch | None:  # noqa: ARG002
        """Return the job that was made of a file, None where there is none."""
        for page in range(_MOST_PAGES):
            rows, _ = await self._page({"page": str(page), "page_size": str(_PAGE)})
            for row in rows:
                if source in _files(row):
                    return self._batch(row)
            if len(rows) < _PAGE:
                break
        return None

    def _batch(self, found: Mapping[str, object]) -> Batch:
        """Return a job as a batch: what it says, in OpenAI's words."""
        said = {
            "id": found.get("id"),
            "input_file_id": next(iter(_files(found)), ""),
            "status": _STATES.get(str(found.get("status")).upper(), "in_progress"),
            "output_file_id": found.get("output_file"),
            "error_file_id": found.get("error_file"),
            "errors": {"data": found.get("errors")},
            "request_counts": {"completed": found.get("completed_requests")},
        }
        return super()._batch(said)


def _files(job: Mapping[str, object]) -> list[str]:
    files = job.get("input_files")
    return [str(file) for file in files] if isinstance(files, list) else []

"""What services by name answer: a reply, a wrong key, no such model.

Statuses and fields are those of documents, public reports or memory (docs/providers.md says which),
not of calls; the words are our own.
What is played here is what `check` is held against.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from tests.loopback import Answer, error, http, reply


class Played(NamedTuple):
    """The answers of a service.

    Attributes:
        replies: to a call that it takes.
        refuses: to a wrong key.
        lacks: to the name of a model that it does not have.
    """

    replies: Answer
    refuses: Answer
    lacks: Answer


def _json(status: int, found: object) -> Answer:
    return http(status, json.dumps(found).encode())


_FILTERED = {"hate": {"filtered": False, "severity": "safe"}}

PLAYED: Mapping[str, Played] = {
    "anthropic": Played(
        reply("Blue."),
        error(401, "invalid x-api-key", code="authentication_error", kind="authentication_error"),
        error(404, "model: loopback-1", code="not_found_error", kind="not_found_error"),
    ),
    "azure": Played(
        reply("Blue.", content_filter_results=_FILTERED),
        error(401, "Access denied due to invalid subscription key or wrong endpoint.", code="401"),
        error(404, "The deployment for this resource does not exist.", code="DeploymentNotFound"),
    ),
    "xai": Played(
        reply("Blue.", reasoning_content="A colour is asked for."),
        _json(
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Incorrect API key provided: ab***yz.",
            },
        ),
        _json(
            404,
            {
                "code": "Some requested entity was not found",
                "error": "The model loopback-1 does not exist or your team has no access to it.",
            },
        ),
    ),
    "fireworks": Played(
        reply("Blue."),
        _json(401, {"error": {"object": "error", "message": "The API key is invalid."}}),
        error(404, "Model not found, inaccessible, and/or not deployed", code="NOT_FOUND"),
    ),
    "huggingface": Played(
        reply("Blue."),
        _json(401, {"error": "Invalid username or password."}),
        error(400, "The requested model does not exist", code="model_not_found"),
    ),
    "nvidia": Played(
        reply("Blue."),
        _json(403, {"status": 403, "title": "Forbidden", "detail": "Authorization failed"}),
        _json(404, {"status": 404, "title": "Not Found", "detail": "Function not found"}),
    ),
    "cerebras": Played(
        reply("Blue."),
        _json(
            401,
            {
                "message": "Wrong API Key",
                "type": "invalid_request_error",
                "param": "api_key",
                "code": "wrong_api_key",
            },
        ),
        _json(
            404,
            {
                "message": "Model loopback-1 does not exist or you do not have access to it.",
                "type": "not_found_error",
                "param": "model",
                "code": "model_not_found",
            },
        ),
    ),
    "sambanova": Played(
        reply("Blue."),
        error(401, "Invalid API key", kind="authentication_error"),
        error(404, "Model not found", code="model_not_found"),
    ),
    "moonshot": Played(
        reply("Blue."),
        error(401, "Invalid Authentication", kind="invalid_authentication_error"),
        error(404, "Not found the model or permission denied", kind="resource_not_found_error"),
    ),
    "qwen": Played(
        reply("Blue."),
        error(401, "Incorrect API key provided.", code="invalid_api_key"),
        error(404, "The model does not exist or you have no access.", code="model_not_found"),
    ),
}

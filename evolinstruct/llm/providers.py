"""Providers: services by name, and which servers and key the calls of a purpose use.

One table of services that speak the OpenAI format; any other is named by its base URL and the
variable that holds its key. A key is read here, and goes only to the server it is meant for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

from evolinstruct import environment
from evolinstruct.errors import InputError, UsageError
from evolinstruct.llm import address
from evolinstruct.settings import DEFAULT, Execution
from evolinstruct.text import did_you_mean

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"


KEY_HEADER = "authorization"
MODEL = "{model}"
"""Stands in a base URL for the name of the model that is asked there."""


class Provider(NamedTuple):
    """A service with a name.

    Attributes:
        base_url: where it answers; only a path, where `host_variable` has the rest.
        key_variable: the environment variable that holds its key; None where it needs none.
        key_header: the header that the key goes in.
        host_variable: the variable that holds the address of the user's own part of the service.
        version_variable: the variable that holds a version of its interface; it may be unset.
        dated_url: the path of a version that is a date.
    """

    base_url: str
    key_variable: str | None
    key_header: str = KEY_HEADER
    host_variable: str | None = None
    version_variable: str | None = None
    dated_url: str = ""

    def url(self) -> str:
        """Return the base URL.

        Raises:
            InputError: the variable that holds its address is not set.
        """
        if self.host_variable is None:
            return self.base_url
        address_ = environment.variable(self.host_variable).rstrip("/")
        if not address_:
            raise InputError(
                f"The address of your resource is not known; set {self.host_variable}, as in"
                " https://NAME.openai.azure.com."
            )
        version = environment.variable(self.version_variable or "").strip()
        path = self.dated_url if version[:1].isdigit() else self.base_url
        return f"{address_}{path}" + (f"?api-version={version}" if version else "")


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", KEY_VARIABLE),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "together": Provider("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "gemini": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    "azure": Provider(
        "/openai/v1",
        "AZURE_OPENAI_API_KEY",
        key_header="api-key",
        host_variable="AZURE_OPENAI_ENDPOINT",
        version_variable="OPENAI_API_VERSION",
        dated_url=f"/openai/deployments/{MODEL}",
    ),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
    "fireworks": Provider("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "huggingface": Provider("https://router.huggingface.co/v1", "HF_TOKEN"),
    "nvidia": Provider("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    "cerebras": Provider("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "sambanova": Provider("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "moonshot": Provider("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "qwen": Provider("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    # on this machine, at the port that each takes unless told otherwise
    "ollama": Provider("http://localhost:11434/v1", None),
    "vllm": Provider("http://localhost:8000/v1", None),
    "lmstudio": Provider("http://localhost:1234/v1", None),
    "llamacpp": Provider("http://localhost:8080/v1", None),
}


@dataclass(frozen=True, slots=True)
class Servers:
    """Who answers the calls of a purpose.

    Attributes:
        urls: base URLs, one or more; None for the client's own default.
        key: the key, None if there is none.
        key_variable: the environment variable that must hold it; None where none must.
        key_header: the header that it goes in.
    """

    urls: tuple[str | None, ...] = field(repr=False)
    key: str | None = field(repr=False)
    key_variable: str | None
    key_header: str = KEY_HEADER


def find(name: str) -> Provider:
    """Return the service of that name.

    Raises:
        UsageError: the name is unknown.
    """
    if name not in PROVIDERS:
        hint = did_you_mean(name, PROVIDERS)
        raise UsageError(
            f"There is no provider {name!r}{hint}; known are {', '.join(PROVIDERS)}."
            " Name any other by --base-url and --api-key-env."
        )
    return PROVIDERS[name]


def is_named(execution: Execution) -> bool:
    """Tell whether a service is named, by a flag or by the environment."""
    variables = (KEY_VARIABLE, URL_VARIABLE)
    return bool(
        execution.provider or execution.base_url or any(map(environment.variable, variables))
    )


def servers_for(execution: Execution, purpose: str) -> Servers:
    """Return the servers and the key for a purpose.

    What is named for the purpose alone wins over what is named for all; within either, a base URL
    wins over the provider's. A provider's key goes only to that provider.

    Raises:
        UsageError: a provider is unknown, a base URL is none, or a key stands where the name of its
            variable is meant.
        InputError: the address of the user's own part of a service is not known.
    """
    urls, provider = _named_for(execution, purpose)
    service = find(provider) if provider is not None else None
    if not urls and service is not None:
        urls = [service.url()]
    elif not urls:
        urls = list(filter(None, [environment.variable(URL_VARIABLE)]))
    for url in urls:
        address.check(url)
    variable = execution.api_key_env.get(purpose, execution.api_key_env.get(DEFAULT))
    _check_variable(variable)
    needed = variable or (service.key_variable if service else None)
    looked_for = needed if variable or service else KEY_VARIABLE
    key = environment.variable(looked_for) if looked_for else None
    header = service.key_header if service else KEY_HEADER
    return Servers(tuple(urls) or (None,), key or None, needed, header)


def name_for(execution: Execution, purpose: str) -> str:
    """Return the name of the service for a purpose; empty where none is named."""
    return _named_for(execution, purpose)[1] or ""


def _named_for(execution: Execution, purpose: str) -> tuple[list[str] | None, str | None]:
    """Return the base URLs and the provider that are named for a purpose, or else for all."""
    for named in (purpose, DEFAULT):
        urls, provider = execution.base_url.get(named), execution.provider.get(named)
        if urls or provider is not None:
            break
    return urls, provider


def with_model(urls: Iterable[str | None], model: str) -> Iterator[str | None]:
    """Yield the base URLs of a model, where its name is part of them."""
    for url in urls:
        yield url and url.replace(MODEL, quote(model, safe=""))


def _check_variable(name: str | None) -> None:
    """Refuse what looks like a key instead of a name, before a message or a file repeats it."""
    if name and not environment.is_name(name):
        raise UsageError(
            "--api-key-env takes the name of the variable that holds the key, not the key, and no"
            " variable has the name that is given; set one, such as MY_KEY, and name it."
        )

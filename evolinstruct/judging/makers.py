"""Makers of models, by the names of their models: a judge likes what its own family writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_MAKERS = {
    "OpenAI": "gpt chatgpt o1 o3 o4 davinci codex",
    "Anthropic": "claude",
    "Google": "gemini gemma palm bard",
    "Meta": "llama codellama",
    "Alibaba": "qwen qwq",
    "Mistral AI": "mistral mixtral ministral codestral magistral devstral pixtral zephyr",
    "DeepSeek": "deepseek",
    "Microsoft": "phi wizardlm wizardcoder wizardmath",
    "xAI": "grok",
    "Cohere": "command aya",
    "Zhipu AI": "glm chatglm",
    "Moonshot AI": "kimi moonshot",
    "MiniMax": "minimax abab",
    "01.AI": "yi",
    "Amazon": "nova titan",
    "NVIDIA": "nemotron",
    "IBM": "granite",
    "AI2": "olmo tulu",
    "Hugging Face": "smollm",
    "TII": "falcon",
}
_MAKER_OF = {stem: maker for maker, stems in _MAKERS.items() for stem in stems.split()}
_WORD = re.compile(r"o\d(?![a-z])|[a-z]+")


def maker_of(model: str) -> str | None:
    """Return who made a model, by the first telling word of its name; None where none tells."""
    name = model.lower().rpartition("/")[2]
    found = (_MAKER_OF[word] for word in _WORD.findall(name) if word in _MAKER_OF)
    return next(found, None)


def kinships(
    judges: Iterable[str], contestants: Iterable[tuple[str, Iterable[str]]]
) -> Iterator[str]:
    """Yield a warning for each judge who may be of a contestant's family.

    Args:
        judges: models.
        contestants: each with its name and whatever names its model.
    """
    known = [(name, {*map(maker_of, models)}, set(models)) for name, models in contestants]
    for judge in judges:
        maker = maker_of(judge)
        for name, makers, models in known:
            if judge in models:
                yield f"The judge {judge} is the contestant {name} itself: judges favour their own."
            elif maker is not None and maker in makers:
                yield (
                    f"The judge {judge} and the contestant {name} are both of {maker}: judges"
                    " favour their own family, so ask one of another maker, too."
                )

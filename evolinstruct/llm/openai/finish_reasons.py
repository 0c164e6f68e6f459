"""Finish reasons: what the words by which services end a reply say about it.

Every service and gateway has words of its own, in any case, and Gemini has numbers. The words are
those that the packages of OpenAI, Anthropic, Google, Mistral, Cohere and Groq name in their types,
that LiteLLM maps, and that vLLM, SGLang, TGI, Ollama, watsonx, DeepSeek and Zhipu document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum


class Finish(Enum):
    """What became of a reply; the value is how a notice says it."""

    WHOLE = "taken for whole"
    CUT = "taken for cut off"
    FILTERED = "taken for withheld by a content filter"
    BROKEN = "asked for again"


def _table(words: Mapping[Finish, str]) -> dict[str, Finish]:
    return {word: finish for finish, line in words.items() for word in line.split()}


FINISH_REASONS = _table(
    {
        Finish.WHOLE: (
            "stop stopped stop_sequence stop_token stop_str eos eos_token end_of_text endoftext"
            " end end_turn end_of_turn turn_end eot complete completed finish finished done success"
            " tool_calls tool_call tool_use function_call function_calls"
            " 1"
        ),
        Finish.CUT: (
            "length max_length max_tokens max_token max_output_tokens max_new_tokens"
            " max_completion_tokens token_limit length_limit model_length context_length"
            " context_window_exceeded model_context_window_exceeded incomplete truncated"
            " pause_turn compaction continuation repetition"
            " 2"
        ),
        Finish.FILTERED: (
            "content_filter content_filtered filtered filter safety recitation blocklist blocked"
            " prohibited_content spii language sensitive moderation refusal refused error_toxic"
            " guardrail guardrails guardrail_intervened guardrails_triggered model_armor escalation"
            " image_safety image_prohibited_content image_recitation"
            " 3 4 6 7 8 9 11 14 17"
        ),
        Finish.BROKEN: (
            "error errored failed failure internal_error server_error network_error exception abort"
            " aborted cancel cancelled canceled interrupted timeout timed_out time_limit"
            " insufficient_system_resource overloaded not_finished load unload other"
            " malformed_response malformed_function_call unexpected_tool_call too_many_tool_calls"
            " missing_thought_signature no_image image_other pup_limited_disabled"
            " 5 10 12 13 15 16"
        ),
    }
)
"""What each known word says. The numbers are those of Gemini's interface; 6 to 10 have other names
at Vertex AI, where what they say is the same but for the 10th, which is a filter's."""

_NONE = frozenset({"", "none", "null", "unspecified", "unknown", "0"})

_GUESSES = (
    (
        "filter|safety|block|guard|moderat|polic|prohibit|sensitive|refus|violat|toxic",
        Finish.FILTERED,
    ),
    ("length|token|context|truncat|incomplete", Finish.CUT),
    ("error|abort|fail|cancel|interrupt|time|network|overload|resource|malformed", Finish.BROKEN),
    ("limit|max|cut", Finish.CUT),
)

_LONGEST = 40


def word_of(given: object) -> str:
    """Return a finish reason in the one form that the table knows; empty where none is given.

    The form is lower case, with underscores, without the name of an enumeration before it.
    """
    if isinstance(given, Mapping):  # as SGLang and TGI have it outside this format
        given = given.get("type")
    text = "" if given is None or isinstance(given, bool) else str(given).strip()[:_LONGEST]
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|[\s.-]+", "_", text).lower()
    text = re.sub(r"^(finish_?reason_|finish_(?=abort|length|matched))", "", text)
    return "" if text in _NONE else text


def is_known(word: str) -> bool:
    """Tell whether a word needs no guess."""
    return not word or word in FINISH_REASONS


def finish_of(word: str) -> Finish:
    """Return what a word says of its reply; an unknown one is taken as its parts suggest."""
    if not word:
        return Finish.WHOLE
    guesses = (finish for part, finish in _GUESSES if re.search(part, word))
    return FINISH_REASONS.get(word) or next(guesses, Finish.WHOLE)

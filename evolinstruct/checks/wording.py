"""Constraints on which words and letters a response uses."""

from __future__ import annotations

import re
from collections import Counter

from evolinstruct.checks.constraint import (
    DENIALS,
    ENDS,
    STARTS,
    Constraint,
    OneOf,
    SomeOf,
    Whole,
    at_least,
    constraint,
    differs,
)
from evolinstruct.checks.response import Response, bare, first_word_of, runs, unaccented, words_of
from evolinstruct.words import word_lists

_CONTRACTION = re.compile(
    r"\b(?:\w+n['’]t|\w+['’](?:ll|re|ve|d|m)|(?:it|he|she|that|there|here|what|who|where|how|when|why|let)['’]s)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = frozenset(
    [
        "i",
        "me",
        "my",
        "mine",
        "myself",
        "we",
        "us",
        "our",
        "ours",
        "ourselves",
        "i'm",
        "i'd",
        "i'll",
        "i've",
    ]
)
_FIRST_PERSON |= frozenset(["we're", "we'd", "we'll", "we've", "let's"])
_SECOND_PERSON = frozenset(
    ["you", "your", "yours", "yourself", "yourselves", "you're", "you'd", "you'll", "you've"]
)
_TO_BE = frozenset(
    [
        "am",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "it's",
        "i'm",
        "you're",
        "we're",
        "they're",
        "he's",
        "she's",
        "that's",
        "there's",
        "here's",
        "what's",
        "who's",
        "where's",
        "how's",
        "when's",
        "why's",
    ]
)
_WORDS = (
    "balance",
    "bridge",
    "signal",
    "garden",
    "pattern",
    "margin",
    "harbour",
    "thread",
    "corner",
    "window",
)
_IN_ORDER = (
    ("first", "meanwhile", "finally"),
    ("cause", "effect", "lesson"),
    ("small", "larger", "largest"),
    ("yesterday", "today", "tomorrow"),
)
_ACROSTICS = ("PLAN", "NOTE", "CARE", "STEP", "MIND", "TRIP")
_VOWELS = "aeiou"


@constraint(
    "word_count",
    r"\b(?:times|once|twice)\b",
    "The word “{word}” appears exactly {number} times, titles and lists included.",
    "Use the word “{word}” exactly {number} times in all, wherever it stands.",
    arguments={"word": OneOf(_WORDS), "number": Whole(2, 4)},
    anywhere=True,
    words=at_least(4, "number"),
    needs="english",
)
def word_times(response: Response, word: str, number: int) -> str | None:
    """Count the word, whatever its case; its plural is another word."""
    count = response.lower_words.count(word.lower().replace("’", "'"))
    return None if count == number else f"“{word}” {count} times instead of {number}"


@constraint(
    "word_order word_length",
    r"\b(?:order|sequence)\b",
    "The words {words} appear in this order, each exactly once.",
    "Use each of the words {words} exactly once, in this order.",
    arguments={"words": SomeOf(_IN_ORDER)},
    needs="english",
    words=lambda words: (8 * len(words), float("inf")),
)
def words_in_order(response: Response, words: list[str]) -> str | None:
    """Read the words as they come."""
    wanted = [word.lower() for word in words]
    among = set(wanted)
    found = [word for word in response.lower_words if word in among]
    return None if found == wanted else f"found are {', '.join(found)[:80] or 'none'}"


@constraint(
    "first_last heads",
    rf"\b{STARTS}\b.*\b{ENDS}\b",
    "The word “{word}” stands in the first sentence and in the last, and nowhere else.",
    "Use the word “{word}” in the first sentence and in the last one only.",
    arguments={"word": OneOf(_WORDS)},
    needs="english",
    words=at_least(20),
)
def word_frames(response: Response, word: str) -> str | None:
    """Look where the word stands."""
    sentences = response.sentences
    places = [
        place
        for place, sentence in enumerate(sentences)
        if word.lower() in [each.lower() for each in words_of(sentence)]
    ]
    if len(sentences) > 1 and places == [0, len(sentences) - 1]:
        return None
    return f"“{word}” stands in {len(places)} of {len(sentences)} sentences"


@constraint(
    "sentence_starts",
    r"\bsentences?\b.*\b(?:same|different) word\b",
    "No two sentences begin with the same word.",
    "Begin every sentence with a different word.",
    needs="spaced",
    words=at_least(12),
)
def sentences_begin_apart(response: Response) -> str | None:
    """Compare the first words."""
    firsts = [first_word_of(sentence).lower() for sentence in response.sentences]
    twice = [word for word, count in Counter(firsts).items() if count > 1]
    return f"several begin with “{twice[0]}”" if twice else None


@constraint(
    "sentence_starts sentences size heads",
    r"\bsentences?\b.*\bspell\b|\binitials?\b.*\bsentences?\b|\bsentences?\b.*\bletters?\b.*\bspell",
    "The first letters of the sentences spell {word}.",
    "Taken together, the first letters of the sentences spell the word {word}.",
    arguments={"word": OneOf(_ACROSTICS)},
    needs="latin",
    words=lambda word: (4 * len(word), 45 * len(word)),
)
def sentences_spell(response: Response, word: str) -> str | None:
    """Read the first letters of the sentences."""
    found = unaccented("".join(first_word_of(each)[0] for each in response.sentences).upper())
    return None if found == word.upper() else f"they spell {found[:20] or 'nothing'}"


@constraint(
    "size lines",
    r"\blines?\b.*\bspell\b|\bacrostic\b",
    "The first letters of the lines spell {word}.",
    "Make it an acrostic: the lines begin with the letters of {word}, in order.",
    arguments={"word": OneOf(_ACROSTICS)},
    shapes_all=True,
    needs="latin",
    words=lambda word: (2 * len(word), 30 * len(word)),
)
def lines_spell(response: Response, word: str) -> str | None:
    """Read the first letters of the lines."""
    found = unaccented("".join(first_word_of(line)[:1] for line in response.lines).upper())
    return None if found == word.upper() else f"they spell {found[:20] or 'nothing'}"


@constraint(
    "contractions",
    r"\bcontractions?\b",
    "The response has no contractions such as “don't” or “it's”.",
    "Write every word out: no contractions like “can't” or “we'll”.",
    needs="english",
)
def no_contractions(response: Response) -> str | None:
    """Look for a contraction."""
    found = _CONTRACTION.search(response.text)
    return f"the contraction “{found[0]}”" if found else None


@constraint(
    "person",
    rf"\b{DENIALS}\b.*\bfirst[- ]person\b|\bwords? (?:like |such as )?[“\"']?I\b",
    "The response never speaks in the first person: no I, me, my, mine, we, us, our or ours.",
    "Avoid the first person throughout, singular and plural (I, me, my, mine, we, us, our, ours).",
    needs="english",
)
def no_first_person(response: Response) -> str | None:
    """Look for a word of the first person; the US is a country."""
    for place, word in enumerate(response.lower_words):
        if word in _FIRST_PERSON and response.words[place] != "US":
            return f"the word “{word}”"
    return None


@constraint(
    "person",
    r"\b(?:second[- ]person|address(?:es|ing)? the reader)\b|[“\"']your?s?[,”\"']",
    "The response never addresses the reader: no you, your or yours.",
    "Do without “you”, “your” and “yours”.",
    needs="english",
)
def no_second_person(response: Response) -> str | None:
    """Look for a word of the second person."""
    found = next((word for word in response.lower_words if word in _SECOND_PERSON), None)
    return f"the word “{found}”" if found else None


@constraint(
    "verbs",
    r"\b(?:forms? of|verb) [“\"']?(?:the verb )?[“\"']?(?:to )?be\b",
    "The response uses no form of the verb “to be” (am, is, are, was, were, be, been, being).",
    "Avoid every form of “to be”, contracted ones such as “it's” included.",
    needs="english",
)
def no_form_of_be(response: Response) -> str | None:
    """Look for a form of the verb."""
    found = next((word for word in response.lower_words if word in _TO_BE), None)
    return f"the word “{found}”" if found else None


@constraint(
    "adverbs",
    r"\b(?:adverbs?|-ly)\b|[“\"'-]ly\b",
    "No adverb ends in “-ly”.",
    "Use no adverbs in “-ly”, such as “quickly”.",
    needs="english",
)
def no_ly_adverbs(response: Response) -> str | None:
    """Look for a word that ends so, other than those that are no adverbs."""
    others = frozenset().union(*word_lists("ly_words").values())
    found = next((w for w in response.lower_words if w.endswith("ly") and w not in others), None)
    return f"the word “{found}”" if found else None


@constraint(
    "word_length",
    r"\bwords?\b.*\bletters\b",
    "No word has more than {number} letters.",
    "Use only words of at most {number} letters.",
    arguments={"number": Whole(8, 11)},
    needs="spaced",
)
def word_letters_most(response: Response, number: int) -> str | None:
    """Look for a longer word; the parts of a hyphenated one are words of their own."""
    parts = (part for word in response.words for part in re.split(r"[-.,]", word))
    found = next((part for part in parts if len(part) > number < sum(map(str.isalpha, part))), None)
    return f"the word “{found}”" if found else None


@constraint(
    "hyphens",
    r"\bhyphen",
    "There are at least {number} different hyphenated words, such as “well-known”.",
    "Use {number} or more different hyphenated words (for example “long-term”).",
    arguments={"number": Whole(2, 4)},
    needs="english",
    words=at_least(10, "number"),
)
def hyphenated_least(response: Response, number: int) -> str | None:
    """Count the words of letters with a hyphen inside."""
    found = {
        word
        for word in response.lower_words
        if "-" in word and all(part.isalpha() for part in word.split("-"))
    }
    return None if len(found) >= number else f"{len(found)} hyphenated words"


@constraint(
    "alliteration",
    r"\b(?:alliterat|in a row|consecutive)",
    "Somewhere {number} words in a row begin with the letter “{letter}”.",
    "At one place, {number} consecutive words begin with the letter “{letter}”.",
    arguments={"number": Whole(3, 4), "letter": OneOf(("b", "c", "m", "p", "s", "t"))},
    needs="latin",
    words=lambda number, **_: (number + 5, float("inf")),
)
def alliteration(response: Response, number: int, letter: str) -> str | None:
    """Look for the longest such run."""
    begins = [word[0] for word in response.lower_words]
    longest = max((count for first, count in runs(begins) if first == letter.lower()), default=0)
    return None if longest >= number else f"at most {longest} such words in a row"


@constraint(
    "letters",
    r"\bletters?\b|\bcontain(?:s|ing)?\b",
    "The letter “{letter}” does not occur in the response.",
    "Write without the letter “{letter}”, large or small.",
    arguments={"letter": OneOf(("j", "q", "z"))},
    needs="latin",
)
def avoid_letter(response: Response, letter: str) -> str | None:
    """Look for a word with the letter."""
    found = next((word for word in response.lower_words if letter.lower() in word), None)
    return f"the word “{found}”" if found else None


@constraint(
    "sentence_starts heads",
    r"\bsentences?\b.*\bvowel",
    "Every sentence begins with a vowel (a, e, i, o or u).",
    "Begin each sentence with a word whose first letter is a vowel.",
    needs="english",
    words=at_least(6),
)
def sentences_begin_with_vowel(response: Response) -> str | None:
    """Look at the first letters of the sentences."""
    for sentence in response.sentences:
        if unaccented((first := first_word_of(sentence))[0]).lower() not in _VOWELS:
            return f"a sentence begins with “{first}”"
    return None


@constraint(
    "capitals",
    r"\bcapital letters\b|\bcapitals\b|\bcaps\b|\bcapitali[sz]ed\b|\bupper[- ]?case\b",
    "Exactly {number} words are written wholly in capital letters; a single letter does not count.",
    "Write {number} words, no more and no fewer, entirely in capitals (words of one letter aside).",
    arguments={"number": Whole(2, 3)},
    needs="cased",
)
def capitals_exactly(response: Response, number: int) -> str | None:
    """Count the words in capitals."""
    found = [word for word in response.words if len(word) > 1 and word.isupper()]
    fault = differs(len(found), number, "word")
    return fault and f"{fault} in capitals"


@constraint(
    "capitals sentence_starts heads",
    r"\b(?:lower[- ]?case|small (?:one|letter)|(?:not|never|without) capitali[sz])",
    "The first letter of every sentence is a small one; no capital letters begin a sentence.",
    "Begin each sentence with a small letter instead of a capital.",
    needs="cased",
)
def sentences_begin_small(response: Response) -> str | None:
    """Look at the first letters of the sentences."""
    for sentence in response.sentences:
        if (first := first_word_of(sentence))[0].isupper():
            return f"a sentence begins with “{first}”"
    return None


@constraint(
    "phrase_count",
    r"\b(?:examples?|instances?)\b",
    "There are exactly {number} examples, each introduced by “{phrase}”.",
    "Give {number} examples and introduce each, and nothing else, by the words “{phrase}”.",
    arguments={"phrase": OneOf(("for example", "for instance", "such as")), "number": Whole(2, 3)},
    needs="english",
    words=at_least(12, "number"),
)
def examples_introduced(response: Response, phrase: str, number: int) -> str | None:
    """Count the phrase as whole words."""
    words = r"\s+".join(map(re.escape, phrase.lower().split()))
    pattern = rf"(?<!\w){words}(?!\w)"
    count = len(re.findall(pattern, response.text.lower()))
    return None if count == number else f"“{phrase}” {count} times instead of {number}"


@constraint(
    "closing_repeat last_sentence first_last sentence_starts heads",
    r"\b(?:repeat|same (?:sentence|words)|identical)",
    "The last sentence repeats the first one word for word.",
    "End with the very same sentence that the response begins with.",
    needs="spaced",
    words=at_least(15),
)
def ends_as_it_begins(response: Response) -> str | None:
    """Compare the first sentence with the last."""
    sentences = [bare(sentence).casefold() for sentence in response.sentences]
    if len(sentences) > 2 and sentences[0] == sentences[-1]:  # noqa: PLR2004 - something between
        return None
    return "the last sentence differs from the first"


CONSTRAINTS = tuple(each for each in globals().values() if isinstance(each, Constraint))

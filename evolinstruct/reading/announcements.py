"""Announcements: what a model says before the rewrite, and labels that it puts before texts.

An announcement has no fixed words, but it has a build: it is made of nothing but words with which
one speaks about a rewrite, and names the rewrite or what is harder about it. With the parent at
hand there is another sign: only what follows is like the parent. What the parent holds is none.
"""

from __future__ import annotations

import re
from functools import lru_cache

from evolinstruct.reading.said import Said, content, is_foreign

_HEAD = re.compile(r"([^:：\n]{1,300})([:：]|\n)")
_TAIL = re.compile(
    r"[,(–—]| - |\b(?:because|so that|with|that|which|to|by|including|incorporating|adding"
    r"|featuring|where|made|mit|avec|qui|con|que|com|dat|met|с|который)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"(?:sure(?: thing)?|certainly|of course|absolutely|definitely|okay|ok|alright|great|got it"
    r"|understood|no problem|gladly|happy to(?: help)?|with pleasure|my pleasure|done|gerne"
    r"|natürlich|selbstverständlich|klar|bien sûr|certainement|avec plaisir|d'accord|¡?claro"
    r"(?: que sí)?|¡?por supuesto|con gusto|com prazer|certo|volentieri|certamente|natuurlijk"
    r"|конечно|хорошо|好的|当然(?:可以)?|没问题|はい|もちろんです|承知しました|かしこまりました"
    r"|물론입니다|네|알겠습니다|بالتأكيد|بالطبع|حسن[اًا]*)(?:\s?[,.!:،，。！、؟–—-]+\s*|\s*$)",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"here(?:'s| is| are| you go| it is| goes)|below is|this is|the following(?: is)?|voici|voilà"
    r"|hier ist|hier sind|aquí|aqui|ecco|hier is|вот|以下|下面|这是|こちら|以下が|다음은|아래는"
    r"|إليك"
    r"|فيما يلي",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\W*(?:make|take|find|think|ask|let (?!me\b)|help|see|keep|thing|modified by|give)\b"
    r"|\W*(?:rewrite|rewriting|rewrites|version)s?\s+\w",
    re.IGNORECASE,
)
_EDITS = re.compile(
    r"\W*(?:(?:please|kindly|now|then|next|first|can you|could you),? )*"
    r"(?:re-?write|rephrase|reword|revise|reformulate|paraphrase|improve|edit|adapt|modify|shorten"
    r"|polish) (?:the|this|these|that|those|each|every|an?|both|my|our|your|his|her|its|their)\b"
    r"(?! (?:[\w-]+ ){0,4}(?:prompt|instruction)s?\b)",
    re.IGNORECASE,
)
"""An order about a text, such as "Rewrite this sentence"; about a prompt it may be an echo."""
_DONE = re.compile(
    r"i(?:'ve| have)? (?:just )?|(?:ich habe|j'ai|he|eu|ho|ik heb|я) ", re.IGNORECASE
)
_MADE = re.compile(r"i(?:'ve| have)? made\b", re.IGNORECASE)
_HERE_YOU_GO = re.compile(
    r"here(?: you go| it is| it goes| goes|(?: is|'s) one)|voilà|aquí (?:tienes|está)|aqui está"
    r"|ecco(?:la)?|let's make (?:it|this)(?: \w+){1,3}"
    r"|(?:you (?:could|can|might) |one (?:could|can|might) |let's |instead, )?"
    r"(?:consider|try|ask|take|how about|what about)(?: (?:this|the following|it|one|question|task"
    r"|prompt|instruction|instead|like this|as follows))*(?: instead)?\??",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"(?:(?:what an? |that(?:'s| is) an? |this is an? |an? )?(?:great|good|nice|excellent|wonderful"
    r"|lovely|fascinating|interesting|delightful|fun|cool|brilliant|amazing|thoughtful|fantastic)"
    r"(?: (?:question|prompt|instruction|task|topic|idea|one|starting point|request))?"
    r"|sure(?: thing)?|certainly|of course|absolutely|definitely|okay|no problem|gladly)!\s+",
    re.IGNORECASE,
)
"""Courtesies that stand before the text on its own line; no instruction begins so."""
_OPENS_WRAPPER = "{<[(>`\"'“‘«「"  # which comes off first
_RULED = re.compile(r"---+[ \t]*\n[ \t]*\n")


def without_announcement(text: str, parent: str) -> str:
    """Return the text without an opening that announces it."""
    praise = _PRAISE.match(text)
    if praise and praise[0].strip() not in parent:
        text = text[praise.end() :]
    head = _HEAD.match(text)
    if head is None or text[0] in _OPENS_WRAPPER or head[1].strip() in parent:
        return text
    said, rest = head[1], text[head.end() :]
    own_line = head[2] == "\n" or not rest.partition("\n")[0].strip(" \t*_")
    if not _is_announcement(said, own_line=own_line, ends_in_colon=head[2] != "\n") and not (
        own_line and _leads_to_rewrite(said, rest, parent)
    ):
        return text
    rest = rest.strip()
    for bold in ("**", "*", "__", "_"):
        if text.startswith(bold):
            rest = rest.removeprefix(bold).lstrip()
            break
    # A rule frames the text where a blank line follows it; front matter has none there.
    ruled = _RULED.match(rest)
    return rest[ruled.end() :].removesuffix("\n---").strip() if ruled else rest


def find_opening(text: str, parent: str) -> str | None:
    """Return a first line that sounds like an announcement, though not enough to be taken off."""
    line, line_break, rest = text.partition("\n")
    if not line_break or not rest.strip() or line.strip() in parent:
        return None
    leads = line.rstrip("*_ ").endswith((":", "："))
    names_rewrite = leads and not _EDITS.match(line) and Said(line).has("rewrite")
    if names_rewrite and not content(parent) & content(line):
        return line
    if not _is_foreign(line, rest, parent):
        return None
    return line if leads or Said(line).has("task", "rewrite") else None


def _is_foreign(line: str, rest: str, parent: str) -> bool:
    """Tell whether a first line alone is in another language; none is that begins as the parent."""
    if line.startswith(parent[:_SAME_START]):
        return False
    return is_foreign(line, parent) and not is_foreign(rest, parent)


def _leads_to_rewrite(line: str, rest: str, parent: str) -> bool:
    """Tell whether a first line speaks of rewriting, and only what follows is like the parent."""
    if not parent:
        return False
    said = Said(line)
    names_task = said.has("task") and "one" not in said.tokens
    if not names_task and not said.has("rewrite", "harder", "change", "matter"):
        return False
    if _is_foreign(line, rest, parent):
        return True
    own, wanted = line.lower(), content(parent)
    if len(wanted) < _FEW or any(stem in own for stem in wanted):
        return False
    later = rest.lower()
    return sum(stem in later for stem in wanted) * 3 >= len(wanted)


_FEW = 2
_SAME_START = 12  # characters


def _is_announcement(words: str, *, own_line: bool, ends_in_colon: bool) -> bool:
    """Tell whether an opening announces what follows.

    Args:
        words: the opening, up to its colon or the end of its line.
        own_line: what follows begins on another line.
        ends_in_colon: a colon ends it.
    """
    said = _ASIDE.sub("", words.strip(" \t#-*_")) if own_line else words
    said = said.strip(" \t#-").replace("’", "'").rstrip(".!。！ ")
    courtesy, bold = False, said[:1] if said[:1] in "*_" else ""
    said = said.strip("*_ ")
    while opener := _COURTESY.match(said):
        said, courtesy = said[opener.end() :].strip(), True
    if not said:
        return courtesy and own_line
    if own_line and courtesy and Said(said).is_made_of("filler"):  # "Sure, I can help with that."
        return True
    if _HERE_YOU_GO.fullmatch(said) or (own_line and _names_outcome(said)):
        return own_line or ends_in_colon
    *earlier, last = re.split(r"(?<=[.!。！])\s*", said)
    if not all(_is_about_rewriting(sentence) for sentence in earlier):
        return False
    if not own_line:
        return ends_in_colon and _is_title(bold + last)
    leads_on = ends_in_colon and _leads_on(last)
    return leads_on or _is_about_rewriting(last) or bool(earlier and _HERE_YOU_GO.fullmatch(last))


def _names_outcome(words: str) -> bool:
    """Tell whether words name what a reply gives: "Final answer"."""
    said = Said(words)
    if len(said.tokens) > _TITLE or not Said(words.rpartition(" ")[2]).has("outcome", "new"):
        return False  # "Answer the following"
    return said.has("outcome") and said.is_made_of("outcome", "new", "rewrite", "filler")


_KNOWN = ("rewrite", "new", "original", "harder", "task", "change", "matter", "filler")


def _names_rewrite(said: Said) -> bool:
    return said.has("rewrite") or (said.has("harder") and said.has("task"))


def _is_title(words: str) -> bool:
    """Tell whether words before a colon, on the same line as the text, name the rewrite."""
    said = Said(words)
    if _ORDER.match(words) or _DONE.match(words) or not said.is_made_of(*_KNOWN):
        return False
    if words[-1:].isdigit():  # "Version 2": one of several
        return False
    is_new = said.has("new") and said.has("task") and len(said.tokens) <= _TITLE
    is_order = said.tokens == ["rewrite"] and words[0] not in "*_#"  # "Rewrite: …"
    return (_names_rewrite(said) or is_new) and not is_order


_TITLE = 4  # words: "the new instruction is"


def _leads_on(words: str) -> bool:
    """Tell whether words before a colon, on a line of their own, hold nothing of a task's own."""
    said = Said(words)
    is_order = _ORDER.match(words) or _GIVEN.search(words)
    return not is_order and said.is_made_of(*_KNOWN) and said.has("harder", "matter", "new")


_GIVEN = re.compile(r"\b(?:given|answer|original|following (?:text|data))\b", re.IGNORECASE)


def _is_about_rewriting(sentence: str) -> bool:
    """Tell whether a sentence of an opening is made of words about a rewrite, and names it."""
    if _ORDER.match(sentence):
        return False
    made = _MADE.match(sentence)
    begin = made.end() if made else 0
    tail = None if Said(sentence).is_made_of(*_KNOWN) else _TAIL.search(sentence, begin)
    main = Said(sentence[: tail.start()] if tail else sentence)
    after = sentence[tail.end() :] if tail else ""
    if tail and tail[0] == "," and main.is_made_of("filler", "task"):  # "As requested, …"
        return _is_about_rewriting(after.strip())
    if not main.is_made_of(*_KNOWN):
        return False
    if _DONE.match(main.text):
        return _says_it_is_done(main, sentence, after)
    if after and not _tells_of_change(Said(after)):
        return False
    is_new = main.has("new") and main.has("task")
    is_led = _HERE.match(main.text) is not None or len(main.tokens) <= _TITLE
    return _names_rewrite(main) or (is_new and is_led)


def _says_it_is_done(main: Said, sentence: str, after: str) -> bool:
    """Tell whether a sentence that begins with "I have" goes on with what was made of the text."""
    if main.has("harder") and _tells_of_change(Said(after)):
        return True
    changes = _names_rewrite(main) or main.has("change")
    return changes and Said(sentence).has("matter", "task", "rewrite")


_MORE = frozenset(
    (
        *("adds", "includes", "include", "requires", "added", "additional", "extra", "more"),
        *("adding", "requiring", "including", "introducing", "specifying", "combining"),
    )
)


def _tells_of_change(said: Said) -> bool:
    """Tell whether what an announcement goes on with speaks of what was changed."""
    kinds = ("change", "effect", "matter", "harder", "rewrite", "task")
    return not _MORE.isdisjoint(said.tokens) or said.has(*kinds)


# Labels


@lru_cache(maxsize=256)
def is_label_of_rewrite(name: str) -> bool:
    """Tell whether what stands before a colon names the rewrite: "Revised task", "新指令"."""
    return _is_title(_ASIDE.sub("", name.strip(" *_#>`【】[]")))


_ASIDE = re.compile(r" ?[(（][^()（）]{1,20}[)）]$")  # "Rewritten task (draft)"


def is_label_of_parent(name: str) -> bool:
    """Tell whether what stands before a colon names what was given: "Original task"."""
    said = Said(name)
    return said.has("original") and said.is_made_of("original", "task", "filler")


# Thoughts

_THOUGHTS = re.compile(
    r"\b(?:let me|let's|i (?:will|need|could|can|should|want|think|chose|choose|considered|decided"
    r"|wanted|started|began)|i'll|we need"
    r"|first,|the (?:best|simplest|natural|obvious|general)|plan|idea|approach|thinking)\b",
    re.IGNORECASE,
)
_METHOD = re.compile(
    r"\b(?:constraints?|requirements?|concepts?|setting|reasoning|steps?|original|instruction"
    r"|prompt|harder|difficult\w*|eas(?:y|ier)|rewrit\w+|version|specific|method)\b",
    re.IGNORECASE,
)


def speaks_of_rewriting(text: str) -> bool:
    """Tell whether a text thinks aloud about how to rewrite an instruction."""
    if _METHOD.search(text) is not None and _THOUGHTS.search(text) is not None:
        return True
    said = Said(text)
    kinds = sum(said.has(kind) for kind in ("rewrite", "harder", "task", "matter"))
    return not text.isascii() and kinds >= _ENOUGH_KINDS


_ENOUGH_KINDS = 2


def without_thoughts(text: str, parent: str) -> str:
    """Return what stands under a text's one rule, where thoughts on the rewriting stand above."""
    before, ruled, after = text.partition("\n---\n")
    if not ruled or not after.strip() or "\n---\n" in after or text.startswith("---\n"):
        return text
    leads_up = before.rstrip().endswith((":", "：", "?"))
    if leads_up or (parent and before.strip() in parent) or not speaks_of_rewriting(before):
        return text
    return after.strip()

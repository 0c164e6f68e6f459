"""Remarks of a model on its rewrite: an announcement before it, a note or a farewell after it.

A remark has no fixed words, but it has a build. An announcement is made of nothing but words with
which one speaks about a rewrite (remarks.txt), and names the rewrite or what is harder about it. A
note says what was done or what that does, to something that belongs to rewriting or to the text
before it. What the parent holds is no remark, nor is what a colon leads up to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from evolinstruct.words import count_words

# The words


class _Words(NamedTuple):
    """Words of one kind, of all languages.

    Attributes:
        whole: words as they are.
        stems: beginnings of words.
        joined: parts of words, of languages that join them.
    """

    whole: frozenset[str]
    stems: tuple[str, ...]
    joined: tuple[str, ...]

    def hold(self, word: str) -> bool:
        """Tell whether a word is one of them."""
        return word in self.whole or word.startswith(self.stems)


_JOINING = ("zh", "ja", "ko", "ar")


@cache
def _words() -> dict[str, _Words]:
    """Return the words of each kind."""
    found: dict[str, tuple[set[str], set[str], set[str]]] = {}
    language = ""
    text = files("evolinstruct.reading").joinpath("remarks.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            language = line.strip("[]")
        elif line and not line.startswith("#"):
            kind, _, words = line.partition(":")
            whole, stems, joined = found.setdefault(kind, (set(), set(), set()))
            for word in words.split():
                if language in _JOINING:
                    joined.add(word)
                elif word.endswith("*"):
                    stems.add(word[:-1])
                else:
                    whole.add(word)
    return {
        kind: _Words(frozenset(whole), tuple(sorted(stems)), tuple(sorted(joined, key=len)[::-1]))
        for kind, (whole, stems, joined) in found.items()
    }


_TOKEN = re.compile(r"\b(?:[ldj]'(?=\w))|[^\W\d_]+(?:['-][^\W\d_]+)*|\d+")
_JOINED_LETTER = re.compile("[\u0600-\u06ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _tokens(text: str) -> list[str]:
    found = _TOKEN.findall(text.lower().replace("’", "'"))
    return [token.rstrip("'") for token in found]


def _holds(kind: str, text: str, tokens: list[str]) -> bool:
    """Tell whether a text has a word of a kind."""
    words = _words()[kind]
    if any(words.hold(token) for token in tokens):
        return True
    return _JOINED_LETTER.search(text) is not None and any(word in text for word in words.joined)


# Announcements before it

_HEAD = re.compile(r"([^:：\n]{1,300})([:：]|\n)")
_TAIL = re.compile(
    r"[,(–—]| - |\b(?:with|that|which|to|by|including|incorporating|adding|featuring|where|made"
    r"|mit|avec|qui|con|que|com|dat|met|с|который)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"(?:sure(?: thing)?|certainly|of course|absolutely|definitely|okay|ok|alright|great|got it"
    r"|understood|no problem|gladly|happy to(?: help)?|with pleasure|my pleasure|done|gerne"
    r"|natürlich|selbstverständlich|klar|bien sûr|certainement|avec plaisir|d'accord|¡?claro"
    r"(?: que sí)?|¡?por supuesto|con gusto|com prazer|certo|volentieri|certamente|natuurlijk"
    r"|конечно|хорошо|好的|当然(?:可以)?|没问题|はい|もちろんです|承知しました|かしこまりました|물론입니다"
    r"|네|알겠습니다|بالتأكيد|بالطبع|حسن[اًا]*)(?:\s?[,.!:，。！、؟–—-]+\s*|\s*$)",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"here(?:'s| is| are| you go| it is| goes)|below is|this is|the following(?: is)?|voici|voilà"
    r"|hier ist|hier sind|aquí|aqui|ecco|hier is|вот|以下|下面|这是|こちら|以下が|다음은|아래는|إليك|فيما يلي",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\W*(?:make|take|find|think|let (?!me\b)|help|see|keep|thing|modified by|give)\b"
    r"|\W*(?:rewrite|rewriting|rewrites|version)s?\s+\w",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"i(?:'ve| have)? (?:just )?|(?:ich habe|j'ai|he|eu|ho|ik heb|я) ", re.IGNORECASE
)
_HERE_YOU_GO = re.compile(
    r"here (?:you go|it is|it goes|goes)|voilà|aquí (?:tienes|está)|aqui está|ecco(?:la)?",
    re.IGNORECASE,
)


def without_announcement(text: str, parent: str) -> str:
    """Return the text without an opening that announces it."""
    head = _HEAD.match(text)
    if head is None or text[0] in _OPENS_WRAPPER:
        return text
    said = head[1]
    rest = text[head.end() :]
    own_line = head[2] == "\n" or rest.startswith("\n") or not rest.strip(" \t*_").split("\n")[0]
    if said.strip() in parent or not (
        _is_announcement(said, own_line=own_line, ends_in_colon=head[2] != "\n")
        or (own_line and _leads_to_rewrite(said, rest, parent))
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


def _leads_to_rewrite(said: str, rest: str, parent: str) -> bool:
    """Tell whether a first line speaks of rewriting, and only what follows is like the parent."""
    tokens, wanted = _tokens(said), _content(parent)
    kinds = ("rewrite", "harder", "task", "change")
    if len(wanted) < _FEW or not any(_holds(kind, said, tokens) for kind in kinds):
        return False
    own, later = said.lower(), rest.lower()
    shared = sum(stem in later for stem in wanted)
    return not any(stem in own for stem in wanted) and shared * 3 >= len(wanted)


_FEW = 2


def _content(text: str) -> set[str]:
    """Return the stems of a text's longer words; of joined scripts, pairs of letters."""
    words = {word[:_LONGER] for word in _tokens(text) if len(word) > _STEM}
    joined = {pair for run in _JOINED_RUN.findall(text) for pair in map("".join, zip(run, run[1:]))}
    return words | joined


_LONGER = 5
_JOINED_RUN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_OPENS_WRAPPER = "{<[(>`\"'“‘«「"  # which comes off first
_RULED = re.compile(r"---+[ \t]*\n[ \t]*\n")


def _is_announcement(words: str, *, own_line: bool, ends_in_colon: bool) -> bool:
    """Tell whether an opening announces what follows.

    Args:
        words: the opening, up to its colon or the end of its line.
        own_line: what follows begins on another line.
        ends_in_colon: a colon ends it.
    """
    said = words.strip(" \t#-").replace("’", "'").rstrip(".!。！ ")
    courtesy, bold = False, said[:1] if said[:1] in "*_" else ""
    said = said.strip("*_ ")
    while opener := _COURTESY.match(said):
        said, courtesy = said[opener.end() :].strip(), True
    if not said:
        return courtesy and own_line
    if _HERE_YOU_GO.fullmatch(said):
        return own_line or ends_in_colon
    *earlier, last = re.split(r"(?<=[.!。！])\s*", said)
    if not all(_is_about_rewriting(sentence, strictly=False) for sentence in earlier):
        return False
    if not own_line:
        return ends_in_colon and _is_about_rewriting(bold + last, strictly=True)
    return _is_about_rewriting(last, strictly=False)


def _is_about_rewriting(sentence: str, *, strictly: bool) -> bool:
    """Tell whether a sentence is made of words about a rewrite, and names it.

    Strictly, it must name the rewrite in so many words: "new" is not enough.
    """
    if _ORDER.match(sentence):
        return False
    tail = None if _is_all_known(sentence, _tokens(sentence)) else _TAIL.search(sentence)
    main = sentence[: tail.start()] if tail else sentence
    if (
        tail and tail[0] == "," and _is_filler(main)
    ):  # "Based on the method, here is …", "As requested, …"
        return _is_about_rewriting(sentence[tail.end() :].strip(), strictly=strictly)
    after = sentence[tail.end() :] if tail else ""
    tokens = _tokens(main)
    if not tokens or not _is_all_known(main, tokens):
        return False
    rewritten = _holds("rewrite", main, tokens)
    compared = _holds("harder", main, tokens) and _holds("task", main, tokens)
    if _DONE.match(main):
        made = rewritten or compared or _holds("change", main, tokens)
        return made and (not strictly) and _names_matter(sentence, tokens)
    new = _NEW & set(tokens) or "新" in main
    titled = bool(new) and _holds("task", main, tokens) and len(tokens) <= _TITLE
    if strictly:  # "Rewrite: …" is an order
        named = rewritten or compared or titled
        is_order = tokens == ["rewrite"] and sentence[0] not in "*_#"
        return named and not after and not is_order
    if after and not _is_tail(after):
        return False
    led = _HERE.match(main) is not None
    return rewritten or compared or titled or (led and bool(new) and _holds("task", main, tokens))


_TITLE = 4  # words: "the new instruction is"
_NEW = frozenset(
    [
        "new",
        "created",
        "final",
        "neue",
        "neuer",
        "endgültige",
        "nouvelle",
        "finale",
        "nueva",
        "nuevo",
        "nova",
        "novo",
        "nuova",
        "новая",
        "итоговая",
        "окончательный",
    ]
)


def is_label_of_rewrite(name: str) -> bool:
    """Tell whether what stands before a colon names the rewrite: "Revised task", "新指令"."""
    return _is_about_rewriting(name.strip(" *_#>`【】[]"), strictly=True)


_OF_THE_ORIGINAL = re.compile(
    r"original|given|initial|starting|\bold\b|\binput\b|ursprünglich|ausgangs|initiale|исходн|原|元の|원래"
    r"|الأصلي",
    re.IGNORECASE,
)


def is_label_of_parent(name: str) -> bool:
    """Tell whether what stands before a colon names what was given: "Original task"."""
    tokens = _tokens(name)
    joined = _JOINED_LETTER.search(name) is not None
    known = joined or all(
        _words()["task"].hold(token)
        or _OF_THE_ORIGINAL.match(token)
        or token in ("the", "der", "die", "das", "la", "l", "le", "el", "a", "o")
        for token in tokens
    )
    return bool(tokens) and known and _OF_THE_ORIGINAL.search(name) is not None


def _is_filler(text: str) -> bool:
    tokens = _tokens(text)
    known = _words()
    return bool(tokens) and all(
        known["filler"].hold(token) or known["task"].hold(token) for token in tokens
    )


def _is_all_known(text: str, tokens: list[str]) -> bool:
    """Tell whether a text has no words but those of remarks."""
    names = ("rewrite", "harder", "task", "change", "matter", "filler")
    kinds = [_words()[name] for name in names]
    if _JOINED_LETTER.search(text):
        left = text
        for word in sorted({word for kind in kinds for word in kind.joined}, key=len, reverse=True):
            left = left.replace(word, "")
        return not _JOINED_LETTER.search(left)
    return all(token.isdigit() or any(kind.hold(token) for kind in kinds) for token in tokens)


def _is_tail(text: str) -> bool:
    """Tell whether what an announcement goes on with speaks of what was changed."""
    tokens = _tokens(text)
    kinds = ("change", "effect", "matter", "harder", "rewrite", "task", "filler")
    more = {"adds", "includes", "include", "requires", "added", "additional", "extra", "more"}
    return bool(more & set(tokens)) or any(_holds(kind, text, tokens) for kind in kinds[:-1])


def _names_matter(sentence: str, tokens: list[str]) -> bool:
    every = _tokens(sentence)
    return any(_holds(kind, sentence, every) for kind in ("matter", "task", "rewrite"))


# Notes after it

_NOTE_LENGTH = 1500
_LABEL = re.compile(r"[\s*_#>(\[—–※-]{0,8}([^\W\d_][^:：\n*]{0,40}?)[*_]{0,3}\s?[:：][*_]{0,3}\s*")
_ABOUT_CHANGES = re.compile(
    r"(?:(?:one |the )?added|(?:one |the )?(?:added|new|additional|extra) (?:constraint|requirement|condition|step"
    r"|restriction|reasoning step|element|detail)s?|(?:constraint|requirement|condition|step"
    r"|restriction|change|modification)s? (?:added|made|introduced)|what(?:'s| i| has| was)?"
    r" (?:changed|new|different|added)|what makes (?:it|this|the \w+) \w+|how (?:it|this) (?:is|differs|changed)|(?:key |main |summary of )?(?:changes?|modifications?"
    r"|improvements)(?: made)?|why (?:it's|this is|it is|this) (?:harder|more \w+|works)|word count|length check"
    r"|explanation of (?:the )?(?:changes?|rewrite)|hinzugefügte \w+|contrainte ajoutée"
    r"|restricción añadida|добавленное \w+|新增(?:限制|要求|约束)|追加した(?:条件|制約)|추가된 조건)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?:i(?:'ve| have)?|we(?:'ve| have)?|this|these|that|it|the|my|by|now|both|all|added|one"
    r"|new|additional|extra|in this|here i|ich habe|das|dies\w*|j'ai|cela|cette|ce|he|esto|esta"
    r"|la|el|eu|isso|esta|ho|questa|ik|dit|deze|я|это|эта)\b|这|該|该|此|我|これ|この|이|هذا|هذه|لقد",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"(?:I(?:'ve| have)? (?:also |only |just )?(?:added|rewrote|rewritten|incorporated|introduced)"
    r"|(?:(?:this|the|my) (?:re-?written|revised|reworked|reworded|rephrased|evolved|modified)"
    r" (?:prompt|instruction|question|task|request|problem|query|command|version)|(?:this|my)"
    r" (?:version|rewrite)) (?:now |also )*(?:adds|introduces|incorporates|increases|makes|keeps"
    r"|retains|builds))\b",
    re.IGNORECASE,
)
_WEAK = {"added", "turned", "preserved", "increased", "raised", "combined", "extended", "adjusted"}
_GOODBYE = re.compile(
    r"(?:I )?hope (?:this|that|it) (?:helps|meets|works|is|fits|suits)"
    r"|(?:please )?(?:let me know|feel free to (?:ask|reach out|let me know|adjust|modify))\b[^.\n]*"
    r"\b(?:further|changes?|adjust\w*|modif\w+|another|anything else|revis\w+|refine\w*|tweak\w*"
    r"|questions?|more|harder|you(?:'d like| would like| like| need| prefer| want)"
    r"|th(?:is|at) works)\b|(?:would you like|do you want) me to\b|is there anything else\b"
    r"|(?:is|does) this (?:what you|work for|meet)|ich hoffe,? (?:das|dies)|lass(?:en sie)? es mich"
    r" wissen|sag(?:en sie)? (?:mir )?bescheid|j'espère que|n'hésite[zs]? pas|espero que (?:esto|te"
    r"|le|isso|ajude|sirva)|avísame|hágame saber|si necesitas|me avise|fico à disposição|spero che"
    r"|fammi sapere|ik hoop dat|laat (?:het )?me weten|надеюсь,? (?:это|что)|дайте знать|если нужно"
    r"|希望(?:这|对|能)|如果(?:您|你)?(?:还)?(?:有|需要)|如需|お役に立て|ご要望|必要であれば|도움이 되|필요하시면"
    r"|آمل أن|أتمنى أن|هل تريد",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"^\W{0,3}(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|subject:|liebe\w*|sehr"
    r" geehrte|cher|chère|bonjour|estimad\w|hola|querid\w|prezad\w|olá|gentile|beste|уважаем\w+"
    r"|здравствуйте|尊敬的|您好|拝啓)\b.{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
_WORDS_COUNTED = re.compile(
    r"[^\w]*(?:word count:?|length:?|total:?)?\W*(?:~|about|approx\w*\.?|roughly)?\W*(\d{1,4})"
    r"(?: (?:more|additional|extra|added|new))? words?(?: (?:added|in total|total|longer))?[^\w]*",
    re.IGNORECASE,
)
_EXPLANATION = re.compile(
    r"\s*[*_#> ]{0,6}(?:explanation|rationale|reasoning|note|notes)[*_]{0,3}:[*_ ]{0,4}\s*\S",
    re.IGNORECASE,
)


def without_note(text: str, parent: str) -> str:
    """Return the text without a last piece that comments on the rewriting or says goodbye."""
    for start, mark in _last_pieces(text):
        piece, before = text[start:].strip(), text[:start].rstrip()
        if not before or before.endswith((":", "：")) or (parent and piece in parent):
            continue
        if _is_note(before, piece, parent, apart=mark == "\n\n"):
            if mark == "(" and text[-1] in "*_":
                before = before.removesuffix(text[-1]).rstrip()
            return before.removesuffix("\n---").rstrip()
    return _without_explanation(text, parent)


def _last_pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield where a last piece may begin: its paragraph, its line, its bracket."""
    bracket = text.rfind("(") if text.endswith((")", ")*", ")_", ").")) else -1
    for start, mark in (
        (text.rfind("\n\n"), "\n\n"),
        (text.rfind("\n"), "\n"),
        (bracket, "("),
    ):
        if start > 0 and len(text) - start <= _NOTE_LENGTH and "```" not in text[start:]:
            yield start, mark


def _without_explanation(text: str, parent: str) -> str:
    """Return the text without what stands under its one rule, where that explains the rewrite."""
    before, ruled, after = text.partition("\n---\n")
    framed = text.startswith("---\n") or "\n---\n" in after  # front matter, or several parts
    if not ruled or framed or (parent and after.strip() in parent):
        return text
    label = _LABEL.match(after)
    explains = _EXPLANATION.match(after) or (label and _ABOUT_CHANGES.fullmatch(label[1].strip()))
    said = after.replace("’", "'").strip("*_()[]> \n")
    return before.rstrip() if explains or _TELLS.match(said) else text


def _is_note(before: str, piece: str, parent: str, *, apart: bool) -> bool:
    """Tell whether a text's last piece is a note; apart: it is a paragraph of its own."""
    if counted := _WORDS_COUNTED.fullmatch(piece):
        return abs(int(counted[1]) - count_words(before)) <= _NEARLY or "added" in piece
    piece = piece.replace("’", "'")
    label = _LABEL.match(piece)
    name = label[1].strip().lower() if label else ""
    if label and _ABOUT_CHANGES.fullmatch(name):
        return not _EMPTY.fullmatch(piece[label.end() :])
    first = piece.partition("\n")[0].rstrip("*_ ")
    if "\n" in piece and first.endswith((":", "：")) and not label:
        return False  # a letter, a form
    said = piece.strip("*_()[]（）【】 —–-")
    if _GOODBYE.match(said) and piece[-1] not in "\"”'’»」":
        return not _LETTER.search(before)
    points, said = 0.0, said
    tokens = _tokens(name)
    if label and (name in _words()["label"].joined or _words()["label"].hold(" ".join(tokens))):
        said = piece[label.end() :].strip("*_()[] ")
        points = 0.5 if name in _EXPLAINS else 1.0
    elif _is_framed(piece) and (len(_tokens(said)) >= _ENOUGH_WORDS or _JOINED_LETTER.search(said)):
        points = 1.0
    if points or apart:
        return points + _points(said, before, parent) >= _ENOUGH_POINTS
    return False


_EXPLAINS = ("explanation", "rationale", "reasoning", "explicación", "explication", "erklärung")
_ENOUGH_POINTS = 3.0
_ENOUGH_WORDS = 4
_NEARLY = 3  # words by which a model miscounts
_EMPTY = re.compile(r"\W*(?:none|n/?a|nothing|no|-)?\W*", re.IGNORECASE)
_FRAMED = re.compile(
    r"[*_]{0,3}[(\[（【].*[)\]）】][*_]{0,3}|(\*{1,2}|_)[^*_\n].*\1|[—–※] ?\S.*", re.DOTALL
)


def _is_framed(piece: str) -> bool:
    """Tell whether a piece is set off: in brackets, in italics, after a dash."""
    return _FRAMED.fullmatch(piece) is not None


def _points(said: str, before: str, parent: str) -> float:
    """Return how much a piece sounds like a remark on the rewriting of the text before it.

    A point each for a subject that a remark has, a verb of changing or of what a change does, a
    word for what was changed, and for having nothing in common with the parent.
    """
    if said.rstrip(" *_").endswith(("?", "？")):
        return 0.0
    tokens = _tokens(said)
    subject = _SUBJECT.match(said) is not None
    changed = _changes(tokens) or _holds_joined("change", said)
    does = _holds("effect", said, tokens)
    matter = _holds("matter", said, tokens) or _holds("harder", said, tokens)
    points = float(subject) + float(bool(changed) or does) + float(matter)
    about_version = _OF_VERSION.match(said) is not None
    if parent and (matter or about_version or changed) and "version" not in parent.lower():
        points += 1.0 if about_version else 0.5 * (not _shares_content(said, parent))
    if changed and changed - _WEAK:
        points += 0.5 + 0.5 * _shares_content(said, before)
    return points


_OF_VERSION = re.compile(
    r"(?:this|the|my|in this)(?: (?:new|revised|rewritten|updated|harder))? (?:version|rewrite"
    r"|rewriting|revision|formulation|wording|instruction|prompt|variant)\b|(?:diese|die neue)"
    r" (?:version|fassung)|cette (?:version|reformulation|formulation)|esta versi[óo]n|esta versão"
    r"|questa versione|deze versie|эта версия|(?:这|此|该)(?:个)?(?:版本|改写|指令)|以上指令"
    r"|この(?:バージョン|書き換え)|이 버전|هذه (?:النسخة|الصياغة)",
    re.IGNORECASE,
)


def _changes(tokens: list[str]) -> set[str]:
    """Return the verbs of changing that are said of somebody: "I added", not "the added"."""
    words = _words()["change"]
    return {
        token
        for before, token in zip(["", *tokens], tokens, strict=False)
        if words.hold(token) and before not in _ARTICLES
    }


_ARTICLES = frozenset(
    [
        "the",
        "an",
        "a",
        "this",
        "that",
        "these",
        "any",
        "each",
        "its",
        "your",
        "der",
        "die",
        "das",
        "le",
        "la",
        "les",
        "el",
        "los",
    ]
)


def _holds_joined(kind: str, text: str) -> set[str]:
    if not _JOINED_LETTER.search(text):
        return set()
    return {word for word in _words()[kind].joined if word in text}


def _shares_content(said: str, text: str) -> bool:
    """Tell whether a piece takes up a word of a text."""
    lowered = text.lower()
    return any(token[:_STEM] in lowered for token in _tokens(said) if len(token) > _STEM)


_STEM = 4


# Thoughts before it

_THOUGHTS = re.compile(
    r"\b(?:let me|let's|i (?:will|need|could|can|should|want|think|chose|choose)|i'll|we need"
    r"|first,|the (?:best|simplest|natural|obvious|general)|plan|idea|approach|thinking)\b",
    re.IGNORECASE,
)
_METHOD = re.compile(
    r"\b(?:constraints?|requirements?|concepts?|setting|reasoning|steps?|original|instruction"
    r"|prompt|harder|difficult\w*|rewrit\w+|version|specific|method)\b",
    re.IGNORECASE,
)


def speaks_of_rewriting(text: str) -> bool:
    """Tell whether a text thinks aloud about how to rewrite an instruction."""
    if _METHOD.search(text) is not None and _THOUGHTS.search(text) is not None:
        return True
    tokens = _tokens(text)
    kinds = ("rewrite", "harder", "task", "matter")
    said = [kind for kind in kinds if _holds(kind, text, tokens)]
    return not text.isascii() and len(said) >= _ENOUGH_KINDS


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

"""Talk: what an assistant says to whoever asked, instead of an answer or around it.

A small linear classifier knows six kinds of talk in ten languages. `training/talk.py` makes its
weights from the sentences in `training/talk`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path

from evolinstruct.words import count_words

KINDS = ("ask", "meta", "refuse", "defer", "polite", "talk")
"""Asks for what is missing; speaks of the work to come; refuses; points elsewhere or to later;
thanks, wishes, apologizes; any of these."""

BIAS = -1.0
STEP = 0.25
"""Of a weight; in the file each is a character so many steps above or below `ZERO`."""
ZERO = ord("P")
_WEIGHTS = Path(__file__).parents[1] / "data" / "talk.txt.gz"
_HEAD, _TAIL = 800, 500  # characters that are read
_BEGIN, _END = 160, 200  # characters that tell whether to read on
_SILENT, _OF_NO_KIND = -0.4, -0.6  # scores of talk and its kinds below which a sentence is none
_LONG = 70  # characters: a longer sentence is read clause by clause
_SHORT = 30  # characters: a shorter clause stays with its neighbour
_DENSE = 2.4  # letters of most scripts that a letter of an unspaced one stands for
_STEM = 5  # letters
_GRAMS = (2, 3, 4)  # letters, in scripts whose words take no spaces or many endings

_TOKEN = re.compile(r"[^\W\d_]+|[?？؟]")
_FIRST_GRAMMED = "\u3040"
_GRAMMED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")
_CLAUSE = re.compile(r"[^,;:—–，；：、،]+[,;:—–，；：、،]*")


_NO_TALK = re.compile(
    r"\"[^\"\n]{2,}\"|“[^”\n]{2,}”|«[^»\n]{2,}»|„[^“”\n]{2,}[“”]|「[^」\n]{2,}」|『[^』\n]{2,}』"
    r"|```.*?(?:```|\Z)|^\s*[—–][^\n]*"
    r"|^[ \t]*(?:[-•*]\s)?[*_]{0,2}[^\s:：]{1,20}(?: [^\s:：]{1,20})?[*_]{0,2}[:：](?!//)"
    r"[*_]{0,2}[^\n]+$",
    re.MULTILINE | re.DOTALL,
)
"""Quotes, code, and lines of a dialogue."""
_CODE = re.compile(r"[{}<>=\\|_#]|\w\(|^(?:for|while|if|elif|else|def)\b.*:$")
_SIGNS = str.maketrans(dict.fromkeys(".,;:!?()[]*\"“”’'¿¡«»„…—–-،؟", " "))
_SPEAKERS = frozenset(
    [
        "m",
        "ll",
        "ve",
        "t",
        "cannot",
        "unable",
        "rather",
        "prefer",
        "must",
        "me",
        "you",
        "your",
        "please",
        "sorry",
        "thanks",
        "thank",
        "unfortunately",
        "apologies",
        "apologize",
        "sure",
        "attached",
        "previous",
        "earlier",
        "chat",
        "missing",
        "moment",
        "ich",
        "mir",
        "mich",
        "mein",
        "meine",
        "meiner",
        "meinen",
        "du",
        "dir",
        "dich",
        "dein",
        "deine",
        "deiner",
        "deinen",
        "sie",
        "ihnen",
        "ihr",
        "ihre",
        "ihren",
        "ihrer",
        "bitte",
        "danke",
        "leider",
        "gerne",
        "gern",
        "entschuldigung",
        "anhang",
        "anbei",
        "oben",
        "fehlt",
        "klar",
        "je",
        "j",
        "me",
        "m",
        "moi",
        "mon",
        "ma",
        "mes",
        "vous",
        "votre",
        "vos",
        "tu",
        "te",
        "toi",
        "ton",
        "ta",
        "tes",
        "merci",
        "désolé",
        "malheureusement",
        "veuillez",
        "volontiers",
        "ci",
        "joint",
        "jointe",
        "dessus",
        "voir",
        "manque",
        "site",
        "yo",
        "me",
        "mi",
        "mis",
        "tu",
        "te",
        "tus",
        "usted",
        "su",
        "sus",
        "por",
        "favor",
        "gracias",
        "lamentablemente",
        "puedo",
        "tengo",
        "necesito",
        "podrías",
        "puedes",
        "prefiero",
        "adjunto",
        "arriba",
        "espero",
        "falta",
        "claro",
        "listo",
        "eu",
        "me",
        "meu",
        "minha",
        "meus",
        "minhas",
        "você",
        "vocês",
        "seu",
        "sua",
        "seus",
        "suas",
        "obrigado",
        "obrigada",
        "infelizmente",
        "desculpe",
        "posso",
        "tenho",
        "preciso",
        "poderia",
        "pode",
        "prefiro",
        "anexo",
        "acima",
        "espero",
        "falta",
        "claro",
        "pronto",
        "enviei",
        "я",
        "мне",
        "меня",
        "мой",
        "мою",
        "моя",
        "моё",
        "моих",
        "вы",
        "вам",
        "вас",
        "ваш",
        "ваша",
        "ваше",
        "ваши",
        "вашем",
        "вашего",
        "ты",
        "тебе",
        "тебя",
        "твой",
        "пожалуйста",
        "извините",
        "спасибо",
        "сожалению",
        "могу",
        "смогу",
        "буду",
        "нужен",
        "нужна",
        "нужно",
        "выше",
        "вложении",
        "готово",
        "конечно",
        "смотрите",
        "сообщении",
        "воздержусь",
        "أنا",
        "لي",
        "لدي",
        "يمكنني",
        "أستطيع",
        "أحتاج",
        "أود",
        "أفضل",
        "أفضّل",
        "أرجو",
        "آسف",
        "عذرا",
        "عذرًا",
        "شكرا",
        "شكرًا",
        "عفوا",
        "لك",
        "لديك",
        "رسالتك",
        "سؤالك",
        "طلبك",
        "فضلك",
        "يرجى",
        "الرجاء",
        "هل",
        "أعلاه",
        "المرفق",
        "المرفقة",
        "سأقوم",
        "سأبدأ",
        "سأعد",
        "سأعود",
        "يسعدني",
        "تجد",
        "راجع",
        "انظر",
        "يوجد",
        "أعتذر",
        "عذرًا",
        "بكل",
        "بالطبع",
        "تم",
        "لحظة",
        "لن",
        "لا",
    ]
)
"""Words of whoever speaks to somebody: nearly all talk has one, most answers do not."""
_BRIEF = 160  # characters: in so short a text, some words say more
_SPEAK_BRIEFLY = _SPEAKERS | {"i", "my", "here", "below", "above", "done", "see", "there", "no"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence or clause, and how much of each kind of talk it is.

    Attributes:
        text: its words.
        words: how many it has.
        scores: one for each of `KINDS`; above 0, it is rather of that kind than not.
    """

    text: str
    words: int
    scores: Sequence[float]

    @property
    def is_talk(self) -> bool:
        """Whether it is talk of any kind."""
        return self.scores[-1] >= 0


@lru_cache(maxsize=64)
def read(text: str) -> tuple[Unit, ...]:
    """Return the sentences and clauses of a text, without quotes, code and dialogue.

    The middle of a very long text is left out. Nothing is returned where its beginning and its end
    are plainly no talk.
    """
    if not _may_talk(text):
        return ()
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    return tuple(units(_NO_TALK.sub(" ", text)))


def units(text: str) -> Iterator[Unit]:
    """Yield the sentences and clauses of a text that are no code."""
    for each in split(text):
        if not _CODE.search(each):
            yield Unit(each, count_words(each), score(each))


def _may_talk(text: str) -> bool:
    """Tell whether a sentence at the beginning or at the end speaks to somebody as talk does."""
    begin = text[:_BEGIN]
    end = text[max(_BEGIN, len(text) - _END) :]
    if not _speaks(f"{begin} {end}"):
        return False
    for part in (begin, end):
        for each in split(part):
            if _speaks(each):
                *kinds, talk = score(each)
                if talk >= _SILENT and max(kinds) >= _OF_NO_KIND:
                    return True
    return False


def _speaks(text: str) -> bool:
    if "?" in text or (not text.isascii() and ("؟" in text or _GRAMMED.search(text))):
        return True
    known = _SPEAK_BRIEFLY if len(text) <= _BRIEF else _SPEAKERS
    return not known.isdisjoint(text.translate(_SIGNS).lower().split())


def score(text: str) -> list[float]:
    """Return how much of each of `KINDS` a sentence or clause is."""
    words = tokens(text)
    known = _known(words)
    if not known:
        return [BIAS] * len(KINDS)
    scale = STEP * damping(words)
    return [BIAS + (sum(each) - ZERO * len(known)) * scale for each in zip(*known, strict=True)]


def damping(words: Sequence[str]) -> float:
    """Return by what the sum of weights is multiplied, so that long sentences say no more."""
    if max(words, default="") < _FIRST_GRAMMED:
        return 1 / sqrt(4 * len(words) + 1)
    return 1 / sqrt(4 * sum([len(word) if is_grammed(word) else 1 for word in words]) + 1)


def _known(words: Sequence[str]) -> list[bytes]:
    """Return the weights of the features of words that have any, as `features` lists them."""
    single, after = _weights()
    known = []
    row: Mapping[str, bytes] | None = None
    rows: Mapping[str, bytes] | None = None
    last = ""
    for word in words:
        if word >= _FIRST_GRAMMED and is_grammed(word):
            known += [single[gram] for gram in _grams(word) if gram in single]
            row = rows = None
            last = ""
            continue
        begin = word if len(word) <= _STEM else f"{word[:_STEM]}*"
        if word in single:
            known.append(single[word])
        if begin is not word and begin in single:
            known.append(single[begin])
        if row and begin in row:
            known.append(row[begin])
        if rows and begin in rows:
            known.append(rows[begin])
        rows = after.get(f"{last} {begin}") if row else None
        row = after.get(begin)
        last = begin
    return known


def split(text: str) -> Iterator[str]:
    """Yield sentences, and of long ones the clauses."""
    for found in _SENTENCE.finditer(text):
        sentence = found[0].strip()
        if not _LETTER.search(sentence):
            continue
        dense = _DENSE if not sentence.isascii() and _GRAMMED.search(sentence) else 1
        if len(sentence) * dense <= _LONG:
            yield sentence
        else:
            yield from _clauses(sentence, dense)


def _clauses(sentence: str, dense: float) -> Iterator[str]:
    clause = ""
    for found in _CLAUSE.finditer(sentence):
        clause += found[0]
        if len(clause) * dense >= _SHORT:
            yield clause.strip()
            clause = ""
    if _LETTER.search(clause):
        yield clause.strip()


def features(words: Sequence[str]) -> list[str]:
    """Return the words, their stems, and up to three in a row; of words by letters, the grams."""
    found: list[str] = []
    before = last = ""
    for word in words:
        if is_grammed(word):
            found += _grams(word)
            before = last = ""
            continue
        found.append(word)
        begin = stem(word)
        if begin != word:
            found.append(begin)
        if last:
            found.append(f"{last} {begin}")
        if before:
            found.append(f"{before} {last} {begin}")
        before, last = last, begin
    return found


def tokens(text: str) -> list[str]:
    """Return the words of a text in lower case, and its question marks."""
    return _TOKEN.findall(text.lower())


def stem(word: str) -> str:
    """Return the beginning of a long word."""
    return word if len(word) <= _STEM or word.endswith("*") else f"{word[:_STEM]}*"


def is_grammed(word: str) -> bool:
    """Tell whether a word is read by its letters: its script has no spaces or many endings."""
    return word >= _FIRST_GRAMMED and _GRAMMED.match(word) is not None


def _grams(word: str) -> Iterator[str]:
    if len(word) == 1:
        yield word
    for size in _GRAMS:
        for start in range(len(word) - size + 1):
            yield word[start : start + size]


@cache
def _weights() -> tuple[dict[str, bytes], dict[str, dict[str, bytes]]]:
    """Return the weights of single words and grams, and of what follows a word or a pair."""
    single: dict[str, bytes] = {}
    after: dict[str, dict[str, bytes]] = {}
    for line in gzip.decompress(_WEIGHTS.read_bytes()).decode().splitlines():
        feature, own = line.split("\t")
        before, _, last = feature.rpartition(" ")
        (after.setdefault(before, {}) if before else single)[last] = own.encode()
    return single, after

"""Talk: what an assistant says to whoever asked, instead of an answer or around it.

A small linear classifier knows six kinds of talk in ten languages. `training/talk.py` makes its
weights from the sentences in `training/talk`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
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
_HEAD, _TAIL = 1600, 800  # characters that are read
_BEGIN, _END = 300, 250  # characters that tell whether to read on
_BRIEF = 60  # characters: so short a text is always read
_SILENT = -0.4  # score of talk below which the beginning and the end are no talk
_LONG = 70  # characters: a longer sentence is read clause by clause
_SHORT = 30  # characters: a shorter clause stays with its neighbour
_DENSE = 2.4  # letters of most scripts that a letter of an unspaced one stands for
_STEM = 5  # letters
_GRAMS = (2, 3, 4)  # letters, in scripts whose words take no spaces or many endings

_TOKEN = re.compile(r"[^\W\d_]+|[?？؟]")
_GRAMMED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")
_CLAUSE = re.compile(r"[^,;:—–，；：、،]+[,;:—–，；：、،]*")


_NO_TALK = re.compile(
    r"\"[^\"\n]{2,}\"|“[^”\n]{2,}”|«[^»\n]{2,}»|„[^“”\n]{2,}[“”]|「[^」\n]{2,}」|『[^』\n]{2,}』"
    r"|```.*?(?:```|\Z)|^\s*[—–][^\n]*|^[*_]{0,2}[^\s:：]{1,20}[*_]{0,2}[:：] [^\n]*$",
    re.MULTILINE | re.DOTALL,
)
"""Quotes, code, and lines of a dialogue."""
_CODE = re.compile(r"[{}<>=\\|_#]|\(\)|\w\.\w+\(")
_SIGNS = str.maketrans(dict.fromkeys(".,;:!?()[]*\"“”’'¿¡«»„…—–-،؟", " "))
_SPEAKERS = frozenset(
    [
        "i",
        "me",
        "my",
        "mine",
        "myself",
        "you",
        "your",
        "yours",
        "we",
        "our",
        "us",
        "please",
        "sorry",
        "thanks",
        "thank",
        "unfortunately",
        "apologies",
        "attached",
        "above",
        "below",
        "previous",
        "earlier",
        "conversation",
        "chat",
        "missing",
        "ready",
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
        "jointe",
        "joint",
        "dessus",
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
    ]
)
"""Words of whoever speaks to somebody: nearly all talk has one, most answers do not."""


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
    begin = text[:_BEGIN]
    end = text[max(_BEGIN, len(text) - _END) :]
    if len(text) > _BRIEF and not _GRAMMED.search(begin):
        words = f"{begin} {end}".translate(_SIGNS).lower().split()
        if _SPEAKERS.isdisjoint(words):
            return False
    return any(score(each)[-1] >= _SILENT for part in (begin, end) for each in split(part))


def score(text: str) -> list[float]:
    """Return how much of each of `KINDS` a sentence or clause is."""
    weights = _weights()
    found = features(text)
    known = [weights[feature] for feature in found if feature in weights]
    scale = STEP / sqrt(len(found) + 1)
    if not known:
        return [BIAS] * len(KINDS)
    return [BIAS + (sum(each) - ZERO * len(known)) * scale for each in zip(*known, strict=True)]


def split(text: str) -> Iterator[str]:
    """Yield sentences, and of long ones the clauses."""
    for found in _SENTENCE.finditer(text):
        sentence = found[0].strip()
        if not any(map(str.isalpha, sentence)):
            continue
        dense = _DENSE if _GRAMMED.search(sentence) else 1
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
    if any(map(str.isalpha, clause)):
        yield clause.strip()


def features(text: str) -> set[str]:
    """Return the words of a text, their stems, and up to three in a row; of some scripts, grams."""
    found: set[str] = set()
    before = last = ""
    for word in _TOKEN.findall(text.lower()):
        if is_grammed(word):
            found.update(_grams(word))
            before = last = ""
            continue
        found.add(word)
        begin = stem(word)
        found.add(begin)
        if last:
            found.add(f"{last} {begin}")
        if before:
            found.add(f"{before} {last} {begin}")
        before, last = last, begin
    return found


def stem(word: str) -> str:
    """Return the beginning of a long word."""
    return word if len(word) <= _STEM or word.endswith("*") else f"{word[:_STEM]}*"


def is_grammed(word: str) -> bool:
    """Tell whether a word is read by its letters: its script has no spaces or many endings."""
    return bool(_GRAMMED.match(word))


def _grams(word: str) -> Iterator[str]:
    if len(word) == 1:
        yield word
    for size in _GRAMS:
        for start in range(len(word) - size + 1):
            yield word[start : start + size]


@cache
def _weights() -> dict[str, bytes]:
    lines = gzip.decompress(_WEIGHTS.read_bytes()).decode().splitlines()
    return {feature: own.encode() for feature, own in (line.split("\t") for line in lines)}

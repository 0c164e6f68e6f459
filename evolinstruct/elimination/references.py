"""The rule for rewrites that speak of data that they do not hold, such as "the table below".

What may be the data is read leniently: any line, quote or further sentence that asks for nothing.
"""

from __future__ import annotations

import re

from evolinstruct.elimination.request import is_order
from evolinstruct.elimination.rule import Rewrite, Rule
from evolinstruct.text import on_one_line
from evolinstruct.words import split_words

_SHOWN = 80  # characters of evidence


def _quoted(text: str) -> str:
    return f'"{on_one_line(text, _SHOWN)}"'


# What a rewrite speaks of

_DATA = (
    r"(?:text|sentence|statement|paragraph|passage|excerpt|extract|article|essay|story|stories|poem"
    r"|lyrics|letter|e-?mail|message|review|comment|tweet|post|dialogue|conversation|transcript"
    r"|interview|report|document|file|attachment|snippet|code|script|program|function|query|table"
    r"|dataset|data|spreadsheet|list|array|matrix|image|picture|photo(?:graph)?|figure|graph|chart"
    r"|diagram|screenshot|map|recipe|menu|schedule|log|json|csv|xml|html|yaml|toml|markdown|input"
    r"|words?|phrase|numbers?|items|terms|equation|expression|problem|riddle|questions?|definition"
    r"|quote|quotation|headline|proverb|idiom|url|link|website|page|profile|resume|cv|source|book"
    r"|chapter|abstract|scenario|notes?|options|choices|lines?|ingredients|remark|notice|contract|clause"
    r"|agreement|invoice|bill|receipt|leaflet|brochure|song|speech|sketch|drawing|survey|results"
    r"|timetable|brief|minutes|audio|video|recording|data ?set)s?"
)
_SOME = r"(?:[^\s.,;:!?]+ ){0,3}?"
_PLACED = (
    r"(?:(?:that|which) (?:is|are) )?(?:(?:given|provided|shown|listed|pasted|quoted|printed"
    r"|supplied|included|reproduced|attached|set out|described) )?"
)
_GERMAN = (
    r"(?:[\w-]+[-\u2010])?(?:text|satz|sätze|absatz|artikel|code|tabelle|liste|daten|gedicht|e-mail|brief"
    r"|geschichte|programm|skript|bild|foto|grafik|diagramm|dialog|abschnitt|auszug|zitat|bericht)"
)
_FRENCH = (
    r"(?:texte|phrase|paragraphe|article|code|tableau|liste|données|poème|lettre|histoire|extrait"
    r"|image|graphique|dialogue|courriel|citation)s?"
)
_SPANISH = (
    r"(?:texto|frase|oración|párrafo|artículo|código|tabla|lista|datos|poema|carta|historia|fragmento"
    r"|imagen|gráfico|diálogo|correo|relato|noticia)s?"
)
_PORTUGUESE = (
    r"(?:texto|frase|parágrafo|artigo|código|tabela|lista|dados|poema|carta|história|trecho|imagem"
    r"|gráfico|diálogo|e-mail|notícia)s?"
)
_ITALIAN = (
    r"(?:testo|frase|paragrafo|articolo|codice|tabella|elenco|lista|dati|poesia|lettera|storia|brano"
    r"|immagine|grafico|dialogo|email)"
)
_RUSSIAN = (
    r"(?:текст|предложени|абзац|стать|код|таблиц|спис|данн|график|диаграмм|диалог|письм|стихотворени"
    r"|отрыв|фрагмент|изображени|фото|картин|отзыв|рассказ)\w*"
)
_CHINESE = (
    r"(?:文本|句子|段落|文章|代码|表格|数据|列表|文字|诗|短文|图片|内容|报道|对话|邮件|信件|故事|材料"
    r"|图表|程序|函数)"
)
_JAPANESE = (
    r"(?:文章|文|テキスト|段落|記事|コード|表|データ|リスト|図|グラフ|画像|写真|詩|会話|メール|手紙"
    r"|資料)"
)
_KOREAN = (
    r"(?:글|문장|문단|기사|코드|표|데이터|목록|그래프|이미지|사진|시|대화|메일|편지|자료|지문)"
)
_ARABIC = (
    r"(?:النص|الفقرة|المقال|المقالة|الجدول|القائمة|البيانات|الكود|القصيدة|الرسالة|الصورة|الرسم"
    r"|الجملة|الشيفرة|الحوار)"
)
_THINGS = (
    r"(?:items?|objects?|products?|topics?|subjects?|animals?|cit(?:y|ies)|countr(?:y|ies)|keywords?"
    r"|criteria|parameters|elements|statistics|facts|locations?|organi[sz]ation|compan(?:y|ies)"
    r"|business|painting|artwork|algorithm|circle|triangle|trapezoid|rectangle|shape|vectors|verbs?"
    r"|nouns?|adjectives?|pronouns?|dates?|situation|context|information|characters?|terms?|event)"
)
_POINTS = re.compile(
    r"\bthe (?:attached|enclosed|accompanying|below|above|provided|supplied|uploaded|given) "
    rf"{_SOME}(?:{_DATA}|{_THINGS})\b"
    r"|\bthe following (?!(?:day|night|week|weekend|month|year|morning|evening|season|century)s?\b)"
    rf"(?:{_SOME}{_DATA}\b|\w+)"
    rf"|\b(?:the|this|these|that) {_SOME}{_DATA} {_PLACED}(?:below|above)\b"
    r"(?! (?:(?:the|an?|your|each|its?|their|average|zero|sea|ground|all)\b|\d|\$))"
    rf"|\b(?:the|this|these) {_SOME}{_DATA} (?:(?:that|which) (?:is|are) )?"
    r"(?:attached|provided|enclosed|supplied)\b(?! (?:by|to|with|in|for)\b)"
    rf"|\bthe {_DATA} (?:that )?(?:you (?:were|have been) given|i (?:gave|sent|shared|pasted))\b"
    r"|\bgiven (?:the|these|this) (?:\w+ )?(?:csv|json|xml|excel|log|text|attached) files?\b"
    r"|\A\W*(?:the|this) (?:chart|graph|table|image|picture|diagram|photo(?:graph)?)"
    r" (?:shows|gives)\b"
    r"|\b(?:folgende|untenstehende|obige|angehängte|beigefügte|vorliegende)[nrms]? "
    rf"{_SOME}{_GERMAN}\b"
    rf"|\b{_FRENCH} (?:suivante?s?|ci-dessous|ci-dessus|ci-après|ci-jointe?s?|fournie?s?)\b"
    rf"|\bsiguientes? {_SPANISH}\b|\b(?:el|la|los|las|este|esta) {_SPANISH} (?:siguientes?|anterior"
    r"|adjunt[oa]s?|proporcionad[oa]s?|de abajo|de arriba)\b"
    rf"|\bseguintes? {_PORTUGUESE}\b|\b{_PORTUGUESE} (?:a seguir|abaixo|acima|anex[oa]s?)\b"
    rf"|\bseguent[ei] {_ITALIAN}\b"
    rf"|\b{_ITALIAN} (?:seguent[ei]|qui sotto|qui sopra|sottostante"
    r"|allegat[oaie]|riportat[oaie]|fornit[oaie])\b"
    r"|\b(?:приведённ|приведенн|прилагаем|прикреплённ|прикрепленн|(?:ниже)?следующ)\w* (?:ниже )?"
    rf"(?:\S+ )?{_RUSSIAN}|\b{_RUSSIAN} (?:ниже|выше)\b"
    r"|(?:以下|下面|下列|上述|上面|所给|给定)的?(?:这|那)?[段个篇张句首组份]?"
    rf"[^，。！？：:\n]{{0,12}}?{_CHINESE}"
    rf"|(?:次|以下|上記|下記|添付)の[^、。！？：:\n]{{0,10}}?{_JAPANESE}"
    rf"|(?:다음|아래|첨부된|첨부한)(?:의|에 있는)? (?:\S+ )?{_KOREAN}(?=[을를은는이가의에과와로])"
    rf"|{_ARABIC} (?:التالي|التالية|الآتي|الآتية|السابق|السابقة|أدناه|أعلاه|المرفق|المرفقة)"
    # what no text holds
    r"|\bthe (?:attached|enclosed) (?!garage|bath|house|home|balcony|earlobe)\w+"
    r"|\b(?:look at|refer to|study|examine) the (?:diagram|picture|image|photo(?:graph)?|figure"
    r"|chart|graph) (?:on the|above|below|and|to)\b"
    r"|\bas in the (?:previous|last|preceding|above) (?:example|exercise|question|task)\b"
    r"|\bim anhang (?:befindlich|enthalten|stehend)\w*"
    r"|\b(?:aus|anhand|mithilfe) (?:dem|des) anhangs?\b"
    r"|(?:根据|按照|参照|参考|阅读|查看|打开|分析)[^，。\n]{0,6}附[件表图]",
    re.IGNORECASE,
)
_HINTS = (
    *("following", "below", "above", "given", "attached", "provided", "enclosed", "supplied"),
    *("uploaded", "accompanying", "look at the", "refer to the", "study the", "examine the"),
    "as in the",
)
_FURTHER_HINTS = (
    *("folgende", "stehende", "obige", "vorliegende", "beigefügt", "angehängt"),
    *("suivant", "ci-", "fourni", "siguiente", "adjunt", "proporcionad", "anterior", "de abajo"),
    *("de arriba", "seguinte", "seguir", "abaixo", "acima", "anex", "seguent", "qui so"),
    *("sottostante", "allegat", "riportat", "fornit", "anhang"),
)
_HINTS_BEYOND_LATIN = (
    *("приведённ", "приведенн", "прилагаем", "прикрепл", "следующ", "ниже", "выше"),
    *("以下", "下面", "下列", "上述", "上面", "所给", "给定", "次の", "上記", "下記", "添付の"),
    *("다음", "아래", "첨부", "التالي", "الآتي", "السابق", "أدناه", "أعلاه"),
    *("المرفق", "附"),
)
_AROUND = 80  # characters
_SOME_PLACES = 20
_ENDS = re.compile(rf"\b(?:the|this|these) {_SOME}{_DATA}:\s*\Z", re.IGNORECASE)
_SPECIFIED = re.compile(
    r"\b(?:functions?|programs?|algorithms?|methods?|scripts?|class|regex|procedures?|macros?|models?"
    r"|apps?|applications?|pseudo-?code|systems?|formulas?)\b",
    re.IGNORECASE,
)
"""What one writes for data that is given later."""

_SENTENCE = re.compile(r"(?<=[.!?;。！？；])\s*")
_OF_THE_ANSWER = re.compile(
    r"\b(?:should|must|may not|your?|please|make sure|ensure|at most|at least|no more than|answer"
    r"|response|output|result|respond)\b",
    re.IGNORECASE,
)
_SHAPES_THE_ANSWER = re.compile(
    r"\W*(?:(?:please|then|also|finally|next|and),? )*(?:your|make sure|ensure|use|keep|limit|avoid"
    r"|explain|include|give|provide|present|format|support|state|justify|note that|be sure"
    r"|the (?:answer|response|output|summary|result)|do not (?:use|include|exceed|add))\b",
    re.IGNORECASE,
)
_CONTENT = re.compile(r"[^\W_]|[^\x00-\x7f]")
_BRACKETED = re.compile(r"\W*(?:\[[^\],\d\"']*\]|\([^)]*\)|<[^>]*>|\.\.\.|…)\W*\Z")
_INLINE = re.compile(
    r"(?<!\w)[\"'][^\s\"']{1,40}\s[^\s\"']{1,40}\s[^\"\n]{1,300}?[\"'](?!\w)"
    r"|“[^”\n]{8,600}”|«[^»\n]{8,600}»|„[^“”\n]{8,600}[“”]"
    r"|「[^」\n]{4,600}」|`[^`\n]{12,600}`|\bhttps?://\w|\bwww\.\w|!\[|```",
)
_KINDS = r"(?:categor|class|labels|groups|types|levels|parts|steps|points|aspects|sections)"
_INTRODUCED = re.compile(
    rf"\W{{0,3}}[\"“'`‘«„「]|(?:(?!{_KINDS})[^.!?\n:：])*[:：]\s*\S*\w|[^.!?\n]*\s[-–—]\s*\w",
    re.IGNORECASE,
)
_FIGURES = re.compile(r"\d.*\d|\[.+\]|=|/")
_OF_FIGURES = re.compile(
    r"(?:number|equation|expression|array|matrix|list|term|item|word|data)s?\Z", re.IGNORECASE
)


def _refers_to_nothing(rewrite: Rewrite) -> str | None:
    return _missing(rewrite.child, rewrite.lower) or _left_out(rewrite) or _dropped(rewrite)


def _missing(text: str, lower: str) -> str | None:
    """Return what a text, given in lower case too, speaks of as given and does not hold."""
    if "\n" in text and any(map(_is_plain_data, text.splitlines()[1:])):
        return None  # most rewrites that are about data
    hints = [hint for hint in _HINTS if hint in lower]
    if " the " not in lower:
        further = _FURTHER_HINTS if lower.isascii() else (*_FURTHER_HINTS, *_HINTS_BEYOND_LATIN)
        hints += [hint for hint in further if hint in lower]
    if not hints and not text.rstrip().endswith(":"):
        return None
    found = _spoken_of(text, lower, hints)
    if found is None or _holds_data(text, found):
        return None
    if "given" in found[0].lower() and _SPECIFIED.search(text):
        return None
    return f"it speaks of {_quoted(found[0])} and holds none"


_EMPTY_LABEL = re.compile(r"\n\n\W{0,3}(?P<label>[^\W\d_][\w ]{2,30})\W{0,3}[:：]\W{0,3}\Z")


def _left_out(rewrite: Rewrite) -> str | None:
    """Return a last label under which nothing stands, unless it stands so in the parent."""
    child = rewrite.child.rstrip(" \n*_#")
    found = _EMPTY_LABEL.search(child) if child.endswith((":", "：")) else None
    named = found and found["label"].lower() in rewrite.lower[: found.start()]
    return f"nothing stands under {_quoted(found['label'])}" if found and named else None


def _is_plain_data(line: str) -> bool:
    """Tell whether a line is data that cannot itself speak of data, as in "the list below"."""
    if not _is_data(line):
        return False
    return "th" not in line or not any([hint in line for hint in _HINTS])  # noqa: C419 - faster


def _spoken_of(text: str, lower: str, hints: list[str]) -> re.Match[str] | None:
    """Return the first phrase near a hint that points at data."""
    for hint in hints:
        place = lower.find(hint)
        for _ in range(_SOME_PLACES):
            if place < 0:
                break
            found = _POINTS.search(text, max(place - _AROUND, 0), place + _AROUND)
            if found:
                return found
            place = lower.find(hint, place + _AROUND)
    return _ENDS.search(text, max(len(text) - _AROUND, 0))


def _holds_data(text: str, spoken_of: re.Match[str]) -> bool:
    """Tell whether a text holds anything that a phrase in it may speak of."""
    after = text[spoken_of.end() :]
    if _INLINE.search(text) or _INTRODUCED.match(after):
        return True
    if _OF_FIGURES.search(spoken_of[0]) and _FIGURES.search(after):
        return True
    start = text.rfind("\n", 0, spoken_of.start()) + 1
    line = text[start:].partition("\n")[0]
    others = [*text[:start].splitlines(), *text[start + len(line) :].splitlines()]
    if any(map(_is_data, others)):
        return True
    sentences = _SENTENCE.split(line)
    return any(
        _is_data(each) and not _is_request(each) for each in sentences if spoken_of[0] not in each
    )


def _is_data(line: str) -> bool:
    """Tell whether a line is something to work on, not a label or a wish about the answer."""
    if line.endswith((":", "：")) or not _CONTENT.search(line) or _BRACKETED.match(line):
        return False
    return not _SHAPES_THE_ANSWER.match(line)


def _is_request(sentence: str) -> bool:
    return is_order(sentence) or _OF_THE_ANSWER.search(sentence) is not None


# What a rewrite lost of its parent

_ENOUGH = 3  # words: fewer may well have been put into the request itself
_KEPT = 0.3
_SAME_START = 12  # characters
_SPEAKS = re.compile(rf"\b(?:the|this|these|that|an?) (?:given )?{_SOME}{_DATA}\b", re.IGNORECASE)


def _dropped(rewrite: Rewrite) -> str | None:
    """Return what stood below the parent's request and is gone, where it is still needed."""
    request, _, data = rewrite.parent.partition("\n")
    child = rewrite.child
    if not data or not rewrite.in_depth or data[-_SAME_START:].strip() in child:
        return None
    lines = list(filter(_is_data, data.splitlines()))
    words = set(split_words("\n".join(lines).lower()))
    if len(words) < _ENOUGH or any(map(_is_data, child.splitlines()[1:])):
        return None
    if len(words.intersection(split_words(rewrite.lower))) >= _KEPT * len(words):
        return None
    if not child.startswith(request[:_SAME_START]) and not _SPEAKS.search(child):
        return None
    return f"{_quoted(lines[0])} is gone"


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="refers_to_nothing",
        meaning="The rewrite speaks of a text, a table or other data that it does not hold, or has"
        " lost the data of its parent.",
        cause="the model forgets the data, or makes up a task without writing its data: read some"
        " of them, and look at which operations made them",
        stage="rewrite",
        check=_refers_to_nothing,
    ),
)

"""The rule for placeholders in a rewrite: marks that stand where data or words should."""

from __future__ import annotations

import re
from itertools import islice

from evolinstruct.elimination.rule import Rewrite, Rule

# Words between brackets, such as "[insert the table here]"

_ENCLOSED = re.compile(
    r"([\[<({](?<![\w.=/].)\{?)\s*([^\W_][^\[\]<>(){}\n=:\"]{1,80}+)\s*+"
    r"(?:\](?![(\[\w.]|\s*\n\s*[\w.-]+\s*[=:])|>|\)|\}\}?)"  # no link, index or name of a section
)
_FIRST = {
    "(": frozenset(("insert", "paste", "hier", "inserire", "inserisci", "insérer", "inserir")),
    "[": frozenset(
        (
            *("insert", "enter", "paste", "fill", "your", "ihr", "ihre", "ihren", "dein", "deine"),
            *("votre", "insérer", "inserta", "inserte", "tu", "su", "add", "put", "type"),
            *("provide", "attach", "same", "original", "rest", "remaining", "unchanged"),
            *("suite", "resto", "reste", "vostro", "tuo", "tua", "sua", "seu", "inserir", "insira"),
            *("inserire", "inserisci", "rellenar", "completar", "вставьте", "вставить", "укажите"),
            *("ваш", "ваша", "ваше", "أدخل", "أضف"),
        )
    ),
    "{": frozenset(("insert", "enter", "paste", "your")),
}
_FIRST["<"] = _FIRST["["]
"""Words with which placeholders begin, by the bracket before them."""
_LAST = ("here", "hier", "aquí", "ici", "aqui", "qui", "сюда", "здесь", "هنا", "attached")
_INSERTED = (
    *("einfügen", "eintragen", "einsetzen", "ergänzen", "ausfüllen", "insérer", "compléter"),
    *("insertar", "inserir", "inserire", "вставить", "указать", "입력", "삽입"),
)
"""Words with which placeholders end in other languages."""
_LAST_WORDS = (
    *("omitted", "unchanged", "not shown", "as above", "as before", "in the original"),
    *("goes here", "to be added", "to be determined", "to be inserted", "to be filled in"),
)
_NOUNS = frozenset(
    (
        *("name", "date", "time", "company", "topic", "subject", "city", "country"),
        *("address", "e-mail", "email", "phone", "number", "amount", "product", "title"),
        *("recipient", "sender", "text", "sentence", "paragraph", "article", "story", "code"),
        *("table", "data", "dataset", "link", "url", "image", "list", "document", "example"),
        *("detail", "description", "location", "position", "department", "event", "reason"),
        *("author", "book", "movie", "skill", "quote", "item", "painting", "photo", "file"),
        *("picture", "photograph", "content", "price", "value"),
        *("produktname", "zielgruppe", "eigenschaft", "datum", "ort", "betrag", "firma", "thema"),
        *("nom", "prénom", "montant", "ville", "sujet", "entreprise", "nombre", "fecha", "ciudad"),
        *("empresa", "tema", "producto", "cantidad", "nome", "dados", "cidade", "produto", "valor"),
        *("azienda", "prodotto", "città", "argomento", "имя", "дата", "тема", "сумма", "город"),
        *("название", "компания", "الاسم", "التاريخ", "이름", "날짜", "회사"),
    )
)
_NOUN_WORDS = 4
_CHINESE = re.compile(
    r"[\[［【<（(](?:请)?(?:你的|您的|在此|此处|插入|填写|输入|ここに)[^\]］】>）)\n]{0,20}[\]］】>）)]"
)


def _enclosed(text: str) -> list[str]:
    """Return what stands in brackets for something else."""
    found = [] if text.isascii() else _CHINESE.findall(text)
    if "[" in text or "<" in text or "(" in text or "{" in text:
        enclosed = _ENCLOSED.finditer(text)
        found += [each[0] for each in enclosed if _stands_for(each[1], each[2].rstrip().lower())]
    return found


def _stands_for(bracket: str, content: str) -> bool:
    """Tell whether what is between brackets, in lower case, stands for something else."""
    *most, last = content.split()
    if bracket == "{{" or (most and content.endswith(_LAST_WORDS)) or _OMITTED.search(content):
        return True
    if most and (most[0] in _FIRST[bracket[-1]] or (last in _LAST and _is_noun(most[-1]))):
        return True
    if bracket not in ("[", "<") or not content.replace(" ", "").isalnum():
        return False
    return last in _INSERTED or _names_something(bracket, most, last)


def _names_something(bracket: str, most: list[str], last: str) -> bool:
    """Tell whether words between brackets name what is to be put there."""
    if most and last.isdecimal():  # "[item 2]"
        *most, last = most
    if _is_noun(last):
        return len(most) < _NOUN_WORDS and (bracket == "[" or bool(most))
    return bracket == "<" and len(most) > 1 and _is_noun(most[0])  # "<name of the couple>"


_OMITTED = re.compile(
    r"\b(?:rows?|lines?|entries|items|records|data|rest|values|others?)\b[^.]{0,20} omitted\b"
    r"|\bomitted for brevity\b|\A(?:\+ )?\d+ more (?:rows|lines|entries|items|records|values)\Z"
)


def _is_noun(word: str) -> bool:
    return word in _NOUNS or word.removesuffix("s") in _NOUNS


# Gaps in code and in data

_COMMENT = r"(?:#|//|--|/\*|<!--)[ \t]*"
_CODE_HERE = re.compile(
    rf"{_COMMENT}[^\n]{{0,20}}\b(?:your|insert|add|write|implement|paste|existing|previous)\b"
    r"[^\n]{0,40}\bhere\b"
    rf"|{_COMMENT}[^\n]{{0,30}}\b(?:code|código|codice|код)\b[^\n]{{0,20}}(?:\b(?:hier|ici|aquí|aqui"
    r"|qui|здесь|сюда)\b)[^\n]{0,10}"
    rf"|{_COMMENT}(?:hier|ici|aquí|aqui|qui|здесь|сюда|ここに|在此|这里|여기)[^\n]{{0,30}}(?:code|einfügen"
    r"|insér|compl|inser|escrib|escrev|scriv|вставь|код|コード|代码|코드)[^\n]{0,20}"
    rf"|{_COMMENT}(?:the )?rest of [^\n]{{0,60}}",
    re.IGNORECASE,
)
_DOTS = r"(?:\.\.\.|…)"
_DOTTED = re.compile(
    rf"\"[\w -]+\"\s*:\s*\"?{_DOTS}|[\[,]\s*\"{_DOTS}\"\s*[,\]]|[}}\]\"'],\s*{_DOTS}\s*[\]}}]"
    rf"|\|\s*{_DOTS}\s*\||>\s*{_DOTS}\s*</|{_COMMENT}{_DOTS}|=\s*[\"']{_DOTS}[\"']|\[{_DOTS}\]"
    rf"|(?:,\S|[|;{{}}<>=])[^\n]{{0,200}}\n[ \t]*\[?{_DOTS}\]?,?[ \t]*$",
    re.MULTILINE,
)
_CAPITALS = re.compile(r"\b(?:TODO|TBD)\b|(?<![A-Za-z] )\bX{3,}\b(?!-rated)")
_LOREM = re.compile(r"(?<![\"“«„'])\blorem ipsum\b(?! text)", re.IGNORECASE)
_CROSSES = re.compile(
    r"(?<![A-Za-z])X{2,4}(?![A-Za-z])"
    r"(?! ?(?:centur|chrom|век|si[èe]cle|siglo|s[ée]culo|secolo|Jahrh))"
)
_CIRCLES = re.compile(r"[○〇◯△□◇]{2,}(?=[^\W\d_])|(?<=[^\W\d_])[○〇◯△□◇]{2,}")
"""Words of Chinese, Japanese or Korean that were left out."""
_PAIRS_OF_CIRCLES = ("○○", "〇〇", "◯◯", "△△", "□□", "◇◇")
_CLOSES = (")", "）", "]", "】", ">")
_SLOT = re.compile(r"\{(?<=\s\{)[a-z][a-z_]{2,30}\}(?=[\s.,;?!])")
"""A name between braces, in running text."""
_ALONE = re.compile(
    r"[:：][ \t]*\n*[ \t]*([(（\[【<][^\n()（）\[\]【】<>|]{1,40}[)）\]】>])[ \t]*$", re.MULTILINE
)
"""What stands alone behind a label, in brackets."""
_CELLS = re.compile(r"\| *(\[[^\]\[|\n]{1,30}\]) *(?=\|)")
"""Cells of a table that hold nothing but words in brackets."""
_ANGLED = re.compile(r"<(?<=\s<)[^\W\d_]{4,20}>(?=[\s.,;?])")
_BRACKETED = re.compile(r"\[(?<=\s\[)[^\W\d_][^\]\[\n,:]{1,25}\](?=[\s.,;،])")
_MANY = 3  # different words in brackets are no asides
_MEASURED = re.compile(
    r"(\[(?<=\s\[)[^\W\d_][^\]\[\n,:]{0,20}\]) ?(?:(?:[cmk]?m²?|kg|g|km/h|hours?|heures?|horas?"
    r"|Stunden|minut\w*|Minuten|euros?|dollars?|people|personas|pessoas|years?|ans|años|anos"
    r"|Jahren?|元|円|個|人|원|명|개)\b|[€$£%])"
)
"""A number that was left out before its unit."""


_COMMENT_SIGNS = ("#", "//", "--", "/*")
_HERE = (
    *(" here", "rest of", " hier", " ici", " aqu", " qui", "здесь", "сюда", "ここ", "在此", "这里"),
    "여기",
)


def _gaps(text: str) -> list[str]:
    """Return the comments, dots and words that stand for code, data or a text."""
    found = []
    if any([sign in text for sign in _COMMENT_SIGNS]) and any([here in text for here in _HERE]):  # noqa: C419 - faster
        found += [each[0] for each in _CODE_HERE.finditer(text)]
    if "..." in text or "…" in text:
        found += _DOTTED.findall(text)
    # One letter is found much faster than a word.
    if ("D" in text and ("TODO" in text or "TBD" in text)) or ("X" in text and "XXX" in text):
        found += [word for word in _CAPITALS.findall(text) if not _is_named(word, text)]
    if "orem ip" in text:
        found += _LOREM.findall(text)
    return found + _blanks(text)


def _blanks(text: str) -> list[str]:
    """Return the signs and brackets that stand where a number, a name or a text should."""
    found: list[str] = []
    if "XX" in text and len(crosses := _CROSSES.findall(text)) > 1:
        found += crosses
    if "{" in text:
        found += _SLOT.findall(text)
    if "<" in text and "</" not in text and len(set(angled := _ANGLED.findall(text))) > 1:
        found += angled
    if "[" in text:
        found += _MEASURED.findall(text)
        if len(set(bracketed := _BRACKETED.findall(text))) >= _MANY:
            found += bracketed
        if len(cells := _CELLS.findall(text)) > 1:
            found += cells
    is_ascii = text.isascii()
    if not is_ascii and any([pair in text for pair in _PAIRS_OF_CIRCLES]):  # noqa: C419 - faster
        found += _CIRCLES.findall(text)
    if (
        text.endswith(_CLOSES)
        or (")\n" in text or "]\n" in text or ">\n" in text)
        or (not is_ascii and ("）\n" in text or "】\n" in text))
    ):
        alone = _ALONE.findall(text)
        found += [each for each in alone if alone.count(each) > 1 or _GOES_HERE.search(each)]
    return found


_GOES_HERE = re.compile(
    r"\b(?:goes|put|paste|insert|enter|your|va|insert[ae]|ici|hier|aquí|aqui|qui|здесь|сюда|вставьте)\b"
    r"|内容|此处|这里|ここ|내용|여기|هنا|النص",
    re.IGNORECASE,
)


_SAYS = 4  # words: a shorter line is a field of a form or of data
_VALUE = r"(?:[:=(\[|]|\d\.) ?"
_SIGN_OF_COMMENT = re.compile(_COMMENT)


def _is_named(word: str, text: str) -> bool:
    """Tell whether a text speaks of such a word, as in "Replace both TODOs in this class"."""
    lines = [line for line in text.splitlines() if word in line]
    return any(
        len(line.split()) > _SAYS
        and not _SIGN_OF_COMMENT.search(line)
        and not line.rstrip(" .|,;)").endswith(word)
        and not re.search(_VALUE + word, line)
        for line in lines
    )


# The rule

_ABOUT = re.compile(
    r"\b(?:templates?|place-?holders?|slots?|stage directions?|mad ?libs?|transcript\w*|fields?"
    r"|campos?|champs?|felder?n?|campi"
    r"|fill(?:ing|ed)?[ -](?:in|out)|fill the|blanks?|mail[ -]?merge"
    r"|mask(?:ed|ing)?|to-?dos?(?! list)|stubs?|skeleton|boilerplate|form letter"
    r"|merge (?:tag|field)s?|jinja2?|mustache|handlebars|liquid|brackets?|braces|lorem|dummy|cloze"
    r"|vorlage\w*|platzhalter\w*|modèle|plantilla|ellips[ei]s|wildcards?|complete the|implement"
    r"|substitut\w+|formats? (?:string|it|the)|in (?:the|this) form(?:at)?|comments?)\b"
    r"|(?-i:\bSELECT\b)|模板|占位|填空|空欄|穴埋め|ひな形|雛形|テンプレ|伏せ|빈칸|양식|템플릿"
    r"|^[^\w\n]*(?:answer|solution|output|result|response)[^\w\n]*:\s*$",
    re.IGNORECASE | re.MULTILINE,
)


_LOOKED_AT = 20  # different placeholders


def _placeholder(rewrite: Rewrite) -> str | None:
    child = rewrite.child
    enclosed = _enclosed(child)
    if enclosed and _enclosed(rewrite.parent):
        enclosed = []  # such as the names in a letter
    different = dict.fromkeys((*enclosed, *_gaps(child)))
    for found in islice(different, _LOOKED_AT):
        if found not in rewrite.parent and not _is_about(rewrite, found):
            return " ".join(found.split())
    return None


def _is_about(rewrite: Rewrite, found: str) -> bool:
    """Tell whether a task is about placeholders, by the words around the one that was found."""
    texts = rewrite.parent, rewrite.child.replace(found, " ")
    return any(map(_ABOUT.search, texts))


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="placeholder",
        meaning="The rewrite holds a placeholder where data or words should stand, its parent does"
        " not, and the task is not about placeholders.",
        cause="the model shortens the data that it should write or keep: read some of them; a"
        " larger model writes it out",
        stage="rewrite",
        check=_placeholder,
    ),
)

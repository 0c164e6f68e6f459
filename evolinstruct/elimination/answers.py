"""Rules for texts that answer nothing: they ask back, refuse, or repeat the instruction.

The three patterns of asking back come from Auto Evol-Instruct (arXiv 2406.00770). Here they match
only answers that speak to the person who asked, and they know more languages.
"""

from __future__ import annotations

import re

from evolinstruct.elimination.rule import Answer, Parameter, Rule
from evolinstruct.words import count_words

_HEAD = 300  # characters: refusals and questions stand at the start of an answer
_EDGE = 40


def _straight(text: str) -> str:
    return text.replace("’", "'") if "’" in text else text


# Asking back

_BEGINS = re.compile(
    r"[\s¡]*(?:understood|thank you|thanks|that is correct|that's correct|great|what|sure"
    r"|which|could you"
    r"|can you|verstanden|danke|großartig|was|natürlich|klar|welche|können sie|kannst du"
    r"|könnten sie"
    r"|compris|merci|très bien|quel|quelle|que|bien sûr|pourriez-vous|pouvez-vous|peux-tu"
    r"|entendido|gracias|genial|claro|¿\s?qué|¿\s?cuál|¿\s?podrías|¿\s?puedes|¿\s?podría"
    r"|明白|谢谢|好的|当然|请问|您想|你想|什么)(?![a-zà-ÿ-])",
    re.IGNORECASE,
)
_TO_YOU = re.compile(
    r"\byou(?:r|'re|'d)?\b|\b(?:sie|ihnen|ihre?n?|du|dir|dich|deine?n?)\b|\b(?:vous|votre|tu|toi)\b"
    r"|\b(?:usted|tú|te|tus?|su|quieres|deseas|necesitas)\b|您|你",
    re.IGNORECASE,
)
_PLEASE = re.compile(
    r"(?:^|[.!?。！？]\s+|[,;]\s+(?:but |so |and )?|\n)\s*(?:please,? (?:provide|share|send"
    r"|paste|specify)"
    r"|(?:could|can|would) you (?:please )?(?:provide|share|paste|specify|clarify)"
    r"|bitte (?:geben|gib|teilen|nennen|senden|stellen) (?:sie |du )?"
    r"|veuillez (?:fournir|indiquer|préciser|partager)|merci de (?:fournir|préciser)"
    r"|por favor,? (?:proporcion|indic|compart|especific|envía)\w*"
    r"|请(?:您)?(?:提供|告诉我|说明|分享|发送))",
    re.IGNORECASE,
)
_PLEASE_HINTS = (
    *("please", "could you", "can you", "would you", "bitte", "veuillez", "merci", "por favor"),
    "请",
)
_THE_MISSING = re.compile(
    r"\b(?:the|your|more|a|an|some|me|any|further|additional|specific|which|what) (?:\w+ ){0,4}"
    r"(?:text|sentence|paragraph|input|details?|information|context|article|code|passage|list|data"
    r"|document|content|question|topic|image|file|numbers?|story|instruction|prompt|example"
    r"|word)s?\b"
    r"|\b(?:den|die|das|mehr|weitere|ihren?|deinen?) (?:\w+ ){0,3}(?:text|satz|angaben"
    r"|informationen"
    r"|daten|artikel|code|kontext|einzelheiten|frage|eingabe)\b"
    r"|\b(?:le|la|les|plus de?|votre|des) ?(?:\w+ ){0,3}(?:texte|phrase|détails|informations"
    r"|contexte"
    r"|article|données|code|question)\b"
    r"|\b(?:el|la|los|las|más|tu|su) (?:\w+ ){0,3}(?:texto|frase|detalles|información|contexto"
    r"|artículo|datos|código|pregunta)\b|文本|句子|更多|信息|内容|文章|代码|数据|细节|详细"
    r"|具体|上下文",
    re.IGNORECASE,
)
_ASKED_FOR_WORDS = re.compile(
    r"\b(?:e-?mails?|letters?|messages?|dialogues?|conversations?|scripts?|repl(?:y|ies)"
    r"|respon[ds]\w*"
    r"|questions?|ask|questionnaire|quiz|survey|interview|chatbot|greet|form|notice|announcement"
    r"|rewrite|rephrase|paraphrase|convert|translate|edit|correct|punctuat\w*|transform"
    r"|change|slogan"
    r"|headline|caption|riddle|trivia|poll|query|inquir\w*|enquir\w*|icebreakers?|prompts?"
    r"|polite\w*"
    r"|nachricht|brief|fragen?|übersetz\w*|dialog|gespräch|lettre|questions?|message|traduis"
    r"|traduisez"
    r"|carta|correo|mensaje|preguntas?|traduce|diálogo)\b|邮件|信|对话|问题|提问|翻译|改写"
    r"|消息|问卷|通知",
    re.IGNORECASE,
)


def _asks_back(answer: Answer, *, words: float = 60) -> str | None:
    head = _straight(answer.response[:_HEAD])
    asks = answer.response[-9:].rstrip().endswith(("?", "？")) and _BEGINS.match(head)
    lower = head.lower()
    hinted = any([hint in lower for hint in _PLEASE_HINTS])  # noqa: C419 - faster, and runs on every answer
    please = _PLEASE.search(head) if hinted else None
    if not asks and not please:
        return None
    text = _straight(answer.response)
    if count_words(text) > words or _ASKED_FOR_WORDS.search(answer.instruction):
        return None
    if asks and _TO_YOU.search(text):
        return f'"{" ".join(text[:_EDGE].split())}…" ends in a question'
    if please and _THE_MISSING.search(text[please.start() :][:_HEAD]):
        return " ".join(text[please.start() :][:80].split())
    return None


# Refusals

_AI = (
    r"(?:as an? (?:\w+[ -]){0,2}(?:ai|language model|virtual assistant|chatbot)\b[^,.\n]{0,50},? "
    r"(?:i|it(?:'s| is) (?:not|beyond))"
)
_REFUSES = re.compile(
    r"[\s*_]*(?:"
    rf"{_AI}(?: (?:can(?:not|'t| not)|do(?:n't| not)|am (?:not|unable)|must)| )\b)"
    r"|(?:(?:unfortunately|regrettably|i apologi[sz]e|my apologies|i'm afraid|i am afraid|sorry)"
    r"[,.!]? (?:but |that )?)?"
    r"(?:i(?:'m| am) (?:not able|unable|not allowed|not permitted|not comfortable) "
    r"|i (?:can(?:not|'t| not)|could(?:n't| not)|won't|will not) (?:be able to )?"
    r"(?:help|assist|comply|fulfil|provide|create|generate|write|answer|complete|do that|do this"
    r"|access|browse|open|see|view|support|discuss|engage|offer|give|perform|process|produce)\w*\b"
    r"|i (?:do not|don't) (?:have (?:access|the ability|the capability|enough information|personal)"
    r"|feel comfortable)"
    r"|i (?:must|have to) (?:respectfully |politely )?(?:decline|refuse)\b"
    r"|(?:it|this) (?:is not|isn't) (?:possible|appropriate) (?:for me )?to (?:answer|provide"
    r"|generate)"
    r"|it(?:'s| is) not (?:something|a (?:request|topic)) i can\b)"
    # German
    r"|als (?:ki|künstliche intelligenz|sprachmodell|ki-[a-zä]+)\b[^.\n]{0,40}(?:kann|habe"
    r"|darf|bin) ich"
    r"|(?:es tut mir leid|tut mir leid|leider|entschuldigung)[,.!]? (?:aber )?(?:ich )?"
    r"(?:kann|darf|ist es mir nicht|bin)\b[^.\n]{0,80}\b(?:nicht|kein\w*|möglich|lage)"
    r"|ich (?:kann|darf) (?:(?:ihnen|dir|dabei|dazu|das|diese\w*|leider|hier"
    r"|bei) ){0,4}(?:\w+ )?nicht "
    r"(?:helfen|weiterhelfen|beantworten|nachkommen|erstellen|schreiben|unterstützen|erfüllen)"
    # French
    r"|en tant qu(?:e |')(?:ia|intelligence artificielle|modèle (?:de langage|linguistique)"
    r"|assistant)"
    r"[^.\n]{0,50}\bje (?:ne|n')"
    r"|(?:(?:je suis )?(?:vraiment )?désolée?|malheureusement|je regrette)[,.!]? (?:mais )?je "
    r"(?:ne (?:peux|suis|dispose)|n'ai)"
    r"|je ne (?:peux|suis) pas (?:en mesure de |capable de )?(?:vous |t')?(?:aider|fournir|répondre"
    r"|satisfaire|rédiger|écrire|générer|traiter)"
    # Spanish
    r"|como (?:una? )?(?:ia|inteligencia artificial|modelo (?:de lenguaje|lingüístico)|asistente)"
    r"[^.\n]{0,50}\bno (?:puedo|tengo|me)"
    r"|(?:lo siento|lamentablemente|desafortunadamente|disculpa"
    r"|perdón)[^.\n]{0,30}\bno (?:puedo|me es"
    r"|estoy|tengo)"
    r"|no puedo (?:ayudar|proporcionar|cumplir|responder|generar|escribir|crear|realizar"
    r"|asistir)\w*"
    # Chinese
    r"|(?:很抱歉|抱歉|对不起|非常抱歉|不好意思)[，,。]?[^。\n]{0,12}(?:无法|不能|不可以"
    r"|没有办法|没办法)"
    r"|作为(?:一个|一名|一款)?(?:人工智能|ai|语言模型|大型语言模型)[^。\n]{0,20}我?(?:无法"
    r"|不能|没有|不具备)"
    r"|我(?:无法|不能)(?:为[你您])?(?:提供|帮助|回答|满足|协助|完成|生成|编写|处理)"
    r")",
    re.IGNORECASE,
)
_ASKED_TO_REFUSE = re.compile(
    r"\b(?:apolog\w*|sorry|refus\w*|declin\w*|reject\w*|excuse|turn(?:ing)? down"
    r"|say(?:ing)? no|cancel\w*"
    r"|regret\w*|unable|cannot|can't|can not|couldn't|e-?mail|letter|message|dialogue"
    r"|conversation|reply"
    r"|roleplay|role-play|pretend|act as|character|speaker|first[- ]person|monologue|quote|sentence"
    r"|translate|rewrite|rephrase|paraphrase|correct|edit|convert|story|poem|lyrics|complaint"
    r"|entschuldig\w*|ab(?:lehn|sag)\w*|brief|satz|übersetz\w*|excus\w*|désolé\w*|lettre|phrase"
    r"|tradui\w*|disculp\w*|rechaz\w*|carta|frase|traduc\w*)\b|道歉|拒绝|抱歉|对不起|邮件|信"
    r"|句子|翻译|改写"
    r"|对话|婉拒|扮演",
    re.IGNORECASE,
)


def _refuses(answer: Answer, *, words: float = 100) -> str | None:
    found = _REFUSES.match(_straight(answer.response[:_HEAD]))
    if not found or count_words(answer.response) > words:
        return None
    if _ASKED_TO_REFUSE.search(_straight(answer.instruction)):
        return None
    return " ".join(found[0].split())


# Echoes

_LONG_ECHO = 6  # words: a shorter instruction may well be its own answer


def _echoes(answer: Answer, *, more: float = 3) -> str | None:
    said, asked = answer.response, answer.instruction
    if len(asked) - _EDGE > len(said) or len(said) > len(asked) + 2 * _EDGE:
        return None  # the lengths of most answers say enough
    said, asked = _bare(said), _bare(asked)
    if count_words(asked) < _LONG_ECHO or asked not in said:
        return None
    if count_words(said) - count_words(asked) > more:
        return None
    return "the answer is the instruction" + (" and a few words more" if said != asked else "")


def _bare(text: str) -> str:
    """Return the words of a text, without case and punctuation."""
    return " ".join("".join([c if c.isalnum() else " " for c in text.lower()]).split())


RULES: tuple[Rule[Answer], ...] = (
    Rule(
        name="asks_back",
        meaning="A short answer asks for something instead of answering, and the instruction asked"
        " for no question or message.",
        cause="the instructions refer to a text or data that they do not hold: read some of them,"
        " and look at which operations made them",
        stage="answer",
        parameters=(
            Parameter("words", 60, 1, 10_000, "looks at answers of at most so many words"),
        ),
        check=_asks_back,
    ),
    Rule(
        name="response_refuses",
        meaning="A short answer begins with a refusal, in one of five languages, and the"
        " instruction asked for no refusal or apology.",
        cause="the instructions ask for things that the model cannot or will not do: read some of"
        " them, or let another model answer",
        stage="answer",
        parameters=(
            Parameter("words", 100, 1, 10_000, "looks at answers of at most so many words"),
        ),
        check=_refuses,
    ),
    Rule(
        name="response_echoes",
        meaning="The answer repeats the instruction and adds next to nothing.",
        cause="the answering model does not follow instructions, or its chat template is wrong:"
        " look at the raw replies",
        stage="answer",
        parameters=(Parameter("more", 3, 0, 100, "words that it may add to the instruction"),),
        check=_echoes,
    ),
)
"""In the order in which they look."""

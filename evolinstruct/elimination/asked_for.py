"""What an instruction asks for that would be a fault in another answer."""

from __future__ import annotations

import re

# Words that somebody says to somebody

_LETTERS = (
    r"e-?mails?|letters?|messages?|notes?|sms|tweets?|posts?|repl(?:y|ies)|respond|responses?"
    r"|announcements?|notices?|invit\w*|prompts?|greet\w*|signature|voicemail"
    r"|nachricht(?:en)?|brief\w*|mails?|antwort(?:e|en)?|einladung|notiz|zettel|karte"
    r"|lettre|courriel|courrier|réponse|répond\w*|mot"
    r"|cartas?|correo|mensajes?|respuesta|respond\w*|nota"
    r"|mensage[mn]s?|resposta|bilhete|recado"
    r"|письм\w*|сообщени\w*|ответ\w*|записк\w*|открытк\w*"
)
_SPEECH = (
    r"dialog(?:ue)?s?|conversations?|exchange|scripts?|scenes?|chatbot|role-?play|pretend|act as"
    r"|quotes?|slogan|riddle|jokes? in which"
    r"|dialog\w*|gespräch\w*|szene|rolle|interview\w*|entretien|sketch|scène|conversation"
    r"|diálogos?|conversación|escena|entrevista|conversa|cena"
    r"|диалог\w*|разговор\w*|сцен\w*|интервью"
)
_QUESTIONS = (
    r"questions?|ask(?:s|ing)?|questionnaire|quiz|surveys?|interviews?|forms?|icebreakers?|trivia"
    r"|fragen?|frage\w*|formular|umfrage|quiz|demand\w*|formulaire|sondage"
    r"|preguntas?|pregúnt\w*|formulario|encuesta|perguntas?|pergunte|formulário|pesquisa"
    r"|вопрос\w*|спроси\w*|анкет\w*|опрос\w*"
)
_REFUSALS = (
    r"apolog\w*|sorry|refus\w*|declin\w*|reject\w*|say(?:ing)? no|turn(?:ing)? down|excuses?"
    r"|cancel\w*|polite\w*|templates?"
    r"|absage|ablehn\w*|entschuldig\w*|vorlage|déclin\w*|excus\w*|modèle"
    r"|rechaz\w*|disculp\w*|plantilla|recus\w*|desculp\w*|modelo"
    r"|отказ\w*|извин\w*|шаблон\w*"
)
_ARABIC = r"رسالة|بريد|سؤال|أسئلة|اسأل|حوار|محادثة|استمارة|نموذج|رد\b|ردًا|رفض|اعتذر|اعتذار|مشهد|استبيان|مقابلة"
_EAST_ASIAN = (
    r"邮件|信|消息|短信|问题|提问|问卷|对话|会话|场景|回复|拒绝|婉拒|道歉|模板|表格|采访|面试|通知|留言|台词|邀请"
    r"|メール|手紙|メッセージ|質問|会話|対話|台本|場面|返信|返事|断り|断る|お詫び|謝罪|テンプレート|アンケート|面接"
    r"|インタビュー|お知らせ|伝言|挨拶|フォーム"
    r"|편지|이메일|메일|메시지|문자|질문|대화|대본|장면|답장|거절|사과|양식|설문|면접|인터뷰|안내문|쪽지|인사"
)
_SAID = re.compile(
    rf"\b(?:{_LETTERS}|{_SPEECH}|{_QUESTIONS}|{_REFUSALS})\b|{_ARABIC}|{_EAST_ASIAN}", re.IGNORECASE
)
_ANSWER_IT = re.compile(
    r"\banswer (?:the|this|my|these)(?: following)? questions?|ответ\w* на вопрос\w*"
    r"|beantworte\w* (?:die|diese|meine) fragen?|répond\w* (?:à|aux) (?:la |ces )?questions?"
    r"|respond\w* (?:a )?(?:la|esta|estas|à|a) (?:pregunta|pergunta)s?|回答(?:以下)?问题",
    re.IGNORECASE,
)


def asks_for_speech(instruction: str) -> bool:
    """Tell whether a text is asked for in which somebody speaks to somebody, such as a letter."""
    return _SAID.search(_ANSWER_IT.sub(" ", instruction)) is not None


# A given text

_GIVEN = re.compile(
    r"[\"“«„「『‘]([^\"”»“」』]{6,})|[:：]\s*(\S.{7,})|\n\s*(\S.*)",
    re.DOTALL,
)


def given_text(instruction: str) -> str:
    """Return the text that an instruction brings along: quoted, behind a colon, or below it."""
    found = _GIVEN.search(instruction)
    return " ".join(filter(None, found.groups())) if found else ""


# The same again and again

_AGAIN = re.compile(
    r"\brepe(?:at|tition|titive)\w*|\btimes\b|\bcopies\b|\bidentical\b|\bchant|\bmantra|\bpattern"
    r"|\bplaceholder|\blorem\b|\bdummy\b|\bchorus|\brefrain|\bsongs?\b|\blyrics\b|\bnursery|\bsequence"
    r"|wiederhol|\bmal\b|kopien|muster|identisch|refrain|\blied\b|platzhalter"
    r"|répét|répèt|\bfois\b|copies|motif|refrain|chanson|identiques|latin"
    r"|repit|repet|\bveces\b|copias|patrón|estribillo|canción|idéntic"
    r"|\bvezes\b|cópias|padrão|refrão|canção|música|idêntic"
    r"|повтор|\bраз(?:а)?\b|копи|узор|припев|песн|одинаков"
    r"|كرر|تكرار|مرات|مرة|نسخ|نمط|أغنية|متطابق"
    r"|重复|遍|次|副歌|歌|模式|相同|占位|繰り返|回|パターン|サビ|同じ|반복|번|후렴|노래|패턴|똑같",
    re.IGNORECASE,
)


def asks_for_repetition(instruction: str) -> bool:
    """Tell whether the same words are asked for several times."""
    return _AGAIN.search(instruction) is not None


# A part of a text

_PART = re.compile(
    r"complet|continu|finish|\bfill|blank|\bgap|\bhalf\b|\bbegin|\bstart of|opening|first (?:line|words)"
    r"|predict|next word|autocomplete|truncat|salutation|ergänz|vervollständig|fortsetz|anfang|beginn|hälfte"
    r"|complét|suite|début|moitié|commenc|complet|continú|comienz|principio|mitad"
    r"|continue|início|começ|metade|продолж|дополн|начал|половин|أكمل|بداية|نصف|تابع"
    r"|续写|补全|填空|开头|前半|続き|穴埋め|冒頭|前半|이어|빈칸|첫 문장|앞부분",
    re.IGNORECASE,
)


def asks_for_part(instruction: str) -> bool:
    """Tell whether a text without its end is asked for."""
    return _PART.search(instruction) is not None

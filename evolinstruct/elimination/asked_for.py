"""What an instruction asks for that would be a fault in another answer.

Every pattern is for lower case.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from evolinstruct.words import lowered

DEMANDS = ("message", "questions", "refusal", "translation", "place")
"""Words to somebody, such as a letter or a reply; questions; a refusal, an apology or a role; the
same words in another language; where, when or with whom something is."""
MESSAGE, QUESTIONS, REFUSAL, TRANSLATION, PLACE = DEMANDS

# Words that somebody says to somebody

_MESSAGES = (
    r"\b(?:e-?mails?|letters?|messages?|notes?|sms|tweets?|posts?|repl(?:y|ies)|respond|responses?"
    r"|announc\w*|notices?|invit\w*|prompts?|greet\w*|signature|voicemail|chatbot|quotes?|slogan"
    r"|texts?|ads?|advert\w*|tagline|pitch|speech|toast|captions?|warning|hotline|script|opening"
    r"|lines|dialog\w*|conversations?|monolog\w*|scene|sketch|banner|pop-?up|jokes?|one-liners?"
    r"|pick-?up|songs?|lyrics|reviews?|testimonials?"
    r"|nachricht(?:en)?|brief\w*|mails?|antwort(?:e|en)?|notiz|zettel|aushang|durchsage|hinweis\w*"
    r"|rede|szene|schild|gespräch|telefonat|witz\w*|lied(?:es)?|rezension|bewertung"
    r"|lettre|courriel|courrier|réponse|répond\w*|mot|annonce|panneau|affiche|boniment|discours"
    r"|accroche|avertissement|scène|réplique|blagues?|chanson|avis|critique"
    r"|cartas?|correo|mensajes?|respuesta|respond\w*|nota|invitación|anuncio|eslogan|lema|cartel"
    r"|aviso|discurso|pregón|diálogo|monólogo|escena|grabación|frase|textos?|letra|chistes?|canción"
    r"|reseña|mensage[mn]s?|resposta|bilhete|recado|convite|cartão|anúncio|placa|cena|gravação"
    r"|piadas?|canção|resenha"
    r"|письм\w*|сообщени\w*|записк\w*|открытк\w*|приглаш\w*|поздравл\w*|объявлени\w*|слоган\w*"
    r"|вывеск\w*|уведомлени\w*|реч[ьи]|приветств\w*|диалог\w*|монолог\w*|сцен\w*|реплик\w*"
    r"|надпис\w*|шутк\w*|песн\w*|отзыв\w*)\b"
    r"|(?:einladung|karte|spruch|ansage|meldung)\b|ответ"
    r"|رسالة|بريد|دعوة|بطاقة|تهنئة|رد\b|ردًا|إعلان|شعار|لافتة|تنبيه|نداء|خطاب|حوار|عبارة|نكتة|أغنية"
    r"|邮件|信|消息|短信|回复|通知|留言|贺卡|台词|邀请|话术|开场白|广告|标语|口号|公告|提示|独白|对话"
    r"|演讲|文案|告示|笑话|歌|评价|评论"
    r"|メール|手紙|メッセージ|返信|返事|お知らせ|伝言|挨拶|招待|カード|貼り紙|アナウンス|キャッチ"
    r"|口上|セリフ|台詞|案内|文句|スピーチ|広告|看板|文言|画面|ジョーク|レビュー"
    r"|편지|이메일|메일|메시지|문자|답장|쪽지|인사|초대|카드|문구|광고|안내|방송|대사|독백|멘트|연설|공지"
    r"|알림|대화|농담|노래|후기|리뷰|(?:할|하는|줄) 말"
)
_QUESTIONS = (
    r"\b(?:questions?|ask(?:s|ing)?|chatbot|questionnaire|quiz|surveys?|interviews?|icebreakers?"
    r"|trivia|riddles?|conversation\w*|polite\w*|frage\w*|formular|umfrage|formulaire"
    r"|sondage|entretien|demander|pregunt\w*|pregúnt\w*|formulario|encuesta|entrevista|pergunt\w*"
    r"|formulário|pesquisa|вопрос\w*|спроси\w*|спрашива\w*|анкет\w*|опрос\w*|интервью)\b|fragen?\b"
    r"|سؤال|أسئلة|اسأل|أسأل|استمارة|استبيان|مقابلة|问题|提问|问卷|表格|采访|面试"
    r"|質問|アンケート|面接|インタビュー|フォーム|聞くこと|聞きたい|尋ね"
    r"|질문|양식|설문|면접|인터뷰|물어볼|물을"
)
_REFUSALS = (
    r"\b(?:apolog\w*|sorry|refus\w*|declin\w*|reject\w*|say(?:ing)? no|turn(?:ing)? down|excuses?"
    r"|cancel\w*|polite\w*|role-?play|pretend|act as|first[- ]person|persona|pessoa|personne"
    r"|negative|poems?|poema|soneto|gedicht|poème|стих\w*|от лица"
    r"|absage|ablehn\w*|entschuldig\w*|rolle|déclin\w*|excus\w*|rôle"
    r"|rechaz\w*|disculp\w*|recus\w*|desculp\w*|papel|отказ\w*|извин\w*|роли)\b"
    r"|رفض|اعتذر|اعتذار|قصيدة|拒绝|婉拒|道歉|扮演|诗|断り|断る|お詫び|謝罪|役|一人称|第一人称|詩"
    r"|거절|사과|역할|1인칭|시를"
)
_MESSAGE, _QUESTION, _REFUSAL = map(re.compile, (_MESSAGES, _QUESTIONS, _REFUSALS))
_TRANSLATION = re.compile(
    r"translat|how (?:do|would|can) (?:you|i|we) say|\bin (?:english|french|german|spanish|japanese"
    r"|korean|chinese|arabic|russian|portuguese|italian)\b"
    r"|übersetz|auf (?:deutsch|englisch|franz)"
    r"|tradui|en (?:anglais|français|espagnol|allemand|inglés|español|francés|alemán)\b"
    r"|traduc|traduz|em (?:inglês|português|espanhol|francês|alemão)\b"
    r"|перев[её]|по-(?:англ|русс|немец|франц|испан)|ترجم|ب?الإنجليزية|翻译|译成|[英日韩法德]语|英文"
    r"|翻訳|(?:[英仏独韓]|日本)語[にでの]|訳し|번역|(?:영어|한국어|일본어)로",
)
_PLACE = re.compile(
    r"\b(?:where|when|whom?|what time|which (?:site|website|page|office|file|folder|book)|wo|wohin"
    r"|woher|wann|wer|wen|wem|uhr|où|quand|qui|heure|dónde|adónde|cuándo|quién|hora|onde|quando"
    r"|quem|horas|где|куда|откуда|когда|кто|кому|кого|час[уа]?)\b"
    r"|哪里|哪儿|在哪|何处|几点|何时|什么时候|谁|どこ|いつ|誰|何時|어디|언제|누구|몇\s*시"
    r"|أين|متى|أي ساعة"
)
_ANSWER_IT = re.compile(
    r"\banswer (?:the|this|my|these)(?: following)? questions?|ответ\w* на вопрос\w*"
    r"|beantworte\w* (?:die|diese|meine) fragen?|répond\w* (?:à|aux) (?:la |ces )?questions?"
    r"|respond\w* (?:a )?(?:la|esta|estas|à|a) (?:pregunta|pergunta)s?|回答(?:以下)?问题",
)
_NO = (
    r"\b(?:don['’]t|do not|without|no|not|never|zero|keine?|ohne|nicht|sans|aucune|pas|ne"
    r"|sin|no|nada de|ninguna|sem|não|nenhuma|без|не|никаких)\b|不|别|無|无|勿|دون|بلا|لا"
)
_TO_ASK = (
    r"\b(?:ask\w*|questions?|clarif\w*|(?:rück|nach)?frag\w*|questions?|demand\w*|pregunt\w*"
    r"|pergunt\w*|вопрос\w*|спрашива\w*|уточня\w*)\b|问|تسأل|أسئلة|سؤال"
)
_ASK_NOTHING = re.compile(
    rf"(?:(?:{_NO})[^.;!?。\n]{{0,25}}?(?:{_TO_ASK})"
    r"|(?:質問|聞き返)\w{0,3}?(?:せず|なし|しない|さず|不要)|聞かず"
    r"|(?:질문|되?묻)\w*(?: 없이| ?말|지)"
    r"|\bfrag\w*[^.;!?\n]{0,15} nicht)[^.!?。\n]*[.!?。]?",
)
"""That nothing should be asked back."""
_SIGNS = ".,;:!?。，、؛،\n"
_EDIT = re.compile(
    r"\b(?:edit|correct|proofread|summari[sz]\w*|translate|revise|improve|check|fix|review|shorten"
    r"|korrigier\w*|überarbeit\w*|übersetz\w*|fass\w*|verbesser\w*|corrig\w*|tradui\w*|résum\w*"
    r"|relis\w*|revis\w*|traduc\w*|traduz\w*|resum\w*|mejora|melhor\w*|отредактир\w*|исправ\w*"
    r"|переве\w*|провер\w*|сократи\w*)\b"
    r"|صحح|لخّ?ص|ترجم|دقق|راجع|修改|翻译|总结|校对|润色|要約|翻訳|添削|校正|고쳐|번역|요약|교정",
)


_TELLING = {
    MESSAGE: _MESSAGE,
    QUESTIONS: _QUESTION,
    REFUSAL: _REFUSAL,
    TRANSLATION: _TRANSLATION,
    PLACE: _PLACE,
    "edit": _EDIT,
    "ban": re.compile(rf"{_TO_ASK}|質問|聞き返|聞か|질문|묻"),
    "answer": re.compile(r"\banswer|\bответ|beantwort|répond|respond|回答"),
}
_OPENERS = frozenset(
    (
        *("act", "auf", "em", "en", "first", "in", "say", "saying", "turn", "turning", "what"),
        *("which", "أي", "от", "몇"),
    )
)
"""Words that tell something with the next one."""
_HOW, _HOW_TO_SAY = "how", 4  # a word that opens so many


@lru_cache(maxsize=1 << 14)
def _told_by(words: str) -> frozenset[str]:
    """Return which of `_TELLING` find something in a word, or in a few in a row."""
    return frozenset([name for name, each in _TELLING.items() if each.search(words)])


@lru_cache(maxsize=64)
def _told(lower: str) -> frozenset[str]:
    """Return which of `_TELLING` find something in a text in lower case.

    Words recur, so to look at them is ten times as fast as to search the text.
    """
    words = lower.split()
    rows = [
        f"{word} {following}"
        for word, following in pairwise(words)
        if word in _OPENERS or following[0] == "말"
    ]
    if _HOW in words:
        at = words.index(_HOW)
        rows.append(" ".join(words[at : at + _HOW_TO_SAY]))
    return frozenset().union(*map(_told_by, words), *map(_told_by, rows))


def without_ban(instruction: str) -> str:
    """Return an instruction without the words that nothing should be asked back."""
    lower = lowered(instruction)
    if "ban" not in _told(lower):
        return instruction
    ban = _ASK_NOTHING.search(lower)
    if not ban:
        return instruction
    begin = 1 + max([instruction.rfind(sign, 0, ban.start()) for sign in _SIGNS])
    return instruction[:begin] + instruction[ban.end() :]


@lru_cache(maxsize=64)
def demands(instruction: str) -> frozenset[str]:
    """Return which of `DEMANDS` an instruction makes."""
    lower = lowered(instruction)
    told = _told(lower)
    found = told.intersection(DEMANDS)
    if "answer" in told:
        found &= _told(_ANSWER_IT.sub(" ", lower)) | {TRANSLATION, PLACE}
    if "edit" in told and not given_text(instruction):
        found &= {TRANSLATION, PLACE}
    return found


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
)


def asks_for_repetition(instruction: str) -> bool:
    """Tell whether the same words are asked for several times."""
    return _AGAIN.search(lowered(instruction)) is not None


# A part of a text

_PART = re.compile(
    r"complet|continu|finish|\bfill|blank|\bgap|\bhalf\b|\bbegin|\bstart of|opening"
    r"|first (?:line|words)"
    r"|predict|next word|autocomplete|truncat|salutation|ergänz|vervollständig|fortsetz|anfang"
    r"|beginn|hälfte"
    r"|complét|suite|début|moitié|commenc|complet|continú|comienz|principio|mitad"
    r"|continue|início|começ|metade|продолж|дополн|начал|половин|أكمل|بداية|نصف|تابع"
    r"|续写|补全|填空|开头|前半|続き|穴埋め|冒頭|前半|이어|빈칸|첫 문장|앞부분",
)


def asks_for_part(instruction: str) -> bool:
    """Tell whether a text without its end is asked for."""
    return _PART.search(lowered(instruction)) is not None

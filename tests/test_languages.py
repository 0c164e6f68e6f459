"""Instructions in ten languages: they stay in theirs, and rules, reading and checks know them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from evolinstruct import prompts
from evolinstruct.checks import CONSTRAINTS, Check, draw, faults, suits
from evolinstruct.elimination import Rewrite, choose
from evolinstruct.languages import is_english, tell
from evolinstruct.llm.offline.grammar import Writer
from evolinstruct.reading import read_instruction, read_verdict
from evolinstruct.run_dir.directory import RunDir
from tests.quick import first_of
from tests.runs import evolve

SEEDS = Path(__file__).parent / "seeds_in_languages.jsonl"
ROWS = [json.loads(line) for line in SEEDS.read_text(encoding="utf-8").splitlines()]
TEXTS: dict[str, list[str]] = defaultdict(list)
for row in ROWS:
    TEXTS[row["language"]].append("\n".join(filter(None, (row["instruction"], row["input"]))))
LANGUAGES = list(TEXTS)
OTHERS = [language for language in LANGUAGES if language != "English"]
RULES = choose({})


def objection(parent: str, child: str, kind: str = "in-depth") -> str | None:
    found = RULES.find_objection(Rewrite(parent, child, (), kind=kind))
    return found.rule if found else None


def test_the_language_of_a_text_is_told() -> None:
    told = [(row["language"], tell(row["instruction"])) for row in ROWS]
    assert told == [(row["language"], row["language"]) for row in ROWS]
    assert {row["language"] for row in ROWS if is_english(row["instruction"])} == {"English"}


@pytest.mark.slow
@pytest.mark.parametrize("pack", first_of("general", *sorted({*prompts.builtin()} - {"general"})))
def test_instructions_stay_in_their_language_through_four_generations(
    pack: str, tmp_path: Path
) -> None:
    evolve(SEEDS, tmp_path / "run", prompts=pack, generations=4)
    run = RunDir(tmp_path / "run")
    languages = {line.id: tell(line.instruction) for line in run.read(0)}
    kept = [line for number in range(1, 5) for line in run.read(number)]
    changed = [line for line in kept if tell(line.instruction) != languages[line.seed_id]]
    assert changed == []
    assert {languages[line.seed_id] for line in kept} == set(LANGUAGES)


def test_the_pack_in_spanish_is_the_default_one_in_another_language() -> None:
    general, spanish = (prompts.read(prompts.find(name)) for name in ("general", "spanish"))

    def build(pack: prompts.Pack) -> list[tuple[str, str, float, bool]]:
        return [(each.name, each.kind, each.weight, each.uses_format) for each in pack.operations]

    assert build(spanish) == build(general)
    assert spanish.language == "es"
    for operation in spanish.operations:
        drawn = ("csv", ["json", "log"]) if operation.uses_format else ()
        ((_, text),) = spanish.evolve(operation.name, TEXTS["Spanish"][0], *drawn)
        assert tell(text) == "Spanish"
        assert not set(general.marks or ()) & set(text.split())


@pytest.mark.parametrize(
    ("marker", "leaks"), [("instrucción", False), ("instrucción revisada", True), ("指令", True)]
)
def test_a_marker_of_one_word_is_everyday_language_where_words_have_spaces(
    marker: str, leaks: bool
) -> None:
    child = f"Escribe la {marker} que falta en este cuento sobre un faro."
    found = RULES.find_objection(Rewrite("Escribe un cuento.", child, (marker,), kind="in-breadth"))
    assert (found is not None and found.rule == "prompt_leaked") is leaks


def test_where_characters_count_as_words_twice_as_many_are_asked_for() -> None:
    pack = prompts.read(prompts.find("general"))
    ((_, text),) = pack.evolve("deepen", "怎样判断一个西瓜是否成熟？")
    assert "has 13 words and your version 33 to 53." in text


@pytest.mark.parametrize("before", LANGUAGES)
@pytest.mark.parametrize("after", LANGUAGES)
def test_a_rewrite_in_another_language_is_dropped_and_none_in_the_same(
    before: str, after: str
) -> None:
    parent, child = TEXTS[before][1], TEXTS[after][1]
    rules = {"language_changed", "script_changed"}
    if before != after:
        assert objection(parent, child, "in-breadth") in rules
    else:
        found = {objection(parent, text, "in-breadth") for text in TEXTS[after]}
        assert not rules & found


@pytest.mark.parametrize("language", OTHERS)
def test_what_models_write_around_a_rewrite_is_read_in_its_language(language: str) -> None:
    parent = TEXTS[language][0]
    writer = Writer("a", parent)
    text = writer.fill(writer.phrases["short_task"][0])
    for before in writer.phrases["preamble"] + writer.phrases["heading"]:
        assert read_instruction(f"{writer.fill(before)}\n\n{text}", parent=parent) == text
    for after in writer.phrases["after_note"]:
        assert read_instruction(f"{text}\n\n{writer.fill(after)}", parent=parent) == text


@pytest.mark.parametrize("language", OTHERS)
def test_data_below_an_instruction_is_no_note_in_another_language(language: str) -> None:
    parent = TEXTS[language][0]
    for data in (
        "name,team,joined\nTove,design,2024-11-16\nHana,legal,2024-11-11\nDalia,sales,2024-01-20",
        "CREATE TABLE teams (id INTEGER, lead TEXT);\nINSERT INTO teams VALUES\n  (1, 'Hana'),\n"
        "  (2, 'Tove');",
        "cat > a.txt <<'END'\nOmar;legal;701\nUma;support;735\nEND\nsort -t ';' -k 3 -n a.txt",
        "def total(rows):\n    result = 0\n    for row in rows:\n        result += row\n"
        "    return result",
    ):
        assert objection(parent, f"{parent}\n\n{data}") is None


@pytest.mark.parametrize("language", OTHERS)
def test_a_refusal_is_no_instruction_in_any_language(language: str) -> None:
    parent = TEXTS[language][0]
    writer = Writer("a", parent)
    refusals = [writer.fill(phrase) for phrase in writer.phrases["refusal"]]
    dropped = [objection(parent, text, "in-breadth") == "rewrite_unusable" for text in refusals]
    assert sum(dropped) >= 2  # of three


@pytest.mark.parametrize(
    ("reply", "equal"),
    [
        ("Veredicto: Equal", True),
        ("**Veredicto:** Not Equal", False),
        ("La respuesta es: Not Equal, porque la segunda exige una excepción.", False),
        ("Equal, porque ambas piden lo mismo.", True),
        ("Urteil: Not Equal", False),
        ("判断：Equal。", True),
        ("最终判断为 Not Equal，因为第二条要求更多。", False),
        ("두 지시문은 Not Equal입니다.", False),
        ("두 지시문은 Equal이 아닙니다.", None),  # "are not": asked once more
        ("Son equivalentes.", None),
    ],
)
def test_a_verdict_is_read_amid_another_language(reply: str, equal: bool | None) -> None:
    assert read_verdict(reply) is equal


# Constraints


def test_a_constraint_is_drawn_only_where_the_language_is_written_so() -> None:
    suited = {
        language: {name for name, each in CONSTRAINTS.items() if suits(each, texts[0])}
        for language, texts in TEXTS.items()
    }
    for language in ("Chinese", "Japanese", "Korean", "Arabic"):
        assert not {"capitals_exactly", "avoid_letter", "word_times"} & suited[language]
    assert "words_between" not in suited["Chinese"] | suited["Japanese"]
    assert "words_between" in suited["Korean"] & suited["Arabic"] & suited["Russian"]
    assert "capitals_exactly" in suited["Russian"] & suited["Spanish"]
    assert "avoid_letter" not in suited["Russian"]
    assert "first_word" not in set.union(*(suited[language] for language in OTHERS))
    assert "sentences_exactly" in set.intersection(*suited.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_task_that_asks_for_a_number_gets_no_constraint(language: str) -> None:
    sums = [text for text in TEXTS[language] if "35" in text]
    places = [str(place) for place in range(20)]
    drawn = [draw(text, 1, place) for text in sums for place in places]
    assert language == "English" or not any(drawn)


STATED = [
    ("sentences_exactly", {"number": 5}, "请解释潮汐的成因，回答正好有五句话。"),
    ("sentences_exactly", {"number": 5}, "请解释潮汐的成因，回答正好有5句话。"),
    ("sentences_exactly", {"number": 4}, "潮の満ち引きを説明し、ちょうど４文で答えてください。"),
    ("sentences_exactly", {"number": 5}, "밀물의 원인을 정확히 다섯 문장으로 설명해 주세요."),
    ("lines_exactly", {"number": 7}, "밀물의 원인을 7줄로 설명해 주세요."),
    ("sentences_exactly", {"number": 5}, "اشرح سبب المد في خمس جمل بالضبط، ولا تزد عليها."),
    ("characters_most", {"number": 450}, "اشرح سبب المد، ولا تزد على ٤٥٠ حرفا في الجواب كله."),
    ("sentences_exactly", {"number": 5}, "Объясни причину приливов ровно в пяти предложениях."),
    ("words_between", {"band": [70, 100]}, "Explica las mareas con entre 70 y 100 palabras."),
    ("numbered_items", {"number": 6}, "Nenne die Gründe als Liste von genau sechs Punkten."),
    ("paragraph_of_one_sentence", {"number": 2}, "Escribe todo; el segundo párrafo es una frase."),
    (
        "sentences_exactly",
        {"number": 5},
        "请解释潮汐的成因。The response has exactly five sentences.",
    ),
    ("json_keys", {"keys": ["topic", "claim"]}, "请用JSON回答，键依次为“topic”和“claim”。"),
]


@pytest.mark.parametrize(("name", "arguments", "text"), STATED)
def test_a_constraint_is_known_where_the_text_holds_its_arguments(
    name: str, arguments: dict[str, object], text: str
) -> None:
    assert Check(name, arguments).is_stated(text)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("sentences_exactly", {"number": 5}, "请解释潮汐的成因，回答正好有十五句话。"),
        ("sentences_exactly", {"number": 5}, "请解释潮汐的成因，回答正好有15句话。"),
        ("sentences_exactly", {"number": 3}, "세상의 모든 밀물이 왜 생기는지 설명해 주세요."),
        ("sentences_exactly", {"number": 4}, "Explica las mareas en 4,5 o más frases cortas."),
        ("words_between", {"band": [70, 100]}, "Explica las mareas con unas 70 palabras."),
    ],
)
def test_another_number_or_a_part_of_a_word_states_nothing(
    name: str, arguments: dict[str, object], text: str
) -> None:
    assert not Check(name, arguments).is_stated(text)


def test_what_a_task_holds_already_is_not_drawn_where_only_arguments_tell() -> None:
    text = "Explica en qué se diferencian los cuatro elementos y las cinco formas del relieve."
    drawn = [check for place in range(80) for check in draw(text, 1, str(place))]
    assert drawn
    assert not any(check.is_stated(text) for check in drawn)


@pytest.mark.parametrize(
    ("name", "number", "answer"),
    [
        ("quotations_exactly", 2, "Il dit « oui », puis « non »."),
        ("quotations_exactly", 2, "彼は「はい」と言い、「いいえ」とも言いました。"),
        ("quotations_exactly", 2, "Er sagt „ja“ und dann „nein“, ohne zu zögern."),
        ("quotations_exactly", 2, "Он сказал «да», а потом «нет»."),
        ("parentheses_exactly", 2, "潮汐（海水的涨落）由月球（和太阳）引起。"),
        ("questions_exactly", 2, "لماذا يأتي المد؟ بسبب القمر. ومتى يأتي؟ مرتين كل يوم."),
        ("semicolons_exactly", 2, "المد في الصباح؛ والجزر في المساء؛ وهكذا كل يوم."),
        ("sentences_exactly", 3, "لماذا يأتي المد؟ بسبب القمر. ويأتي مرتين."),
        ("sentences_exactly", 3, "潮はなぜ満ちるのですか。「月の力だ。」そう教わりました。"),
        ("numbers_least", 3, "5月14日闭馆，7点重新开放。"),
    ],
)
def test_signs_of_other_languages_count(name: str, number: int, answer: str) -> None:
    assert faults([Check(name, {"number": number})], answer) == []

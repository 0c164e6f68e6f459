"""Promises of prompt packs: what the built-in one asks for, and how a broken one is refused."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct import prompts
from evolinstruct.analysis.refilter import Refilter, refilter
from evolinstruct.analysis.runs import Run
from evolinstruct.elimination import Answer, choose
from evolinstruct.errors import InputError, UsageError
from evolinstruct.installation import data_folder, find_data_folder
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.records import Rejected
from evolinstruct.run_dir.directory import RunDir
from tests.runs import check_invariants, evolve, tasks, write_seeds
from tests.scripted import Scripted

GENERAL = data_folder("prompts") / "general"
PACK = prompts.read(GENERAL)
PAPER = prompts.read(data_folder("prompts") / "paper")
PLAIN = ("add_constraints", "concretize", "deepen", "increase_reasoning")
ANY_TEXT = st.one_of(
    st.text(),
    st.sampled_from(
        ["{{instruction}}", "{{method}} {x} {{", "$HOME ${x} %s \\1", "#Starting Instruction#:\nhi"]
    ),
)


def small_pack(folder: Path) -> Path:
    """Write the smallest pack that uses everything a pack can have."""
    texts = {
        "pack.toml": 'name = "small"\ndescription = "For tests."\nlanguage = "en"\n',
        "compare.txt": "{{parent}} or {{child}}?\n",
        "answer.txt": "{{instruction}}\n",
        "demonstration.txt": "{{format}}: {{instruction}} -> {{rewritten}}\n",
        "frames/plain.txt": "{{method}}\n#Old#:\n{{instruction}}\n#New Text#:\n",
        "operations/harder.txt": (
            "name: harder\nkind: in-depth\nweight: 1\nframe: plain\n---\nMake it harder.\n"
        ),
        "operations/with_data.txt": (
            "name: with_data\nkind: in-depth\nweight: 2.5\n---\n"
            "{{demonstrations}}\n#Format#: {{format}}\n#Old#: {{instruction}}\n"
        ),
        "measures/clarity.txt": (
            "name: clarity\nmethod: rating\nrange: 1-5\n---\nHow clear is {{instruction}}?\n"
        ),
        "formats/a.txt": "name: tsv\ntitle: TSV\n--- instruction\nAdd\n--- rewritten\n1\t2\n",
        "formats/b.txt": (
            "name: ini\ntitle: INI file\n--- instruction\nSay {{x}}\n--- rewritten\n[a]\n---\nb=1\n"
        ),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_pack(tmp_path / "small")


def content(messages: prompts.Messages) -> str:
    ((role, text),) = messages
    assert role == "user"
    return text


# The built-in pack


def test_general_has_the_six_operations_with_equal_weight() -> None:
    found = [(each.name, each.kind, each.weight, each.uses_format) for each in PACK.operations]
    assert found == [
        ("add_constraints", "in-depth", 1.0, False),
        ("complicate_input", "in-depth", 1.0, True),
        ("concretize", "in-depth", 1.0, False),
        ("deepen", "in-depth", 1.0, False),
        ("in_breadth", "in-breadth", 1.0, False),
        ("increase_reasoning", "in-depth", 1.0, False),
    ]


def test_general_knows_ten_formats_and_four_markers() -> None:
    assert PACK.formats == (
        "csv", "html", "json", "log", "markdown_table", "python", "shell", "sql", "xml", "yaml",
    )  # fmt: skip
    assert PACK.markers == (
        "created instruction", "format to embed", "revised instruction", "starting instruction",
    )  # fmt: skip
    assert PACK.marks == ("<new_instruction>", "</new_instruction>")


def test_every_builtin_pack_is_whole_and_called_as_its_folder() -> None:
    names = prompts.builtin()
    assert "general" in names
    assert tuple(prompts.read(prompts.find(name)).name for name in names) == names


@pytest.mark.parametrize("operation", PLAIN)
def test_a_plain_in_depth_prompt_is_the_frame_around_the_method_and_the_instruction(
    operation: str,
) -> None:
    frame = (GENERAL / "frames" / "in_depth.txt").read_text().strip("\n")
    header, method = (GENERAL / "operations" / f"{operation}.txt").read_text().split("\n---\n")
    assert header == f"name: {operation}\nkind: in-depth\nweight: 1\nframe: in_depth"
    expected = frame.replace("{{method}}", method.strip("\n")).replace("{{instruction}}", "1 + 1?")
    for place, words in {"words": "3", "least": "13", "most": "23"}.items():
        expected = expected.replace("{{" + place + "}}", words)
    assert PACK.evolve(operation, "1 + 1?") == (("user", expected),)


LAST_WORDS = {
    "add_constraints": "#Revised Instruction# (at most three lines of thought, then the text",
    "in_breadth": "#Created Instruction# (at most three lines of thought, then the text",
    "complicate_input": "#Revised Instruction# (the text between its marks <new_instruction> and",
}


@pytest.mark.parametrize("operation", LAST_WORDS)
def test_a_prompt_gives_the_instruction_last_and_asks_for_the_new_one_between_marks(
    operation: str,
) -> None:
    drawn = ("xml", ["sql"]) if operation == "complicate_input" else ()
    text = content(PACK.evolve(operation, "1+1=?", *drawn))
    assert f"#Starting Instruction#:\n1+1=?\n\n{LAST_WORDS[operation]}" in text
    assert "\n<new_instruction>\n" in text
    assert "\n</new_instruction>\n" in text


def test_words_are_counted_without_code_and_data() -> None:
    parent = (
        "Say in one word what this does.\n\n```python\nfor each in range(3):\n    print(each)\n```"
    )
    text = content(PACK.evolve("deepen", parent))
    assert "the original has 7 words and your version 17 to 27" in text


def test_prompts_of_an_operation_begin_alike_up_to_the_instruction() -> None:
    texts = [content(PACK.evolve("deepen", parent)) for parent in ("Name a tree.", "1+1=?")]
    same = list(takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    assert len(same) > 0.8 * len(texts[0])


def test_the_pack_of_the_paper_has_its_structure() -> None:
    frame = (data_folder("prompts") / "paper" / "frames" / "in_depth.txt").read_text()
    for demand in ("10 to 20 words", "table", "code", "input", "People", '"rewritten instruction"'):
        assert demand in frame
    assert frame.endswith("#Starting Instruction#:\n{{instruction}}\n\n#Rewritten Instruction#:\n")
    assert (PAPER.marks, PAPER.demonstrations) == (None, None)
    assert PAPER.formats == PACK.formats


@given(st.permutations(PACK.formats))
def test_demonstrations_stand_in_the_given_order_and_the_drawn_format_has_none(
    names: list[str],
) -> None:
    drawn, *others = names
    text = content(PAPER.evolve("complicate_input", "1+1=?", drawn, others))
    places = [text.index(rewritten_form(name)) for name in others]
    assert places == sorted(places)
    assert rewritten_form(drawn) not in text


def test_a_pack_may_show_the_first_few_demonstrations_alone() -> None:
    text = content(PACK.evolve("complicate_input", "1+1=?", "xml", ["sql", "csv", "log"]))
    shown = [name for name in PACK.formats if rewritten_form(name) in text]
    assert shown == ["csv", "sql"]


def rewritten_form(name: str) -> str:
    text = (GENERAL / "formats" / f"{name}.txt").read_text()
    return text.split("\n--- rewritten\n")[1].strip("\n")


@pytest.mark.parametrize("name", PACK.formats)
def test_a_demonstration_holds_between_10_and_25_lines_of_data_under_its_question(
    name: str,
) -> None:
    question, data = rewritten_form(name).split("\n\n", 1)
    assert question.endswith("?")
    assert 10 <= len([line for line in data.splitlines() if line.strip()]) <= 25


@pytest.mark.parametrize("name", PACK.formats)
def test_no_demonstration_holds_a_marker(name: str) -> None:
    text = (GENERAL / "formats" / f"{name}.txt").read_text().lower()
    assert [marker for marker in PACK.markers if marker in text] == []


def test_the_comparison_shows_both_and_asks_for_two_words() -> None:
    text = content(PACK.prompt("compare", parent="Name a tree.", child="Name two trees."))
    assert "#First Instruction#:\nName a tree.\n\n#Second Instruction#:\nName two trees." in text
    assert text.endswith('(write only "Equal" or "Not Equal", with no explanation):')


def test_the_answer_is_asked_for_by_the_instruction_alone() -> None:
    assert PACK.prompt("answer", child="  1+1=?\n") == (("user", "  1+1=?\n"),)


# Rendering


@given(ANY_TEXT, ANY_TEXT, st.sampled_from([each.name for each in PACK.operations]))
def test_any_text_passes_through_unharmed(first: str, second: str, operation: str) -> None:
    drawn = ("json", ["xml", "sql"]) if operation == "complicate_input" else ()
    before, after = content(PAPER.evolve(operation, "\0", *drawn)).split("\0")
    assert content(PAPER.evolve(operation, first, *drawn)) == before + first + after
    assert first in content(PACK.evolve(operation, first, *drawn))
    start, between, end = content(PACK.prompt("compare", parent="\0", child="\0")).split("\0")
    assert (
        content(PACK.prompt("compare", parent=first, child=second))
        == start + first + between + second + end
    )
    assert content(PACK.prompt("answer", child=first)) == first


def test_a_demonstration_is_data_too(small: Path) -> None:
    pack = prompts.read(small)
    assert content(pack.evolve("with_data", "{{format}}", "tsv", ["ini"])) == (
        "INI file: Say {{x}} -> [a]\n---\nb=1\n#Format#: TSV\n#Old#: {{format}}"
    )


def test_a_read_pack_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(PACK)) == PACK


# Reading


def test_a_small_pack_reads_whole(small: Path) -> None:
    pack = prompts.read(small)
    assert (pack.name, pack.description, pack.language) == ("small", "For tests.", "en")
    assert [(each.name, each.weight) for each in pack.operations] == [
        ("harder", 1.0),
        ("with_data", 2.5),
    ]
    assert (pack.formats, pack.markers) == (("ini", "tsv"), ("format", "new text", "old"))


def test_a_pack_needs_neither_formats_nor_frames(small: Path) -> None:
    for name in ("formats/a.txt", "formats/b.txt", "operations/with_data.txt", "demonstration.txt"):
        (small / name).unlink()
    pack = prompts.read(small)
    assert pack.formats == ()
    assert pack.evolve("harder", "x") == (("user", "Make it harder.\n#Old#:\nx\n#New Text#:"),)


def test_byte_order_mark_line_ends_and_hidden_files_make_no_other_pack(small: Path) -> None:
    plain = prompts.read(small)
    for path in list(small.rglob("*.t*")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (small / ".DS_Store").write_bytes(b"\0\xff")
    assert prompts.read(small) == plain


def test_the_digest_does_not_depend_on_the_order_of_files(small: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    for name, path in reversed(prompts.files(small).items()):
        (again / name).parent.mkdir(parents=True, exist_ok=True)
        (again / name).write_bytes(path.read_bytes())
    assert prompts.read(again).digest == prompts.read(small).digest


def test_every_file_and_every_file_name_counts_in_the_digest(small: Path) -> None:
    digests = {prompts.read(small).digest}
    for path in prompts.files(small).values():
        path.write_text(path.read_text() + "\n")
        digests.add(prompts.read(small).digest)
    (small / "formats" / "b.txt").rename(small / "formats" / "c.txt")
    digests.add(prompts.read(small).digest)
    assert len(digests) == 1 + 9 + 1


def test_a_pack_that_skips_no_rule_has_the_digest_that_older_runs_know(small: Path) -> None:
    assert prompts.read(small).digest == "44a53137c70ed6d7474bf136840aed4c"


# What an operation skips


class Translator(Scripted):
    """Rewrites in Chinese, and finds everything equal."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str:
        thing = "风铃轮"[int(re.findall(r"\d|$", request.context.instruction)[0] or 0)] * 9
        rewrite = f"请用三句简单的话向一个孩子解释{thing}是怎样运转的。"
        answer = "风推动叶片，力传给轴，所以它会转。"
        return {"evolve": rewrite, "compare": "Equal"}.get(request.purpose, answer)


def translating(folder: Path, *header: str) -> Path:
    """Write a pack whose one operation is `translate`."""
    pack = small_pack(folder / "pack")
    for name in ("operations/harder.txt", "operations/with_data.txt"):
        (pack / name).unlink()
    lines = ["name: translate", "weight: 1", "frame: plain", *header, "---", "Say it in Chinese."]
    (pack / "operations" / "translate.txt").write_text("\n".join(lines))
    return pack


def outcomes(folder: Path, pack: Path, **settings: Any) -> list[str]:
    """Evolve three seeds; return the rule of each that was rejected, and "kept" of the others."""
    seeds = write_seeds(folder / "seeds.jsonl", tasks(3))
    settings = {"client": "tests.test_prompts:Translator", "generations": 1, **settings}
    evolve(seeds, folder / "run", prompts=str(pack), **settings)
    check_invariants(folder / "run", 1)
    run = RunDir(folder / "run")
    return [*(line.rule for line in run.read(1, Rejected)), *("kept" for _ in run.read(1))]


def test_a_translation_is_kept_by_an_operation_that_skips_the_rule_for_scripts(
    tmp_path: Path,
) -> None:
    pack = translating(tmp_path, "kind: transform", "skips: script_changed, language_changed")
    assert outcomes(tmp_path, pack) == ["kept"] * 3
    assert {line.compared for line in RunDir(tmp_path / "run").read(1)} == {None}  # not asked
    run = Run(tmp_path / "run")
    assert refilter(Refilter(run, choose({}), compare=True)).dropped == {}


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        (["kind: transform"], "script_changed"),
        (["kind: in-depth", "skips: script_changed"], "nothing_in_common"),
        (["kind: in-breadth", "skips: script_changed"], "no_information_gain"),
    ],
)
def test_what_an_operation_does_not_skip_still_drops(
    tmp_path: Path, header: list[str], rule: str
) -> None:
    assert outcomes(tmp_path, translating(tmp_path, *header)) == [rule] * 3


def test_any_rule_that_is_not_always_on_can_be_skipped(tmp_path: Path) -> None:
    own = {f"{__name__}:drops_all": True}
    pack = translating(tmp_path, "kind: in-breadth", "skips: script_changed, no_information_gain")
    assert outcomes(tmp_path, pack, rules=own) == [f"{__name__}:drops_all"] * 3
    again = tmp_path / "again"
    again.mkdir()
    skips = f"skips: script_changed, no_information_gain, {__name__}:drops_all"
    pack = translating(again, "kind: in-breadth", skips)
    assert outcomes(again, pack, rules=own) == ["kept"] * 3


def drops_all(answer: Answer) -> str:
    return "all"


def test_the_offline_client_puts_a_transformed_instruction_into_another_frame(
    tmp_path: Path,
) -> None:
    pack = translating(tmp_path, "kind: transform")
    assert outcomes(tmp_path, pack, client="offline", eliminate=False) == ["kept"] * 3
    for line in RunDir(tmp_path / "run").read(1):
        assert re.search(r":\n\nExplain thing number \d to a child\.", line.instruction)


Break = Callable[[Path], object]


def replace(name: str, old: str, new: str) -> Break:
    def change(pack: Path) -> None:
        text = (pack / name).read_text()
        assert old in text
        (pack / name).write_text(text.replace(old, new))

    return change


def write(name: str, raw: bytes) -> Break:
    return lambda pack: (pack / name).write_bytes(raw)


def remove(*names: str) -> Break:
    def change(pack: Path) -> None:
        for name in names:
            (pack / name).unlink()

    return change


def link(name: str, target: str) -> Break:
    def change(pack: Path) -> None:
        (pack / name).unlink(missing_ok=True)
        (pack / name).symlink_to(target)

    return change


HARDER, DATA = "operations/harder.txt", "operations/with_data.txt"
OPERATION_KEYS = "known here: frame, kind, name, skips, weight."
ABOUT = b'name = "a"\ndescription = "b"\nlanguage = "en"\n'
CLARITY = "measures/clarity.txt"
BROKEN: dict[str, tuple[Break, str]] = {
    "measure without a range": (
        replace(CLARITY, "range: 1-5\n", ""),
        f"/{CLARITY}:1: the header lacks the key 'range', such as 'range: 1-10'.",
    ),
    "range of a measure the wrong way round": (
        replace(CLARITY, "1-5", "5-1"),
        f"/{CLARITY}:3: the range must be as 1-10, the lower number first, found '5-1'.",
    ),
    "measure with a range by a method without one": (
        replace(CLARITY, "rating", "tags"),
        f"/{CLARITY}:3: a measure by tags has no range.",
    ),
    "measure by an unknown method": (
        replace(CLARITY, "rating", "ratign"),
        f"/{CLARITY}:2: unknown method 'ratign' (did you mean 'rating'?); known here: ranking,"
        " pairwise, rating, paper, tags, agreement, preference.",
    ),
    "measure with an unknown placeholder": (
        replace(CLARITY, "{{instruction}}", "{{instruction}} {{reply}}"),
        f"/{CLARITY}:5: unknown placeholder '{{{{reply}}}}'; known here: {{{{instruction}}}},"
        " {{answer}}.",
    ),
    "measure without its placeholder": (
        replace(CLARITY, "{{instruction}}", "it"),
        f"/{CLARITY}:5: the placeholder '{{{{instruction}}}}' is missing below this line.",
    ),
    "measure without a name": (
        replace(CLARITY, "name: clarity\n", ""),
        f"/{CLARITY}:1: the header lacks the key 'name'.",
    ),
    "measure with a name that is none": (
        replace(CLARITY, "name: clarity", "name: Clear!"),
        f"/{CLARITY}:1: the name 'Clear!' must be a lower-case letter, then such letters, digits"
        " or _.",
    ),
    "two measures of one name and method": (
        lambda pack: (
            (pack / "measures" / "z.txt").write_text((pack / CLARITY).read_text()) and None
        ),
        "/measures/z.txt:1: another file has the measure 'clarity' by rating.",
    ),
    "no pack.toml": (
        remove("pack.toml"),
        ": this is not a prompt pack, because it has no file pack.toml.",
    ),
    "missing file": (
        remove("compare.txt"),
        "/compare.txt: the file is missing; every prompt pack needs it.",
    ),
    "no demonstration.txt": (
        remove("demonstration.txt"),
        "/demonstration.txt: the file is missing; the operation 'with_data' needs it.",
    ),
    "stray file": (
        write("operations/deepen.md", b"x"),
        "/operations/deepen.md: a prompt pack has no such file; move it elsewhere.",
    ),
    "file in the wrong folder": (
        write("formats/pack.toml", b"x"),
        "/formats/pack.toml: a prompt pack has no such file; move it elsewhere.",
    ),
    "stray folder": (
        lambda pack: (pack / "drafts").mkdir(),
        "/drafts: a prompt pack has no such file; move it elsewhere.",
    ),
    "link out of the pack": (
        link("answer.txt", "../outside.txt"),
        "/answer.txt: the link leads out of the pack; put the file itself there.",
    ),
    "link to itself": (
        link("answer.txt", "answer.txt"),
        "/answer.txt: a prompt pack has no such file; move it elsewhere.",
    ),
    "not UTF-8": (
        write("answer.txt", b"one\n{{instruction}} \xff\n"),
        "/answer.txt:2: the text is not UTF-8; save the file as UTF-8.",
    ),
    "not TOML": (
        write("pack.toml", b'name = "a"\nb\n'),
        "/pack.toml: this is not TOML: Expected '=' after a key in a key/value pair "
        "(at line 2, column 2).",
    ),
    "unknown key in pack.toml": (
        write("pack.toml", b'name = "a"\nowner = "b"\n'),
        "/pack.toml:2: unknown key 'owner'; known here: name, description, language,"
        " marks, added_words, demonstrations, checks.",
    ),
    "one mark": (
        write("pack.toml", ABOUT + b'marks = ["<a>"]\n'),
        "/pack.toml:4: the key 'marks' needs two texts, the opening and the closing mark.",
    ),
    "marks that no prompt asks for": (
        write("pack.toml", ABOUT + b'marks = ["<a>", "</a>"]\n'),
        "/pack.toml:4: the operation 'harder' does not ask for the mark '<a>'; name it in the"
        " prompt, or leave the key 'marks' out.",
    ),
    "fewer words at most than at least": (
        write("pack.toml", ABOUT + b"added_words = [20, 10]\n"),
        "/pack.toml:4: the key 'added_words' needs two numbers, the least and the most.",
    ),
    "no demonstrations": (
        write("pack.toml", ABOUT + b"demonstrations = 0\n"),
        "/pack.toml:4: the key 'demonstrations' needs a whole number of 1 or more.",
    ),
    "unknown check": (
        write("pack.toml", ABOUT + b"[checks.agreemnt]\n"),
        "/pack.toml:4: unknown check 'agreemnt' (did you mean 'agreement'?); known here:"
        " agreement, unit_tests.",
    ),
    "unit tests without their prompt": (
        write("pack.toml", ABOUT + b"[checks.unit_tests]\n"),
        "/tests.txt: the file is missing; the check 'unit_tests' needs it.",
    ),
    "constraint for a check": (
        write("pack.toml", ABOUT + b"[checks.no_digits]\n"),
        "/pack.toml:4: 'no_digits' is a constraint, which instructions state and a pack cannot"
        " check; an operation whose prompt holds '{{constraints}}' draws it.",
    ),
    "unknown argument of a check": (
        write("pack.toml", ABOUT + b"[checks.agreement]\nanswer = 5\n"),
        "/pack.toml:5: the check 'agreement' has no 'answer'; known here: answers, least.",
    ),
    "argument of a check out of range": (
        write("pack.toml", ABOUT + b"[checks.agreement]\nanswers = 5\nleast = 1.5\n"),
        "/pack.toml:6: 'least' of the check 'agreement' must be a number from 0 to 1.",
    ),
    "fraction where a whole number should be": (
        write("pack.toml", ABOUT + b"[checks.agreement]\nanswers = 5.0\n"),
        "/pack.toml:5: 'answers' of the check 'agreement' must be a whole number from 2 to 20.",
    ),
    "check without a table": (
        write("pack.toml", ABOUT + b"[checks]\nagreement = 5\n"),
        "/pack.toml:5: the check 'agreement' needs a table, as [checks.agreement].",
    ),
    "checks without tables": (
        write("pack.toml", ABOUT + b"checks = 5\n"),
        "/pack.toml:4: the key 'checks' needs a table for each check.",
    ),
    "missing key in pack.toml": (
        replace("pack.toml", 'language = "en"', ""),
        "/pack.toml:1: the key 'language' is missing, or its value is not a text.",
    ),
    "number where a text should be in pack.toml": (
        replace("pack.toml", '"en"', "7"),
        "/pack.toml:3: the key 'language' is missing, or its value is not a text.",
    ),
    "name of the pack that leads elsewhere": (
        replace("pack.toml", '"small"', '"../small"'),
        "/pack.toml:1: the name '../small' must be a lower-case letter, then such letters, digits "
        "or _.",
    ),
    "unknown placeholder": (
        replace("compare.txt", "{{parent}}", "{{parent}}\n{{kind}}"),
        "/compare.txt:2: unknown placeholder '{{kind}}'; known here: {{child}}, {{parent}}.",
    ),
    "placeholder that is not closed": (
        replace("answer.txt", "}}", "}"),
        "/answer.txt:1: unknown placeholder '{{instruction'; known here: {{instruction}}.",
    ),
    "placeholder of a frame in an operation": (
        replace(DATA, "{{format}}", "{{method}}"),
        "/operations/with_data.txt:6: unknown placeholder '{{method}}'; known here: "
        "{{instruction}}, {{constraints}}, {{demonstrations}}, {{format}},"
        " {{least}}, {{most}}, {{words}}.",
    ),
    "missing placeholder": (
        replace("compare.txt", "{{parent}} or ", "\nCompare "),
        "/compare.txt:2: the placeholder '{{parent}}' is missing below this line.",
    ),
    "missing placeholder of a frame": (
        replace("frames/plain.txt", "{{method}}", ""),
        "/frames/plain.txt:2: the placeholder '{{method}}' is missing below this line.",
    ),
    "missing placeholder of an operation": (
        replace(DATA, "{{instruction}}", ""),
        "/operations/with_data.txt:5: the placeholder '{{instruction}}' is missing below this "
        "line.",
    ),
    "demonstrations without their format": (
        replace(DATA, "#Format#: {{format}}", ""),
        "/operations/with_data.txt:5: a prompt that shows '{{demonstrations}}' needs "
        "'{{format}}' as well.",
    ),
    "empty file": (
        write("answer.txt", b" \n"),
        "/answer.txt:1: a text is missing here.",
    ),
    "empty body": (
        replace(HARDER, "Make it harder.", ""),
        "/operations/harder.txt:6: a text is missing here.",
    ),
    "empty demonstration": (
        replace("formats/a.txt", "1\t2\n", ""),
        "/formats/a.txt:6: a text is missing here.",
    ),
    "no end of the header": (
        replace(HARDER, "---", ""),
        "/operations/harder.txt:1: no line '---' follows, and the file needs one.",
    ),
    "no rewritten part": (
        replace("formats/a.txt", "--- rewritten", "--- result"),
        "/formats/a.txt:4: no line '--- rewritten' follows, and the file needs one.",
    ),
    "header line that is none": (
        replace(HARDER, "kind: in-depth", "in-depth"),
        "/operations/harder.txt:2: expected a header line 'key: value', found 'in-depth'.",
    ),
    "missing header key": (
        replace(HARDER, "kind: in-depth\n", ""),
        "/operations/harder.txt:1: the header lacks the key 'kind'.",
    ),
    "unknown header key": (
        replace(HARDER, "frame: plain", "farme: plain"),
        f"/operations/harder.txt:4: unknown header key 'farme'; {OPERATION_KEYS}",
    ),
    "repeated header key": (
        replace(HARDER, "kind: in-depth", "kind: in-depth\nkind: in-breadth"),
        "/operations/harder.txt:3: the header has the key 'kind' twice.",
    ),
    "header key without a value": (
        replace(HARDER, "weight: 1", "weight:"),
        "/operations/harder.txt:3: 'weight' has no value.",
    ),
    "bad kind": (
        replace(HARDER, "in-depth", "depth"),
        "/operations/harder.txt:2: unknown kind 'depth'; known here: in-depth, in-breadth, "
        "transform.",
    ),
    "unknown rule to skip": (
        replace(HARDER, "weight: 1", "weight: 1\nskips: cut_off, script_chnged"),
        "/operations/harder.txt:4: unknown rule 'script_chnged' (did you mean 'script_changed'?); "
        "`evolinstruct rules` lists all.",
    ),
    "rule that cannot be skipped": (
        replace(HARDER, "weight: 1", "weight: 1\nskips: unchanged"),
        "/operations/harder.txt:4: the rule 'unchanged' is always on, so no operation can skip it.",
    ),
    "weight that is no number": (
        replace(HARDER, "weight: 1", "weight: one"),
        "/operations/harder.txt:3: the weight must be a number of 0 or more, found 'one'.",
    ),
    "negative weight": (
        replace(HARDER, "weight: 1", "weight: -1"),
        "/operations/harder.txt:3: the weight must be a number of 0 or more, found '-1'.",
    ),
    "weight that is not finite": (
        replace(HARDER, "weight: 1", "weight: nan"),
        "/operations/harder.txt:3: the weight must be a number of 0 or more, found 'nan'.",
    ),
    "no weight above 0": (
        lambda pack: (
            replace(HARDER, "weight: 1", "weight: 0")(pack),
            replace(DATA, "weight: 2.5", "weight: 0.0")(pack),
        ),
        "/operations: no operation here has a weight above 0.",
    ),
    "no operation": (
        remove(HARDER, DATA),
        "/operations: no operation here has a weight above 0.",
    ),
    "two files that name one operation": (
        replace(DATA, "name: with_data", "name: harder"),
        "/operations/with_data.txt:1: the name 'harder' is taken already, by harder.txt.",
    ),
    "two files that name one format": (
        replace("formats/b.txt", "name: ini", "name: tsv"),
        "/formats/b.txt:1: the name 'tsv' is taken already, by a.txt.",
    ),
    "bad name": (
        replace(HARDER, "name: harder", "name: Harder"),
        "/operations/harder.txt:1: the name 'Harder' must be a lower-case letter, then such "
        "letters, digits or _.",
    ),
    "frame that does not exist": (
        replace(HARDER, "frame: plain", "frame: ../frames/plain"),
        "/operations/harder.txt:4: the folder frames has no frame '../frames/plain'.",
    ),
    "one format only": (
        remove("formats/b.txt"),
        "/formats: the operation 'with_data' needs at least two formats, one to draw and one to "
        "demonstrate, found 1.",
    ),
    "no marker": (
        lambda pack: (
            replace("frames/plain.txt", "#Old#", "Old")(pack),
            replace("frames/plain.txt", "#New Text#", "New Text")(pack),
        ),
        "/operations/harder.txt:6: no line of the prompt begins with a marker, such as "
        "'#Given Text#:'.",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "sentence"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_pack_is_refused_with_one_sentence_that_names_the_place(
    small: Path, damage: Break, sentence: str
) -> None:
    (small.parent / "outside.txt").write_text("{{instruction}}")
    damage(small)
    with pytest.raises(InputError) as refused:
        prompts.read(small)
    assert str(refused.value) == f"{small}{sentence}"


# Finding and copying


def test_a_built_in_name_and_a_folder_are_found(small: Path) -> None:
    assert [prompts.find("general"), prompts.find(str(small))] == [GENERAL, small]


@pytest.mark.parametrize("name", ["", "../nowhere", "general/../general/x", "prose"])
def test_an_unknown_name_lists_the_built_in_packs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        prompts.find(name)
    assert str(refused.value) == (
        f"Unknown prompt pack {name!r}: it is not a folder, and the built-in packs are "
        f"{', '.join(prompts.builtin())}."
    )


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(UsageError, match=r"'genral' \(did you mean 'general'\?\): it is not"):
        prompts.find("genral")


def test_a_copy_is_the_same_pack_with_no_other_file(small: Path, tmp_path: Path) -> None:
    (small / ".git").mkdir()
    prompts.copy(small, tmp_path / "deep" / "copy")
    assert prompts.read(tmp_path / "deep" / "copy") == prompts.read(small)
    assert list((tmp_path / "deep").iterdir()) == [tmp_path / "deep" / "copy"]
    assert not (tmp_path / "deep" / "copy" / ".git").exists()


def test_an_empty_folder_can_be_copied_into_where_one_stands(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    prompts.copy(small, Path())
    assert prompts.read(Path()) == prompts.read(small)


def test_what_a_broken_off_copy_left_is_not_in_the_way(small: Path, tmp_path: Path) -> None:
    left = tmp_path / ".copy.partial"
    (left / "operations").mkdir(parents=True)
    (left / "operations" / "half.txt").write_text("na")
    prompts.copy(small, tmp_path / "copy")
    assert prompts.read(tmp_path / "copy") == prompts.read(small)
    assert not left.exists()


def test_a_copy_never_goes_into_a_folder_that_holds_something(small: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError) as refused:
        prompts.copy(small, tmp_path / "full")
    assert str(refused.value) == (
        f"{tmp_path / 'full'}: the folder is not empty; name a new one for the copy."
    )
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "mine.txt"]


def test_a_copy_onto_a_file_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"file: the pack cannot be copied there \(Not a directo"):
        prompts.copy(small, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


# Where data lies


def test_an_installed_package_finds_its_own_data_before_a_strangers_folder(tmp_path: Path) -> None:
    package = tmp_path / "site" / "evolinstruct"
    (tmp_path / "site" / "prompts").mkdir(parents=True)
    assert find_data_folder("prompts", package) == tmp_path / "site" / "prompts"
    (package / "_shipped" / "prompts").mkdir(parents=True)
    assert find_data_folder("prompts", package) == package / "_shipped" / "prompts"


def test_an_incomplete_installation_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        find_data_folder("seeds", tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: the folder 'seeds', which comes with evolinstruct, is missing;"
        " install evolinstruct again."
    )

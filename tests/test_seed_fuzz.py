"""No seed file makes a traceback, and every row of it becomes a seed or is counted."""

import csv
import gzip
import io
import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolinstruct.errors import EvolinstructError
from evolinstruct.seeds import Seed, SeedCounts, read_seeds
from evolinstruct.seeds.layouts import KNOWN_FIELDS
from evolinstruct.seeds.problems import remarks
from evolinstruct.seeds.summary import summarize_seeds

BAD = object()
"""A row that holds no instruction."""


class Written(NamedTuple):
    """A file of seeds that was written row by row.

    Attributes:
        suffix: of its name.
        content: its bytes, not packed.
        rows: how many rows it has.
        texts: the instructions of its good rows, in order.
    """

    suffix: str
    content: bytes
    rows: int
    texts: list[str]


_MARK = re.compile(r"\[/?(?:inst|system|\|)|<[\w|/<]|###", re.IGNORECASE)


def visible(characters: str = "") -> st.SearchStrategy[str]:
    """Return texts that any format can hold, each with something to see in it.

    None has a mark of a chat template, which Hypothesis takes from the program's own constants.
    """
    no_text = {"Cs", "Cc", "Zs", "Zl", "Zp"}
    some = st.text(st.characters(exclude_categories=no_text), min_size=1, max_size=9)  # type: ignore[arg-type]
    inside = st.text(st.sampled_from("a \t,;\"'|\\{}[]é字😀" + characters), max_size=9)
    made = st.builds("{}{}{}".format, some, inside, some)
    return made.filter(lambda text: not _MARK.search(text))


ROWS = st.lists(visible("\r\n") | st.just(BAD), min_size=1, max_size=8)
LINES = st.lists(visible(), min_size=1, max_size=8)
BROKEN_LINES = [
    "{",
    "[1]",
    "5",
    "null",
    '{"a": 1}',
    '{"text": 5}',
    '{"text": ""}',
    '"x"',
    "nonsense",
]


@st.composite
def json_lines(draw: st.DrawFn) -> Written:
    rows = draw(ROWS)
    lines = [
        draw(st.sampled_from(BROKEN_LINES))
        if row is BAD
        else json.dumps({"text": row}, ensure_ascii=draw(st.booleans()))
        for row in rows
    ]
    blank = draw(st.sampled_from(["", "\n", " \n\n"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = blank + end.join(lines) + draw(st.sampled_from(["", end, end * 2]))
    return Written(".jsonl", text.encode(), len(rows), [row for row in rows if row is not BAD])


@st.composite
def json_array(draw: st.DrawFn) -> Written:
    rows = draw(ROWS)
    bad = st.sampled_from([None, 5, "x", [], {}, {"a": 1}, {"text": None}, {"text": " "}])
    values = [draw(bad) if row is BAD else {"text": row} for row in rows]
    indent = draw(st.sampled_from([None, 0, 2]))
    content = json.dumps(values, indent=indent, ensure_ascii=draw(st.booleans())).encode()
    return Written(".json", content, len(rows), [row for row in rows if row is not BAD])


@st.composite
def wrapper(draw: st.DrawFn) -> Written:
    first = draw(visible("\r\n"))  # by which the list is known as one of rows
    rows = [first, *draw(ROWS)]
    bad = st.sampled_from([None, 5, "x", [], {}, {"a": 1}, {"text": None}, {"text": " "}])
    values = [draw(bad) if row is BAD else {"text": row} for row in rows]
    key = draw(st.sampled_from(["data", "rows", "train", "examples", "instances"]))
    about = draw(st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=5)))
    indent = draw(st.sampled_from([None, 1]))
    content = json.dumps({**about, key: values, "end": {}}, indent=indent).encode()
    return Written(".json", content, len(rows), [row for row in rows if row is not BAD])


@st.composite
def chats(draw: st.DrawFn) -> Written:
    rows = draw(ROWS)
    users, others = (
        st.sampled_from(["user", "Human", "prompter"]),
        st.sampled_from(["gpt", "x", ""]),
    )
    values: list[object] = []
    for row in rows:
        if row is BAD:
            bad = [
                [],
                [None],
                [5],
                "x",
                None,
                [{"role": "user"}],
                [{"role": "gpt", "content": "A"}],
            ]
            values.append(draw(st.sampled_from(bad)))
            continue
        turns = [{"role": draw(users), "content": row}]
        turns += draw(
            st.lists(st.builds(lambda who: {"role": who, "content": "A"}, others | users))
        )
        values.append(turns)
    text = "".join(json.dumps({"messages": value}) + "\n" for value in values)
    return Written(".jsonl", text.encode(), len(rows), [row for row in rows if row is not BAD])


@st.composite
def table(draw: st.DrawFn) -> Written:
    rows = draw(ROWS)
    suffix, delimiter = draw(st.sampled_from([(".csv", ","), (".csv", ";"), (".tsv", "\t")]))
    file = io.StringIO()
    # Text with a lone \r is quoted only where \r is part of a line's end.
    quoting, end = draw(
        st.sampled_from(
            [(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]
        )
    )
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["id", "text", "note"])
    for number, row in enumerate(rows):
        bad = draw(st.sampled_from([[number, "", "n"], [number, "a", "b", "c"], [number]]))
        writer.writerow(bad if row is BAD else [number, row, draw(st.sampled_from(["", "n"]))])
    texts = [row for row in rows if row is not BAD]
    return Written(suffix, file.getvalue().encode(), len(rows), texts)


@st.composite
def plain(draw: st.DrawFn) -> Written:
    # The first one begins with a word, because a text that begins as JSON does is read as JSON.
    lines = [f"Say {draw(visible())}", *draw(LINES)]
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    return Written(".txt", end.join(lines).encode(), len(lines), lines)


@st.composite
def columns(draw: st.DrawFn, suffix: str) -> Written:
    import pyarrow  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    rows = draw(ROWS)
    texts = [draw(st.sampled_from([None, "", " "])) if row is BAD else row for row in rows]
    file = io.BytesIO()
    schema = pyarrow.schema([("text", pyarrow.string()), ("at", pyarrow.timestamp("ns"))])
    made = pyarrow.table({"text": texts, "at": [1] * len(texts)}, schema=schema)
    if suffix == ".parquet":
        pyarrow.parquet.write_table(made, file)
    else:
        with pyarrow.ipc.new_stream(file, schema) as writer:
            writer.write_table(made)
    return Written(suffix, file.getvalue(), len(rows), [row for row in rows if row is not BAD])


@st.composite
def workbook(draw: st.DrawFn) -> Written:
    import openpyxl  # noqa: PLC0415

    made = openpyxl.Workbook()
    for row in (["text", "output"], *([f"Go {n}.", None] for n in range(draw(st.integers(1, 3))))):
        made.active.append(row)
    file = io.BytesIO()
    made.save(file)
    return Written(".xlsx", file.getvalue(), 1, ["Go 0."])


def zstd() -> Callable[[bytes], bytes] | None:
    """Return what compresses with zstd; None if it is not installed."""
    if sys.version_info >= (3, 14):
        return import_module("compression.zstd").compress  # type: ignore[no-any-return]
    if find_spec("zstandard") is None:
        return None
    return lambda data: bytes(import_module("zstandard").ZstdCompressor().compress(data))


PACKINGS: dict[str, Callable[[bytes], bytes] | None] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstd(),
}
PACKED = st.sampled_from([(suffix, pack) for suffix, pack in PACKINGS.items() if pack])
FORMATS = {
    "json lines": json_lines(),
    "json array": json_array(),
    "wrapper": wrapper(),
    "chats": chats(),
    "table": table(),
    "plain text": plain(),
    "parquet": columns(".parquet"),
    "arrow": columns(".arrow"),
}
DAMAGED = {**FORMATS, "workbook": workbook()}
"""The formats whose bytes are changed; what a workbook holds is told by `test_workbooks`."""
NEEDS = {"parquet": "pyarrow", "arrow": "pyarrow", "workbook": "openpyxl"}
QUICK = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=list(HealthCheck),
)


def read(path: Path, counts: SeedCounts, **options: Any) -> list[Seed]:
    wanted = {"skip_bad": True, "limit": None, **options}
    return list(read_seeds([str(path)], counts=counts, **wanted))


def assert_seeds_or_a_sentence(path: Path, **options: Any) -> None:
    """Read a file as a run does and as `seeds` does: no other error than one for a person."""
    counts = SeedCounts()
    sentence, seeds = "", []
    try:
        summarize_seeds([str(path)], {}).to_json()
        seeds = read(path, counts, **options)
    except EvolinstructError as error:
        sentence = str(error)
    assert sentence.isprintable()
    if not sentence:
        assert len(seeds) == counts.read - counts.skipped - counts.duplicates > 0
        assert all(f"{seed.instruction}{seed.input}{seed.output}".encode() for seed in seeds)
        assert all(list(remarks(counts.remarks)))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_every_row_of_a_file_becomes_a_seed_or_is_counted(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    folder = tmp_path_factory.mktemp("seeds")

    @QUICK
    @given(FORMATS[name], PACKED)
    def check(file: Written, packed: tuple[str, Callable[[bytes], bytes]]) -> None:
        path = folder / f"a{file.suffix}{packed[0]}"
        path.write_bytes(packed[1](file.content))
        counts = SeedCounts()
        expected = list(dict.fromkeys(text.strip() for text in file.texts))
        if expected:
            assert [seed.instruction for seed in read(path, counts)] == expected
        else:
            with pytest.raises(EvolinstructError, match=" holds no seed: every row is bad"):
                read(path, counts)
        bad = file.rows - len(file.texts)
        assert (counts.read, counts.skipped) == (file.rows, bad)
        assert counts.duplicates == len(file.texts) - len(expected)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_with_other_bytes_in_it_gives_seeds_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    folder = tmp_path_factory.mktemp("seeds")

    @QUICK
    @given(
        file=DAMAGED[name],
        packed=PACKED,
        at=st.floats(0, 1),
        much=st.integers(0, 12),
        other=st.binary(max_size=6),
        skip_bad=st.booleans(),
    )
    def check(
        file: Written,
        packed: tuple[str, Callable[[bytes], bytes]],
        at: float,
        much: int,
        other: bytes,
        skip_bad: bool,
    ) -> None:
        content = packed[1](file.content)
        place = int(at * len(content))
        path = folder / f"a{file.suffix}{packed[0]}"
        path.write_bytes(content[:place] + other + content[place + much :])
        assert_seeds_or_a_sentence(path, skip_bad=skip_bad)

    check()


NAMES = st.sampled_from(
    [
        *sorted(KNOWN_FIELDS),
        "role",
        "from",
        "value",
        "content",
        "user",
        "assistant",
        "parts",
        "type",
    ]
)
SAID = st.sampled_from(
    [
        "",
        " ",
        "Hi?",
        "N/A",
        "user",
        "gpt",
        "### Human: A### Assistant: B",
        "Q: A",
        "A: B",
        "<s>[INST]",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | SAID | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(QUICK, max_examples=60)
@given(rows=st.lists(ANYTHING, min_size=1, max_size=4), indent=st.sampled_from([None, 1]))
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".txt"])
def test_rows_of_any_shape_give_seeds_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, rows: list[Any], indent: int | None
) -> None:
    path = tmp_path_factory.getbasetemp() / f"rows{suffix}"
    path.write_text("\n".join(json.dumps(row, indent=indent) for row in rows))
    assert_seeds_or_a_sentence(path, skip_bad=True)
    assert_seeds_or_a_sentence(path, skip_bad=False)


_MARKS = """<|im_start|> user assistant system <|im_end|> [INST] [/INST] <<SYS>> <</SYS>> <s> </s>
    User: ### Human: ### Response: ## Question <|user|> <|assistant|> <start_of_turn> model Q: A:
    Human: Assistant: <|start|> <|message|> <|channel|> analysis [|user|] --- - # | ``` <a> </a>
    <?xml sep=; instruction , ; : { } [ ] " \\ \ufeff \u2028"""
MARKS = st.sampled_from([*_MARKS.split(), "\n", " ", "\n\n", "\r", "\0", "\ud800"])
SUFFIXES = st.sampled_from(
    ["", ".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".yaml", ".xml", ".arrow", ".parquet"]
)


@settings(QUICK, max_examples=100)
@given(parts=st.lists(MARKS, max_size=30), suffix=SUFFIXES, skip_bad=st.booleans())
def test_marks_of_every_template_and_format_give_seeds_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], suffix: str, skip_bad: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"marks{suffix}"
    path.write_bytes("".join(parts).encode(errors="surrogatepass"))
    assert_seeds_or_a_sentence(path, skip_bad=skip_bad)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["_ ", "</s>", "### User:", "User: A\n", "<a ", "- a\n", "[INST]", " "]
)
def test_long_texts_are_read_in_linear_time(tmp_path: Path, part: str) -> None:
    path = tmp_path / "a.jsonl"
    text = part * (60_000 // len(part))
    path.write_text("".join(json.dumps({"text": f"{n} {text}"}) + "\n" for n in range(3)))
    (tmp_path / "a.txt").write_text(text)
    started = perf_counter()
    assert_seeds_or_a_sentence(path, skip_bad=True)
    assert_seeds_or_a_sentence(tmp_path / "a.txt", skip_bad=True)
    assert perf_counter() - started < 20  # quadratic time would take minutes


def test_a_text_of_parquet_that_is_not_utf8_gets_a_sentence(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = arrow.array([b"caf\xe9"], arrow.binary()).view(arrow.string())
    parquet.write_table(arrow.table({"text": texts}), tmp_path / "a.parquet")
    with pytest.raises(EvolinstructError, match="cannot be read as Parquet after row 0: 'utf-8'"):
        read(tmp_path / "a.parquet", SeedCounts())

"""A run is read as records: finished, torn, going on, of another version, or not a run at all."""

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import evolinstruct
from evolinstruct.analysis.families import FamilyStep
from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Member, Rejected
from evolinstruct.run_dir.directory import RunDir
from tests.runs import evolve, tasks, write_seeds
from tests.written import SEEDS, family_lines, seed, write_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


def change(path: Path, **changes: Any) -> None:
    state = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**state, **changes}))


def test_a_run_yields_its_lines_as_records(path: Path) -> None:
    run = evolinstruct.Run(path)
    lines = [line for found in family_lines() for line in found]
    assert list(run.instructions()) == [line for line in lines if isinstance(line, Kept)]
    assert list(run.rejections()) == [line for line in lines if isinstance(line, Rejected)]
    assert list(run.failures(2)) == [line for line in family_lines()[2] if isinstance(line, Failed)]
    assert run.generations == (0, 1, 2)
    assert run.notices == []


def test_families_tell_each_step_with_the_parent_that_was_newest(path: Path) -> None:
    seeds, first, second = family_lines()
    river, tide, nile, *_ = list(Run(path).families())
    assert river.steps == (
        FamilyStep(Member(seeds[0]), first[0]),
        FamilyStep(Member(first[0]), second[0]),
    )
    assert tide.steps == (
        FamilyStep(Member(seeds[1]), first[1]),
        FamilyStep(Member(first[1]), second[1]),
    )
    assert nile.steps == (
        FamilyStep(Member(seeds[2]), first[2]),
        FamilyStep(Member(seeds[2]).after(first[2]), second[2]),
    )
    assert (river.newest, tide.newest, nile.newest) == (second[0], first[1], second[2])


@pytest.mark.slow
def test_families_of_a_real_run_hold_every_line_with_its_parent(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(60))
    evolve(seeds, tmp_path / "run", generations=3, answer_seeds=True)
    run = Run(tmp_path / "run")
    steps = [step for family in run.families() for step in family.steps]
    assert len(steps) == 180
    assert all(step.line.parent_id == step.parent.id for step in steps)
    pool = list(RunDir(tmp_path / "run").pool(4))
    assert [family.newest for family in run.families()] == [member.newest for member in pool]
    last = [family.steps[-1].line for family in run.families()]
    rejected = [line.operation if isinstance(line, Rejected) else None for line in last]
    assert [member.rejected for member in pool] == rejected


def test_state_is_typed(path: Path) -> None:
    state = Run(path).state
    assert (state.is_done, state.exit_code, state.seconds, state.pack) == (True, 0, 65.0, "general")
    assert state.recipe.generations == 2
    assert [counts.kept for counts in state.all_counts] == [5, 3, 2]
    assert (state.usage[0].tokens, state.usage[0].cost) == (450, 0.25)


def test_an_id_may_be_shortened_and_an_ambiguous_or_unknown_one_is_helped(path: Path) -> None:
    run = Run(path)
    name = seed(SEEDS[0]).id
    assert run.find(name[:5].upper()) == name
    assert run.family(name[:5]).seed == seed(SEEDS[0])
    with pytest.raises(InputError, match=r"begins more than one id of .*; give more of it"):
        run.find("")
    wrong = name[:7] + ("0" if name[7] != "0" else "1") + name[8:]
    for near in (wrong, name[:7] + name[8:], name[:7] + "x" + name[7:]):
        with pytest.raises(InputError, match=f"similar ids are .*{name}"):
            run.find(near)
    with pytest.raises(InputError, match="'nothing like it'; `evolinstruct show` prints the ids"):
        run.find("nothing like it")


def test_a_torn_last_line_is_left_out_with_a_word(path: Path) -> None:
    file = path / "generation-2.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    run = Run(path)
    assert list(run.instructions(2)) == [family_lines()[2][0]]
    assert run.notices == [f"{file} ends in a torn line, line 2, which is left out."]


def test_a_run_that_goes_on_is_read_as_far_as_it_is_written(path: Path) -> None:
    change(path, status="running", generations=[], ended=None)
    for name in ("generation-2.jsonl", "generation-2.failed.jsonl"):
        (path / name).write_bytes(b"")
    run = Run(path)
    assert [len(family.steps) for family in run.families()] == [1, 2, 1, 2, 1]
    assert (run.state.is_done, run.state.seconds) == (False, None)


def test_lines_of_other_seeds_are_a_notice_while_written_and_an_error_after(path: Path) -> None:
    lines = (path / "generation-0.jsonl").read_bytes().splitlines(keepends=True)
    (path / "generation-0.jsonl").write_bytes(b"".join(lines[1:]))
    with pytest.raises(InputError, match="is not in the order of the seeds; run the same"):
        list(Run(path).families())
    change(path, generations=[])
    run = Run(path)
    assert len(list(run.families())) == 4
    assert "is being written" in run.notices[0]


def test_lines_and_settings_of_other_versions_are_read_as_far_as_they_are_known(path: Path) -> None:
    file = path / "generation-2.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    older = [{name: row[name] for name in row if name != "compared"} for row in rows]
    file.write_text("".join(json.dumps({**row, "score": 7}) + "\n" for row in older))
    change(path, recipe={"client": "offline", "gone": 1}, usage=[{"generation": 1, "calls": 2}])
    run = Run(path)
    assert [line.compared for line in run.instructions(2)] == [None, None]
    assert run.state.recipe.client == "offline"
    assert run.state.usage[0].tokens is None


def read(path: Path) -> None:
    run = Run(path)
    assert list(run.instructions())
    assert run.state.recipe


def broken(path: Path, kind: str) -> Path:
    match kind:
        case "nowhere":
            return path / "nowhere"
        case "file":
            return path / "run.json"
        case "no run":
            return path / "prompts"
        case "newer":
            change(path, format=99)
        case "other":
            change(path, recipe={"generations": "many"})
        case "empty":
            change(path, generations=[])
            for file in path.glob("generation-*"):
                file.unlink()
        case "missing":
            (path / "generation-1.jsonl").unlink()
        case "line":
            file = path / "generation-1.jsonl"
            file.write_bytes(b"[]\n" + file.read_bytes())
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nowhere", "There is no directory .*nowhere; name that of a run."),
        ("file", "run.json is a file; name the directory of a run."),
        ("no run", "holds no run .*; name the directory that `evolinstruct evolve -o` has"),
        ("newer", "run.json is from a newer version of evolinstruct; update it."),
        ("other", "run.json is not as this version .*; look at the run with the version that"),
        ("empty", "holds a run that has no instruction yet; run its `evolve` command"),
        ("missing", "generation-1.jsonl is missing, of 2 generations; run the same `evolve`"),
        ("line", "generation-1.jsonl, line 1, is no line of a run: expected an object, found list"),
    ],
)
def test_what_cannot_be_read_gets_one_sentence_with_the_next_step(
    path: Path, kind: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(broken(path, kind))


# As tables of other packages


def test_a_frame_has_a_row_for_each_line_and_a_column_for_each_field(path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas")
    run = Run(path)
    kept, rejected = run.to_pandas(), run.to_pandas(Rejected, 1)
    assert list(kept.columns) == list(Kept.__slots__)
    assert list(kept["instruction"]) == [line.instruction for line in run.instructions()]
    assert list(rejected["rule"]) == [line.rule for line in run.rejections(1)]


def test_a_dataset_has_the_same_types_whatever_is_null(path: Path) -> None:
    pytest.importorskip("datasets", reason="datasets")
    run = Run(path)
    for kind, lines in ((Kept, run.instructions(0)), (Failed, run.failures(0))):
        found = run.to_dataset(kind, 0)
        assert found.to_list() == [asdict(line) for line in lines]
        types = {name: str(each.dtype) for name, each in found.features.items()}
        assert {name for name, each in types.items() if each == "int64"} <= {
            "generation",
            "attempts",
        }
        assert set(types.values()) == {"string", "int64"}


@pytest.mark.parametrize(("name", "extra"), [("pandas", "pandas"), ("datasets", "hf")])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    convert = Run(path).to_pandas if name == "pandas" else Run(path).to_dataset
    with pytest.raises(InputError, match=rf"the package {name}, .* 'evolinstruct\[{extra}\]'"):
        convert()


def test_a_notebook_shows_how_a_run_ended_with_every_text_escaped(path: Path) -> None:
    change(path, status="<script>alert(1)</script>")
    shown = Run(path.rename(path.parent / "a<b>"))._repr_html_()
    assert "a&lt;b&gt;" in shown
    assert "<script" not in shown
    assert re.findall(r"color|background", shown) == []  # both themes of a notebook bring theirs
    rows = [re.findall(r">(\d+)</td>", row) for row in shown.split("<tr>")[2:]]
    assert rows == [
        [str(n) for n in (c.generation, c.pool, c.kept, c.rejected.total(), c.failed.total())]
        for c in Run(path.parent / "a<b>").state.all_counts
    ]

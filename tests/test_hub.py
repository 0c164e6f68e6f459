"""Data sets of the Hub as seeds, and exports uploaded to it, through the Hub's own libraries."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import hub, runs

MISSING = [name for name in ("datasets", "huggingface_hub") if find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=" ".join(MISSING[:1])),
]


def lines(*instructions: str) -> bytes:
    return b"".join(json.dumps({"instruction": text}).encode() + b"\n" for text in instructions)


CONFIGS = b"""---
configs:
- config_name: easy
  data_files:
  - split: train
    path: easy.jsonl
- config_name: hard
  data_files:
  - split: train
    path: hard.jsonl
  - split: final
    path: final.jsonl
---
"""


@pytest.fixture(scope="module")
def served() -> Iterator[hub.Hub]:
    repos = {
        "me/data": {"train.jsonl": lines("Add.", "Sum."), "test.jsonl": lines("Test.")},
        "me/many": {
            "README.md": CONFIGS,
            "easy.jsonl": lines("Easy."),
            "hard.jsonl": lines("Hard."),
            "final.jsonl": lines("Final."),
        },
        "me/secret": {"train.jsonl": lines("Secret.")},
        "me/gated": {"train.jsonl": lines("Gated.")},
        "me/empty": {},
        "me/script": {"script.py": b"import datasets\n", "README.md": b"Made by a script.\n"},
        "me/mixed": {
            "train-1.jsonl": lines("One."),
            "train-2.jsonl": b'{"question": "Two?", "answer": {"a": 1}}\n',
        },
        "me/latin": {"train.csv": b"instruction\ncaf\xe9\n"},
    }
    with hub.serve(hub.Hub(repos, private={"me/secret"}, gated={"me/gated"})) as running:
        yield running


class Done(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


class User:
    """Someone at a machine of their own, whose Hub is the one that is served."""

    def __init__(self, served: hub.Hub, home: Path) -> None:
        self.home = home
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": served.url,
            "HF_HOME": str(home / "hf"),
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def __call__(self, *words: str, token: str | None = None) -> Done:
        """Run the program."""
        env = self._env | ({} if token is None else {"HF_TOKEN": token})
        done = subprocess.run(
            [sys.executable, "-c", "from evolinstruct.cli import main; main()", *words],
            cwd=self.home,
            env=env,
            text=True,
            capture_output=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def user(served: hub.Hub, tmp_path: Path) -> User:
    return User(served, tmp_path)


# In


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("hf:me/data", ["Add.", "Sum."]),
        ("hf:me/data:test", ["Test."]),
        ("hf:me/data::test", ["Test."]),
        ("hf:me/data@v1", ["Add.", "Sum."]),
        ("hf:me/many:easy", ["Easy."]),
        ("hf:me/many:hard:final", ["Final."]),
    ],
)
def test_the_rows_of_a_data_set_are_seeds(user: User, name: str, first: list[str]) -> None:
    done = user("seeds", name, "--json")
    assert (done.code, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert (facts["first"], facts["files"][0]["name"]) == (first, name)


def test_a_data_set_is_evolved_and_its_rows_remember_it(user: User) -> None:
    done = user("evolve", "hf:me/data", "-o", "run", "--client", "offline", "-g", "1", "-q")
    assert (done.code, done.stderr) == (0, "")
    rows = map(json.loads, (user.home / "run" / "generation-0.jsonl").read_bytes().splitlines())
    found = [(row["instruction"], row["seed_source"]) for row in rows]
    assert found == [("Add.", "data"), ("Sum.", "data")]
    user("export", "run", "-o", "out", "--format", "chat", "-q")
    card = (user.home / "out" / "README.md").read_text()
    assert "| seeds | 2 of hf:me/data |" in card
    assert "    evolinstruct evolve hf:me/data -o run --prompts prompts" in card


def test_a_private_data_set_is_read_with_its_token(user: User) -> None:
    done = user("seeds", "hf:me/secret", "--json", token=hub.TOKEN)
    assert (done.code, json.loads(done.stdout)["first"]) == (0, ["Secret."])


HIDDEN = (
    "there is no such data set, or it is private or gated; check the name, and for a private one"
    " set HF_TOKEN to a token that may read it."
)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hf:me/none", f"hf:me/none cannot be read: {HIDDEN}"),
        ("hf:me/secret", f"hf:me/secret cannot be read: {HIDDEN}"),
        ("hf:me/gated", f"hf:me/gated cannot be read: {HIDDEN}"),
        ("hf:me/data::dev", "hf:me/data has no split 'dev'; it has train, test."),
        ("hf:me/data:dev", "hf:me/data has no split 'dev'; it has train, test."),
        (
            "hf:me/many",
            "hf:me/many has several configs; name one of easy, hard, as hf:me/many:easy.",
        ),
        (
            "hf:me/many:odd:train",
            "hf:me/many has no config 'odd'; it has easy, hard.",
        ),
        ("hf:me/data@v9", "hf:me/data@v9 cannot be read: it has no revision 'v9'."),
        (
            "hf:me/script",
            "hf:me/script cannot be read: it is made by a script, which `datasets` does not run any"
            " more; read a revision with files, such as hf:me/script@refs/convert/parquet, or"
            " download its files.",
        ),
        (
            "hf:me/mixed",
            "hf:me/mixed cannot be read: its files have different columns or types; download those"
            " that you want and name them, or name a config or a split that has one kind of rows.",
        ),
        (
            "hf:me/latin",
            "hf:me/latin cannot be read: 'utf-8' codec can't decode byte 0xe9 in position 3:"
            " unexpected end of data; download its files and name those.",
        ),
        (
            "hf:me/empty",
            "hf:me/empty cannot be read: it has no file that `datasets` can read as rows.",
        ),
    ],
)
def test_what_cannot_be_had_of_the_hub_is_said_in_a_sentence(
    user: User, name: str, sentence: str
) -> None:
    done = user("seeds", name)
    assert (done.code, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")


SEEDS = """
evolinstruct seeds chats.parquet
evolinstruct evolve chats.parquet -o chats --client offline
evolinstruct evolve sharegpt.json.gz -o sharegpt --client offline --sample 100
evolinstruct evolve faq.csv -o faq --client offline --map instruction=question,output=answer
evolinstruct evolve hf:OWNER/NAME -o hub --client offline
"""


def test_seeds_of_every_kind_of_file_and_of_the_hub_are_read(user: User) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    turns = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]
    rows = [{"conversations": turns}]
    parquet.write_table(arrow.Table.from_pylist(rows), user.home / "chats.parquet")
    (user.home / "sharegpt.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    (user.home / "faq.csv").write_text("question,answer\nWhy?,So.\n")
    commands = [line.split() for line in SEEDS.strip().splitlines()]
    for _, *words in commands:
        done = user(*(word.replace("OWNER/NAME", "me/data") for word in words))
        assert done.code == 0, done.stderr
    sources = {path.parent.name for path in user.home.glob("*/dataset.jsonl")}
    assert sources == {"chats", "sharegpt", "faq", "hub"}


# Out


@pytest.fixture
def run(user: User) -> str:
    runs.evolve(runs.write_seeds(user.home / "s.jsonl", runs.tasks(9)), user.home / "run")
    return "run"


EXPORT = ("-o", "out", "--format", "chat", "--test", "0.2", "--trainer", "llama-factory")


def test_an_export_is_uploaded_whole_and_nothing_else_of_its_folder(
    user: User, served: hub.Hub, run: str
) -> None:
    out = user.home / "out"
    user("export", run, *EXPORT, "-q")
    (out / "mine.txt").write_text("not of the export")
    again = ("export", run, *EXPORT, "--force", "--json", "-q")
    done = user(*again, "--push", "me/out", "--private", token=hub.TOKEN)
    assert (done.code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["address"] == f"{served.url}/datasets/me/out"
    here = {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    del here["mine.txt"]
    there = dict(served.repos["me/out"])
    there.pop(".gitattributes", None)
    assert there == here
    assert "me/out" in served.private
    seeds = user("seeds", "hf:me/out", "--json", token=hub.TOKEN)
    assert json.loads(seeds.stdout)["files"][0]["shapes"] == {
        "chat messages": len(here["train.jsonl"].splitlines())
    }


def test_nothing_is_asked_of_the_hub_without_the_flag(
    user: User, served: hub.Hub, run: str
) -> None:
    before = len(served.asked)
    assert user("export", run, *EXPORT, token=hub.TOKEN).code == 0
    assert served.asked[before:] == []


def test_without_a_token_nothing_is_written_and_a_sentence_says_how_to_get_one(
    user: User, served: hub.Hub, run: str
) -> None:
    before = len(served.asked)
    done = user("export", run, *EXPORT, "--push", "me/none")
    assert done == (
        1,
        "",
        "Error: --push needs a token of the Hugging Face Hub: make one with write access at"
        " https://huggingface.co/settings/tokens, then set HF_TOKEN to it or run"
        " `hf auth login`.\n",
    )
    assert served.asked[before:] == []
    assert not (user.home / "out").exists()


@pytest.mark.parametrize(
    ("name", "token", "why"),
    [
        (
            "me/none",
            "hf_wrong",
            "the Hub refuses the token; make another, and set HF_TOKEN to it",
        ),
        (
            "others/data",
            hub.TOKEN,
            "the token may not write there; check the owner and the token's permissions",
        ),
    ],
)
def test_a_refused_upload_is_said_and_the_export_stays(
    user: User, served: hub.Hub, run: str, name: str, token: str, why: str
) -> None:
    done = user("export", run, *EXPORT, "--push", name, "-q", token=token)
    assert done == (
        1,
        "",
        f"Error: {name} cannot be uploaded: {why}. The export itself is complete in out.\n",
    )
    assert (user.home / "out" / "SHA256SUMS").exists()
    assert name not in served.repos


def test_a_hub_out_of_reach_is_said_and_the_export_stays(
    user: User, served: hub.Hub, run: str
) -> None:
    with hub.serve(hub.Hub()) as gone:
        pass
    done = User(gone, user.home)("export", run, *EXPORT, "--push", "me/x", "-q", token=hub.TOKEN)
    assert done.code == 1
    assert done.stderr.startswith("Error: me/x cannot be uploaded: ")
    assert done.stderr.endswith("refused. The export itself is complete in out.\n")

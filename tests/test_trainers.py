"""What is exported goes through the libraries it is meant for: datasets, TRL, YAML readers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.analysis.runs import Run
from evolinstruct.export import FORMATS, TRAINERS, ExportOptions, export
from tests import runs

ROOT = Path(__file__).parent.parent
FINETUNE = ROOT / "examples" / "finetune" / "finetune.py"

pytestmark = pytest.mark.slow


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [name for name in packages if find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=" ".join(missing[:1]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trainers")
    runs.evolve(Path("starter"), folder / "run", generations=1)
    return folder / "run"


def python(*words: str | Path, cwd: Path, **variables: str) -> str:
    """Run Python apart: what others' packages warn of is no failure of ours."""
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(cwd / "hf"), **variables}
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


LOAD = """
import json, sys
from datasets import load_dataset
found = load_dataset(sys.argv[1])
told = {name: [len(rows), rows.column_names, rows[0], rows[-1]] for name, rows in found.items()}
print(json.dumps(told))
"""


@needs("datasets", "pyarrow")
@pytest.mark.parametrize("packed", [False, True], ids=["jsonl", "parquet"])
def test_datasets_loads_every_format_with_its_splits(
    made: Path, tmp_path: Path, packed: bool
) -> None:
    # The run demands nothing verifiable, and one answer is asked for.
    names = [name for name, each in FORMATS.items() if each.of == "answers"]
    if packed:
        names.remove("openai-finetune")
    for rows_format in names:
        plain, out = tmp_path / f"{rows_format}-plain", tmp_path / rows_format
        wanted: dict[str, Any] = {"test": 0.1, "system": "Be brief.", "shard": 100_000}
        done = export(Run(made), plain, ExportOptions(rows_format, **wanted))
        export(Run(made), out, ExportOptions(rows_format, parquet=packed, **wanted))
        lines = {
            split: [
                json.loads(line)
                for name in names
                for line in (plain / name).read_bytes().splitlines()
            ]
            for split, names in done.files.items()
        }
        expected = {
            split: [len(rows), list(rows[0]), rows[0], rows[-1]] for split, rows in lines.items()
        }
        assert json.loads(python("-c", LOAD, out, cwd=tmp_path)) == expected


@needs("datasets", "pydantic_monty")
def test_rows_for_grpo_have_the_prompt_as_a_chat_and_what_rewards_go_by(tmp_path: Path) -> None:
    """TRL hands every column but the prompt to the reward functions, by its name."""
    runs.evolve(Path("code"), tmp_path / "run", generations=1, prompts="code")
    export(Run(tmp_path / "run"), tmp_path / "out", ExportOptions("rlvr"))
    told = json.loads(python("-c", LOAD, tmp_path / "out", cwd=tmp_path))
    number, columns, first, _ = told["train"]
    assert number == sum(bool(line.generation) for line in Run(tmp_path / "run").instructions())
    assert columns[:3] == ["prompt", "constraints", "tests"]
    assert [turn["role"] for turn in first["prompt"]] == ["user"]
    assert (first["constraints"], first["tests"].count("assert") >= 3) == ("[]", True)


@needs("trl", "torch", "transformers", "datasets")
@pytest.mark.parametrize("rows_format", TRAINERS["trl"].formats)
def test_the_example_trains_with_trl_and_its_loss_falls(
    made: Path, tmp_path: Path, rows_format: str
) -> None:
    export(Run(made), tmp_path / "data", ExportOptions(rows_format, test=0.1))
    said = python(FINETUNE, "data", "model", cwd=tmp_path, STEPS="16")
    losses = [float(loss) for loss in re.findall(r"step .*: loss (.*)", said)]
    assert losses[-1] < losses[0]
    before, after = re.findall(r"test rows: (\S+) before, (\S+) after", said)[0]
    assert float(after) < float(before)
    shown = re.findall(r"^(asked|before|after) ", said, re.MULTILINE)
    assert shown == ["asked", "before", "after"] * 2
    again = python(FINETUNE, "data", "again", cwd=tmp_path, STEPS="1", MODEL="model")
    assert again.startswith("model: model, ")
    assert (tmp_path / "again" / "model.safetensors").exists()


PREFER = """
import json, sys
from datasets import load_dataset
from trl.data_utils import is_conversational, maybe_extract_prompt
rows = load_dataset(sys.argv[1])["train"]
assert all(rows[name][0] for name in ("prompt", "chosen", "rejected"))
assert maybe_extract_prompt(dict(rows[0])) == rows[0]
print(len(rows), is_conversational(rows[0]))
"""


@needs("trl", "torch", "transformers", "datasets")
@pytest.mark.parametrize(("rows_format", "chats"), [("dpo", True), ("dpo-plain", False)])
def test_trl_reads_the_pairs_of_the_pack_math_as_preferences(
    tmp_path: Path, rows_format: str, chats: bool
) -> None:
    runs.evolve(Path("math"), tmp_path / "run", generations=2, prompts="math")
    done = export(Run(tmp_path / "run"), tmp_path / "pairs", ExportOptions(rows_format))
    told = python("-c", PREFER, tmp_path / "pairs", cwd=tmp_path)
    assert told.split() == [str(done.rows["train"]), str(chats)]


OWN = Path(sys.prefix)
"""Trainers that need other versions of packages have environments of their own in ours."""
COMMANDS = {
    "trl": OWN / "bin" / "trl",
    "axolotl": OWN / "axolotl" / "bin" / "axolotl",
    "llama-factory": OWN / "llama-factory" / "bin" / "llamafactory-cli",
}
HASTE = {
    "trl": "use_cpu: true\nbf16: false\nmax_steps: 1\n",
    "axolotl": "bf16: false\nfp16: false\nmax_steps: 1\n",
    "llama-factory": "use_cpu: true\nmax_steps: 1\n",
}
"""What a test adds to a configuration, to train on the CPU and not for long."""
CASES = [
    ("trl", "chat", False),
    ("trl", "prompt-completion", True),
    ("axolotl", "alpaca", False),
    ("axolotl", "chat", True),
    ("axolotl", "sharegpt", False),
    ("llama-factory", "alpaca", False),
    ("llama-factory", "chat", True),
    ("llama-factory", "sharegpt", False),
]


def installed(trainer: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not COMMANDS[trainer].exists(), reason=trainer)


@pytest.fixture(scope="module")
def tiny(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the example's, that has hardly learned."""
    folder = tmp_path_factory.mktemp("tiny")
    export(Run(made), folder / "data", ExportOptions("chat", test=0.1))
    python(FINETUNE, "data", "model", cwd=folder, STEPS="1")
    return folder / "model"


@needs("trl", "torch", "transformers", "datasets")
@pytest.mark.parametrize(
    ("trainer", "rows_format", "packed"),
    [pytest.param(*case, id=f"{case[0]}-{case[1]}", marks=installed(case[0])) for case in CASES],
)
def test_the_trainer_s_own_command_takes_the_configuration_and_the_data(
    made: Path, tiny: Path, tmp_path: Path, trainer: str, rows_format: str, packed: bool
) -> None:
    system = None if (trainer, rows_format) == ("axolotl", "alpaca") else "Be brief."
    out = tmp_path / "my-data"
    request = ExportOptions(
        rows_format,
        {"generation": ["1"]},
        parquet=packed,
        test=0.2,
        system=system,
        shard=60_000,
        trainer=trainer,
    )
    assert len(export(Run(made), out, request).files["train"]) > 1
    config = out / f"{trainer}.yaml"
    text = config.read_text().replace("OWNER/MODEL", str(tiny)).replace(": 4096", ": 256")
    config.write_text(text + HASTE[trainer])
    # LLaMA-Factory imports torchaudio, whose builds want a graphics card; no audio is here.
    (tmp_path / "torchaudio.py").touch()
    env = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "hf"),
        "AXOLOTL_DO_NOT_TRACK": "1",
        "PATH": f"{COMMANDS[trainer].parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path) if trainer == "llama-factory" else "",
    }
    words = TRAINERS[trainer].command.split()
    assert words[0] == COMMANDS[trainer].name
    done = subprocess.run(
        [COMMANDS[trainer], *words[1:]],
        cwd=out,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    weights = [path.name for path in (out / "model").glob("*.safetensors")]
    assert weights == [
        "adapter_model.safetensors" if trainer == "llama-factory" else "model.safetensors"
    ]


@needs("yaml")
@pytest.mark.parametrize("trainer", TRAINERS)
def test_configurations_are_yaml_whose_data_files_are_there(
    made: Path, tmp_path: Path, trainer: str
) -> None:
    import yaml  # noqa: PLC0415 - of an extra

    for rows_format in TRAINERS[trainer].formats:
        out = tmp_path / rows_format
        export(Run(made), out, ExportOptions(rows_format, test=0.1, shard=100_000, trainer=trainer))
        config = yaml.safe_load((out / f"{trainer}.yaml").read_text())
        assert type(config["learning_rate"]) is float
        files = sorted(path.name for path in out.glob("t*.jsonl"))
        if trainer == "axolotl":
            named = [item["path"] for item in config["datasets"] + config["test_datasets"]]
            assert sorted(named) == files
        elif trainer == "llama-factory":
            info = json.loads((out / "dataset_info.json").read_text())
            names = config["dataset"].split(",") + config["eval_dataset"].split(",")
            assert sorted(info[name]["file_name"] for name in names) == files
            row = json.loads((out / files[0]).read_bytes().splitlines()[0])
            columns = {column for item in info.values() for column in item["columns"].values()}
            assert columns <= row.keys()


@needs("yaml")
def test_the_header_of_the_card_is_yaml(made: Path, tmp_path: Path) -> None:
    import yaml  # noqa: PLC0415 - of an extra

    request = ExportOptions("chat", test=0.1, title='A: "b" #c')
    export(Run(made), tmp_path / "out", request)
    header = (tmp_path / "out" / "README.md").read_text().split("---\n")[1]
    assert yaml.safe_load(header) == {
        "pretty_name": 'A: "b" #c',
        "task_categories": ["text-generation"],
        "tags": ["instruction-tuning", "synthetic", "evol-instruct"],
        "size_categories": ["n<1K"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": ["train.jsonl"]},
                    {"split": "test", "path": ["test.jsonl"]},
                ],
            }
        ],
    }

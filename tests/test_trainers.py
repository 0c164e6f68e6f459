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

from evolinstruct.export import SHAPES, TRAINERS, Request, export
from evolinstruct.review.runs import Run
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
def test_datasets_loads_every_shape_with_its_splits(
    made: Path, tmp_path: Path, packed: bool
) -> None:
    shapes = [name for name in SHAPES if not (packed and name == "openai-finetune")]
    for shape in shapes:
        plain, out = tmp_path / f"{shape}-plain", tmp_path / shape
        wanted: dict[str, Any] = {"test": 0.1, "system": "Be brief.", "shard": 100_000}
        done = export(Run(made), plain, Request(shape, **wanted))
        export(Run(made), out, Request(shape, parquet=packed, **wanted))
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


@needs("trl", "torch", "transformers", "datasets")
@pytest.mark.parametrize("shape", TRAINERS["trl"].shapes)
def test_the_example_trains_with_trl_and_its_loss_falls(
    made: Path, tmp_path: Path, shape: str
) -> None:
    export(Run(made), tmp_path / "data", Request(shape, test=0.1))
    said = python(FINETUNE, "data", "model", cwd=tmp_path, STEPS="12")
    losses = [float(loss) for loss in re.findall(r"loss: (.*)", said)[-1].split()]
    assert losses[-1] < losses[0]
    assert (tmp_path / "model" / "model.safetensors").exists()


PARSE = """
import sys
from dataclasses import fields
from transformers import HfArgumentParser
from trl import ModelConfig, ScriptArguments, SFTConfig
parser = HfArgumentParser((ScriptArguments, SFTConfig, ModelConfig))
script, training, model = parser.parse_yaml_file(sys.argv[1])
print(script.dataset_name, script.dataset_test_split, model.model_name_or_path)
"""


@needs("trl", "torch", "transformers")
def test_trl_s_own_parser_takes_its_configuration(made: Path, tmp_path: Path) -> None:
    export(Run(made), tmp_path / "out", Request("chat", test=0.1, trainer="trl"))
    config = tmp_path / "out" / "trl.yaml"
    config.write_text(config.read_text() + "use_cpu: true\nbf16: false\n")
    assert python("-c", PARSE, config, cwd=tmp_path) == ". test OWNER/MODEL\n"


@needs("yaml")
@pytest.mark.parametrize("trainer", TRAINERS)
def test_configurations_are_yaml_whose_data_files_are_there(
    made: Path, tmp_path: Path, trainer: str
) -> None:
    import yaml  # noqa: PLC0415 - of an extra

    for shape in TRAINERS[trainer].shapes:
        out = tmp_path / shape
        export(Run(made), out, Request(shape, test=0.1, shard=100_000, trainer=trainer))
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

    request = Request("chat", test=0.1, title='A: "b" #c')
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

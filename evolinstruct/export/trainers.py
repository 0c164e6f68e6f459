"""Trainer configurations: files for TRL, axolotl and LLaMA-Factory, so that training can start.

No trainer is imported, and no model is named: the user fills that in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolinstruct.errors import UsageError
from evolinstruct.export.files import TEST, TRAIN
from evolinstruct.export.markup import yaml_text

MODEL = "OWNER/MODEL"
_NAME = "evolinstruct"
_LONGEST = 4096
Splits = Mapping[str, Sequence[str]]
"""The names of the files of each split."""


@dataclass(frozen=True, slots=True)
class ExportedData:
    """The data set that a configuration names.

    Attributes:
        folder: the name of its folder.
        format: the name of the rows' format.
        splits: the names of its files.
        has_system: whether the rows have a system text.
    """

    folder: str
    format: str
    splits: Splits
    has_system: bool


@dataclass(frozen=True, slots=True)
class Trainer:
    """A trainer that a configuration can be written for.

    Attributes:
        formats: the formats that it reads as they are.
        command: starts the training, in the folder of the export.
        configure: returns the text of each configuration file by its name.
    """

    formats: tuple[str, ...]
    command: str
    configure: Callable[[ExportedData], dict[str, str]]


def check_format(trainer: str, name: str, *, system: bool) -> None:
    """Refuse a format that the trainer does not read.

    Raises:
        UsageError: the trainer does not read it, or not with a system text.
    """
    known = TRAINERS[trainer].formats
    if name not in known:
        raise UsageError(
            f"--trainer {trainer} does not read --format {name}; it reads {', '.join(known)}."
        )
    if system and (trainer, name) == ("axolotl", "alpaca"):
        raise UsageError(
            "axolotl's alpaca has no place for --system; use --format chat, or leave it out."
        )


def _trl(data: ExportedData) -> dict[str, str]:
    config: dict[str, Any] = {
        "model_name_or_path": MODEL,
        # `datasets` names a data set after its folder, and "." has no name.
        "dataset_name": f"../{data.folder}",
        "dataset_train_split": TRAIN,
        "max_length": _LONGEST,
        "num_train_epochs": 3,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 8,
        "learning_rate": 0.00002,
        "logging_steps": 10,
        "output_dir": "model",
    }
    if TEST in data.splits:
        config |= {"dataset_test_split": TEST, "eval_strategy": "epoch"}
    renamed = "# dataset_name is the name of this folder: change it if you rename the folder.\n"
    return {"trl.yaml": _yaml("trl", config) + renamed}


_AXOLOTL_TURNS = {"messages": ("role", "content"), "conversations": ("from", "value")}


def _axolotl(data: ExportedData) -> dict[str, str]:
    field = "messages" if data.format in ("chat", "openai-finetune") else "conversations"
    role, content = _AXOLOTL_TURNS[field]
    how: dict[str, Any] = {
        "type": "chat_template",
        "field_messages": field,
        "message_property_mappings": {"role": role, "content": content},
    }
    how = {"type": "alpaca"} if data.format == "alpaca" else how

    def sources(split: str) -> list[dict[str, Any]]:
        return [
            {"path": name, "ds_type": _kind(name), "split": "train", **how}
            for name in data.splits[split]
        ]

    config: dict[str, Any] = {
        "base_model": MODEL,
        "datasets": sources(TRAIN),
        "sequence_len": _LONGEST,
        "num_epochs": 3,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 8,
        "optimizer": "adamw_torch",
        "learning_rate": 0.00002,
        "lr_scheduler": "cosine",
        "logging_steps": 10,
        "output_dir": "./model",
    }
    if data.format != "alpaca":
        config["chat_template"] = "tokenizer_default"
    if TEST in data.splits:
        config |= {"test_datasets": sources(TEST), "evals_per_epoch": 1}
    return {"axolotl.yaml": _yaml("axolotl", config)}


def _kind(name: str) -> str:
    return "parquet" if name.endswith(".parquet") else "json"


def _llama_factory(data: ExportedData) -> dict[str, str]:
    columns = _llama_factory_columns(data)
    info = {
        _entry(split, number, names): {"file_name": name, **columns}
        for split, names in data.splits.items()
        for number, name in enumerate(names)
    }
    config: dict[str, Any] = {
        "model_name_or_path": MODEL,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_target": "all",
        "dataset_dir": ".",
        "dataset": _entries(TRAIN, data.splits),
        "template": "default",
        "cutoff_len": _LONGEST,
        "num_train_epochs": 3,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 8,
        "learning_rate": 0.0001,
        "logging_steps": 10,
        "output_dir": "model",
    }
    if TEST in data.splits:
        config |= {"eval_dataset": _entries(TEST, data.splits), "eval_strategy": "epoch"}
    return {
        "dataset_info.json": json.dumps(info, indent=2) + "\n",
        "llama-factory.yaml": _yaml("llama-factory", config),
    }


def _entry(split: str, number: int, names: Sequence[str]) -> str:
    return f"{_NAME}_{split}" if len(names) == 1 else f"{_NAME}_{split}_{number:05}"


def _entries(split: str, splits: Splits) -> str:
    names = splits[split]
    return ",".join(_entry(split, number, names) for number in range(len(names)))


def _llama_factory_columns(data: ExportedData) -> dict[str, Any]:
    if data.format == "alpaca":
        columns = {"prompt": "instruction", "query": "input", "response": "output"}
        return {"columns": columns | ({"system": "system"} if data.has_system else {})}
    if data.format == "sharegpt":
        field, tags = "conversations", ("from", "value", "human", "gpt")
    else:
        field, tags = "messages", ("role", "content", "user", "assistant")
    names = ("role_tag", "content_tag", "user_tag", "assistant_tag")
    return {
        "formatting": "sharegpt",
        "columns": {"messages": field},
        "tags": {**dict(zip(names, tags, strict=True)), "system_tag": "system"},
    }


def _yaml(trainer: str, config: Mapping[str, Any]) -> str:
    """Return settings as YAML; each value is written as JSON, which YAML includes."""
    opening = (
        f"# Put your model in place of {MODEL}, then, in this folder:\n"
        f"#   {TRAINERS[trainer].command}\n"
    )
    lines = [f"{name}:{_value(value)}\n" for name, value in config.items()]
    return opening + "".join(lines)


def _value(value: object) -> str:
    if isinstance(value, list):
        return "".join(f"\n  - {json.dumps(item)}" for item in value)
    if isinstance(value, str):
        return f" {yaml_text(value)}"
    return f" {value:f}".rstrip("0") if isinstance(value, float) else f" {json.dumps(value)}"


TRAINERS = {
    "trl": Trainer(
        ("chat", "prompt-completion", "openai-finetune"), "trl sft --config trl.yaml", _trl
    ),
    "axolotl": Trainer(
        ("alpaca", "chat", "sharegpt", "openai-finetune"), "axolotl train axolotl.yaml", _axolotl
    ),
    "llama-factory": Trainer(
        ("alpaca", "chat", "sharegpt", "openai-finetune"),
        "llamafactory-cli train llama-factory.yaml",
        _llama_factory,
    ),
}
"""The trainers by their names."""

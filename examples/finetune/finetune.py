"""Fine-tunes a causal language model on an exported data set with TRL, on the CPU.

    python finetune.py DATA OUT

DATA is a folder that `evolinstruct export` has written, with --format chat or prompt-completion and
a --test share. If MODEL is set in the environment, that model is fine-tuned; otherwise a tiny one
is built from scratch, which only learns to imitate the data and so shows that every step works.
STEPS sets the number of training steps.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import datasets
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    PrinterCallback,
    TrainerCallback,
)
from transformers.utils import logging
from trl import SFTConfig, SFTTrainer

MODEL = os.environ.get("MODEL")
STEPS = int(os.environ.get("STEPS", "600"))
LONGEST = 128
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MARKS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


class Progress(TrainerCallback):
    """Prints how far the training is."""

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any, **_more: Any) -> None:
        """Print the loss of the latest steps."""
        if "loss" in logs:
            print(f"step {state.global_step:4} of {STEPS}: loss {float(logs['loss']):.2f}")


def conversation(row: Any) -> list[dict[str, str]]:
    """Return the turns of a row, in either format."""
    return list(row.get("messages") or row["prompt"] + row["completion"])


def instruction(row: Any) -> str:
    """Return what the user of a row asks."""
    return next(turn["content"] for turn in conversation(row) if turn["role"] == "user")


def shortest(rows: Any) -> str:
    """Return the shortest evolved instruction, or the shortest seed if none was evolved."""
    evolved = [instruction(row) for row in rows if row.get("generation", 1)]
    return min(evolved or map(instruction, rows), key=len)


def texts(rows: Any) -> Iterator[str]:
    """Yield every text of the data set, to learn a vocabulary from."""
    return (turn["content"] for row in rows for turn in conversation(row))


def from_scratch(rows: Any) -> tuple[Any, Any]:
    """Return a tiny model that knows nothing, and a tokenizer of the data's own words."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learning = trainers.BpeTrainer(
        vocab_size=2_000, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False
    )
    words.train_from_iterator(texts(rows), learning)
    torch.set_num_threads(1)  # the model is so small that a second thread slows it down
    padding, end = MARKS[:2]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=padding, eos_token=end, chat_template=TEMPLATE
    )
    size = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=8 * LONGEST,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(size), tokenizer


def from_hub(name: str) -> tuple[Any, Any]:
    """Return a model and its tokenizer, by a name on the Hub or a folder."""
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.chat_template = tokenizer.chat_template or TEMPLATE
    return AutoModelForCausalLM.from_pretrained(name), tokenizer


def answer(model: Any, tokenizer: Any, asked: str) -> str:
    """Return the model's answer, at most sixty tokens of it."""
    given = tokenizer.apply_chat_template(
        [{"role": "user", "content": asked}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    given = {name: given[name] for name in ("input_ids", "attention_mask")}
    model.eval()
    said = model.generate(**given, max_new_tokens=60, do_sample=False, repetition_penalty=1.1)
    return str(tokenizer.decode(said[0][given["input_ids"].shape[1] :], skip_special_tokens=True))


def show(name: str, text: str) -> None:
    """Print a text beside its name, in lines that fit a terminal."""
    words = " ".join(text.split()) or "(nothing)"
    print(textwrap.fill(words, 96, initial_indent=f"{name:8}", subsequent_indent=" " * 8))


def main(data: str, out: str) -> None:
    """Load the model and the data, ask, train, and ask again."""
    logging.disable_progress_bar()
    datasets.disable_progress_bars()
    rows = datasets.load_dataset(data)
    model, tokenizer = from_hub(MODEL) if MODEL else from_scratch(rows["train"])
    print(f"model: {MODEL or 'a tiny one, from scratch'}, {model.num_parameters():,} weights")
    settings = SFTConfig(
        output_dir=out,
        max_steps=STEPS,
        max_length=LONGEST,
        per_device_train_batch_size=8,
        learning_rate=2e-5 if MODEL else 3e-3,
        gradient_checkpointing=False,
        logging_steps=max(1, STEPS // 8),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        seed=0,
    )
    trainer = SFTTrainer(
        model=model,
        args=settings,
        train_dataset=rows["train"],
        eval_dataset=rows["test"],
        processing_class=tokenizer,
        callbacks=[Progress],
    )
    trainer.remove_callback(PrinterCallback)
    asked = {name: shortest(rows[name]) for name in ("train", "test")}
    before = {name: answer(model, tokenizer, text) for name, text in asked.items()}
    loss = trainer.evaluate()["eval_loss"]
    trainer.train()
    print(f"loss on the test rows: {loss:.2f} before, {trainer.evaluate()['eval_loss']:.2f} after")
    for name, text in asked.items():
        print(f"\nA row that it {'learned from' if name == 'train' else 'never saw'}:")
        show("asked", text)
        show("before", before[name])
        show("after", answer(model, tokenizer, text))
    trainer.save_model(out)
    print(f"\nThe model is in {out}")


if __name__ == "__main__":
    main(*sys.argv[1:3])

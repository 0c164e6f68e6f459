"""Fine-tunes a causal language model on an exported data set with TRL, on the CPU.

    python finetune.py DATA OUT

DATA is a folder that `evolinstruct export` has written, with --format chat or prompt-completion.
With MODEL in the environment that model is fine-tuned; otherwise a tiny one is built from scratch,
which learns the sound of the data and no more: it shows that every step works.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets import load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)
from trl import SFTConfig, SFTTrainer

STEPS = int(os.environ.get("STEPS", "60"))
LONGEST = 256
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MARKS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def texts(rows: Any) -> Iterator[str]:
    """Yield every text of the data set, to learn a vocabulary from."""
    for row in rows:
        for turn in row.get("messages") or row["prompt"] + row["completion"]:
            yield turn["content"]


def from_scratch(rows: Any) -> tuple[Any, Any]:
    """Return a tiny model that knows nothing, and a tokenizer of the data's own words."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        texts(rows),
        trainers.BpeTrainer(
            vocab_size=2_000,
            special_tokens=MARKS,
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
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
        max_position_embeddings=2 * LONGEST,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(size), tokenizer


def answer(model: Any, tokenizer: Any, instruction: str) -> str:
    """Return what the model answers, cut after forty tokens."""
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": instruction}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    model.eval()
    given = {name: asked[name] for name in ("input_ids", "attention_mask")}
    said = model.generate(**given, max_new_tokens=40, do_sample=False)
    return str(tokenizer.decode(said[0][given["input_ids"].shape[1] :], skip_special_tokens=True))


def main(data: str, out: str) -> None:
    """Load, ask, train, ask again."""
    rows = load_dataset(data)
    if name := os.environ.get("MODEL"):
        model = AutoModelForCausalLM.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name)
    else:
        model, tokenizer = from_scratch(rows["train"])
    asked = "messages" if "messages" in rows["train"].column_names else "prompt"
    turns = (turn for row in rows["train"] for turn in row[asked])
    instruction = min((turn["content"] for turn in turns if turn["role"] == "user"), key=len)
    before = answer(model, tokenizer, instruction)
    settings = SFTConfig(
        output_dir=out,
        max_steps=STEPS,
        max_length=LONGEST,
        per_device_train_batch_size=8,
        learning_rate=2e-5 if name else 3e-3,
        logging_steps=max(1, STEPS // 6),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        seed=0,
    )
    trainer = SFTTrainer(
        model=model, args=settings, train_dataset=rows["train"], processing_class=tokenizer
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    trainer.save_model(out)
    tokenizer.save_pretrained(out)
    print("loss:", " ".join(f"{float(loss):.2f}" for loss in losses))
    print(f"asked:  {instruction!r}")
    print(f"before: {before!r}")
    print(f"after:  {answer(trainer.model, tokenizer, instruction)!r}")
    print(f"the model is in {Path(out)}")


if __name__ == "__main__":
    main(*sys.argv[1:3])

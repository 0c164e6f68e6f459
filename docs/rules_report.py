"""Writes docs/rules.md: the rules, what each drops of accepted pairs, and what each costs.

    python docs/rules_report.py --pairs PAIRS.jsonl > docs/rules.md

PAIRS.jsonl is any file of instructions with answers that people accepted. The report quotes none of
them: it has counts, row numbers, and what was found on reading those rows (docs/rules_read.json).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from duplicates_report import paragraphs

from evolinstruct import prompts
from evolinstruct.contamination import GRAM, SHARE, WORDS, Item, Items
from evolinstruct.elimination import (
    ANSWER_RULES,
    REWRITE_RULES,
    RULES,
    Answer,
    Rewrite,
    Rule,
    RuleInfo,
)
from evolinstruct.elimination.contamination import with_test_items
from evolinstruct.evolution import Evolution
from evolinstruct.llm.base import ClientOptions
from evolinstruct.llm.offline import OfflineClient
from evolinstruct.records import Kept, Member
from evolinstruct.run.plan import weights_in_use
from evolinstruct.run.seed_lines import SeedLines
from evolinstruct.settings import Recipe, SeedSettings

HERE = Path(__file__).parent
LABELLED = HERE.parent / "tests" / "labelled_rules"
GENERATIONS = 4
MOST = 0.005
ROUNDS = 5
TIMED = 1500
SHOWN = 12

Pairs = list[tuple[Rewrite, Answer]]


def seeds(source: str) -> list[Kept]:
    """Return the seeds of a file."""
    return list(SeedLines([source], SeedSettings()).read())


def as_pairs(lines: Sequence[Kept]) -> Pairs:
    """Return seeds as the rules see them: a rewrite without a parent, and its answer."""
    prompt = prompts.read(prompts.find("general")).texts
    return [
        (
            Rewrite("", line.instruction, (), prompt=prompt),
            Answer(line.instruction, line.output or ""),
        )
        for line in lines
    ]


def evolved(lines: list[Kept]) -> Pairs:
    """Return what the offline client makes of seeds, with only the structural rules on."""
    pack = prompts.read(prompts.find("general"))
    client = OfflineClient(ClientOptions(base_url=None, model="", api_key=None, timeout=1.0))
    recipe = Recipe(client="offline", eliminate=False, compare=False)
    evolution = Evolution(recipe, pack, weights_in_use(recipe, pack), client.complete)
    kinds = {operation.name: operation.kind for operation in pack.operations}
    pairs: Pairs = []

    async def run() -> None:
        pool = [Member(line) for line in lines]
        for generation in range(1, GENERATIONS + 1):
            step, settled = evolution.step(generation), []
            for member in pool:
                line = await step.take(member)
                settled.append(member.after(line))
                if isinstance(line, Kept):
                    kind = kinds[line.operation or ""]
                    rewrite = Rewrite.of(member.newest, line, kind, pack.markers, pack.texts)
                    pairs.append((rewrite, Answer(line.instruction, line.output or "")))
            pool = settled

    asyncio.run(run())
    return pairs


def as_items(lines: Sequence[Kept]) -> Items:
    """Return seeds as if they were a test set."""
    return Items(
        Item("starter", f"line {row}", line.instruction) for row, line in enumerate(lines, 1)
    )


def hits(rule: Rule[Any], pairs: Pairs) -> list[int]:
    """Return the numbers of the rows that a rule drops, from 1."""
    place = 1 if rule.stage == "answer" else 0
    return [row for row, pair in enumerate(pairs, 1) if rule.check(pair[place]) is not None]


def cost(rules: Sequence[Rule[Any]], pairs: Pairs) -> float:
    """Return the CPU time of some rules on one pair in microseconds: the median of some rounds."""
    checks = [(rule.check, 1 if rule.stage == "answer" else 0) for rule in rules]
    return statistics.median(_round(checks, pairs[:TIMED]) for _ in range(ROUNDS))


def _round(checks: Sequence[tuple[Callable[..., str | None], int]], pairs: Pairs) -> float:
    # Made anew, because a rewrite keeps what one rule has found out for the next.
    pairs = [(replace(rewrite), replace(answer)) for rewrite, answer in pairs]
    begin = time.process_time()
    for pair in pairs:
        for check, place in checks:
            check(pair[place])
    return (time.process_time() - begin) / len(pairs) * 1e6


def free_rules() -> list[Rule[Any]]:
    """Return the rules that need no call."""
    return [*REWRITE_RULES.values(), *ANSWER_RULES.values()]


def switch(rule: RuleInfo) -> str:
    """Say whether a rule is on."""
    return f"`{rule.default}`" if rule.default.startswith("-") else rule.default


def rows(numbers: Sequence[int]) -> str:
    """Show row numbers; only the first if there are many."""
    shown = ", ".join(map(str, numbers[:SHOWN]))
    return f"{shown} …" if len(numbers) > SHOWN else shown


def report(name: str, given: Pairs, read: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield the document's paragraphs."""
    starter = seeds("starter")
    own = as_pairs(starter)
    offline = evolved(starter)
    items = as_items(starter)
    rules = [_bound(rule, items) for rule in free_rules()]
    found = {rule.name: hits(rule, given) for rule in rules}
    yield "# The rules\n"
    yield "Written by `make rules-report`; not by hand. `evolinstruct rules` shows the same list.\n"
    yield from _known()
    yield "\n## What they drop\n"
    yield (
        f"The rules looked at {len(given):,} accepted pairs of instruction and answer ({name}), at"
        f" the {len(own)} starter seeds, and at {len(offline)} rewrites with answers that the"
        f" offline client makes of these in {GENERATIONS} generations. A pair of a file has no"
        " parent, so it says nothing of rules that compare a rewrite with its parent: the rewrites"
        " and the labelled pairs in `tests/labelled_rules`, half of them hard negatives, decide"
        " about those.\n"
    )
    yield (
        f"A rule of ours is on by default if it drops at most {MOST:.1%} of the accepted pairs and"
        " of the starter seeds. The paper's rules are on whatever they drop; the offline client"
        " misbehaves on purpose so that they have something to drop.\n"
    )
    yield from _fired(rules, found, len(given), own, offline)
    yield "\n## The hits, read\n"
    for rule_name, numbers in found.items():
        if numbers:
            yield f"- `{rule_name}`: {_read(numbers, read.get(rule_name, {}))}"
    yield from _test_items(given, items)
    texts = [pair[0].child for pair in given]
    yield from paragraphs(texts, [pair[1].response for pair in given])
    yield "\n## What they cost\n"
    yield from _costs(rules, given, offline)


def _bound(rule: Rule[Any], items: Items) -> Rule[Any]:
    return with_test_items(rule, items) if rule.looks_for_test_items else rule


def _known() -> Iterator[str]:
    """Tabulate every rule: when it is on, what it looks at and drops, what can be set."""
    yield "| rule | default | looks at | drops | parameters |\n|---|---|---|---|---|"
    for rule in RULES.values():
        settings = "; ".join(
            f"`{item.name}` = {item.default:g} ({item.meaning})" for item in rule.parameters
        )
        yield f"| `{rule.name}` | {switch(rule)} | {rule.stage} | {rule.meaning} | {settings} |"


def _fired(
    rules: Sequence[Rule[Any]],
    found: dict[str, list[int]],
    count: int,
    own: Pairs,
    offline: Pairs,
) -> Iterator[str]:
    """Tabulate what each rule drops; `found` are its hits on so many accepted pairs."""
    yield "| rule | default | pairs | share | starter | offline | labelled | rows |"
    yield "|---|---|---|---|---|---|---|---|"
    for rule in rules:
        there = found[rule.name]
        labelled = Counter(json.loads(line)["drop"] for line in _labelled(rule.name))
        yield (
            f"| `{rule.name}` | {switch(rule)} | {len(there)} | {len(there) / count:.2%} |"
            f" {' | '.join(_counts(rule, own, offline))} |"
            f" {labelled[True]} + {labelled[False]} | {rows(there)} |"
        )


def _costs(rules: Sequence[Rule[Any]], given: Pairs, offline: Pairs) -> Iterator[str]:
    """Tell what each rule costs."""
    yield (
        f"Microseconds of CPU for one call, the median of {ROUNDS} rounds over {TIMED:,} pairs"
        f" (Python {platform.python_version()}, a machine shared with others). The rewrites are"
        " those of the offline client, with their parents, as in a run.\n"
    )
    words = [statistics.median(_words(pair) for pair in of[:TIMED]) for of in (given, offline)]
    yield (
        f"The median pair has {words[0]:.0f} words in all, the median rewrite with its parent and"
        f" its answer {words[1]:.0f}.\n"
    )
    yield "| rule | pairs | rewrites |\n|---|---|---|"
    for rule in rules:
        yield f"| `{rule.name}` | {cost([rule], given):.1f} | {cost([rule], offline):.1f} |"
    on = [rule for rule in rules if rule.default in ("always", "on")]
    yield f"| all that are on, together | {cost(on, given):.1f} | {cost(on, offline):.1f} |"
    yield "\nTogether, the rules for answers read an answer once."


def _counts(rule: Rule[Any], *pairs: Pairs) -> list[str]:
    return ["-" if rule.looks_for_test_items else str(len(hits(rule, each))) for each in pairs]


def _test_items(given: Pairs, items: Items) -> Iterator[str]:
    """Tell what counts as holding a test item, and what does not."""
    index = items.index
    overlaps = [index.find(rewrite.child, WORDS, SHARE) for rewrite, _ in given]
    weak = sum(overlap is not None and not overlap.is_strong for overlap in overlaps)
    yield "\n## Test items\n"
    yield (
        "The rules whose names begin with `contaminated` look for items of the user's own test sets"
        f" (`--against`). A text holds a test item if both share {WORDS} words in a row (GPT-3,"
        f" arXiv 2005.14165, appendix C), or if the text has at least {SHARE:.0%} of the item's"
        f" {GRAM}-grams (PaLM, arXiv 2204.02311, section 8). One shared {GRAM}-gram alone is as"
        " often a common phrase, such as the first words of many programming tasks: `evolinstruct"
        " contamination` reports it as weak, and no rule drops it. A text holds an item of fewer"
        f" than {GRAM} words if it equals the item. Words are compared in lower case, without signs"
        " and in one Unicode form; in scripts without spaces each character counts as a word.\n"
    )
    yield (
        f"Here the {len(items.all)} starter seeds stand for a test set. {weak} of the accepted"
        " instructions have a weak overlap with one of them. `contaminated_near` and"
        " `contaminated_answer` are off unless asked for, because texts of one form are alike"
        " without being the same task, and an answer may have to repeat a known text.\n"
    )


def _words(pair: tuple[Rewrite, Answer]) -> int:
    texts = pair[0].parent, pair[0].child, pair[1].response
    return sum(len(text.split()) for text in texts)


def _labelled(rule: str) -> list[str]:
    return (LABELLED / f"{rule}.jsonl").read_text(encoding="utf-8").splitlines()


def _read(numbers: Sequence[int], notes: dict[str, str]) -> str:
    """Group row numbers by what was found on reading them."""
    by_note: defaultdict[str, list[str]] = defaultdict(list)
    for number in numbers:
        by_note[notes.get(str(number), "not read yet")].append(str(number))
    return "; ".join(f"{note} ({', '.join(where)})" for note, where in by_note.items()) + "."


def main() -> None:
    """Write the report to stdout."""
    parser = argparse.ArgumentParser(description="Write the report on the rules to stdout.")
    parser.add_argument("--pairs", required=True, help="accepted pairs: any seed file")
    pairs = Path(parser.parse_args().pairs)
    if not pairs.is_file():
        sys.exit(f"There is no {pairs}; name a file of accepted pairs with PAIRS=FILE.")
    notes = json.loads((HERE / "rules_read.json").read_text(encoding="utf-8"))
    given = as_pairs(seeds(str(pairs)))
    for paragraph in report(pairs.name, given, notes.get(pairs.name, {})):
        sys.stdout.write(paragraph + "\n")


if __name__ == "__main__":
    main()

"""Examples: command lines that `--help` shows, by command; each is one that can be typed."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "evolinstruct evolve starter -o demo --client offline --limit 20",
        "evolinstruct show demo --sample 3",
        "evolinstruct export demo -o data --format chat",
    ),
    "evolve": (
        "evolinstruct evolve starter -o demo --client offline --limit 20",
        "evolinstruct evolve seeds.jsonl -o run --model gpt-5-mini --dry-run",
        "evolinstruct evolve seeds.jsonl -o run --model gpt-5-mini --max-cost 0.50",
        "evolinstruct evolve seeds.jsonl -o run --provider ollama --model llama3.2",
    ),
    "work": ("evolinstruct work run --shard 3/16 -o shard-3.sqlite",),
    "merge": ("evolinstruct merge run shard-1.sqlite shard-2.sqlite",),
    "preview": ("evolinstruct preview seeds.jsonl --model gpt-5-mini -n 3 -g 2",),
    "tune": ("evolinstruct tune seeds.jsonl -o my-pack --model gpt-5-mini --dry-run",),
    "check": (
        "evolinstruct check --model gpt-5-mini",
        "evolinstruct check --base-url http://localhost:8000/v1 --model my-model",
    ),
    "settings": (
        "evolinstruct settings",
        "evolinstruct settings --profile local -v",
    ),
    "rules": ("evolinstruct rules", "evolinstruct rules word_growth"),
    "prompts list": ("evolinstruct prompts list",),
    "prompts show": ("evolinstruct prompts show general deepen",),
    "prompts copy": ("evolinstruct prompts copy general my-pack",),
    "prompts check": ("evolinstruct prompts check my-pack",),
    "prompts try": ("evolinstruct prompts try my-pack --seeds seeds.jsonl --client offline",),
    "show": (
        "evolinstruct show demo --sample 3",
        "evolinstruct show demo --rejected --rule word_growth",
        "evolinstruct show demo --operation deepen --grep harbour --json",
    ),
    "trace": ("evolinstruct trace demo 572582c2", "evolinstruct trace demo 572582c2 --calls"),
    "stats": ("evolinstruct stats demo", "evolinstruct stats demo other --csv"),
    "report": ("evolinstruct report demo -o report.html",),
    "view": ("evolinstruct view demo",),
    "score": (
        "evolinstruct score demo --model gpt-5-mini --dry-run",
        "evolinstruct score demo --model gpt-5-mini --by difficulty,quality",
    ),
    "diversity": (
        "evolinstruct diversity demo",
        "evolinstruct diversity demo other.jsonl --csv",
    ),
    "judge": (
        "evolinstruct judge -o verdicts --questions test.jsonl --contestant old=old.jsonl"
        " --contestant new=new.jsonl --judge gpt-5 --plan",
        "evolinstruct judge -o verdicts",
    ),
    "review": ("evolinstruct review demo",),
    "verify": ("evolinstruct verify demo/dataset.jsonl",),
    "contamination": ("evolinstruct contamination demo --against tests.jsonl",),
    "refilter": (
        "evolinstruct refilter demo --strict",
        "evolinstruct refilter demo --no-rule cut_off --write thinned.jsonl",
    ),
    "seeds": ("evolinstruct seeds seeds.jsonl", "evolinstruct seeds starter"),
    "select": ("evolinstruct select demo -n 500 -o best.jsonl",),
    "export": (
        "evolinstruct export demo -o data --format chat --test 0.02",
        "evolinstruct export demo -o for-trl --format chat --trainer trl",
    ),
}

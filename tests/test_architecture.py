"""Imports go down the layers only, and each vendor package has one importer."""

import ast
from collections import defaultdict
from collections.abc import Container
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent / "evolinstruct"

LAYERS = [
    ["api", "cli"],
    ["console"],
    ["web"],
    ["report"],
    ["annotation", "export", "selection"],
    ["connection_check", "analysis"],
    ["judging", "tuning"],
    ["embedding", "scoring"],
    ["run"],
    ["llm.batches"],
    ["gate", "llm.clients", "llm.openai_sdk"],
    ["llm.in_process"],
    ["evolution", "seeds", "llm.budget", "llm.openai"],
    ["prompts", "equality", "filters", "parquet", "llm.usage"],
    ["llm.prices", "llm.providers"],
    ["settings"],
    ["elimination", "preference", "run_dir"],
    ["diversity", "judges", "llm.factory", "llm.retry", "llm.telemetry"],
    ["contamination", "llm.address", "llm.balancer", "llm.circuit_breaker", "llm.intake"],
    ["llm.journal", "llm.service_tiers", "llm.throttle"],
    [
        "agreement",
        "environment",
        "atomic_write",
        "intervals",
        "plugins",
        "similarity",
        "llm.offline",
        "sandbox",
    ],
    ["checks", "installation", "set_aside"],
    ["draws", "errors", "programs", "quartiles", "reading", "records"],
    ["languages", "llm.base", "prose"],
    ["databases", "defaults", "llm.secrets", "purposes", "text", "words"],
]
"""The rooms, from the roof to the ground; a room may import those on lower floors only."""

VENDORS = {
    "typer": "cli",
    "rich": "console",
    "IPython": "console",
    "pandas": "analysis",
    "pydantic": "settings",
    "jsonlines": "seeds",
    "tenacity": "llm.retry",
    "rensa": "similarity",
    "numpy": "diversity",
    "threadpoolctl": "diversity",
    "aiohttp": "llm.openai",
    "openai": "llm.openai_sdk",
    "httpx2": "llm.openai_sdk",
    "genai_prices": "llm.prices",
    "starlette": "web",
    "uvicorn": "web",
    "vllm": "llm.in_process",
    "xllamacpp": "llm.in_process",
}

FLOOR = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str | None:
    """Return the room that a module of ours belongs to: itself, or the package around it."""
    parts = module.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in FLOOR), None)


@cache
def imports_of(path: Path) -> set[str]:
    """Return the absolute names of what a file imports, those for type checkers included."""
    package = ["evolinstruct", *path.relative_to(ROOT).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{start}.{name.name}" for name in node.names}
    return found


def owner_of(name: str, modules: Container[str]) -> str | None:
    """Return the module of ours that an imported name is, or stands in."""
    parts = name.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((each for each in names if each in modules), None)


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def test_every_module_belongs_to_a_room() -> None:
    faces = {"", "__main__", "llm"}
    modules = {module_of(path) for path in files()} - faces
    assert {module for module in modules if room_of(module) is None} == set()
    assert {room for room in FLOOR if not any(room_of(m) == room for m in modules)} == set()


def test_imports_go_down_the_layers_only() -> None:
    wrong = []
    for path in files():
        room = room_of(module_of(path))
        for name in imports_of(path):
            if room is None or not name.startswith("evolinstruct."):
                continue
            target = room_of(name.removeprefix("evolinstruct."))
            if target not in {None, room} and FLOOR[target] <= FLOOR[room]:
                wrong.append(f"{room} imports {target}")
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {f"evolinstruct.{module_of(path)}".rstrip("."): path for path in files()}
    imported = {
        module: {owner for name in imports_of(path) if (owner := owner_of(name, modules))}
        - {module}
        for module, path in modules.items()
    }
    TopologicalSorter(imported).prepare()  # raises what goes round in a circle


def test_each_vendor_package_has_one_importer() -> None:
    importers = defaultdict(set)
    for path in files():
        for name in imports_of(path):
            if (vendor := name.split(".")[0]) in VENDORS:
                importers[vendor].add(room_of(module_of(path)))
    assert dict(importers) == {vendor: {room} for vendor, room in VENDORS.items()}

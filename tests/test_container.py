"""The container is small, its user has no rights, and only what the wheel needs goes into it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their words, without comments."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(name, words) for line in lines if line for name, _, words in [line.partition(" ")]]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))


def last(name: str) -> str:
    return [words for each, words in DOCKERFILE if each == name][-1]


def test_it_runs_the_command_as_a_user_without_rights_beside_a_volume() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["evolinstruct"]  # no shell, which would keep signals
    assert last("USER") not in ("0", "root")
    assert last("VOLUME") == last("WORKDIR") == "/runs"
    names = [name for name, _ in DOCKERFILE]
    made = next(n for n, (name, words) in enumerate(DOCKERFILE) if "--owner runner /runs" in words)
    assert made < names.index("USER") < names.index("VOLUME")


def test_it_is_small_and_of_a_python_that_is_supported() -> None:
    bases = {words.split()[0] for name, words in DOCKERFILE if name == "FROM"}
    (base,) = bases
    version = re.fullmatch(r"python:(3\.\d+)-slim", base)
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]
    assert all("--no-cache-dir" in words for _, words in DOCKERFILE if "pip install" in words)


def test_what_it_copies_is_there_and_nothing_else_goes_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    copied = [
        source
        for name, words in DOCKERFILE
        if name == "COPY" and not words.startswith("--from")
        for source in words.split()[:-1]
    ]
    assert all((ROOT / source).exists() for source in copied)
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied)
    secret = ("*key*", "*secret*", "*token*", "*.env")
    assert not [word for _, word in DOCKERFILE for shape in secret if fnmatch(word.lower(), shape)]


def test_the_workflow_runs_the_checks_on_each_python_that_is_supported() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    versions = re.search(r"python: (\[.*\])", text)
    assert versions
    named = [f"Programming Language :: Python :: {each}" for each in json.loads(versions[1])]
    assert named == [name for name in PROJECT["classifiers"] if re.search(r"3\.\d+$", name)]
    assert text.rstrip().endswith("- run: .ci/run")


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_image_is_built_and_makes_a_run(tmp_path: Path) -> None:
    base = last("FROM").split()[0]
    if (
        shutil.which("docker") is None
        or docker("info").returncode
        or docker("pull", base).returncode
    ):
        pytest.skip("docker")
    built = docker("build", "--quiet", "--tag", "evolinstruct-test", str(ROOT))
    assert built.returncode == 0, built.stderr
    tmp_path.chmod(0o777)
    options = ("--client", "offline", "--limit", "3", "-g", "1", "--json")
    made = docker(
        *("run", "--rm", "--volume", f"{tmp_path}:/runs", "evolinstruct-test"),
        *("evolve", "starter", "-o", "run", *options),
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["status"] == "done"
    assert (tmp_path / "run" / "dataset.jsonl").stat().st_uid == int(last("USER"))

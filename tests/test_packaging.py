"""The wheel is whole: installed into an empty environment, the program runs anywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)


def pip(python: str | Path, *words: str | Path, cwd: Path) -> None:
    done = run(python, "-m", "pip", "--disable-pip-version-check", *words, cwd=cwd)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel; skip where the build's own tools cannot be had."""
    folder = tmp_path_factory.mktemp("wheel")
    probe = ("download", "--no-deps", "--retries", "0", "hatchling")
    if run(sys.executable, "-m", "pip", *probe, cwd=folder).returncode:
        pytest.skip("registry")
    pip(sys.executable, "wheel", ROOT, "--no-deps", "--wheel-dir", folder / "built", cwd=folder)
    (built,) = (folder / "built").iterdir()
    return built


def files_below(folder: Path) -> set[str]:
    paths = (path.relative_to(ROOT) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_and_both_data_folders_and_nothing_else(wheel: Path) -> None:
    data = files_below(ROOT / "prompts") | files_below(ROOT / "seeds")
    expected = files_below(ROOT / "evolinstruct") | {f"evolinstruct/_shipped/{n}" for n in data}
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected


def test_what_an_index_shows_links_to_nothing_that_only_the_repository_has(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        said = files.read(name).decode()
    assert "# evolinstruct" in said
    assert "your first hundred instructions" in said
    targets = re.findall(r"\]\(([^)]*)\)", said)
    assert all(target.startswith("https://") for target in targets)


def pythons() -> list[str]:
    """Return every Python of this machine that the program is for, one of each version."""
    places = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    named = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    found: dict[str, str] = {}
    for python in (sys.executable, *filter(None, named), *map(str, places)):
        script = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
        said = run(python, "-c", script, cwd=ROOT).stdout.split()
        if said and (int(said[0]), int(said[1])) >= (3, 11):
            found.setdefault(".".join(said), python)
    return list(found.values())


@pytest.fixture(scope="module", params=pythons())
def environment(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return an environment of one Python that holds the wheel, what it needs, and no pip."""
    folder = tmp_path_factory.mktemp("empty")
    run(request.param, "-m", "venv", "--without-pip", folder / "empty", cwd=folder)
    python = folder / "empty" / "bin" / "python"
    pip(sys.executable, "--python", python, "install", wheel, cwd=folder)
    return folder / "empty"


_MOST_PACKAGES = 34
_MOST_BYTES = 80_000_000
"""What an environment may hold, the program and what Python compiles included."""


def test_an_empty_environment_stays_small(environment: Path) -> None:
    (packages,) = environment.glob("lib/python3.*/site-packages")
    assert len(list(packages.glob("*.dist-info"))) <= _MOST_PACKAGES
    assert sum(path.stat().st_size for path in packages.rglob("*")) <= _MOST_BYTES


def test_the_installed_wheel_finds_its_data_from_another_directory(
    environment: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = environment / "bin" / "evolinstruct"

    packs = run(program, "prompts", "list", cwd=elsewhere)
    assert [line.split()[0] for line in packs.stdout.splitlines()] == sorted(
        path.parent.name for path in ROOT.glob("prompts/*/pack.toml")
    )
    options = ("-o", "run", "--client", "offline", "-g", "1", "--limit", "5", "--json")
    evolved = run(program, "evolve", "starter", *options, cwd=elsewhere)
    assert evolved.returncode == 0, evolved.stderr
    pools = [counts["pool"] for counts in json.loads(evolved.stdout)["generations"]]
    assert pools == [5, 5]
    assert {path.name for path in elsewhere.iterdir()} == {"run"}

"""`make run` builds the application in web/, and starts without it where that fails."""

import ast
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.dev.project import ROOT, Project

STAND_IN, BUILT = "web/public", "web/dist"


def with_application(project: Project, recipe: str) -> None:
    """Give the project an application, whose `make web-build` runs this line of shell."""
    (project.folder / "web").mkdir()
    (project.folder / "web/package.json").write_text("{}")
    (project.folder / "Makefile").write_text(f"web-build web/dist/.from-sources:\n\t@{recipe}\n")


def served(project: Project, **env: str) -> tuple[str | None, str]:
    """Run the project. Returns WEB_DIR of its web process, and the output until then."""
    run = project.run(**env).until_ready()
    environment = httpx.get(f"http://127.0.0.1:{project.port}/environment", trust_env=False).text
    return ast.literal_eval(environment)[-1], run.output


def test_the_application_is_built_and_served(project: Project) -> None:
    with_application(project, "mkdir -p web/dist && touch web/dist/.from-sources && echo building it")
    folder, output = served(project)
    assert folder == BUILT
    assert "`WEB=off make run` does not" in output
    assert "building it\nBuilt the application in" in output


@pytest.mark.case(370)
def test_without_a_build_the_stand_in_is_served(project: Project) -> None:
    """The registry is out of reach, or the application has a mistake: the API starts in any case."""
    with_application(project, "echo 'npm error network' >&2; exit 1")
    folder, output = served(project)
    assert folder == STAND_IN
    assert "npm error network\n" in output
    assert "The application is not built, for the reason above: web/public is served instead." in output


@pytest.mark.parametrize(("env", "folder"), [({"WEB": "off"}, STAND_IN), ({"WEB_DIR": "mine"}, "mine")])
def test_nothing_is_built_where_the_caller_decides(project: Project, env: Mapping[str, str], folder: str) -> None:
    with_application(project, "touch built")
    assert served(project, **env)[0] == folder
    assert not (project.folder / "built").exists()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A checkout in which everything is installed and built."""
    shutil.copy2(ROOT / "Makefile", tmp_path)
    for name in (
        "requirements-dev.txt",
        ".venv/.from-lock",
        "requirements-web.txt",
        ".node/.from-lock",
        "web/.npmrc",
        "web/package-lock.json",
        "web/node_modules/.from-lock",
        "web/package.json",
        "web/angular.json",
        "web/compress.mjs",
        "web/tsconfig.json",
        "web/tsconfig.app.json",
        "web/assets/mark.svg",
        "web/src/app/page.ts",
        "web/src/app/page.spec.ts",
        "web/dist/.from-sources",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    then = time.time() - 60
    for path in tmp_path.rglob("*"):  # a minute ago, because times of files have steps of some milliseconds
        os.utime(path, (then, then))
    return tmp_path


def planned(checkout: Path) -> set[str]:
    """Return what `make web-build` would do."""
    command = ["make", "--dry-run", "--assume-old", ".venv/.from-lock", "web/dist/.from-sources"]
    plan = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    steps = {"requirements-web.txt": "node", "npm ci": "packages", "run --silent build": "build"}
    return {step for word, step in steps.items() if word in plan}


def test_a_build_is_kept_until_a_file_changes(built: Path) -> None:
    assert planned(built) == set()
    (built / "web/src/app/page.spec.ts").write_text("it")
    assert planned(built) == set(), "specs are not part of it"


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("web/src/app/page.ts", {"build"}),
        ("web/src/app/new.ts", {"build"}),
        ("web/angular.json", {"build"}),
        ("web/assets/mark.svg", {"build"}),
        ("web/package-lock.json", {"packages", "build"}),
        ("requirements-web.txt", {"node", "packages", "build"}),
    ],
)
def test_a_changed_file_repeats_what_depends_on_it(built: Path, changed: str, steps: set[str]) -> None:
    (built / changed).write_text("changed")
    assert planned(built) == steps


def test_a_removed_file_is_a_change(built: Path) -> None:
    (built / "web/src/app/page.ts").unlink()
    assert planned(built) == {"build"}

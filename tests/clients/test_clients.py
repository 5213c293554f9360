"""Five generators make TypeScript clients of docs/openapi.json; each client compiles in strict mode, and so does code
that uses it. The packages have a lock of their own here, because the application in web/ needs one generator only."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from dev.part import StackError
from tests.clients import toolchain
from tests.clients.toolchain import HERE, NotInstalled, run

pytestmark = pytest.mark.timeout(600)  # the first run downloads


class Generator(msgspec.Struct, frozen=True):
    """`exact` is False for clients whose own code does not compile with exactOptionalPropertyTypes: it passes undefined
    for optional parameters. `base` is the line that has the server's URL."""

    name: str
    command: Callable[[str], list[str]]
    exact: bool
    base: str
    base_file: str


def openapi_generator(document: str) -> list[str]:
    kind = ["generate", "-g", "typescript-angular", "--additional-properties=ngVersion=22.2.0"]
    return [*toolchain.java(), *kind, "-i", document, "-o", "api"]


GENERATORS = [
    Generator(
        "ng-openapi-gen",
        lambda document: ["ng-openapi-gen", "-i", document, "-o", "api", "--services=true", "--promises=false"],
        exact=False,
        base="rootUrl: string = '/api';",
        base_file="api-configuration.ts",
    ),
    Generator("hey-api", lambda _: ["openapi-ts"], exact=False, base="baseUrl: '/api'", base_file="client.gen.ts"),
    Generator(
        "orval",
        lambda _: ["orval", "--config", "orval.config.mjs"],
        exact=True,
        base="`/api/users`",
        base_file="users/users.service.ts",
    ),
    Generator(
        "openapi-typescript",
        # By default, it demands the fields of a request that have a default.
        lambda document: ["openapi-typescript", document, "-o", "api/schema.d.ts", "--default-non-nullable=false"],
        exact=True,
        base='"/users": {',
        base_file="schema.d.ts",
    ),
    Generator(
        "openapi-generator", openapi_generator, exact=True, base="basePath = '/api';", base_file="api.base.service.ts"
    ),
]


@pytest.fixture(scope="module")
def packages() -> Path:
    try:
        toolchain.node_folder()
        return toolchain.node_modules()
    except StackError as error:
        skip(error)


def skip(error: StackError) -> NoReturn:
    """Skip the test, except in CI after a failed download."""
    if "CI" in os.environ and not isinstance(error, NotInstalled):
        raise error
    pytest.skip(str(error))


@pytest.fixture
def folder(packages: Path) -> Iterator[Path]:
    """An empty folder that node_modules is found from."""
    with tempfile.TemporaryDirectory(dir=packages) as name:
        yield Path(name)


def test_an_old_node_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v22.17.9\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(toolchain, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"Node\.js 22\.18 or later is required"):
        toolchain.node_folder()


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
def test_a_generated_client_compiles_and_is_usable(generator: Generator, folder: Path, root: Path) -> None:
    document = str(root / "docs/openapi.json")
    for config in HERE.glob("*.config.mjs"):
        shutil.copy(config, folder)
    try:
        command = generator.command(document)
    except StackError as error:
        skip(error)
    run(command, folder, {"OPENAPI": document})

    shutil.copy(HERE / "uses" / f"{generator.name}.ts", folder / "use.ts")
    options = {"exactOptionalPropertyTypes": generator.exact}
    (folder / "tsconfig.json").write_text(
        json.dumps({"extends": str(HERE / "tsconfig.json"), "compilerOptions": options, "include": ["api", "use.ts"]})
    )
    run(["tsc", "--project", "tsconfig.json"], folder)

    assert generator.base in (folder / "api" / generator.base_file).read_text(), "the client calls /api"
    for file in (folder / "api").rglob("*.ts"):
        # openapi-typescript writes them for parts that are absent.
        text = re.sub(r"\?: never\b|^    \w+: never;$|Record<string, never>", "", file.read_text(), flags=re.MULTILINE)
        # A null in an enum as text, and members that no value has (ng-openapi-gen#409, orval#1260).
        assert not re.search(r"""['"]null['"]|: never\b""", text), file

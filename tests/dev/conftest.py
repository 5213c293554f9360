from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack import Services, embedded
from tests.dev.project import EXTERNAL, Project


@pytest.fixture(autouse=True)
def no_external_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the embedded services, even if the rest of the suite does not."""
    for name in EXTERNAL:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="package")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="package")
def stack(data_dir: Path) -> Iterator[Services]:
    with pytest.MonkeyPatch.context() as environment:
        for name in EXTERNAL:
            environment.delenv(name, raising=False)
        with embedded(data_dir, durable=False) as services:
            yield services


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    yield project
    for run in project.runs:
        run.stop()

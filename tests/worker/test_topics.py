"""`python -m worker topics`: required and existing topics, and creating the missing ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.features import FEATURES
from api.kernel.contract.asyncapi import messages_of
from api.kernel.data.database import uuid7
from api.kernel.feature import consumers_of
from tests.conftest import ENVIRONMENT
from tests.worker.parts import APACHE

pytestmark = pytest.mark.case(221)
CONSUMED = {consumer.topic for consumer in consumers_of(FEATURES)}
SENT = {message.topic for message in messages_of(FEATURES) if message.action == "send"}
NEEDED = SENT | CONSUMED | {f"{topic}.dead" for topic in CONSUMED}


def topics(environment: dict[str, str], root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worker", "topics", *words]
    environ = {"PATH": os.environ["PATH"], **ENVIRONMENT, **environment}
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=100)


@pytest.fixture
def prefixed(environment: dict[str, str]) -> dict[str, str]:
    """A part of the test's broker."""
    return environment | {"KAFKA_PREFIX": f"{uuid7().hex}."}


def test_each_topic_of_an_event_a_consumer_and_its_dead_letters_is_listed(prefixed: dict[str, str], root: Path) -> None:
    shown = topics(prefixed, root)
    assert (shown.returncode, shown.stderr) == (1, "")
    rows = [line.split() for line in shown.stdout.splitlines() if "missing" in line and "--create" not in line]
    assert {row[0].removeprefix(prefixed["KAFKA_PREFIX"]) for row in rows} == NEEDED
    assert "python -m worker topics --create" in shown.stdout
    assert topics(prefixed, root).stdout == shown.stdout, "listing creates none"
    assert {"audit", "operations", "sessions", "users", "users.commands", "users.commands.dead"} <= NEEDED


@pytest.mark.skipif(not APACHE, reason="the embedded broker takes no administration requests: make test-kafka")
def test_missing_topics_are_created_with_partitions_and_retention(prefixed: dict[str, str], root: Path) -> None:
    made = topics(prefixed, root, "--create", "--partitions", "3", "--retention-days", "2")
    assert (made.returncode, made.stderr) == (0, "")
    shown = topics(prefixed, root)
    assert shown.returncode == 0
    rows = {
        line.split()[0].removeprefix(prefixed["KAFKA_PREFIX"]): line.split()[-3:] for line in shown.stdout.splitlines()
    }
    assert rows["users"] == ["3", "2.0", "days"]
    assert rows["users.commands.dead"] == ["3", "30.0", "days"]
    again = topics(prefixed, root, "--create")
    assert (again.returncode, "made" in again.stdout) == (0, False)


@pytest.mark.skipif(APACHE, reason="Apache Kafka makes them")
def test_a_broker_without_permission_is_reported(prefixed: dict[str, str], root: Path) -> None:
    refused = topics(prefixed, root, "--create")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("topics: this broker does not support creating topics")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--partitions", "0"], "from 1 to 10000"),
        (["--retention-days", "31"], "from 1 to 30"),
        (["--crate"], "--crate"),
    ],
)
def test_an_invalid_option_is_named(environment: dict[str, str], root: Path, words: list[str], told: str) -> None:
    refused = topics(environment, root, *words)
    assert refused.returncode == 2
    assert told in refused.stderr


@pytest.mark.case(266)
def test_tls_to_a_broker_without_it_is_one_line_with_the_remedy(environment: dict[str, str], root: Path) -> None:
    own = environment | {"KAFKA_URL": f"kafka+ssl://{environment['KAFKA_BOOTSTRAP_SERVERS']}"}
    del own["KAFKA_BOOTSTRAP_SERVERS"]
    refused = topics(own, root)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "topics: the server does not use TLS at this port: check KAFKA_URL"


def test_an_unavailable_broker_is_one_line(environment: dict[str, str], root: Path) -> None:
    refused = topics(environment | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, root)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "topics: Kafka does not answer (KafkaConnectionError)"


def test_a_broker_with_an_unknown_name_is_misconfigured(environment: dict[str, str], root: Path) -> None:
    """C-334: it is reported differently from an outage."""
    refused = topics(environment | {"KAFKA_BOOTSTRAP_SERVERS": "broker.invalid:9092"}, root)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("topics: the host name cannot be resolved: ")

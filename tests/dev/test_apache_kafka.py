"""`python -m dev.apache_kafka`."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dev import apache_kafka, maven
from dev.part import ROOT, StackError
from tests.worker.parts import APACHE

PROGRAM = [sys.executable, "-m", "dev.apache_kafka"]


def test_without_java_one_line_reports_it(tmp_path: Path) -> None:
    ended = subprocess.run([*PROGRAM, "true"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == "java is not installed: Apache Kafka needs Java 17 or later, and Maven to download it.\n"


def test_a_failed_download_is_retried_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = tmp_path / "tries"
    for name, script in {
        "java": "",
        "mvn": f'echo >> {tries}; test $(wc -l < {tries}) = 3 || {{ echo "no mirror" >&2; exit 1; }}; '
        'for each; do case $each in -DoutputDirectory=*) mkdir "${each#*=}"; esac; done',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(apache_kafka, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(maven, "PAUSE", 0.0)
    folder = apache_kafka._jars()
    assert capsys.readouterr().err.count("mvn could not download Apache Kafka:\n    no mirror\n") == 2

    folder.rmdir()
    with pytest.raises(StackError, match=r"mvn could not download Apache Kafka:\n    no mirror"):
        apache_kafka._jars()
    assert tries.read_text().count("\n") == 6


@pytest.mark.skipif(not APACHE, reason="make test-kafka")
def test_the_exit_status_is_the_commands() -> None:
    assert subprocess.run([*PROGRAM, "sh", "-c", "exit 7"], cwd=ROOT).returncode == 7


@pytest.mark.skipif(not APACHE, reason="make test-kafka")
def test_the_broker_dies_with_its_parent(tmp_path: Path) -> None:
    command = [*PROGRAM, "sh", "-c", "echo $KAFKA_BOOTSTRAP_SERVERS; exec sleep 60"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        host, port = program.stdout.readline().strip().split(":")
        socket.create_connection((host, int(port))).close()
        os.kill(program.pid, signal.SIGKILL)
        try:
            deadline = time.monotonic() + 60
            while _answers(host, int(port)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def _answers(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0

"""Brokers and Redis servers that a test may stop and restart."""

import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from api.kernel.settings import Settings
from dev import apache_kafka, redis
from dev.part import Part, stop
from dev.ports import free_port

APACHE = os.environ.get("TEST_BROKER") == "apache"
"""Whether the tests run against Apache Kafka, set by `python -m dev.apache_kafka`."""


class Child:
    """A server for one test."""

    part: Part

    def freeze(self) -> None:
        """Stop answering; the kernel still accepts connections."""
        self.part.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.part.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Reset connections and refuse new ones."""
        self.part.process.kill()
        self.part.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self.part.process.poll() is None:
            self.thaw()
        stop([self.part])


class Node(Child):
    """A node of Apache Kafka."""

    def __init__(self, properties: Path, logs: Path) -> None:
        self._properties, self._logs = properties, logs
        self.start()

    def start(self) -> None:
        """Start it, also after `kill`, with the same port and data. It answers in a few seconds."""
        self.part, self.address = apache_kafka.start(self._properties, self._logs)


class Broker(Node):
    """Return a broker of the kind that the tests run against: the embedded one, which cannot be restarted, or with
    `make test-kafka` Apache Kafka."""

    def __init__(self, folder: Path) -> None:
        if APACHE:
            [properties] = apache_kafka.make(folder / "kafka")
            super().__init__(properties, folder)
            self.part.wait()
        else:
            self.part = Part("kafka", [sys.executable, "-m", "dev.kafka"], folder, ready=r"^127\.0\.0\.1:\d+$")
            self.address = self.part.wait()

    def settings(self, settings: Settings) -> Settings:
        return at(settings, self.address)


def at(settings: Settings, *brokers: str) -> Settings:
    """Return the settings with other brokers."""
    return msgspec.structs.replace(
        settings, kafka=msgspec.structs.replace(settings.kafka, bootstrap_servers=tuple(brokers))
    )


class RedisServer(Child):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.start()

    def start(self) -> None:
        """Start it again on the same port, empty, after `kill`."""
        self.part, self.url = redis.start(self._folder / "redis", self._folder, self._port)
        self.part.wait()

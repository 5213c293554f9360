"""Apache Kafka in KRaft mode, one node or a cluster, run by the machine's Java; Maven downloads its jars.

`python -m dev.apache_kafka COMMAND…` runs a command with a broker, as `make test-kafka` does. `make run` uses
dev/kafka.py instead."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dev import maven
from dev.part import ROOT, Part, StackError, stop

VERSION = "4.1.1"
CACHE = ROOT / ".kafka"
# kafka-tools is only for the console producer, which needs none of its dependencies.
POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev</groupId><artifactId>apache-kafka</artifactId><version>{VERSION}</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{VERSION}</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
# Topics are created at first use, as with the embedded broker. Each node is broker and controller and has a copy of
# everything; all but one of the copies must acknowledge.
PROPERTIES = """process.roles=broker,controller
node.id={node}
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
controller.quorum.voters={voters}
log.dirs={data}
num.partitions=4
auto.create.topics.enable=true
default.replication.factor={nodes}
min.insync.replicas={acknowledging}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={nodes}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr={acknowledging}
group.initial.rebalance.delay.ms=0
"""
JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp")  # fast start, little memory


def make(folder: Path, nodes: int = 1, scram: Sequence[str] = ()) -> list[Path]:
    """Create the folders of a cluster. Returns each node's properties file, for `start`. `scram` are credentials in
    Kafka's syntax: SCRAM-SHA-256=[name=…,password=…].

    Raises StackError if Java, Maven or the jars are unavailable, or a folder cannot be formatted."""
    folder.mkdir()
    ports = _free_ports(2 * nodes)
    numbered = list(enumerate(zip(ports[:nodes], ports[nodes:], strict=True), 1))
    voters = ",".join(f"{node}@127.0.0.1:{controller_port}" for node, (_, controller_port) in numbered)
    made: list[Path] = []
    for node, (port, controller_port) in numbered:
        properties = folder / f"kafka-{node}.properties"
        properties.write_text(
            PROPERTIES.format(
                node=node,
                port=port,
                controller_port=controller_port,
                voters=voters,
                data=folder.resolve() / f"data-{node}",
                nodes=nodes,
                acknowledging=max(1, nodes - 1),
            )
        )
        format = ("kafka.tools.StorageTool", "format", "--cluster-id", "apache-kafka-for-tests", "--config")
        credentials = (word for each in scram for word in ("--add-scram", each))
        maven.run([*java(), *format, properties, *credentials], "format a folder")
        made.append(properties)
    return made


def start(properties: Path, logs: Path) -> tuple[Part, str]:
    """Start a node that `make` created, or restart it. Returns it and its host:port. A node of a cluster is ready when
    most of the nodes are.

    Raises StackError if Java or the jars are missing."""
    part = Part(properties.stem, [*java(), "kafka.Kafka", properties], logs, ready="Kafka Server started")
    address = next(line for line in properties.read_text().splitlines() if line.startswith("listeners="))
    return part, address.removeprefix("listeners=BROKER://").partition(",")[0]


def java() -> list[str]:
    """Return the command that runs a Kafka class, to be completed by its name. Raises StackError."""
    return [*JAVA, f"{_jars()}/*"]


def _jars() -> Path:
    """Return the folder of the jars. On the first call Maven downloads them and verifies their checksums."""
    folder = CACHE / hashlib.sha256(POM.encode()).hexdigest()[:12]
    for program in ("java",) if folder.exists() else ("java", "mvn"):
        if not shutil.which(program):
            raise StackError(
                f"{program} is not installed: Apache Kafka needs Java 17 or later, and Maven to download it."
            )
    if not folder.exists():
        maven.fetch(POM, folder, "Apache Kafka")
    return folder


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as listeners:
        opened = [listeners.enter_context(socket.socket()) for _ in range(count)]
        for listener in opened:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in opened]


def main(command: list[str]) -> int:
    """Run `command` with KAFKA_BOOTSTRAP_SERVERS set to a new broker. Returns its exit status, or 1 without a
    broker."""
    if not command:
        print("usage: python -m dev.apache_kafka COMMAND…", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="kafka-") as name:
        parts: list[Part] = []
        try:
            [node] = make(Path(name, "kafka"))
            part, address = start(node, Path(name))
            parts = [part]
            part.wait()
            print(f"Apache Kafka {VERSION} answers at {address}", flush=True)
            # The second variable makes tests that stop their own broker use this kind.
            env = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": address, "TEST_BROKER": "apache"}
            return subprocess.run(command, env=env, check=False).returncode
        except StackError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            stop(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

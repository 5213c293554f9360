"""Apache Kafka itself, one node in KRaft mode, by the machine's Java; its jars come from Maven Central by Maven.

`python -m dev.apache_kafka COMMAND…` runs a command beside one, as `make test-kafka` does. `make run` needs none: its
broker is dev/kafka.py.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.part import ROOT, Part, StackError, stop

VERSION = "4.1.1"
CACHE = ROOT / ".kafka"
MAVEN_SECONDS = 600.0
# The tools for their console producer alone, which needs none of what else they bring.
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
# A topic comes into being when it is first named, as with the embedded broker; one node holds one copy of all.
PROPERTIES = """process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={folder}/data
num.partitions=4
auto.create.topics.enable=true
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""
JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp")  # quick to start, and small


def start(folder: Path, logs: Path) -> tuple[Part, str]:
    """Start a broker on `folder`; return it and its host:port. A folder that had one has its data and ports again.

    Raises StackError when Java, Maven or the jars cannot be had, or the folder cannot be formatted.
    """
    properties = folder / "server.properties"
    program = java()
    if not properties.exists():
        folder.mkdir(exist_ok=True)
        port, controller_port = _free_ports()
        properties.write_text(PROPERTIES.format(port=port, controller_port=controller_port, folder=folder.resolve()))
        cluster = ("--cluster-id", "apache-kafka-for-tests")
        _run([*program, "kafka.tools.StorageTool", "format", *cluster, "--config", properties], "format a folder")
    part = Part("kafka", [*program, "kafka.Kafka", properties], logs, ready="Kafka Server started")
    address = next(line for line in properties.read_text().splitlines() if line.startswith("listeners="))
    return part, address.removeprefix("listeners=BROKER://").partition(",")[0]


def java() -> list[str]:
    """What runs a class of Kafka's; its name comes next. Raises StackError."""
    return [*JAVA, f"{_jars()}/*"]


def _jars() -> Path:
    """The folder of the jars, which Maven fills, of files whose checksums it has compared, on the first call."""
    folder = CACHE / hashlib.sha256(POM.encode()).hexdigest()[:12]
    for program in ("java",) if folder.exists() else ("java", "mvn"):
        if not shutil.which(program):
            raise StackError(f"There is no {program}: Apache Kafka needs Java 17 or later, and Maven to fetch it.")
    if folder.exists():
        return folder
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
        pom, filled = Path(unfinished, "pom.xml"), Path(unfinished, "jars")
        pom.write_text(POM)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={filled}"]
        _run(["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", pom, *goal], "fetch Apache Kafka")
        filled.rename(folder)
    return folder


def _run(command: list[str | Path], purpose: str) -> None:
    try:
        subprocess.run(command, capture_output=True, check=True, text=True, timeout=MAVEN_SECONDS)
    except subprocess.CalledProcessError as error:
        end = (error.stdout + error.stderr).splitlines()[-5:]
        raise StackError("\n    ".join([f"{command[0]} could not {purpose}:", *end])) from None
    except subprocess.TimeoutExpired:
        raise StackError(f"{command[0]} could not {purpose} within {MAVEN_SECONDS:.0f} s.") from None


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for listener in (first, second):
            listener.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def main(command: list[str]) -> int:
    """Run `command` with KAFKA_BOOTSTRAP_SERVERS naming a new broker; return its exit status, 1 without a broker."""
    if not command:
        print("usage: python -m dev.apache_kafka COMMAND…", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="kafka-") as name:
        parts: list[Part] = []
        try:
            part, address = start(Path(name, "kafka"), Path(name))
            parts = [part]
            part.wait()
            print(f"Apache Kafka {VERSION} answers at {address}", flush=True)
            # The second tells the tests that stop a broker of their own to take this kind of one.
            env = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": address, "TEST_BROKER": "apache"}
            return subprocess.run(command, env=env, check=False).returncode
        except StackError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            stop(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

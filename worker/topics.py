"""`python -m worker topics`: which topics this application needs, and which of them Kafka has; `--create` makes the
others. Ends with 1 where one is missing in the end."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, TopicAlreadyExistsError, for_code

from api.kernel.config.connections import Kafka
from api.kernel.contract.asyncapi import messages_of
from api.kernel.feature import Feature, consumers_of
from api.kernel.process.terminal import show
from worker.internals import Internals
from worker.security import explained, security

SECONDS = 30.0
DAY = 86_400_000
"""In milliseconds."""
DEAD = "dead letters"
MOST_DAYS = 30
"""A message that comes again after its row in the inbox is gone would have its effect again: sql/worker/sweep_inbox."""


class Unsupported(Exception):
    """The broker takes no administration requests, as the embedded one does not."""


class Needed(msgspec.Struct, frozen=True):
    """A topic as Kafka calls it, and what is in it."""

    name: str
    holds: str


class Found(msgspec.Struct, frozen=True):
    """What Kafka has; the retention is None where it does not tell."""

    partitions: int
    retention: str | None


class Options(msgspec.Struct, frozen=True):
    """Of topics that are made. `replicas` 0 is as many as there are brokers, up to three."""

    partitions: int = 6
    replicas: int = 0
    days: int = 7
    dead_days: int = 30

    def days_of(self, topic: Needed) -> int:
        return self.dead_days if topic.holds == DEAD else self.days


def needed_topics(features: Sequence[Feature], kafka: Kafka) -> list[Needed]:
    """The topics of the features' events, and of each consumer's messages and dead letters."""
    needed = {message.topic: "events" for message in messages_of(features) if message.action == "send"}
    for consumer in consumers_of(features):
        needed[consumer.topic] = "messages"
        needed[f"{consumer.topic}.dead"] = DEAD
    return [Needed(kafka.prefix + name, holds) for name, holds in sorted(needed.items())]


class Admin:
    """A client that asks for topics without making them."""

    def __init__(self, kafka: Kafka) -> None:
        self._client = AIOKafkaAdminClient(
            bootstrap_servers=list(kafka.bootstrap_servers),
            client_id="rest-angular-topics",
            request_timeout_ms=int(SECONDS * 1000),
            **security(kafka),
        )

    async def __aenter__(self) -> "Admin":
        await self._client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await Internals.discard_admin(self._client)

    async def find(self, needed: Sequence[Needed]) -> dict[str, Found]:
        """Those of the topics that Kafka has, and lets this user see. Raises KafkaError, OSError."""
        # All topics: to ask for one by name may make it.
        listed = {each["topic"]: len(each["partitions"]) for each in await self._client.describe_topics()}
        names = [each.name for each in needed if listed.get(each.name)]
        return {name: Found(listed[name], await self._retention(name)) for name in names}

    async def _retention(self, name: str) -> str | None:
        resource = ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None})
        try:
            [answer] = await self._client.describe_configs([resource])
        except IncompatibleBrokerVersion:
            return None
        entries = [entry for *_, entries in answer.resources for entry in entries]
        milliseconds = next((int(value) for key, value, *_ in entries if key == "retention.ms"), None)
        if milliseconds is None:
            return None
        return "for ever" if milliseconds < 0 else f"{milliseconds / DAY:.1f} days"

    async def create(self, topics: Sequence[Needed], options: Options) -> dict[str, str]:
        """Make these; the answer is why Kafka did not, by topic. Raises Unsupported, KafkaError, OSError."""
        cluster = await self._client.describe_cluster()
        if cluster.get("controller_id") not in {broker["node_id"] for broker in cluster["brokers"]}:
            raise Unsupported
        replicas = options.replicas or min(3, len(cluster["brokers"]))
        made = [
            NewTopic(
                each.name,
                options.partitions,
                replicas,
                topic_configs={"retention.ms": str(DAY * options.days_of(each))},
            )
            for each in topics
        ]
        answer = await self._client.create_topics(made)
        errors = {name: (for_code(code), words) for name, code, *words in answer.topic_errors if code}
        return {
            name: " ".join(filter(None, (kind.__name__, *words)))
            for name, (kind, words) in errors.items()
            if kind is not TopicAlreadyExistsError
        }


def table(needed: Sequence[Needed], found: dict[str, Found]) -> str:
    rows = [("topic", "holds", "partitions", "retention")]
    for each in needed:
        there = found.get(each.name)
        told = (str(there.partitions), there.retention or "not told") if there else ("missing, or not for us", "")
        rows.append((each.name, each.holds, *told))
    widths = [max(len(row[column]) for row in rows) + 2 for column in range(3)]
    return "\n".join(
        ("".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True))).rstrip() for row in rows
    )


async def run(kafka: Kafka, features: Sequence[Feature], options: Options | None) -> int:
    """Show the topics; with options, make what is missing first. Returns the exit status. Raises Unsupported,
    KafkaError, OSError."""
    needed = needed_topics(features, kafka)
    async with asyncio.timeout(SECONDS), Admin(kafka) as admin:
        found = await admin.find(needed)
        missing = [each for each in needed if each.name not in found]
        refused: dict[str, str] = {}
        if missing and options:
            refused = await admin.create(missing, options)
            made = [each for each in missing if each.name not in refused]
            found |= {each.name: Found(options.partitions, f"{options.days_of(each):.1f} days") for each in made}
            show("".join(f"made {each.name}\n" for each in made))
        show(table(needed, found))
    for name, reason in refused.items():
        show(f"{name} cannot be made: {reason}")
    if missing and not options:
        show("\nMake what is missing: python -m worker topics --create")
    return int(len(found) < len(needed))


def read(words: Sequence[str]) -> Options | None:
    """The options of a command line; None where nothing is to be made. Ends the process where they are wrong."""
    parser = argparse.ArgumentParser("python -m worker topics", description=__doc__)
    defaults = Options()
    parser.add_argument("--create", action="store_true", help="make the topics that are missing")
    for name, least, most, default, text in (
        ("partitions", 1, 10_000, defaults.partitions, "of each topic"),
        ("replication-factor", 0, 100, defaults.replicas, "copies; 0: one on each broker, up to three"),
        ("retention-days", 1, MOST_DAYS, defaults.days, "how long Kafka keeps events and messages"),
        ("dead-retention-days", 1, 3650, defaults.dead_days, "how long Kafka keeps dead letters"),
    ):
        help = f"{text} ({least} to {most}, default {default})"
        parser.add_argument(f"--{name}", type=_between(least, most), metavar="N", default=default, help=help)
    given = parser.parse_args(words)
    options = Options(given.partitions, given.replication_factor, given.retention_days, given.dead_retention_days)
    return options if given.create else None


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(word: str) -> int:
        if word.isascii() and word.isdigit() and least <= int(word[:9]) <= most:
            return int(word[:9])
        raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}")

    return number


def main(kafka: Kafka, features: Sequence[Feature], words: Sequence[str]) -> int:
    options = read(words)
    try:
        return asyncio.run(run(kafka, features, options))
    except Unsupported:
        sys.exit("topics: this broker cannot be asked to make topics; the embedded one makes each at its first use")
    except (KafkaError, OSError, RuntimeError) as error:
        _, remedy = asyncio.run(explained(kafka, error))
        sys.exit(f"topics: {remedy or f'Kafka does not answer ({type(error).__name__})'}")

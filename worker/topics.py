"""`python -m worker topics`: lists the topics that this application needs and shows which of them exist in Kafka.
`--create` creates the missing ones. Exits with status 1 if a topic is missing at the end."""

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
"""Maximum retention. A message consumed after its inbox row was deleted would be processed twice:
sql/worker/sweep_inbox."""


class Unsupported(Exception):
    """The broker does not support administration requests, such as the embedded one."""


class Needed(msgspec.Struct, frozen=True):
    """A topic by its name in Kafka, and its content."""

    name: str
    holds: str


class Found(msgspec.Struct, frozen=True):
    """A topic that exists. The retention is None if Kafka does not report it."""

    partitions: int
    retention: str | None


class Options(msgspec.Struct, frozen=True):
    """Options of new topics. `replicas` 0 means one per broker, up to three."""

    partitions: int = 6
    replicas: int = 0
    days: int = 7
    dead_days: int = 30

    def days_of(self, topic: Needed) -> int:
        return self.dead_days if topic.holds == DEAD else self.days


def needed_topics(features: Sequence[Feature], kafka: Kafka) -> list[Needed]:
    """Return the topics of the features' events, and of each consumer's messages and dead letters."""
    needed = {message.topic: "events" for message in messages_of(features) if message.action == "send"}
    for consumer in consumers_of(features):
        needed[consumer.topic] = "messages"
        needed[f"{consumer.topic}.dead"] = DEAD
    return [Needed(kafka.prefix + name, holds) for name, holds in sorted(needed.items())]


class Admin:
    """A client that queries topics without creating them."""

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
        """Return the needed topics that exist and are visible to this user. Raises KafkaError, OSError."""
        # Lists all topics, because querying one by name may create it.
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
        """Create the topics. Returns Kafka's errors by topic. Raises Unsupported, KafkaError, OSError."""
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
        state = (str(there.partitions), there.retention or "unknown") if there else ("missing or forbidden", "")
        rows.append((each.name, each.holds, *state))
    widths = [max(len(row[column]) for row in rows) + 2 for column in range(3)]
    return "\n".join(
        ("".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True))).rstrip() for row in rows
    )


async def run(kafka: Kafka, features: Sequence[Feature], options: Options | None) -> int:
    """Print the topics; with options, create the missing ones first. Returns the exit status. Raises Unsupported,
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
            show("".join(f"created {each.name}\n" for each in made))
        show(table(needed, found))
    for name, reason in refused.items():
        show(f"{name} cannot be created: {reason}")
    if missing and not options:
        show("\nCreate the missing topics: python -m worker topics --create")
    return int(len(found) < len(needed))


def read(words: Sequence[str]) -> Options | None:
    """Parse the command line. Returns None without --create. Exits the process if an option is invalid."""
    parser = argparse.ArgumentParser("python -m worker topics", description=__doc__)
    defaults = Options()
    parser.add_argument("--create", action="store_true", help="create the missing topics")
    for name, least, most, default, text in (
        ("partitions", 1, 10_000, defaults.partitions, "partitions of each topic"),
        ("replication-factor", 0, 100, defaults.replicas, "replicas of each partition; 0: one per broker, up to three"),
        ("retention-days", 1, MOST_DAYS, defaults.days, "retention of events and messages, in days"),
        ("dead-retention-days", 1, 3650, defaults.dead_days, "retention of dead letters, in days"),
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
        sys.exit("topics: this broker does not support creating topics; the embedded broker creates each at first use")
    except (KafkaError, OSError, RuntimeError) as error:
        _, remedy = asyncio.run(explained(kafka, error))
        sys.exit(f"topics: {remedy or f'Kafka does not answer ({type(error).__name__})'}")

"""C-214, C-215: passwords for Apache Kafka, with and without TLS, over IPv6, and the reports of refused clients. Part
of `make test-kafka`: the embedded broker has no SASL."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from api.kernel.config.connections import Kafka
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.kernel.telemetry.outages import no_tls, only_tls
from dev import apache_kafka
from dev.part import stop
from dev.ports import free_port
from tests.authority import LOOPBACK, Authority
from tests.worker.messages import noting
from tests.worker.parts import APACHE
from worker.consumer import Reader
from worker.kafka import KafkaUnavailable, Publisher
from worker.security import security
from worker.types import OutboxEvent

pytestmark = pytest.mark.skipif(not APACHE, reason="needs Apache Kafka: make test-kafka")

AUTHORITY = Authority()
PASSWORD = "s3cret pass,word"
GUEST = "guest's"
"""The password of a user without permissions."""
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
SECURITY = """
listeners={broker},OPEN://127.0.0.1:{open},CLOSED://[::1]:{closed},{controller}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,OPEN:SASL_PLAINTEXT,CLOSED:SASL_SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:plain;User:scram
ssl.keystore.type=PEM
ssl.keystore.certificate.chain={certificate}
ssl.keystore.key={key}
"""


class Broker(msgspec.Struct, frozen=True):
    open: int
    closed: int
    plain: int
    """The listener without SASL."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("sasl")
    scram = [f"{mechanism}=[name=scram,password={PASSWORD.replace(',', '')}]" for mechanism in MECHANISMS[1:]]
    [properties] = apache_kafka.make(folder / "kafka", scram=scram)
    ports = free_port(), free_port()
    properties.write_text(secured(properties.read_text(), *ports))
    part, address = apache_kafka.start(properties, folder)
    try:
        part.wait()
        yield Broker(*ports, int(address.rpartition(":")[2]))
    finally:
        stop([part])


def secured(text: str, open: int, closed: int) -> str:
    """Return the properties with two more listeners, which require a password."""
    listeners = re.search("^listeners=(BROKER:[^,]*),(CONTROLLER:.*)$", text, re.MULTILINE)
    assert listeners is not None
    pair = (pem.replace("\n", "\\n") for pem in AUTHORITY.sign("kafka", LOOPBACK))
    more = SECURITY.format(
        broker=listeners[1],
        controller=listeners[2],
        open=open,
        closed=closed,
        **dict(zip(("certificate", "key"), pair, strict=True)),
    )
    more += f"sasl.enabled.mechanisms={','.join(MECHANISMS)}\n"
    for name in ("open", "closed"):
        users = f'user_plain="{PASSWORD}" user_guest="{GUEST}"'
        login = f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        more += f"listener.name.{name}.plain.sasl.jaas.config={login}\n"
        for mechanism in MECHANISMS[1:]:
            module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            more += f"listener.name.{name}.{mechanism.lower()}.sasl.jaas.config={module}\n"
    rest = re.sub("^(listeners|listener.security.protocol.map)=.*\n", "", text, flags=re.MULTILINE)
    return rest + more


def kafka(broker: Broker, mechanism: str, *, tls: bool, **changes: Any) -> Kafka:
    plain = mechanism == "PLAIN"
    made = Kafka(
        bootstrap_servers=(f"[::1]:{broker.closed}" if tls else f"127.0.0.1:{broker.open}",),
        prefix=f"{uuid4().hex}.",
        tls=tls,
        trusted_cert=AUTHORITY.pem if tls else None,
        client_cert=None,
        client_cert_key=None,
        sasl_mechanism=mechanism,
        sasl_username="plain" if plain else "scram",
        sasl_password=PASSWORD if plain else PASSWORD.replace(",", ""),
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize("tls", [True, False], ids=["tls on ipv6", "open"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_events_are_published_and_messages_consumed(
    mechanism: str, tls: bool, broker: Broker, nowhere: Settings
) -> None:
    ours = kafka(broker, mechanism, tls=tls)
    event = OutboxEvent(
        uuid4(), "things.made", "things", "1", "{}", f"00-{'1' * 32}-{'2' * 16}-00", "now", 0, False, False
    )
    publisher = Publisher(msgspec.structs.replace(nowhere, kafka=ours))
    try:
        assert await publisher.publish([event]) == {}
    finally:
        await publisher.stop()
    consumer = AIOKafkaConsumer(
        f"{ours.prefix}things",
        bootstrap_servers=list(ours.bootstrap_servers),
        group_id=f"{ours.prefix}group",
        auto_offset_reset="earliest",
        **security(ours),
    )
    await consumer.start()
    try:
        record = await consumer.getone()
        assert dict(record.headers)["ce_id"] == str(event.id).encode()
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("mechanism", "tls", "change", "remedy"),
    [
        ("PLAIN", True, {"sasl_password": "canary-77"}, "KAFKA_SASL_PASSWORD"),
        ("SCRAM-SHA-512", False, {"sasl_password": "canary-77"}, "KAFKA_SASL_PASSWORD"),
        ("SCRAM-SHA-256", False, {"sasl_username": "stranger"}, "KAFKA_SASL_PASSWORD"),
        ("PLAIN", True, {"trusted_cert": Authority().pem}, "KAFKA_TRUSTED_CERT"),
        ("PLAIN", False, {"bootstrap_servers": ("broker.invalid:9092",)}, "the host name cannot be resolved"),
        ("PLAIN", False, {"bootstrap_servers": ("127.0.0.1:1",)}, None),
    ],
    ids=["wrong password", "wrong password, scram", "no such user", "another authority", "no such host", "down"],
)
async def test_a_refusal_is_not_reported_as_an_outage(
    mechanism: str,
    tls: bool,
    change: dict[str, Any],
    remedy: str | None,
    broker: Broker,
    nowhere: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher = Publisher(msgspec.structs.replace(nowhere, kafka=kafka(broker, mechanism, tls=tls, **change)))
    for _ in range(2):
        with pytest.raises(KafkaUnavailable):
            await publisher.publish([])
    [line] = [record for record in caplog.records if record.name == "worker.kafka"]
    assert line.getMessage() == f"kafka is {'misconfigured' if remedy else 'not available'}"
    fields: dict[str, str] = line.fields  # type: ignore[attr-defined]
    assert (remedy or "") in fields.get("remedy", "")
    assert "canary-77" not in str(fields)
    assert not fields["cause"].startswith("KafkaConnectionError: Unable to bootstrap")


@pytest.mark.case(266)
@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("tls", [True, False], ids=["client", "broker"])
async def test_tls_on_one_side_is_reported(
    tls: bool, broker: Broker, nowhere: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """With SASL, whose port without TLS is another one."""
    port = f"127.0.0.1:{broker.open}" if tls else f"[::1]:{broker.closed}"
    ours = kafka(broker, "PLAIN", tls=tls, bootstrap_servers=(port,))
    with pytest.raises(KafkaUnavailable):
        await Publisher(msgspec.structs.replace(nowhere, kafka=ours)).publish([])
    [line] = [record for record in caplog.records if record.name == "worker.kafka"]
    assert line.fields["remedy"] == (no_tls if tls else only_tls)("KAFKA_URL")  # type: ignore[attr-defined]


async def test_a_port_without_sasl_is_reported(
    broker: Broker, nowhere: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ours = kafka(broker, "PLAIN", tls=False, bootstrap_servers=(f"127.0.0.1:{broker.plain}",))
    with pytest.raises(KafkaUnavailable):
        await Publisher(msgspec.structs.replace(nowhere, kafka=ours)).publish([])
    [line] = [record for record in caplog.records if record.name == "worker.kafka"]
    assert "KAFKA_SASL_MECHANISM" in line.fields["remedy"]  # type: ignore[attr-defined]


@pytest.mark.case(265)
async def test_a_forbidden_topic_is_reported(broker: Broker, live: Context) -> None:
    """For a consumer; the relay keeps such topics in outbox_topics."""
    ours = kafka(broker, "PLAIN", tls=False)
    producer = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{broker.plain}")
    await producer.start()
    await producer.send_and_wait(f"{ours.prefix}tests.notes", b"{}")
    await producer.stop()
    guest = msgspec.structs.replace(ours, sasl_username="guest", sasl_password=GUEST)
    settings = msgspec.structs.replace(live.settings, kafka=guest)
    reader = Reader(msgspec.structs.replace(live, settings=settings), noting())
    reading = asyncio.create_task(reader.run())
    async with asyncio.timeout(60):
        while reader.outage.remedy is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    live.draining.set()
    await reading
    forbidden = f"topic {ours.prefix}tests.notes (TopicAuthorizationFailedError); see `python -m worker topics`"
    assert reader.outage.remedy == forbidden

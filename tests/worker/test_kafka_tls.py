"""TLS to brokers as on a PaaS, against a loopback server with generated certificates."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.kernel.config.connections import Kafka
from api.kernel.settings import Settings
from api.kernel.telemetry.outages import no_tls, only_tls
from dev.stack import Services
from tests.authority import Authority
from worker.kafka import KafkaUnavailable, Publisher
from worker.security import security

AUTHORITY = Authority()


def kafka(port: int = 1, **changes: Any) -> Kafka:
    certificate, key = AUTHORITY.sign("client")
    made = Kafka((f"127.0.0.1:{port}",), "", True, AUTHORITY.pem, certificate, key)
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[int]:
    """A server for TLS connections of this project's clients, with a certificate for another name. Returns its port."""
    files = [tmp_path / name for name in ("certificate", "key", "authority")]
    for file, pem in zip(files, (*AUTHORITY.sign("kafka-7.internal"), AUTHORITY.pem), strict=True):
        file.write_text(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # a client without a certificate fails in the handshake
    context.load_cert_chain(files[0], files[1])
    context.load_verify_locations(files[2])
    context.verify_mode = ssl.CERT_REQUIRED

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def greeting(port: int, settings: Kafka) -> bytes:
    context = security(settings)["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_with_a_private_authority_the_brokers_name_is_not_checked(broker: int) -> None:
    assert await greeting(broker, kafka()) == b"hello"
    assert security(kafka())["security_protocol"] == "SSL"


async def test_a_broker_of_another_authority_is_refused(broker: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"signature failure|unable to get local issuer"):
        await greeting(broker, kafka(trusted_cert=Authority().pem))


async def test_the_client_certificate_is_sent(broker: int) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await greeting(broker, kafka(client_cert=None, client_cert_key=None))


def test_with_a_public_authority_the_brokers_name_is_checked() -> None:
    context = security(kafka(trusted_cert=None))["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_no_key_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert security(kafka())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.case(266)
@pytest.mark.usefixtures("patient")
async def test_tls_to_a_broker_without_it_is_reported(
    services: Services, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    plain = kafka(bootstrap_servers=tuple(services.kafka_bootstrap_servers.split(",")), prefix="")
    with pytest.raises(KafkaUnavailable):
        await Publisher(msgspec.structs.replace(settings, kafka=plain)).publish([])
    [line] = [record for record in caplog.records if record.name == "worker.kafka"]
    assert line.fields["remedy"] == no_tls("KAFKA_URL")  # type: ignore[attr-defined]


@pytest.mark.case(266)
@pytest.mark.usefixtures("patient")
async def test_a_broker_with_tls_to_a_client_without_it_is_reported(
    broker: int, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KafkaUnavailable):
        await Publisher(msgspec.structs.replace(settings, kafka=kafka(broker, tls=False))).publish([])
    [line] = [record for record in caplog.records if record.name == "worker.kafka"]
    assert line.fields["remedy"] == only_tls("KAFKA_URL")  # type: ignore[attr-defined]


def test_without_tls_no_options_are_set() -> None:
    assert security(kafka(tls=False)) == {"security_protocol": "PLAINTEXT"}


async def test_an_invalid_certificate_is_an_outage_and_no_crash(settings: Settings) -> None:
    broken = kafka(trusted_cert="-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n")
    publisher = Publisher(msgspec.structs.replace(settings, kafka=broken))
    with pytest.raises(KafkaUnavailable, match="SSLError"):
        await publisher.publish([])

"""How the clients of Kafka authenticate and encrypt, and what is wrong where brokers refuse them."""

import asyncio
import contextlib
import ssl

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from api.kernel.config.connections import Kafka
from api.kernel.config.pem import as_file, client_context
from api.kernel.telemetry.outages import causes, connection_remedy, no_tls, only_tls, speaks_tls, words_of

EXPLAIN_SECONDS = 2.5
"""For finding out why. The relay has a transaction open meanwhile: see PUBLISH_SECONDS of worker/kafka.py."""
PROBE_SECONDS = 1.5
"""For one connection."""


def security(kafka: Kafka) -> dict[str, object]:
    """TLS and SASL, as arguments of aiokafka's clients. TLS is as a PaaS gives it: its own authority, a client
    certificate, and brokers whose names are in no certificate."""
    chosen: dict[str, object] = {"security_protocol": "PLAINTEXT"}
    if kafka.tls:
        chosen = {"security_protocol": "SSL", "ssl_context": _tls_context(kafka)}
    if kafka.sasl_mechanism:
        chosen["security_protocol"] = "SASL_SSL" if kafka.tls else "SASL_PLAINTEXT"
        chosen["sasl_mechanism"] = kafka.sasl_mechanism
        chosen["sasl_plain_username"], chosen["sasl_plain_password"] = kafka.sasl_username, kafka.sasl_password
    return chosen


def _tls_context(kafka: Kafka) -> ssl.SSLContext:
    context = client_context(kafka.trusted_cert)
    # With a public authority, only the name tells the brokers from other servers.
    context.check_hostname = kafka.trusted_cert is None
    if kafka.client_cert and kafka.client_cert_key:
        with as_file(kafka.client_cert) as certificate, as_file(kafka.client_cert_key) as key:
            context.load_cert_chain(certificate, key)
    return context


async def explained(kafka: Kafka, error: Exception, topic: str | None = None) -> tuple[str, str | None]:
    """The cause of a client's failure in its own words, and what to mend, where waiting does not help. `topic` is the
    one that the client asked for."""
    remedy = kafka_remedy(error, topic)
    if remedy is None and isinstance(error, KafkaConnectionError):  # not a time-out: that broker was connected to
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EXPLAIN_SECONDS):
                failure, remedy = await _try_to_connect(kafka)
                error = failure or error
    return words_of(error), remedy


async def _try_to_connect(kafka: Kafka) -> tuple[Exception | None, str | None]:
    """Why no broker can be connected to, which aiokafka's clients do not tell, and what to mend; no error where one
    can be."""
    failure, remedy = None, None
    for host, port, _ in collect_hosts(list(kafka.bootstrap_servers)):
        error = await _failure(host, port, security(kafka))
        if error is None:
            return None, None
        if remedy is None:
            failure, remedy = error, kafka_remedy(error) or await _tls_remedy(kafka, host, port, error)
    return failure, remedy


async def _tls_remedy(kafka: Kafka, host: str, port: int, error: Exception) -> str | None:
    """What to mend where only one side speaks TLS. A broker without it takes the handshake for a request that is too
    large, and closes the connection; a client without it takes an alert for an answer that never ends."""
    if isinstance(error, ConnectionRefusedError):
        return None
    if not kafka.tls:
        return only_tls("KAFKA_URL") if await speaks_tls(host, port) else None
    return no_tls("KAFKA_URL") if await _failure(host, port, {"security_protocol": "PLAINTEXT"}) is None else None


async def _failure(host: str, port: int, options: dict[str, object]) -> Exception | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            connection = await create_conn(host, port, client_id="rest-angular-probe", **options)
    except (KafkaError, OSError) as error:
        return error
    connection.close()
    return None


def kafka_remedy(error: BaseException, topic: str | None = None) -> str | None:
    """What to mend where brokers refuse a client, which asked for `topic`; None where they may just be down."""
    for each in causes(error):
        if isinstance(each, SaslAuthenticationFailed):
            return "Kafka refuses this user or password: check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
        if isinstance(each, UnsupportedSaslMechanismError | IllegalSaslStateError):
            return "Kafka takes no such SASL here: check KAFKA_SASL_MECHANISM and the port"
        if isinstance(each, UnknownTopicOrPartitionError | TopicAuthorizationFailedError) and topic:
            return f"topic {topic} ({type(each).__name__}); see `python -m worker topics`"
        if isinstance(each, GroupAuthorizationFailedError | ClusterAuthorizationFailedError):
            return f"Kafka's ACL lacks a right of this user ({type(each).__name__}): grant it"
    return connection_remedy(error, "KAFKA_URL", "KAFKA_TRUSTED_CERT")

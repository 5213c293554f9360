"""How the clients of Kafka authenticate and encrypt, and what is wrong where they are not let in."""

import asyncio
import ssl

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from api.kernel.config.connections import Kafka
from api.kernel.config.pem import as_file, client_context
from api.kernel.telemetry.outages import causes, connection_remedy, words_of

PROBE_SECONDS = 2.0


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
    # With a public authority, the name is all that tells the brokers from everybody else.
    context.check_hostname = kafka.trusted_cert is None
    if kafka.client_cert and kafka.client_cert_key:
        with as_file(kafka.client_cert) as certificate, as_file(kafka.client_cert_key) as key:
            context.load_cert_chain(certificate, key)
    return context


async def explained(kafka: Kafka, error: Exception) -> tuple[str, str | None]:
    """The cause of a client's failure in its own words, and what to mend, where waiting does not help."""
    if isinstance(error, KafkaConnectionError):
        error = await _try_to_connect(kafka) or error
    return words_of(error), kafka_remedy(error)


async def _try_to_connect(kafka: Kafka) -> Exception | None:
    """Why no broker can be connected to, which aiokafka's clients keep to themselves; None where one can be."""
    failure: Exception | None = None
    for host, port, _ in collect_hosts(list(kafka.bootstrap_servers)):
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                connection = await create_conn(host, port, client_id="rest-angular-probe", **security(kafka))
        except (KafkaError, OSError) as error:
            failure = error
        else:
            connection.close()
            return None
    return failure


def kafka_remedy(error: BaseException) -> str | None:
    """What to mend where brokers refuse us; None where they may just be down."""
    for each in causes(error):
        if isinstance(each, SaslAuthenticationFailed):
            return "Kafka refuses this user or password: check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
        if isinstance(each, UnsupportedSaslMechanismError | IllegalSaslStateError):
            return "Kafka takes no such SASL here: check KAFKA_SASL_MECHANISM and the port"
    return connection_remedy(error, "KAFKA_URL", "KAFKA_TRUSTED_CERT")

"""Settings of which each is right alone, and that contradict each other: one of them would be without effect, and the
operator would believe that it holds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.kernel.settings import Settings


def contradictions(settings: "Settings") -> Iterator[str]:
    """A message for each. A field is None where its variable was refused already."""
    if settings.metrics_token and not settings.metrics_port and settings.web_concurrency != 1:
        yield "METRICS_TOKEN alone answers for one process: set METRICS_PORT too, or WEB_CONCURRENCY to 1."
    if settings.metrics_port and settings.metrics_port == settings.port:
        yield "METRICS_PORT is also PORT: choose another, or set METRICS_TOKEN alone for /metrics on PORT."
    yield from _without_tls(settings)
    if settings.redis_ca_cert and settings.redis_tls_verify is False:
        yield "REDIS_CA_CERT is what Redis is verified with, and REDIS_TLS_VERIFY or its URL says not to: unset one."


def _without_tls(settings: "Settings") -> Iterator[str]:
    """Certificates for a connection that is not encrypted: it would send its password in clear text."""
    if settings.redis_ca_cert and settings.redis_url and not settings.redis_url.startswith("rediss://"):
        yield "REDIS_CA_CERT needs TLS: REDIS_URL must begin with rediss://."
    if settings.smtp and settings.smtp.ca_cert and settings.smtp.tls == "none":
        yield "SMTP_CA_CERT needs TLS: SMTP_URL must begin with smtp+starttls:// or smtps://."
    kafka = settings.kafka
    if kafka.bootstrap_servers and not kafka.tls:
        for name, pem in (("KAFKA_TRUSTED_CERT", kafka.trusted_cert), ("KAFKA_CLIENT_CERT", kafka.client_cert)):
            if pem:
                yield f"{name} needs TLS: write kafka+ssl:// before each broker."

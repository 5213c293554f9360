"""How to connect to Redis, and what to mend where it refuses."""

import ssl
from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from api.kernel.config.pem import client_context
from api.kernel.settings import Settings
from api.kernel.telemetry.outages import connection_remedy, first_answer, no_tls, only_tls, speaks_tls


class TlsConnection(SSLConnection):
    """With one SSLContext for all, since reading the authorities takes tens of milliseconds."""

    def __init__(self, tls: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context.context = tls


def redis_options(settings: Settings) -> dict[str, Any]:
    """What a pool of connections is made of. A PaaS often signs its own certificate, hence REDIS_TLS_VERIFY."""
    options: dict[str, Any] = {**parse_url(settings.redis_url)}
    if settings.redis_url.startswith("rediss://"):
        context = client_context(settings.redis_ca_cert)
        if not settings.redis_tls_verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        options |= {"connection_class": TlsConnection, "tls": context}
    return options


async def tls_remedy(options: Mapping[str, Any]) -> str | None:
    """What to mend where only one side speaks TLS. Neither tells the other: Redis takes a handshake for a command that
    has not ended, and with TLS it closes the connection. `options` are those of a pool of connections."""
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    if "path" in options:  # a socket
        return None
    if "tls" in options:
        answer = await first_answer(host, port, b"PING\r\n")
        return no_tls("REDIS_URL") if answer[:1] in (b"+", b"-") else None  # RESP: a result, or an error
    return only_tls("REDIS_URL") if await speaks_tls(host, port) else None


def redis_remedy(error: BaseException) -> str | None:
    """What to mend where Redis refuses us, or its certificate is not to be trusted; None where it may just be down."""
    if isinstance(error, AuthenticationError) or "NOAUTH" in str(error):
        return "Redis refuses this name or password: check REDIS_URL"
    if isinstance(error, NoPermissionError):
        return "the name in REDIS_URL lacks a privilege: see Redis' ACL"
    if isinstance(error, ResponseError) and "DB index" in str(error):
        return "there is no such database: check the number in REDIS_URL"
    return connection_remedy(error, "REDIS_URL", "REDIS_CA_CERT")

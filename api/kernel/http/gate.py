"""First checks of a request: the client's address behind trusted proxies, and the Host header."""

import functools
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from api.kernel.config.networks import Address, address_of
from api.kernel.errors import HOST_NOT_ALLOWED, path_of, render
from api.kernel.http.routing import PREFIX
from api.kernel.settings import Settings

logger = logging.getLogger(__name__)
_HEALTH = f"{PREFIX}/health"
_MOST_PEERS = 1024


class Gate:
    """ASGI middleware that sets the scope's `client` (None if there is no IP address) and `scheme`, and refuses hosts
    that are not in ALLOWED_HOSTS. Health checks accept any host, because routers use addresses."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._proxies, self._hosts = settings.trusted_proxies, settings.allowed_hosts
        self._warned = False
        self._peer = functools.lru_cache(_MOST_PEERS)(self._recognise)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._place(scope)
            host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
            checked = not (scope["path"] == _HEALTH or scope["path"].startswith(f"{_HEALTH}/"))
            if checked and not self._hosts.allows(host):
                return await render(HOST_NOT_ALLOWED(), path_of(scope))(scope, receive, send)
        await self.app(scope, receive, send)

    def _recognise(self, host: str) -> tuple[Address | None, str, bool]:
        """Return the address of a connection's peer, its text, and whether it is a trusted proxy."""
        peer = address_of(host.partition("%")[0])  # a link-local address has an interface suffix
        return peer, str(peer), peer is not None and self._proxies.trusts(peer, 0)

    def _place(self, scope: Scope) -> None:
        host, port = scope.get("client") or ("", 0)
        peer, text, is_trusted = self._peer(host)
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if peer is None:
            scope["client"] = None
        elif is_trusted:
            client = self._proxies.client(peer, forwarded) if forwarded else peer
            scope["client"] = (text, port) if client == peer else (str(client), 0)
            schemes = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
            nearest = schemes[-1].rpartition(b",")[2].strip(b" \t").lower() if schemes else b""
            if nearest in (b"http", b"https"):
                scope["scheme"] = nearest.decode()
        else:
            scope["client"] = (text, port)
            if forwarded and not self._warned:
                self._warned = True
                logger.warning("X-Forwarded-For from %s is ignored: TRUSTED_PROXIES does not name it", peer)

"""`/metrics` for Prometheus, in its text format 0.0.4: on the web port with METRICS_TOKEN, or on METRICS_PORT. Metrics
are collected when they are asked for."""

import asyncio
import errno
import hmac
import http.server
import logging
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import Histogram, Metric, MetricReader, MetricsData, Sum
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.kernel.errors import UNAUTHORIZED

logger = logging.getLogger(__name__)

PORTS = 64
"""As many as WEB_CONCURRENCY can be: each process takes the first free port from METRICS_PORT on."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SUFFIXES = {"s": "_seconds", "By": "_bytes"}
_SILENT_SECONDS = 10.0


class Exposition(MetricReader):
    """Renders what the meters hold, whenever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self._one_at_a_time = threading.Lock()
        self._collected: MetricsData | None = None

    def text(self) -> str:
        """Every metric, as Prometheus reads them. May be called from any thread."""
        with self._one_at_a_time:
            self.collect()
            return rendered(self._collected)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._collected = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


def rendered(data: MetricsData | None) -> str:
    """Metrics in Prometheus' text format. Names follow OpenTelemetry's rules for it: `a.b` in seconds is `a_b_seconds`,
    and a counter ends in `_total`."""
    lines: list[str] = []
    for resource in data.resource_metrics if data else ():
        lines += [
            "# HELP target_info This process",
            "# TYPE target_info gauge",
            _line("target_info", resource.resource.attributes, 1),
        ]
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                lines += _metric(metric)
    return "\n".join(lines) + "\n"


def _metric(metric: Metric) -> Iterator[str]:
    counts = isinstance(metric.data, Sum) and metric.data.is_monotonic
    kind = "histogram" if isinstance(metric.data, Histogram) else "counter" if counts else "gauge"
    suffix = "_total" if counts else ""
    name = f"{metric.name.replace('.', '_')}{_SUFFIXES.get(metric.unit or '', '')}{suffix}"
    yield f"# HELP {name} {_escaped(metric.description or '')}"
    yield f"# TYPE {name} {kind}"
    for point in metric.data.data_points:
        labels: Mapping[str, Any] = point.attributes or {}
        if kind == "histogram":
            below = 0
            for limit, count in zip((*point.explicit_bounds, "+Inf"), point.bucket_counts, strict=True):  # type: ignore[union-attr]
                below += count
                yield _line(f"{name}_bucket", {**labels, "le": limit}, below)
            yield _line(f"{name}_sum", labels, point.sum)  # type: ignore[union-attr]
            yield _line(f"{name}_count", labels, point.count)  # type: ignore[union-attr]
        else:
            yield _line(name, labels, point.value)  # type: ignore[union-attr]


def _line(name: str, labels: Mapping[str, Any], value: float) -> str:
    pairs = ",".join(f'{key.replace(".", "_")}="{_escaped(str(each))}"' for key, each in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def admits(token: str | None, authorization: str) -> bool:
    """Whether the Authorization header has the token, compared in constant time; yes, where none is asked for."""
    scheme, _, given = authorization.partition(" ")
    return token is None or (
        scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    )


class Scrapes:
    """ASGI: `/metrics` on the web port."""

    def __init__(self, exposition: Exposition, token: str) -> None:
        self._exposition = exposition
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = "/metrics"
        if not admits(self._token, Headers(scope=scope).get("authorization", "")):
            raise UNAUTHORIZED("Send METRICS_TOKEN as a bearer token.")
        text = await asyncio.to_thread(self._exposition.text)
        await Response(text, headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})(scope, receive, send)


class _Server(socketserver.ThreadingTCPServer):
    """Listens on IPv6 and IPv4, or on IPv4 alone where the machine has no IPv6."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        try:
            self.address_family = socket.AF_INET6
            super().__init__(("::", port), handler)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            self.address_family = socket.AF_INET
            super().__init__(("0.0.0.0", port), handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def listen(exposition: Exposition, first: int, token: str | None, web_port: int) -> int | None:
    """Serve `/metrics` from a thread, so that it answers also while the event loop is stuck, on the first free port
    from `first` on but `web_port`, which `web` may not have taken yet. Returns the port, or None where none can be
    had."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = _SILENT_SECONDS

        def do_GET(self) -> None:
            found, admitted = self.path.partition("?")[0] == "/metrics", True
            if found:
                admitted = admits(token, self.headers.get("authorization", ""))
            body = exposition.text().encode() if found and admitted else b""
            self.send_response_only(200 if body else 404 if admitted else 401)
            self.send_header("content-type", CONTENT_TYPE)
            self.send_header("content-length", str(len(body)))
            if not admitted:
                self.send_header("www-authenticate", "Bearer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    last = min(first + PORTS + (first <= web_port <= first + PORTS), 65_536)
    server = _bound([port for port in range(first, last) if port != web_port], Handler)
    if server is None:
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    port: int = server.server_address[1]
    logger.info("metrics are served", extra={"fields": {"port": port}})
    return port


def _bound(ports: Sequence[int], handler: type[http.server.BaseHTTPRequestHandler]) -> _Server | None:
    for port in ports:
        try:
            return _Server(port, handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port != ports[-1]:
                continue
            fields = {"port": port, "cause": error.strerror}
            logger.error("metrics are not served: check METRICS_PORT", extra={"fields": fields})
            break
    return None

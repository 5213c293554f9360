"""This backend as run in production, with the features that other lines omit: limits, traces, the access log."""

import contextlib
import functools
import http.server
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Sequence

from benchmarks.accounts import ME, Account, bearer, gets
from benchmarks.load import LOAD_CORE, drive, on_core
from benchmarks.servers import Server, environment_for, serving
from dev.stack import Services

NAME = "this backend, with limits, 1% of traces and the access log"


@contextlib.contextmanager
def as_in_production(
    services: Services, accounts: Sequence[Account], module: Sequence[str] = ("api",)
) -> Iterator[Server]:
    """Run this backend with limits, 1% of traces and the access log. Checks that all three work."""
    with on_core(LOAD_CORE):
        drain = subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    collected = threading.Event()
    with drain, _collector(collected) as endpoint:
        assert drain.stdin
        environment = environment_for(
            services,
            9203,
            RATE_LIMIT_ANONYMOUS="1000000/second",
            RATE_LIMIT_SIGNED_IN="1000000/second",
            RATE_LIMIT_CREDENTIALS="1",
            LOG_LEVEL="INFO",
            LOG_FORMAT="json",
            OTEL_TRACES_SAMPLER="parentbased_traceidratio",
            OTEL_TRACES_SAMPLER_ARG="0.01",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=endpoint,
        )
        with serving(NAME, module, environment, stdout=drain.stdin.fileno()) as server:
            asked = urllib.request.Request(f"http://127.0.0.1:{server.port}{ME}", headers=bearer(accounts[0]))
            with urllib.request.urlopen(asked) as answer:
                assert answer.headers["x-ratelimit-limit"] == "1000000", "the limits are off"
            for _ in range(10):  # a slow machine may need more than a second for a request that is sampled
                warm = drive(server.port, 1.0, functools.partial(gets, ME, accounts))
                if collected.wait(10):
                    break
            else:
                raise AssertionError("no trace was exported")
            yield server
        lines = int(drain.communicate(timeout=60)[0])
        assert lines > warm.rate, "not every request is logged"


@contextlib.contextmanager
def _collector(collected: threading.Event) -> Iterator[str]:
    """Yield the address of an OTLP collector on loopback that accepts and discards everything."""

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.rfile.read(int(self.headers["content-length"])):
                collected.set()
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces"
        finally:
            server.shutdown()
